"""Orders to be packed, and what stands of their packages."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.core.own_orders import read_order
from app.core.packing import Package
from app.core.types import OrderStatus
from app.extensions import db
from app.fulfilment.queries import Fulfilment, fulfilments_of
from app.orders.models import JournalEntry, Order
from app.own_orders.services import add_orders
from tests.orders.factories import Books

BUYER = {"name": "Mei Ling", "phone": "012-345 6789", "address": "1, Jalan Besar", "postcode": "50000"}
PAID: dict[str, Any] = {
    "kind": "webstore",
    "payment_status": "paid",
    "payment_method": "FPX",
    "status": "processing",
    "buyer": BUYER,
    "lines": [
        {"sku": "KOPI-1", "name": "Kopi", "quantity": 2, "unit_price": "16.90"},
        {"sku": "TEH-1", "name": "Teh", "quantity": "0.5", "unit_price": "9.90"},
    ],
}


def made(books: Books, **other: Any) -> int:
    """The id of an order that was made here, of two lines: 2 and 0.5."""
    with books.scope():
        order = read_order(PAID | other, currency="MYR", now=datetime.now(UTC))
        return add_orders([order], user_id=books.store.owner.id).made[0].order_id


def fulfilment(books: Books, order_id: int) -> Fulfilment:
    with books.scope():
        return fulfilments_of([order_id])[order_id]


def packed(books: Books, order_id: int) -> list[dict[int, Decimal]]:
    """What of the order is in each of its packages, by line."""
    packages = fulfilment(books, order_id).packages
    return [content(package, order_id) for package in packages]


def content(package: Package, order_id: int) -> dict[int, Decimal]:
    return {line.line_no: line.quantity for line in package.lines if line.order_id == order_id}


def status(books: Books, order_id: int) -> OrderStatus:
    with books.scope():
        return OrderStatus(db.session.get_one(Order, (books.store.id, order_id)).status)


def story(books: Books, order_id: int) -> list[str]:
    """The kinds of what was noted of the order, the oldest first."""
    with books.scope():
        rows = db.session.query(JournalEntry.kind).filter_by(order_id=order_id).order_by(JournalEntry.id)
        return [kind for (kind,) in rows]
