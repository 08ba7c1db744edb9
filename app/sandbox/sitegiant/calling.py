"""One call on its way through the sandbox, and the answers it may get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.sitegiant.shop import Shop, wire_text


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(slots=True)
class Call:
    """A call whose token was right; the last four are how faults colour the answer of its route."""

    shop: Shop
    call_id: int
    query: Mapping[str, str]
    body: bytes
    environ: Mapping[str, Any]
    tail: str = ""
    """What stands in the path behind the route, such as an id."""
    string_code: bool = False
    bare_list: bool = False
    failing_row: int | None = None  # place of the row of a write that fails, from 1; 0: all of them
    slide: int = 0  # rows by which the pages after the first begin too late, or too early when negative

    def row_fails(self, place: int) -> bool:
        """Say whether the row at this place of a write is to fail."""
        return self.failing_row is not None and self.failing_row in (0, place)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, apart from the rate-limit headers; with a `drip` byte by byte, so many seconds apart."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0


def success(call: Call, response: str) -> Answer:
    """The usual answer around a `response` that is JSON text already; its code is a number or a string."""
    code = '"200"' if call.string_code else "200"
    return Answer(200, f'{{"code":{code},"response":{response}}}'.encode())


def refusal(code: int | str, message: str, *, status: int = 200) -> Answer:
    """A failure in the body: logical ones come inside HTTP 200, as the channel does it."""
    return Answer(status, wire_text({"code": code, "message": message}).encode())


def too_many(wait: int) -> Answer:
    """HTTP 429 with the seconds to wait."""
    body = wire_text({"code": 429, "message": "Too many requests"}).encode()
    return Answer(429, body, headers={"Retry-After": str(wait)})
