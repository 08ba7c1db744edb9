"""Closing the books: after it no invoice and no credit note is dated in a closed month; opening undoes it.

Whatever was issued stays as it is. Orders whose invoice would be dated in a closed month wait, and say so; what
corrects a closed month is dated in an open one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select

from app.accounts.models import User
from app.extensions import db
from app.invoices.models import Closing, Invoice
from app.orders.due import BOOKABLE, due, due_day
from app.orders.judging import rejudge_store
from app.orders.models import Order
from app.tenancy.models import Store
from app.tenancy.scope import current_store, current_store_id


class CannotClose(ValueError):
    """Only a whole month that is over, and not closed yet, can be closed."""


@dataclass(frozen=True, slots=True)
class OpenMonth:
    """A month that could be closed. `invoices` are dated in it (and not before), `waiting` orders are not booked."""

    last_day: date
    invoices: int
    waiting: int


@dataclass(frozen=True, slots=True)
class NotBooked:
    """The orders that could be booked from `first` (None: since ever) to `last`, and their sum in each currency."""

    first: date | None
    last: date
    orders: int
    sums: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PastClosing:
    """One closing or opening, newest first in lists."""

    through: date | None
    words: str
    person: str
    at: datetime


def open_months() -> list[OpenMonth]:
    """The months that are over and open, oldest first, from the first invoice or order on."""
    since = _first_open_day().replace(day=1)
    invoices = _by_month(Invoice.invoice_date, Invoice.store_id == current_store_id(), Invoice.invoice_date >= since)
    waiting = _waiting(since)
    return [OpenMonth(end, invoices.get(end, 0), waiting.get(end, 0)) for end in _month_ends(since, _today())]


def not_booked(through: date) -> NotBooked:
    """What would have to find another day if the books were closed up to `through`; CannotClose for another day."""
    store = current_store()
    if not _can_be_closed(store, through):
        raise CannotClose(through)
    first = store.closed_through and store.closed_through + timedelta(days=1)
    rows = db.session.execute(
        select(Order.currency, func.count().label("orders"), func.sum(Order.total).label("total"))
        .where(Order.store_id == store.id, *due(first, through))
        .group_by(Order.currency)
        .order_by(Order.currency)
    ).all()
    return NotBooked(first, through, sum(row.orders for row in rows), {row.currency: int(row.total) for row in rows})


def past_closings(limit: int = 50) -> Sequence[PastClosing]:
    """What was closed and opened, by whom and why."""
    rows = db.session.execute(
        select(Closing.through, Closing.words, User.name, Closing.at)
        .join(User, User.id == Closing.user_id)
        .where(Closing.store_id == current_store_id())
        .order_by(Closing.id.desc())
        .limit(limit)
    )
    return [PastClosing(*row) for row in rows]


def close_books(through: date, user_id: int) -> int:
    """Close every day up to `through`, the last day of a past month; returns how many orders moved. Commits.

    CannotClose for another day. Jobs that book hold their channel while they look at the closed day, and judging the
    orders again takes each channel in turn, so that nothing is dated in the month once this has returned.
    """
    if not _can_be_closed(_locked_store(), through):
        db.session.rollback()
        raise CannotClose(through)
    return _move(through, "", user_id)


def open_books(closed: date, words: str, user_id: int) -> int:
    """Open the newest closed month again, for a reason; returns how many orders moved. Commits.

    CannotClose when `closed` is not the last closed day (any more): a second press must not open another month.
    """
    if _locked_store().closed_through != closed:
        db.session.rollback()
        raise CannotClose
    before = closed.replace(day=1) - timedelta(days=1)
    return _move(before if _was_closed(before) else None, words, user_id)


def _locked_store() -> Store:
    """The store, locked against another closing. Its key stays free: every row that a job writes refers to it, and a
    job that holds its channel would wait for us while we wait for the channel."""
    lock = {"key_share": True}
    return db.session.get_one(Store, current_store_id(), with_for_update=lock, populate_existing=True)


def _move(through: date | None, words: str, user_id: int) -> int:
    current_store().closed_through = through
    db.session.add(Closing(store_id=current_store_id(), through=through, words=words, user_id=user_id))
    db.session.flush()
    moved = rejudge_store(user_id)
    db.session.commit()
    return moved


def _can_be_closed(store: Store, through: date) -> bool:
    is_over = through < _today() and through == _end_of(through.replace(day=1))
    return is_over and (store.closed_through is None or through > store.closed_through)


def _was_closed(day: date) -> bool:
    """Whether some closing reached no further than `day`: the books before the first closing were never closed."""
    first = db.session.scalar(
        select(func.min(Closing.through)).where(Closing.store_id == current_store_id(), Closing.through.is_not(None))
    )
    return first is not None and day >= first


def _today() -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(current_store().time_zone)).date()


def _first_open_day() -> date:
    closed = current_store().closed_through
    if closed is not None:
        return closed + timedelta(days=1)
    store_id = current_store_id()
    invoice = db.session.scalar(select(func.min(Invoice.invoice_date)).where(Invoice.store_id == store_id))
    order = db.session.scalar(select(func.min(Order.placed_at)).where(Order.store_id == store_id))
    days = [day for day in (invoice, order and order.date()) if day is not None]
    return min(days, default=_today())


def _month_ends(month: date, today: date) -> list[date]:
    """The last day of each month from that of `month`, a first day, to the last one that is over."""
    ends = []
    while (end := _end_of(month)) < today:
        ends.append(end)
        month = end + timedelta(days=1)
    return ends


def _by_month(day: Any, *conditions: ColumnElement[bool]) -> dict[date, int]:
    """How many rows fall into each month, by the month's last day."""
    month = func.date_trunc("month", day)
    rows = db.session.execute(select(month, func.count()).where(*conditions).group_by(month))
    return {_end_of(start.date()): count for start, count in rows}


def _end_of(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _waiting(since: date) -> dict[date, int]:
    """Orders that could still be booked, by the month in which their invoices would be dated."""
    day = due_day()
    return _by_month(day, Order.store_id == current_store_id(), Order.state.in_(BOOKABLE), day >= since)
