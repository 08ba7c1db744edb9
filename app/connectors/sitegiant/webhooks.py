"""What SiteGiant calls out by itself: whether a call is really its own, and which orders it names.

Public is only that it is signed with an HMAC over the data, in the `Authorization` header. That the hash is SHA-256
is our assumption, and so are the names in the body, therefore several are read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask_babel import gettext as _

from app.connectors.fields import ID_LENGTH, text
from app.core.errors import BadSignature
from app.core.types import Announcement

MOST_ORDERS: Final = 500
"""So many orders of one call are looked at; the next check finds the others."""
_ORDER_ID: Final = ("order_id", "orderId", "id")
_INSIDE: Final = ("data", "order", "orders", "order_list", "payload", "response")
_KEY_LENGTH: Final = 100


def announced(headers: Mapping[str, str], body: bytes, secret: str) -> Announcement:
    """What a call announces; BadSignature when it is not signed with `secret`."""
    told = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    if not is_signed(told, body, secret):
        raise BadSignature(_("This did not come from SiteGiant: its signature is wrong."))
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    found = _parsed(body)
    if not isinstance(found, Mapping):
        return Announcement(digest, "", ())
    key = text(found, "delivery_id", "webhook_delivery_id", "event_id") or _own_id(found)
    topic = text(found, "topic", "event")[:_KEY_LENGTH]
    known_by = key if key and len(key) <= _KEY_LENGTH and key.isprintable() else digest
    return Announcement(known_by, topic if topic.isprintable() else "", _order_ids(found))


def is_signed(told: str, body: bytes, secret: str) -> bool:
    """Whether the header holds the HMAC-SHA256 of the body, in hex or base64, perhaps behind a word like `Bearer`."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    said = told.strip().rpartition(" ")[2].removeprefix("sha256=").encode()
    # Both are compared whatever the first says, so that the time tells nothing.
    return hmac.compare_digest(said.lower(), mac.hex().encode()) | hmac.compare_digest(said, base64.b64encode(mac))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=_small, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _small(digits: str) -> int | str:
    """A number as an id may be; the text of one that nobody counts with."""
    return int(digits) if len(digits) <= ID_LENGTH else digits


def _own_id(found: Mapping[str, Any]) -> str:
    """The call's own `id`, where the order's is somewhere else."""
    return text(found, "id") if _named(found, _ORDER_ID[:2]) or any(name in found for name in _INSIDE) else ""


def _order_ids(found: Mapping[str, Any]) -> tuple[str, ...]:
    """The orders that are named, each once: beside the topic, or in what lies inside it."""
    inner = [found[name] for name in _INSIDE if name in found]
    beside = _named(found, _ORDER_ID[:2] if inner else _ORDER_ID)
    ids = [*beside, *(order_id for value in inner for order_id in _inside(value))]
    return tuple(dict.fromkeys(ids))[:MOST_ORDERS]


def _inside(value: Any) -> Iterator[str]:
    for row in value if isinstance(value, list) else [value]:
        if isinstance(row, Mapping):
            yield from _named(row, _ORDER_ID)


def _named(row: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """The ids under the first of these names that holds any; one, or a list of them."""
    for name in names:
        value = row.get(name)
        ids = [text({"id": one}, "id") for one in (value if isinstance(value, list) else [value])]
        if good := [one for one in ids if one.isprintable() and 0 < len(one) <= ID_LENGTH and " " not in one]:
            return good
    return []
