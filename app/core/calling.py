"""Webhooks that we send: which events there are, what is sent of one, how it is signed, and when it is tried again.

The signature is that of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, time and body, in base64 behind
`v1,`. During a change of secrets both sign, a signature each, so that the receiver may change at any moment between.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.core.money import from_minor

VERSION: Final = 1
"""Of the shape of what is sent. What is added to it later is no other version."""
GIVE_UP_AFTER: Final = timedelta(days=3)
OVERLAP: Final = timedelta(hours=24)
"""How long the former secret signs as well, after it was changed."""
KEPT_DAYS: Final = 30
FIRST_WAIT_SECONDS: Final = 5.0
LONGEST_WAIT_SECONDS: Final = 6 * 3600.0
LONGEST_REST_SECONDS: Final = 300.0
_PREFIX: Final = "whsec_"
_RANDOM_BYTES: Final = 32
_FACTOR: Final = 4.0
_JITTER: Final = 0.2
_AMOUNTS: Final = frozenset({"total", "credited"})


class Event(StrEnum):
    """What an endpoint may ask to be told, as it stands in `type`. These words never change."""

    INVOICE_ISSUED = "invoice.issued"
    CREDIT_NOTE_ISSUED = "credit_note.issued"
    ORDER_HELD = "order.held"
    NUMBER_WRITTEN = "write_back.done"
    NUMBER_NOT_WRITTEN = "write_back.failed"
    STOCK_CHANGED = "stock.changed"
    CHANNEL_PAUSED = "channel.paused"
    CHANNEL_RESUMED = "channel.resumed"


TEST: Final = "endpoint.test"
"""The type of what *Send a test* sends; nobody asks for it, and every endpoint gets it."""


def new_secret() -> str:
    """A secret that nobody guesses, as libraries for Standard Webhooks take it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,…` over what is sent. ValueError when the secret is none."""
    key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(secrets_: Sequence[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """What goes along with the body; each secret signs it."""
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets_),
    }


def body_of(*, message_id: str, type_: str, created_at: datetime, store: str, data: Mapping[str, Any]) -> bytes:
    """What is sent, the same at every try. Amounts, kept in minor units, are sent as plain decimals in a string."""
    sent = {
        "id": message_id,
        "type": type_,
        "version": VERSION,
        "created_at": created_at.astimezone(UTC).isoformat(),
        "store": store,
        "data": _told(data),
    }
    return json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def wait_seconds(attempts: int, roll: float) -> float:
    """How long to wait after so many failures; `roll`, from 0 to 1, spreads those that failed together."""
    plain = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * float(_FACTOR ** min(max(attempts - 1, 0), 12)))
    return plain * (1 - _JITTER + 2 * _JITTER * roll)


def rest_seconds(failures: int) -> float:
    """How long an address that did not answer so many times in a row is left alone, whatever waits for it."""
    return float(min(LONGEST_REST_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(max(failures - 1, 0), 10)))


def is_given_up(planned_at: datetime, next_at: datetime) -> bool:
    """Whether the next try would come too late."""
    return next_at > planned_at + GIVE_UP_AFTER


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    currency = data.get("currency")
    if not isinstance(currency, str):
        return dict(data)
    return {name: _amount(value, currency) if name in _AMOUNTS else value for name, value in data.items()}


def _amount(minor: Any, currency: str) -> Any:
    if not isinstance(minor, int):
        return minor
    amount: Decimal = from_minor(minor, currency)
    return f"{amount:f}"
