"""Paging by place, not by number: a cursor names the last row seen, so page 1,000 costs what page 1 costs.

A list is sorted by one value and then by id, both in the same direction. A cursor holds those two of one row;
it opens nothing, because rows are chosen by the store's scope and never by the cursor.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
SortValue = datetime | date | int | str | None

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_CURSOR = 600


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of one row in a list."""

    value: SortValue
    id: int

    def encode(self) -> str:
        """The cursor as text for a URL."""
        kind, plain = _packed(self.value)
        return urlsafe_b64encode(json.dumps([kind, plain, self.id]).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str | None) -> Cursor | None:
        """The cursor that `text` holds, or None when it holds none: a broken link starts the list again."""
        if not text or len(text) > _MAX_CURSOR:
            return None
        try:
            kind, plain, row_id = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if type(row_id) is not int or abs(row_id) >= 2**63:
                return None
            return cls(_UNPACK[kind](plain), row_id)
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class Keyset:
    """Which page of a list is wanted: from the start, `after` a row, or the one that ends `before` a row."""

    after: Cursor | None = None
    before: Cursor | None = None
    limit: int = DEFAULT_LIMIT

    @classmethod
    def from_args(cls, args: Mapping[str, str], limit: int = DEFAULT_LIMIT) -> Keyset:
        """Read `after`, `before` and `limit` of a query string; what is unusable is as if not given."""
        after = Cursor.decode(args.get("after"))
        before = None if after else Cursor.decode(args.get("before"))
        wanted = args.get("limit", "")
        size = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else limit
        return cls(after, before, min(max(size, 1), MAX_LIMIT))

    @property
    def is_backward(self) -> bool:
        """Whether rows must be read in the opposite order, towards the start of the list."""
        return self.before is not None

    @property
    def cursor(self) -> Cursor | None:
        """The row beyond which to read, in the direction of reading."""
        return self.before or self.after

    @property
    def fetch(self) -> int:
        """How many rows to ask for: one more than are shown tells whether the list goes on."""
        return self.limit + 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows to show, and the cursors of the neighbouring pages where there are any."""

    rows: Sequence[Row]
    after: str | None
    before: str | None


def page_of(rows: Sequence[Row], keyset: Keyset, place: Callable[[Row], tuple[Any, int]]) -> Page[Row]:
    """Make the page from up to `keyset.fetch` rows in the order they were read; `place` gives (sort value, id)."""
    has_more = len(rows) > keyset.limit
    shown = list(rows[: keyset.limit])
    if keyset.is_backward:
        shown.reverse()
    if not shown:
        return Page((), None, None)
    goes_on = keyset.is_backward or has_more
    came_from = has_more if keyset.is_backward else keyset.after is not None
    return Page(
        shown,
        after=Cursor(*place(shown[-1])).encode() if goes_on else None,
        before=Cursor(*place(shown[0])).encode() if came_from else None,
    )


def _packed(value: SortValue) -> tuple[str, int | str | None]:
    match value:
        case datetime():
            return "t", value.isoformat()
        case date():
            return "d", value.isoformat()
        case None:
            return "n", None
        case int():
            return "i", value
        case str():
            return "s", value


def _whole(value: object) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value


def _aware(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment


_UNPACK: Mapping[str, Callable[[Any], SortValue]] = {
    "t": _aware,
    "d": date.fromisoformat,
    "n": lambda _value: None,
    "i": _whole,
    "s": _text,
}
