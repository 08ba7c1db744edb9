"""Keyset paging: every row once, whichever way one turns the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.pagination import MAX_LIMIT, Cursor, Keyset, Page, page_of

Row = tuple[int, int]

values = st.one_of(
    st.none(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)


@given(values, st.integers(1, 2**63 - 1))
def test_cursor_survives_the_url(value: datetime | date | int | str | None, row_id: int) -> None:
    assert Cursor.decode(Cursor(value, row_id).encode()) == Cursor(value, row_id)


@given(st.text(max_size=80))
def test_any_text_is_a_cursor_or_none(text: str) -> None:
    found = Cursor.decode(text)
    assert found is None or isinstance(found, Cursor)


@pytest.mark.parametrize(
    "plain",
    [
        '["t","2026-11-22T10:00:00",1]',
        '["i",true,1]',
        '["i",1,true]',
        '["i",1,99999999999999999999]',
        '["s","a\\u0000",1]',
        '["x",1,1]',
        "[1]",
        "{}",
        "7",
    ],
)
def test_cursor_of_the_wrong_shape_starts_again(plain: str) -> None:
    from base64 import urlsafe_b64encode  # noqa: PLC0415

    assert Cursor.decode(urlsafe_b64encode(plain.encode()).decode()) is None


@pytest.mark.parametrize(
    ("wanted", "limit"), [("", 50), ("20", 20), ("0", 1), ("100000", 50), ("9999", MAX_LIMIT), ("-5", 50), ("٣", 50)]
)
def test_limit_is_bounded(wanted: str, limit: int) -> None:
    assert Keyset.from_args({"limit": wanted}).limit == limit


def test_after_wins_over_before() -> None:
    cursor = Cursor(1, 1).encode()
    keyset = Keyset.from_args({"after": cursor, "before": cursor})
    assert (keyset.after, keyset.before, keyset.is_backward) == (Cursor(1, 1), None, False)


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 7))
def test_turning_pages_shows_every_row_once_both_ways(sort_values: list[int], limit: int) -> None:
    table = sorted(((value, number) for number, value in enumerate(sort_values, 1)), reverse=True)
    forth = _pages(table, limit)
    assert [row for page in forth for row in page.rows] == table
    assert forth[0].before is None
    assert forth[-1].after is None
    for earlier, later in pairwise(forth):
        back = _read(table, Keyset(before=Cursor.decode(later.before), limit=limit))
        assert list(back.rows) == list(earlier.rows)
        assert back.after is not None
        assert (back.before is None) == (earlier is forth[0])


def test_place_whose_rows_are_gone_is_an_empty_page() -> None:
    assert _read([], Keyset(after=Cursor(3, 3))) == Page((), None, None)


def _pages(table: list[Row], limit: int) -> list[Page[Row]]:
    pages = [_read(table, Keyset(limit=limit))]
    while pages[-1].after:
        pages.append(_read(table, Keyset(after=Cursor.decode(pages[-1].after), limit=limit)))
    return pages


def _read(table: list[Row], keyset: Keyset) -> Page[Row]:
    """What a query does: newest first beyond the cursor, or the other way round."""
    rows = table
    if keyset.cursor:
        value = keyset.cursor.value
        assert isinstance(value, int)
        mark = (value, keyset.cursor.id)
        rows = [row for row in reversed(table) if row > mark] if keyset.is_backward else [r for r in table if r < mark]
    return page_of(rows[: keyset.fetch], keyset, lambda row: row)
