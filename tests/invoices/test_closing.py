"""Closing the books: nothing is dated in a closed month, what waits for it says so, and opening undoes it."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.embedded.processes import wait_until
from app.extensions import db
from app.invoices.closing import CannotClose, close_books, not_booked, open_books, open_months, past_closings
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from tests.orders.factories import Books, SomeChannel

OCTOBER = date(2026, 10, 31)
IN_OCTOBER = datetime(2026, 10, 20, 4, tzinfo=UTC)


def _sale(books: Books, channel: SomeChannel, **values: Any) -> int:
    order_id = books.order(channel, placed_at=IN_OCTOBER, **values)
    books.line(order_id)
    return order_id


def _state(books: Books, order_id: int) -> tuple[Any, ...]:
    with books.scope():
        row = db.session.execute(text("select state, reason from orders where id = :id"), {"id": order_id}).one()
        return tuple(row)


def _close(books: Books, through: date = OCTOBER) -> int:
    with books.scope():
        return close_books(through, books.store.owner.id)


def _open(books: Books) -> int:
    with books.scope():
        closed = db.session.scalar(text("select closed_through from stores")) or OCTOBER
        return open_books(closed, "A late bill of the courier", books.store.owner.id)


def test_an_order_of_a_closed_month_waits_and_goes_on_when_it_is_opened(books: Books, channel: SomeChannel) -> None:
    order_id = _sale(books, channel)
    assert _close(books) == 1
    assert _state(books, order_id) == ("held", "PERIOD_LOCKED")
    assert _open(books) == 1
    assert _state(books, order_id) == ("ready", None)


def test_a_day_chosen_in_an_open_month_frees_it(books: Books, channel: SomeChannel) -> None:
    order_id = _sale(books, channel, book_on=date(2026, 11, 1))
    assert _close(books) == 0
    assert _state(books, order_id) == ("ready", None)


@pytest.mark.parametrize("day", [date(2026, 10, 30), date(2099, 1, 31)])
def test_only_whole_months_that_are_over_are_closed(books: Books, day: date) -> None:
    with pytest.raises(CannotClose):
        _close(books, day)


def test_a_closed_month_is_not_closed_again(books: Books) -> None:
    _close(books)
    with pytest.raises(CannotClose):
        _close(books)


def test_opening_opens_the_newest_month_only(books: Books) -> None:
    _close(books, date(2026, 9, 30))
    _close(books)
    _open(books)
    with books.scope():
        assert db.session.scalar(text("select closed_through from stores")) == date(2026, 9, 30)
    _open(books)
    with books.scope():
        assert db.session.scalar(text("select closed_through from stores")) is None
        assert [one.through for one in past_closings()] == [None, date(2026, 9, 30), OCTOBER, date(2026, 9, 30)]
    with pytest.raises(CannotClose):
        _open(books)


def test_closing_waits_for_a_job_that_goes_on_writing_meanwhile(books: Books, channel: SomeChannel) -> None:
    """Found by the crash test, seed 201: closing held the store, the job the channel, and each wanted the other."""
    moved: list[int] = []
    closing = Thread(target=lambda: moved.append(_close(books)))
    waits = text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )

    def is_waiting() -> bool:
        with db.engine.connect() as connection:
            return bool(connection.execute(waits).scalar_one())

    with books.scope():
        lock_channel(channel.id, share=True)
        closing.start()
        assert wait_until(is_waiting, 10), "closing waits for the job's channel"
        db.session.execute(text("set local lock_timeout = '2s'"))
        write_journal([JournalNote("job_waits", channel.id, None, {})])
        db.session.commit()
    closing.join(10)
    assert moved == [0]


def test_the_months_say_what_would_wait(books: Books, channel: SomeChannel) -> None:
    books.order(channel, placed_at=IN_OCTOBER)
    books.invoice(books.order(channel, placed_at=IN_OCTOBER), invoice_date=date(2026, 10, 20))
    with books.scope():
        months = open_months()
    assert [(month.last_day, month.invoices, month.waiting) for month in months] == [(OCTOBER, 1, 1)]


def test_the_number_of_orders_not_booked_leads_to_these_orders(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    """Ready ones count as well, and those stand in no list of failures."""
    books.order(channel, placed_at=IN_OCTOBER, state="ready", number="IN-OCTOBER")
    books.order(channel, state="ready", number="IN-NOVEMBER")
    page = owner.get(books.store.url("/settings/closing")).text
    href = re.search(r'href="([^"]+/orders[?][^"]+)">1<', page)
    assert href is not None, page
    orders = owner.get(html.unescape(href[1])).text
    assert "IN-OCTOBER" in orders
    assert "IN-NOVEMBER" not in orders


def test_a_person_closes_and_opens_with_a_reason(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    _sale(books, channel)
    url = books.store.url("/settings/closing")
    assert "Close up to October 2026" in owner.get(url).text
    assert owner.post(url, data={"through": "2026-10-31", "not_booked": "1"}).status_code == 303
    page = owner.get(url).text
    assert "1 order waits now" in page
    assert f'<a href="{books.store.url("/failed")}">Failed Sync</a>' in page
    assert "closed up to and including 31 Oct 2026" in page
    press = books.store.url("/settings/closing/open")
    reason = {"words": "Late bill", "closed": "2026-10-31"}
    assert owner.post(press, data=reason | {"words": " "}).status_code == 422
    assert owner.post(press, data=reason).status_code == 303
    assert owner.post(press, data=reason).status_code == 422, "one press, one month"
    assert "“Late bill”" in owner.get(url).text


def test_closing_with_orders_that_are_not_booked_asks_first(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    """It says how many, with which sum, and shows exactly these; a month without any is closed at once."""
    url, october = books.store.url("/settings/closing"), {"through": "2026-10-31"}
    _sale(books, channel, number="IN-OCTOBER")
    _sale(books, channel, number="OF-BALI", currency="SGD", total=1200)
    _sale(books, channel, number="ON-A-LATER-DAY", book_on=date(2026, 11, 2))
    _sale(books, channel, number="ENDED", state="closed")
    books.order(channel, number="IN-NOVEMBER")
    asked = owner.post(url, data=october)
    assert (asked.status_code, asked.location) == (303, f"{url}/ask?through=2026-10-31")
    page = owner.get(asked.location).text
    assert "2 orders are not booked yet: RM\u00a039.90, SGD\u00a012.00 in all." in page
    assert "Afterwards they can only be booked with a date in an open month." in page
    (href,) = re.findall(r'href="([^"]+/orders[?][^"]+)"', page)
    orders = owner.get(html.unescape(href)).text
    found = [number for number in ("OCTOBER", "OF-BALI", "LATER", "ENDED", "NOVEMBER") if number in orders]
    assert found == ["OCTOBER", "OF-BALI"]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert hidden == {**october, "not_booked": "2"}
    _sale(books, channel)
    assert owner.post(url, data=hidden).location == asked.location, "one came in meanwhile"
    by_htmx = owner.post(url, data=hidden, headers={"HX-Request": "true"})
    assert by_htmx.headers["HX-Redirect"] == asked.location
    assert owner.post(url, data={"through": "2026-08-31"}).location == url
    assert "31 Aug 2026" in owner.get(url).text
    assert owner.post(url, data={**hidden, "not_booked": "3"}).location == url
    assert "31 Oct 2026" in owner.get(url).text
    assert owner.get(asked.location).location == url, "it is closed already"


def test_orders_of_a_month_are_those_of_the_day_that_the_invoice_would_carry(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    """By the store's rule and in its zone; one that has no such day yet is in no month."""
    with books.scope():
        db.session.execute(text("update stores set invoice_date_rule = 'shipped'"))
        db.session.commit()
    late = datetime(2026, 10, 31, 16, tzinfo=UTC)  # the first of November in Kuala Lumpur
    for number, shipped_at in (("SHIPPED", IN_OCTOBER), ("LATE", late), ("STILL-HERE", None)):
        _sale(books, channel, number=number, shipped_at=shipped_at)
    with books.scope():
        assert [(month.last_day, month.waiting) for month in open_months()] == [(OCTOBER, 1)]
        assert not_booked(OCTOBER).orders == 1
    orders = owner.get(books.store.url("/orders?due_from=2026-10-01&due_to=2026-10-31")).text
    assert [number for number in ("SHIPPED", "LATE", "STILL-HERE") if number in orders] == ["SHIPPED"]


@pytest.mark.parametrize("through", ["", "2026-10-30", "yesterday", "9999-12-31", "0001-01-31"])
def test_another_day_is_refused_in_words(owner: FlaskClient, books: Books, through: str) -> None:
    answer = owner.post(books.store.url("/settings/closing"), data={"through": through})
    assert answer.status_code in (303, 422)
    if answer.status_code == 422:
        assert "Choose a month that is over" in answer.text
