"""How KiotViet calls out: signed over the raw body, three times at most, never again to who refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from typing import ClassVar

from app.sandbox import postman
from app.sandbox.calling import wire_text
from app.sandbox.kiotviet.dialect import spoken
from app.sandbox.kiotviet.outbox import silence
from app.sandbox.postman import Letter

_STOPPING = (400, 401, 403, 404, 405)
"""Answers after which an address is called no more."""
_PREFIXES = {"sha1=": "sha1=", "sha256=": "sha256=", "bare": ""}


class Postman(postman.Postman):
    """The threads that send."""

    most_tries: ClassVar[int] = 3
    first_pause: ClassVar[float] = 0.5

    def letter(self, due: sqlite3.Row, *, well_signed: bool) -> Letter:
        """The body with the number of this attempt, and its signature where the address has a secret.

        The key is the text that was registered, not what it decodes to, and the name in front of the digits is a
        wrong one: both as the channel does it.
        """
        told = json.loads(due["body"])
        if "Attempt" in told:
            told["Attempt"] = due["tries"] + 1
        body = wire_text(told)
        headers = {"X-Webhook-Delivery": told.get("Id", f"{due['delivery_id']:032x}")}
        if "Notifications" in told:
            headers["X-Webhook-Event"] = told["Notifications"][0]["Action"]
        signed = ""
        if due["secret"]:
            secret = due["secret"] if well_signed else f"not {due['secret']}"
            digits = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
            signed = _PREFIXES[spoken(self._db, due["shop_id"])["signature"]] + digits
            headers["X-Hub-Signature"] = signed
        return Letter(body, headers, signed)

    def taken(self, due: sqlite3.Row, status: int | None) -> bool:
        """Any 2xx will do; a refusal is the end of it as well, and some are the end of the address."""
        if status in _STOPPING:
            silence(self._db, due["shop_id"], due["url"])
        return status is not None and (200 <= status < 300 or 400 <= status < 500)
