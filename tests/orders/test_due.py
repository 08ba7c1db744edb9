"""The day of an invoice, as PostgreSQL works it out for many orders at once and as the core does for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Literal

import pytest
from sqlalchemy import select

from app.core.invoicing import CannotBook, open_day
from app.extensions import db
from app.orders.due import due_day
from app.orders.models import Order
from app.tenancy.models import Store
from tests.orders.factories import Books, SomeChannel

_ZONES = ("Asia/Kuala_Lumpur", "Asia/Ho_Chi_Minh", "Asia/Kathmandu", "America/New_York", "Pacific/Apia", "UTC")
_FIRST = datetime(2019, 1, 1, tzinfo=UTC)
_MINUTES = 10 * 365 * 24 * 60
_MANY = 300


@dataclass(frozen=True, slots=True)
class _Order:
    """When an order's events were, and what a person chose."""

    created_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    book_on: date | None


@pytest.mark.parametrize("zone", _ZONES)
@pytest.mark.parametrize("rule", ["created", "paid", "shipped"])
def test_both_say_the_same_day(
    books: Books, channel: SomeChannel, rule: Literal["created", "paid", "shipped"], zone: str
) -> None:
    orders = _orders(Random(f"{rule} {zone}"))
    rows = [
        {"placed_at": one.created_at, "paid_at": one.paid_at, "shipped_at": one.shipped_at, "book_on": one.book_on}
        for one in orders
    ]
    ids = books.orders(channel, rows)
    with books.scope():
        store = db.session.get_one(Store, books.store.id)
        store.invoice_date_rule, store.time_zone = rule, zone
        db.session.flush()
        days = {row.id: row.day for row in db.session.execute(select(Order.id, due_day().label("day")))}
    assert [days[one] for one in ids] == [_day(order, rule, zone) for order in orders]


def _orders(chance: Random) -> list[_Order]:
    def moment() -> datetime:
        return _FIRST + timedelta(minutes=chance.randrange(_MINUTES))

    return [
        _Order(
            moment(),
            chance.choice([None, moment()]),
            chance.choice([None, moment()]),
            chance.choice([None, None, moment().date()]),
        )
        for _ in range(_MANY)
    ]


def _day(order: _Order, rule: Literal["created", "paid", "shipped"], zone: str) -> date | None:
    try:
        return open_day(order, rule, zone, book_on=order.book_on, closed_through=None)
    except CannotBook:
        return None
