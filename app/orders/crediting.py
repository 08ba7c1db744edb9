"""What a credit note does to its order: closed when nothing of its invoice is left, else the alert is looked at again.

These functions write and do not commit. Each costs a fixed number of statements however many orders it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update

from app.bulk import update_rows
from app.core.plan import differs_from_invoice
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.orders.models import Order
from app.tenancy.scope import current_store_id

_COLUMNS = ("state", "reason", "reason_detail", "credited", "alert", "ignored_alert")
_SEEN = (
    "id",
    "state",
    "reason",
    "status",
    "payment_status",
    "total",
    "refunded",
    "credited",
    "alert",
    "ignored_alert",
    "content_key",
    "booked_content_key",
)


@dataclass(frozen=True, slots=True)
class Credited:
    """How much of an order's invoice is credited now, in minor units; `is_all` when nothing of it is left."""

    order_id: int
    credited: int
    is_all: bool
    number: str
    """The credit note's."""


def orders_to_credit(conditions: Sequence[ColumnElement[bool]], limit: int | None = None) -> dict[int, Row[Any]]:
    """The orders that fulfil the conditions, locked for this transaction, by id in the order of their ids."""
    columns = (getattr(Order, name) for name in _SEEN)
    query = select(*columns).where(Order.store_id == current_store_id(), *conditions).order_by(Order.id).limit(limit)
    rows: Sequence[Row[Any]] = db.session.execute(query.with_for_update()).all()
    return {row.id: row for row in rows}


def mark_credited(orders: Mapping[int, Row[Any]], credited: Sequence[Credited]) -> None:
    """Write down what the credit notes changed of these orders, which must be locked. One statement."""
    rows = [_row(orders[one.order_id], one) for one in credited]
    update_rows(Order, ("store_id", "id"), _COLUMNS, rows)


def book_on(order_id: int, day: date) -> None:
    """Date the order's next invoice on this day, because its own lies in closed books."""
    db.session.execute(
        update(Order)
        .where(Order.store_id == current_store_id(), Order.id == order_id)
        .values(book_on=day)
        .execution_options(synchronize_session=False)
    )


def _row(order: Row[Any], one: Credited) -> dict[str, Any]:
    row = {"store_id": current_store_id(), "id": order.id, "credited": one.credited}
    if one.is_all:
        closed = {"state": OrderState.CLOSED, "reason": Reason.CREDITED, "reason_detail": {"number": one.number}}
        return {**row, **closed, "alert": None, "ignored_alert": None}
    differs = differs_from_invoice(
        OrderStatus(order.status),
        PaymentStatus(order.payment_status),
        refunded=order.refunded,
        credited=one.credited,
        same_content=order.content_key == order.booked_content_key,
    )
    ignored = differs is not None and differs == order.ignored_alert
    kept = {"state": order.state, "reason": order.reason, "reason_detail": {}}
    return {**row, **kept, "alert": None if ignored else differs, "ignored_alert": differs if ignored else None}
