"""One call to KiotViet on its way, and the answers as KiotViet words them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from app.sandbox import calling
from app.sandbox.calling import Answer, wire_text
from app.sandbox.kiotviet.clock import BadTime, moment_of
from app.sandbox.kiotviet.shop import Shop
from app.sandbox.kiotviet.tokens import LIFETIME

Fields = dict[str, Any]
"""A body that was sent, its names in lower case throughout: KiotViet does not look at their case."""


def _nothing(*_given: object) -> None:
    """Do nothing."""


class Refused(Exception):
    """The call is refused: by default as a rule of the business is, with HTTP 420 and a sentence for people."""

    def __init__(self, message: str, *, code: str = "KvException", status: int = 420) -> None:
        self.message, self.code, self.status = message, code, status
        super().__init__(message)


@dataclass(slots=True, kw_only=True)
class Call(calling.Call):
    """A call whose token and shop were right; `query` has lower-case names, `lists` all values of each."""

    shop: Shop
    dialect: Mapping[str, str]
    content_type: str = ""
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expire: Callable[[], None] = _nothing
    """Makes the token of the call a bad one."""
    spend_quota: Callable[[float], None] = _nothing
    """Leaves nothing of the quota for so many seconds."""
    moving: int = 0  # rows that are edited before a page is read, as a fault wants it
    token_lifetime: float = LIFETIME  # seconds that a token of this call lasts

    def failure(self, status: int, message: str) -> Answer:
        """A failure of the server's, not of a rule."""
        return error(status, "KvException", message, self.dialect)

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value of the query."""
        return truth(self.query.get(name, default))

    def number(self, name: str, default: int) -> int:
        """A whole number of the query; what is none is a malformed request."""
        text = self.query.get(name, "").strip()
        return _number(name, text) if text else default

    def numbers(self, name: str) -> list[int]:
        """Whole numbers of the query: joined by commas, repeated or in brackets, as clients send them."""
        texts = [part.strip() for text in self.lists.get(name, ()) for part in text.split(",")]
        return [_number(name, text) for text in texts if text]

    def moment(self, name: str) -> int | None:
        """A time of the query, as the shop's wall clock shows it."""
        text = self.query.get(name, "").strip()
        if not text:
            return None
        try:
            return moment_of(text)
        except BadTime:
            raise Refused(f"{name}: {text}", code="RequestBindingException", status=400) from None

    def fields(self) -> Fields:
        """The body, JSON or a form; an empty one is an empty object."""
        if self.content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            return {name.lower(): value for name, value in parse_qsl(self.body.decode("utf-8", "replace"))}
        if not self.body.strip():
            return {}
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused("The body is not a JSON object", code="SerializationException", status=400)
        lowered: Fields = _lowered(found)
        return lowered


def error(status: int, code: str, message: str, dialect: Mapping[str, str], **headers: str) -> Answer:
    """A failure in the channel's words."""
    body: dict[str, Any] = {"responseStatus": {"errorCode": code, "message": message, "errors": []}}
    if dialect.get("error_place") == "message":
        body = {"message": message}
    return Answer(status, wire_text(body).encode(), headers=headers)


def success(value: object) -> Answer:
    """HTTP 200 with this value: KiotViet knows no 201 and no 204."""
    return Answer(200, wire_text(value).encode(), content_type="application/json; charset=utf-8")


def _number(name: str, text: str) -> int:
    """A number of 64 bits."""
    try:
        found = int(text[:30])
    except ValueError:
        found = 2**63
    if abs(found) >= 2**63:
        raise Refused(f"{name}: {text}", code="RequestBindingException", status=400)
    return found


def truth(value: object) -> bool:
    """Read a truth value: clients send true, True and 1."""
    return str(value).strip().lower() in ("true", "1")


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name).lower(): _lowered(member) for name, member in value.items()}
    return [_lowered(member) for member in value] if isinstance(value, list) else value
