"""The only code that opens secrets: what channels are called with, and what people's sign-in codes are made from.

Secrets lie encrypted in the database under keys that only the environment knows. The newest key seals and every
key opens, so keys can be changed without a moment in which nothing can be read. A sealed value says when it was
sealed; that is all that pages show of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app


class BrokenSeal(Exception):
    """A sealed value cannot be opened: none of our keys sealed it, it was altered, or it is too old."""


def seal(secrets: Mapping[str, str]) -> bytes:
    """Encrypt named secrets, so that they may be stored."""
    return _box().encrypt(json.dumps(dict(secrets), ensure_ascii=False).encode())


def open_sealed(sealed: bytes, *, max_age_seconds: int | None = None) -> dict[str, str]:
    """The secrets in `sealed`; BrokenSeal when it cannot be opened or is older than allowed."""
    try:
        opened = json.loads(_box().decrypt(sealed, ttl=max_age_seconds))
    except InvalidToken:
        raise BrokenSeal("no key in CREDENTIAL_KEYS opens it") from None
    return {str(name): str(value) for name, value in opened.items()}


def sealed_at(sealed: bytes) -> datetime | None:
    """When the secrets were set, to the second; None when no key of ours opens them any more."""
    try:
        return datetime.fromtimestamp(_box().extract_timestamp(sealed), UTC)
    except InvalidToken:
        return None


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in current_app.extensions["settings"].credential_keys])
