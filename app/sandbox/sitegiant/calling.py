"""One call to SiteGiant on its way, and the answers as SiteGiant words them."""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox import calling
from app.sandbox.calling import Answer, wire_text
from app.sandbox.sitegiant.shop import Shop


@dataclass(slots=True, kw_only=True)
class Call(calling.Call):
    """A call whose token was right; the last three are how faults colour the answer of its route."""

    shop: Shop
    string_code: bool = False
    bare_list: bool = False
    failing_row: int | None = None  # place of the row of a write that fails, from 1; 0: all of them

    def row_fails(self, place: int) -> bool:
        """Say whether the row at this place of a write is to fail."""
        return self.failing_row is not None and self.failing_row in (0, place)

    def failure(self, status: int, message: str) -> Answer:
        """A failure with its status as its code."""
        return refusal(status, message, status=status)


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
