"""How SiteGiant calls out: signed in one of two spellings, and tried again until it is answered with 200."""

from __future__ import annotations

import base64
import hashlib
import hmac
import sqlite3
from typing import ClassVar

from app.sandbox import postman
from app.sandbox.postman import Letter


class Postman(postman.Postman):
    """The threads that send."""

    most_tries: ClassVar[int] = 4
    first_pause: ClassVar[float] = 1.0

    def letter(self, due: sqlite3.Row, *, well_signed: bool) -> Letter:
        """The body with its HMAC; the channel does not say how it is spelled, so both spellings are sent."""
        secret = due["secret"] if well_signed else f"not {due['secret']}"
        mac = hmac.new(secret.encode(), due["body"].encode(), hashlib.sha256)
        as_hex = due["delivery_id"] % 2 == 0
        signed = mac.hexdigest() if as_hex else base64.b64encode(mac.digest()).decode()
        return Letter(due["body"], {"Authorization": signed}, signed)

    def taken(self, due: sqlite3.Row, status: int | None) -> bool:
        """Only a 200 will do."""
        return status == 200
