"""What only a person can say of an order: that it is a sale of its own, and on which day its invoice shall stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select, update

from app.core.states import OrderState, Reason
from app.extensions import db
from app.orders.detail import OrderDetail, order_detail
from app.orders.failed import CauseKey, CauseKind, orders_of
from app.orders.ignoring import one_of
from app.orders.judging import rejudge_orders
from app.orders.models import Order
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.planning import read
from app.tenancy.models import Store
from app.tenancy.scope import THIS_STORE, current_store, current_store_id

SUSPECTS_AT_MOST = 5


class OtherDay(Exception):
    """The books were closed or opened since the day was shown, so that it is not the first open one any more."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An order that is held, and the one of another channel that looks like the same sale."""

    held: OrderDetail
    other: OrderDetail | None


@dataclass(frozen=True, slots=True)
class Suspect:
    """An order that is held because it looks like the same sale as another."""

    id: int
    number: str
    channel_id: int


def same_sale_pair(order_id: int) -> Pair | None:
    """Both orders side by side; None unless the order is held for this."""
    order = order_detail(order_id)
    if order is None or not _is_suspected(order.row.state, order.row.reason):
        return None
    other_id = order.row.reason_detail.get("order_id")
    return Pair(order, order_detail(other_id) if isinstance(other_id, int) else None)


def suspects_of(order_id: int) -> list[Suspect]:
    """Orders that are held because they look like the same sale as this one. One statement, by an index."""
    return [Suspect(*row) for row in read(_reading_suspects(), {"order": order_id})]


@cache
def _reading_suspects() -> Any:
    order = bindparam("order", type_=BigInteger)
    key = select(Order.sale_key).where(Order.store_id == THIS_STORE, Order.id == order).scalar_subquery()
    return (
        select(Order.id, Order.number, Order.channel_id)
        .where(
            Order.store_id == THIS_STORE,
            Order.sale_key == key,
            Order.id != order,
            Order.state == OrderState.HELD,
            Order.reason == Reason.DUPLICATE_SUSPECTED,
        )
        .order_by(Order.id)
        .limit(SUSPECTS_AT_MOST)
    )


def say_two_sales(order_id: int, user_id: int) -> bool:
    """The order is a sale of its own, whatever it looks like: it is judged again. Commits.

    False when it is not held for this any more.
    """
    order = db.session.get(Order, (current_store_id(), order_id))
    if order is None:
        return False
    channel_id = order.channel_id
    lock_channel(channel_id)
    said = db.session.execute(
        update(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.id == order_id,
            Order.state == OrderState.HELD,
            Order.reason == Reason.DUPLICATE_SUSPECTED,
        )
        .values(not_same_sale=True)
        .returning(Order.reason_detail["number"].astext)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if said is None:
        db.session.rollback()
        return False
    write_journal([JournalNote("not_same_sale", channel_id, order_id, {"number": said[0]})], user_id=user_id)
    db.session.expire_all()
    rejudge_orders(channel_id, [order_id], user_id)
    db.session.commit()
    return True


def first_open_day() -> date | None:
    """The day after the closed books end; None when no book is closed.

    An order of a closed month belongs before it, so no later day would be nearer to the truth.
    """
    closed = current_store().closed_through
    return None if closed is None else closed + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dated:
    """How many orders can be booked on the day that was chosen, and how many wait for something else all the same."""

    ready: int
    held: int


def date_on_first_open_day(channel_id: int, order_ids: Sequence[int] | None, day: date, user_id: int) -> Dated:
    """Date the invoices of what waits in closed books (or only of these orders) on `day`. Commits.

    OtherDay when `day` is not the first open one any more: nothing was changed.
    """
    lock_channel(channel_id)
    db.session.get_one(Store, current_store_id(), populate_existing=True)
    if day != first_open_day():
        db.session.rollback()
        raise OtherDay
    cause = CauseKey(CauseKind.ORDERS, Reason.PERIOD_LOCKED, channel_id)
    among = [] if order_ids is None else [one_of(Order.id, order_ids)]
    dated = db.session.execute(
        update(Order)
        .where(*orders_of(cause), *among)
        .values(book_on=day)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    ids = [row.id for row in dated]
    write_journal([JournalNote("dated", channel_id, one, {"day": day.isoformat()}) for one in ids], user_id=user_id)
    db.session.expire_all()
    rejudge_orders(channel_id, ids, user_id)
    among = [Order.store_id == current_store_id(), one_of(Order.id, ids)]
    held = db.session.scalars(select(func.count()).where(*among, Order.state == OrderState.HELD)).one()
    db.session.commit()
    return Dated(len(ids) - held, held)


def _is_suspected(state: str, reason: str | None) -> bool:
    return state == OrderState.HELD and reason == Reason.DUPLICATE_SUSPECTED
