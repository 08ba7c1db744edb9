"""An order that was made here is booked once by the same button, and what happens to it later is told the same way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.channels.models import Channel, Marketplace
from app.channels.own import own_channel
from app.core.own_orders import Move, read_order
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.fulfilment.services import tell
from app.invoices.models import Invoice
from app.orders.models import Order
from app.own_orders.services import Invoiced, Made, Request, add_orders, own_order, replace_order
from app.sync.models import Change
from app.sync.services import ChannelNotReadyError, request_check, request_sync, request_sync_now
from app.tenancy.models import Store
from tests.orders.factories import Books
from tests.support.factories import SomeStore
from tests.support.working import work_off

PAID: dict[str, Any] = {
    "kind": "webstore",
    "payment_status": "paid",
    "payment_method": "FPX",
    "lines": [{"sku": "KOPI-1", "name": "Kopi", "quantity": 2, "unit_price": "16.90"}],
    "shipping": "6.00",
}


def made(books: Books, **other: Any) -> Made:
    with books.scope():
        order = read_order(PAID | other, currency="MYR", now=datetime.now(UTC))
        return add_orders([order], user_id=books.store.owner.id).made[0]


def order_of(books: Books, order_id: int) -> Order:
    with books.scope():
        return db.session.get_one(Order, (books.store.id, order_id))


def test_sync_makes_its_invoice_once(app: Flask, owner: FlaskClient, store: SomeStore, books: Books) -> None:
    order_id = made(books).order_id
    for _press in range(2):
        owner.post(store.url("/orders/sync"), data={"order_id": str(order_id)})
        assert set(work_off(app, store.id)) == {"succeeded"}
    with books.scope():
        invoice = db.session.scalars(select(Invoice)).one()
        assert (invoice.order_id, invoice.total, invoice.order_number) == (order_id, 3980, "SO00001")
        assert db.session.scalar(select(func.count()).select_from(Change)) == 0
    assert order_of(books, order_id).state == OrderState.BOOKED


def test_auto_sync_books_and_fetches_nothing(app: Flask, store: SomeStore, books: Books) -> None:
    order_id = made(books, number="WS-1").order_id
    with books.scope():
        request_sync_now(own_channel(), store.owner.id)
    assert work_off(app, store.id) == ["succeeded"]
    assert order_of(books, order_id).state == OrderState.BOOKED
    with books.scope(), pytest.raises(ChannelNotReadyError):
        request_check(own_channel(), store.owner.id)


@pytest.mark.parametrize(
    ("moves", "alert"),
    [
        ([Move(status=OrderStatus.CANCELLED)], Reason.CANCELLED),
        ([Move(status=OrderStatus.SHIPPED), Move(status=OrderStatus.RETURNED)], Reason.RETURNED),
        ([Move(payment_status=PaymentStatus.REFUNDED)], Reason.REFUNDED),
        ([Move(status=OrderStatus.SHIPPED)], None),
    ],
)
def test_what_happens_after_the_invoice_is_an_alert(
    app: Flask, store: SomeStore, books: Books, moves: list[Move], alert: Reason | None
) -> None:
    order_id = made(books).order_id
    with books.scope():
        request_sync(store.owner.id, order_ids=[order_id])
    work_off(app, store.id)
    with books.scope():
        for move in moves:
            tell(order_id, move, store.owner.id)
    order = order_of(books, order_id)
    assert (order.state, order.alert) == (OrderState.BOOKED, alert)
    with books.scope():
        row = own_order(order_id)
        assert row is not None
        with pytest.raises(Invoiced):
            replace_order(order_id, row.order, None)


def test_the_rules_of_the_store_hold(app: Flask, store: SomeStore, books: Books) -> None:
    with books.scope():
        db.session.get_one(Store, store.id).unmapped_gateway = "hold"
        db.session.commit()
    unmapped = order_of(books, made(books).order_id)
    assert (unmapped.state, unmapped.reason) == (OrderState.HELD, Reason.GATEWAY_UNMAPPED)
    old = order_of(books, made(books, placed_at="2020-01-01T00:00:00+08:00").order_id)
    assert (old.state, old.reason) == (OrderState.CLOSED, Reason.BEFORE_START_DATE)


def test_retry_judges_what_is_held_anew(app: Flask, owner: FlaskClient, store: SomeStore, books: Books) -> None:
    with books.scope():
        db.session.get_one(Store, store.id).unmapped_gateway = "hold"
        db.session.commit()
    order_id = made(books).order_id
    with books.scope():
        db.session.get_one(Store, store.id).unmapped_gateway = "cash"
        db.session.commit()
        channel_id = own_channel()
    answer = owner.post(store.url(f"/failed/{channel_id}/orders/GATEWAY_UNMAPPED/retry"), data={"row": str(order_id)})
    assert answer.status_code == 303
    assert work_off(app, store.id) == ["succeeded"]
    assert order_of(books, order_id).state == OrderState.BOOKED


def test_the_own_channel_is_made_once_by_many_at_a_time(app: Flask, store: SomeStore, books: Books) -> None:
    def press(number: int) -> Made:
        with books.scope():
            order = read_order(PAID, currency="MYR", now=datetime.now(UTC))
            press = Request("person:1", "the same key", b"the same")
            return add_orders([order], user_id=None, request=press if number % 2 else None).made[0]

    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(press, range(8)))
    with books.scope():
        assert db.session.scalar(select(func.count()).select_from(Channel)) == 1
        assert db.session.scalar(select(func.count()).select_from(Marketplace)) == 5
        numbers = db.session.scalars(select(Order.number).order_by(Order.number)).all()
    assert numbers == [f"SO0000{number}" for number in range(1, 6)], "four without a key, and one with it"
    assert len({one.order_id for one in many}) == 5


def test_the_channel_follows_the_currency_of_the_store(app: Flask, store: SomeStore, books: Books) -> None:
    with books.scope():
        first = own_channel()
        db.session.get_one(Store, store.id).currency = "VND"
        db.session.commit()
        assert own_channel() == first
        assert set(db.session.scalars(select(Marketplace.currency))) == {"VND"}


def test_the_same_number_with_the_same_content_is_the_same_order(store: SomeStore, books: Books) -> None:
    first = made(books, number="WS-1")
    with books.scope():
        tell(first.order_id, Move(status=OrderStatus.CANCELLED), None)
    again = made(books, number="WS-1")
    assert (again.order_id, again.is_new) == (first.order_id, False)
    assert order_of(books, first.order_id).status == OrderStatus.CANCELLED
