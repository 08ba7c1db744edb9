"""However orders are packed, each has one invoice of all that it holds."""

from __future__ import annotations

from decimal import Decimal

from flask import Flask
from sqlalchemy import select

from app.core.types import OrderStatus
from app.extensions import db
from app.fulfilment import services
from app.invoices.models import Invoice
from app.orders.models import Order
from app.sync.services import request_sync
from tests.fulfilment.making import made, packed
from tests.orders.factories import Books
from tests.support.factories import SomeStore
from tests.support.working import work_off

TOTAL = 3875
"""2 of 16.90 and half of 9.90."""


def test_split_and_combined_orders_have_one_invoice_each(app: Flask, store: SomeStore, books: Books) -> None:
    parted, one, other = made(books), made(books), made(books)
    person = store.owner.id
    with books.scope():
        services.split(parted, None, {(parted, 1): Decimal(1)}, person)
        services.combine([one, other], person)
        request_sync(person, order_ids=[parted, one, other])
    assert work_off(app, store.id) == ["succeeded"]
    with books.scope():
        services.split(one, None, {(other, 1): Decimal(2)}, person)
        services.merge(parted, "PK00002", person)
        services.move(other, OrderStatus.SHIPPED, person)
        invoiced = db.session.execute(select(Invoice.order_id, Invoice.total).order_by(Invoice.order_id)).all()
        assert [tuple(row) for row in invoiced] == [(parted, TOTAL), (one, TOTAL), (other, TOTAL)]
        assert set(db.session.scalars(select(Order.alert))) == {None}, "to pack is no change of what is charged"
    assert [len(packed(books, order_id)) for order_id in (parted, one, other)] == [0, 1, 2]
