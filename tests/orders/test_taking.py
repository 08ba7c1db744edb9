"""Taking orders for booking costs what is taken, however many wait and whatever PostgreSQL thinks of the store."""

from __future__ import annotations

from sqlalchemy import func, select

from app.core.states import OrderState
from app.extensions import db
from app.orders.models import Order
from app.orders.services import look_at_orders, mark_booked, take_orders
from tests.orders.factories import Books, SomeChannel
from tests.support.reading import reads

_MANY = 600


def test_orders_are_taken_and_booked_one_by_one_in_a_store_that_nobody_counted(
    books: Books, channel: SomeChannel
) -> None:
    books.orders(channel, [{"state": OrderState.QUEUED}] * _MANY)
    with books.scope():
        looked_at = look_at_orders(channel.id, 3, None)
        with reads("orders") as orders:
            taken = take_orders(looked_at)
            mark_booked([order.bookable.order_id for order in taken])
        booked = db.session.scalar(select(func.count()).where(Order.state == OrderState.BOOKED))
    assert len(taken) == booked == 3
    assert orders["walked"] == 0
    assert orders["indexed"] <= 20
