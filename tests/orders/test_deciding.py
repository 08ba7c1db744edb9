"""What only a person can say: two sales or one, and the day of an invoice whose month is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.orders.deciding import (
    Dated,
    OtherDay,
    date_on_first_open_day,
    first_open_day,
    same_sale_pair,
    say_two_sales,
    suspects_of,
)
from tests.orders.factories import Books, SomeChannel


def standing(books: Books, order_id: int) -> Any:
    with books.scope():
        query = text("select state, reason, book_on, not_same_sale from orders where id = :id")
        return db.session.execute(query, {"id": order_id}).one()


@pytest.fixture
def twins(books: Books, channel: SomeChannel) -> tuple[int, int]:
    """An invoiced order, and the same sale by another channel, held beside it."""
    booked = books.order(books.channel("Direct"), sale_key="one sale")
    books.invoice(booked)
    detail = {"order_id": booked, "number": "X1"}
    held = books.order(channel, state="held", reason="DUPLICATE_SUSPECTED", reason_detail=detail, sale_key="one sale")
    for order in (booked, held):
        books.line(order)
    return booked, held


def test_both_orders_are_found_from_either_side(books: Books, twins: tuple[int, int]) -> None:
    booked, held = twins
    with books.scope():
        pair = same_sale_pair(held)
        assert pair is not None
        assert pair.other is not None
        assert (pair.held.row.id, pair.other.row.id) == (held, booked)
        assert [suspect.id for suspect in suspects_of(booked)] == [held]
        assert suspects_of(held) == []
        assert same_sale_pair(booked) is None


def test_two_sales_are_both_booked(books: Books, twins: tuple[int, int]) -> None:
    _booked, held = twins
    with books.scope():
        assert say_two_sales(held, books.store.owner.id)
    row = standing(books, held)
    assert (row.state, row.not_same_sale) == ("ready", True)
    with books.scope():
        assert not say_two_sales(held, books.store.owner.id)
        kinds = db.session.scalars(text("select kind from journal where order_id = :id order by id"), {"id": held})
        assert list(kinds) == ["not_same_sale", "freed"]


@pytest.fixture
def closed(books: Books, channel: SomeChannel) -> list[int]:
    """Two orders of October, which is closed."""
    with books.scope():
        db.session.execute(text("update stores set closed_through = '2026-10-31'"))
        db.session.commit()
    october = datetime(2026, 10, 15, 4, tzinfo=UTC)
    held = {"state": "held", "reason": "PERIOD_LOCKED", "placed_at": october}
    ids = books.orders(channel, [held, held])
    for order in ids:
        books.line(order)
    return ids


def test_orders_of_a_closed_month_are_dated_on_the_first_open_day(
    books: Books, channel: SomeChannel, closed: list[int]
) -> None:
    first, second = closed
    with books.scope():
        assert first_open_day() == date(2026, 11, 1)
        assert date_on_first_open_day(channel.id, [first], date(2026, 11, 1), books.store.owner.id) == Dated(
            ready=1, held=0
        )
    assert standing(books, first)[:3] == ("ready", None, date(2026, 11, 1))
    assert standing(books, second).state == "held"
    with books.scope():
        assert date_on_first_open_day(channel.id, None, date(2026, 11, 1), books.store.owner.id) == Dated(
            ready=1, held=0
        )
    assert standing(books, second).state == "ready"


def test_an_order_with_another_cause_is_dated_and_not_called_ready(
    owner: FlaskClient, books: Books, channel: SomeChannel, closed: list[int]
) -> None:
    books.gateway(channel, "ShopeePay", "Bank")
    with books.scope():
        db.session.execute(text("update stores set unmapped_gateway = 'hold'"))
        unknown = "update orders set gateway = 'Atome', gateway_key = 'atome' where id = :id"
        db.session.execute(text(unknown), {"id": closed[0]})
        db.session.commit()
    url = books.store.url(f"/failed/{channel.id}/date")
    page = owner.post(url, data={"day": "2026-11-01"}, follow_redirects=True).text
    assert "One invoice will be dated 1 Nov 2026; sync the order to make it." in page
    assert "and still waits for something else." in page
    assert f'<a href="{books.store.url("/orders?state=ready")}">' in page


def test_a_day_that_was_closed_meanwhile_is_refused(books: Books, channel: SomeChannel, closed: list[int]) -> None:
    with books.scope():
        db.session.execute(text("update stores set closed_through = '2026-11-30'"))
        db.session.commit()
        with pytest.raises(OtherDay):
            date_on_first_open_day(channel.id, None, date(2026, 11, 1), books.store.owner.id)
    assert [standing(books, order).book_on for order in closed] == [None, None]


def test_without_closed_books_there_is_no_such_day(books: Books) -> None:
    with books.scope():
        assert first_open_day() is None
