"""KiotViet's lists, a full page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from app.connectors.fields import text, whole
from app.connectors.kiotviet.client import Client
from app.connectors.kiotviet.fields import moment, wire_time
from app.core.errors import BadPayload

SIZE: Final = 100
"""Rows of a page; no answer holds more."""
_NEWEST: Mapping[str, str] = MappingProxyType({"orderBy": "createdDate", "orderDirection": "Desc"})


@dataclass(frozen=True, slots=True)
class Page:
    """One full page of a list: its rows, how many there are in all, whether it is the last, and the last answer."""

    rows: list[Any]
    total: int | None
    is_last: bool
    answer: Mapping[str, Any]


def full_page(client: Client, path: str, number: int, asked: Mapping[str, str]) -> Page:
    """One page (from 1), filled up: how many rows an answer holds is theirs to say, so it goes on by those that came.

    A total that the rows themselves disprove says nothing of how many are still to come.
    """
    offset = (number - 1) * SIZE
    rows: list[Any] = []
    while True:
        size = SIZE - len(rows)
        answer = client.get(f"/{path}", {**asked, "pageSize": str(size), "currentItem": str(offset + len(rows))})
        if not isinstance(answer, Mapping):
            raise client.unlike(path)
        got, total = answer.get("data"), whole(answer.get("total"))
        if not isinstance(got, list | None) or (got is None and total is None):
            raise client.unlike(path)
        rows += (got or [])[:size]
        seen = offset + len(rows)
        if got and total is not None and seen > total:
            total = None
        if not got or seen == total:
            return Page(rows, total, True, answer)
        if len(rows) == SIZE:
            return Page(rows, total, False, answer)


class Changes:
    """Lists of what changed since a moment, by number: rows that are edited meanwhile keep their places.

    Whether a record that was made and never edited is among them is not said anywhere. So at the end of a list it is
    looked for once whether the newest of those is; where it is not, what was made since then follows in further pages.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._shows_new = False

    def page(self, path: str, number: int, since: datetime, asked: Mapping[str, str]) -> Page:
        """One page (from 1) of what changed since then; its total does not count what follows in further pages."""
        found = full_page(self._client, path, number, {**asked, "lastModifiedFrom": wire_time(since), "orderBy": "id"})
        if not found.is_last or self._shows_new:
            return found
        if number > 1 and not found.rows:
            return self._made(path, number - max(1, -(-(found.total or 0) // SIZE)), since, asked)
        return replace(found, is_last=not self._hides_new(path, since, asked, found.rows))

    def _made(self, path: str, number: int, since: datetime, asked: Mapping[str, str]) -> Page:
        """One page of what was made since then and never edited, the newest first."""
        found = full_page(self._client, path, number, {**asked, **_NEWEST})
        made = [row for row in found.rows if _is_new(row, since)]
        is_last = found.is_last or any(_made_before(row, since) for row in found.rows)
        return Page(made, None, is_last, found.answer)

    def _hides_new(self, path: str, since: datetime, asked: Mapping[str, str], listed: list[Any]) -> bool:
        """Whether what is new is missing in a list that ends with these rows; where nothing is new, nothing is."""
        newest = next(iter(self._made(path, 1, since, asked).rows), None)
        if newest is None:
            return False
        made_at = moment(newest, "createdDate")
        if not _holds(listed, newest) and made_at is not None:
            at = {"lastModifiedFrom": wire_time(made_at)}
            listed = full_page(self._client, path, 1, {**asked, **_NEWEST, **at}).rows
        self._shows_new = _holds(listed, newest)
        return not self._shows_new


def created_at(row: Any) -> datetime | None:
    """When a record was made, None where that cannot be read."""
    try:
        return moment(row, "createdDate") if isinstance(row, Mapping) else None
    except BadPayload:
        return None


def _is_new(row: Any, since: datetime) -> bool:
    at = created_at(row)
    return at is not None and at >= since and not text(row, "modifiedDate")


def _made_before(row: Any, since: datetime) -> bool:
    at = created_at(row)
    return at is not None and at < since


def _holds(rows: list[Any], wanted: Mapping[str, Any]) -> bool:
    return any(isinstance(row, Mapping) and row.get("id") == wanted.get("id") for row in rows)
