"""One call on its way through a sandbox, and the answers it may get."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_WRITER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, apart from the rate-limit headers; with a `drip` byte by byte, so many seconds apart."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0


@dataclass(slots=True, kw_only=True)
class Call:
    """A call whose token was right; `slide` is how a fault moves the pages of a list."""

    call_id: int
    query: Mapping[str, str]
    body: bytes
    environ: Mapping[str, Any]
    tail: str = ""
    """What stands in the path behind the route, such as an id."""
    slide: int = 0  # rows by which the pages after the first begin too late, or too early when negative

    def failure(self, status: int, message: str) -> Answer:
        """A failure as this channel words it."""
        raise NotImplementedError

    def slid(self, offset: int) -> int:
        """Where a page begins that should begin at this offset."""
        return max(offset + self.slide, 0) if offset else 0


def wire_text(value: object) -> str:
    """JSON as a sandbox sends it: compact, and Unicode as itself."""
    return _WRITER.encode(value)
