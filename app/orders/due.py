"""Orders that can still be booked, by the day that their invoices would carry."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, func

from app.core.states import OrderState
from app.orders.models import Order
from app.tenancy.scope import current_store

BOOKABLE: Final = (OrderState.READY, OrderState.QUEUED, OrderState.HELD)


def due_day(order: Any = Order) -> ColumnElement[date]:
    """What `app.core.invoicing.open_day` says of one order, closed or not; NULL while its event has no time yet."""
    store = current_store()
    moment = {"created": order.placed_at, "paid": order.paid_at, "shipped": order.shipped_at}[store.invoice_date_rule]
    return func.coalesce(order.book_on, func.date(func.timezone(store.time_zone, moment)))


def due(first: date | None, last: date | None, order: Any = Order) -> list[ColumnElement[bool]]:
    """Conditions: it is not booked and can be, with a day from `first` to `last`, both included; None is no bound."""
    day = due_day(order)
    bounds = [*([] if first is None else [day >= first]), *([] if last is None else [day <= last])]
    return [order.state.in_(BOOKABLE), *bounds]
