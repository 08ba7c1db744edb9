"""KiotViet's lists, a full page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.connectors.fields import whole
from app.connectors.kiotviet.client import Client

SIZE: Final = 100
"""Rows of a page; no answer holds more."""


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
