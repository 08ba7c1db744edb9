"""The number register: every number with its document, or the words of whoever left it out, or named as a gap."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.invoices import register
from app.invoices.closing import close_books
from app.invoices.register import Series
from app.web.pagination import Keyset
from tests.orders.factories import Books, SomeChannel

NOVEMBER = date(2026, 11, 1)


def _issue(books: Books, channel: SomeChannel, at: datetime, **values: Any) -> int:
    return books.invoice(books.order(channel), issued_at=at, **values)


def _move_counter(books: Books, to: int, words: str = "") -> None:
    with books.scope():
        counter = {"to": to, "store": books.store.id}
        first = db.session.scalar(text("select next_number from number_series where code = 'invoice'"))
        db.session.execute(text("update number_series set next_number = :to where code = 'invoice'"), counter)
        if words:
            db.session.execute(
                text(
                    "insert into void_numbers (store_id, series, first_number, last_number, words, user_id) "
                    "values (:store, 'invoice', :first, :to - 1, :words, :person)"
                ),
                {**counter, "first": first, "words": words, "person": books.store.owner.id},
            )
        db.session.commit()


def _months(books: Books, year: int = 2026) -> list[register.MonthLine]:
    with books.scope():
        return register.months(Series.INVOICE, year)


def _kind(entry: register.Entry) -> Any:
    if entry.document is not None:
        return entry.document.number
    return entry.stretch and (entry.stretch.first, entry.stretch.last)


def test_a_month_without_holes_is_complete(books: Books, channel: SomeChannel) -> None:
    for day in (1, 2, 3):
        _issue(books, channel, datetime(2026, 11, day, 4, tzinfo=UTC))
    (line,) = _months(books)
    assert (line.month, line.first, line.last, line.documents, line.stretches) == (
        NOVEMBER,
        "INV00001",
        "INV00003",
        3,
        (),
    )


def test_a_hole_that_nobody_explained_is_named(books: Books, channel: SomeChannel) -> None:
    _issue(books, channel, datetime(2026, 11, 1, 4, tzinfo=UTC))
    _move_counter(books, 5)
    _issue(books, channel, datetime(2026, 11, 2, 4, tzinfo=UTC))
    (line,) = _months(books)
    assert [(gap.first, gap.last) for gap in line.gaps] == [(2, 4)]
    assert line.void == 0


def test_numbers_left_out_on_purpose_are_void_with_their_words(books: Books, channel: SomeChannel) -> None:
    _issue(books, channel, datetime(2026, 11, 1, 4, tzinfo=UTC))
    _move_counter(books, 5, "The printed pad was used up")
    _issue(books, channel, datetime(2026, 11, 2, 4, tzinfo=UTC))
    (line,) = _months(books)
    assert (line.void, line.gaps) == (3, ())
    with books.scope():
        page = register.entries(Series.INVOICE, NOVEMBER, Keyset())
    kinds = [_kind(entry) for entry in page.rows]
    assert kinds == [1, (2, 4), 5]


def test_numbers_left_out_at_the_end_are_told_before_the_next_document_exists(
    books: Books, channel: SomeChannel
) -> None:
    _issue(books, channel, datetime(2026, 11, 1, 4, tzinfo=UTC))
    _move_counter(books, 10)
    (line,) = _months(books)
    assert [(gap.first, gap.last) for gap in line.gaps] == [(2, 9)]


def test_months_are_those_of_the_store_and_a_hole_belongs_to_the_month_behind_it(
    books: Books, channel: SomeChannel
) -> None:
    _issue(books, channel, datetime(2026, 10, 31, 15, 59, tzinfo=UTC))
    _move_counter(books, 3)
    _issue(books, channel, datetime(2026, 10, 31, 16, 1, tzinfo=UTC))
    november, october = _months(books)
    assert (november.month, november.documents, len(november.gaps)) == (NOVEMBER, 1, 1)
    assert (october.month, october.documents, october.gaps) == (date(2026, 10, 1), 1, ())


def test_two_numbers_that_passed_each_other_at_midnight_are_no_hole(books: Books, channel: SomeChannel) -> None:
    _issue(books, channel, datetime(2026, 12, 31, 15, 0, tzinfo=UTC))
    _issue(books, channel, datetime(2026, 12, 31, 16, 1, tzinfo=UTC))
    _issue(books, channel, datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    assert [line.stretches for line in _months(books) + _months(books, 2027)] == [(), ()]


def test_the_first_number_need_not_be_one(books: Books, channel: SomeChannel) -> None:
    _move_counter(books, 4711)
    _issue(books, channel, datetime(2026, 11, 1, 4, tzinfo=UTC))
    (line,) = _months(books)
    assert line.stretches == ()


def test_pages_join_without_losing_a_hole(books: Books, channel: SomeChannel) -> None:
    _issue(books, channel, datetime(2026, 11, 1, 4, tzinfo=UTC))
    _move_counter(books, 4)
    _issue(books, channel, datetime(2026, 11, 1, 5, tzinfo=UTC))
    with books.scope():
        first = register.entries(Series.INVOICE, NOVEMBER, Keyset(limit=1))
        second = register.entries(
            Series.INVOICE, NOVEMBER, Keyset.from_args({"after": first.after or "", "limit": "1"})
        )
    assert [bool(entry.stretch) for entry in (*first.rows, *second.rows)] == [False, True, False]


def test_the_pages_and_the_file_say_so(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    _issue(books, channel, datetime(2026, 11, 1, 4, tzinfo=UTC))
    _move_counter(books, 3, "=cmd|' /C calc'!A0")
    _issue(books, channel, datetime(2026, 11, 2, 4, tzinfo=UTC), state="credited")
    page = owner.get(books.store.url("/invoices/register")).text
    assert "November 2026" in page
    assert "Complete: all 3 numbers are accounted for." in page
    month = owner.get(books.store.url("/invoices/register/invoice/2026-11")).text
    assert "INV00002" in month
    assert "Credited" in month
    lines = owner.get(books.store.url("/invoices/register/invoice/2026-11.csv")).text.splitlines()
    assert [line.split(",")[2] for line in lines] == ["State", "used", "void", "credited"]
    assert "'=cmd" in lines[2], "a spreadsheet must not run what a person typed"
    assert "INV00003" in owner.get(books.store.url("/invoices/register/print?year=2026")).text


def test_the_register_leads_to_closing_and_says_which_months_are_closed(
    owner: FlaskClient, reader: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    for month in (9, 11):
        _issue(books, channel, datetime(2026, month, 2, 4, tzinfo=UTC))
    with books.scope():
        close_books(date(2026, 9, 30), books.store.owner.id)
    url, closing = books.store.url("/invoices/register"), f'href="{books.store.url("/settings/closing")}">'
    page = owner.get(url).text
    assert closing in page.partition("<main")[2]
    assert closing not in reader.get(url).text.partition("<main")[2], "who may not close is not led there"
    said = {row.partition("</a>")[0].rpartition(">")[2]: "Closed" in row for row in page.split("<tr>")[2:]}
    assert said == {"November 2026": False, "September 2026": True}


@pytest.mark.parametrize(
    "path",
    [
        "/invoices/register/receipt/2026-11",
        "/invoices/register/invoice/2026-13",
        "/invoices/register/invoice/1999-01",
        "/invoices/register/print?year=99999",
    ],
)
def test_what_does_not_exist_is_not_found(owner: FlaskClient, books: Books, path: str) -> None:
    assert owner.get(books.store.url(path)).status_code == 404
