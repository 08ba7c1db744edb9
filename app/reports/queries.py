"""What Home tells: whether everything is in, what waits for somebody, and what was sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, literal, select

from app.channels.models import Channel
from app.channels.queries import ChannelRow
from app.core.states import ChangeState, InvoiceState, OrderState, Reason, SeenState
from app.extensions import db
from app.invoices.models import Invoice
from app.orders.models import Order, SeenOrder
from app.sync.models import Change
from app.tenancy.scope import current_store, current_store_id

COUNTED_AT_MOST: Final = 10_001
"""Counting stops here; pages then say "10,000+"."""
SALES_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of each wait, counted up to COUNTED_AT_MOST.

    `held` are held orders but those in `gateway`, which wait for a payment method; `planned` are invoice numbers on
    their way, `conflicts` and `stuck` those that did not get there; `alerts` are invoiced orders that changed since.
    """

    unread: int
    ready: int
    unpaid: int
    gateway: int
    held: int
    alerts: int
    planned: int
    conflicts: int
    stuck: int
    has_invoices: bool


@dataclass(frozen=True, slots=True)
class Sold:
    """Invoices that were not credited, together: how many, and their total in minor units."""

    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Sales:
    """The invoices of some days, oldest day first, in the store's currency; `others` are those in other currencies."""

    currency: str
    days: tuple[tuple[date, Sold], ...]
    others: Mapping[str, Sold]

    @property
    def count(self) -> int:
        """How many invoices in the store's currency."""
        return sum(sold.count for _day, sold in self.days)

    @property
    def total(self) -> int:
        """Their total in minor units."""
        return sum(sold.total for _day, sold in self.days)


def waiting() -> Waiting:
    """What waits, for whom. One statement, bounded however many orders there are."""
    store_id = current_store_id()
    order = Order.store_id == store_id
    held = Order.state == OrderState.HELD
    change = Change.store_id == store_id
    blocked, foreign = Change.state == ChangeState.BLOCKED, Change.reason == Reason.FOREIGN_NUMBER
    seen = SeenOrder.store_id == store_id
    row = db.session.execute(
        select(
            (
                _many(SeenOrder, seen, SeenOrder.state == SeenState.LISTED)
                + _many(SeenOrder, seen, SeenOrder.state == SeenState.UNREADABLE)
            ).label("unread"),
            _many(Order, order, Order.state == OrderState.READY).label("ready"),
            _many(Order, order, Order.state == OrderState.WAITING).label("unpaid"),
            _many(Order, order, held, Order.reason == Reason.GATEWAY_UNMAPPED).label("gateway"),
            _many(Order, order, held, Order.reason.is_distinct_from(Reason.GATEWAY_UNMAPPED)).label("held"),
            _many(Order, order, Order.alert.is_not(None)).label("alerts"),
            _many(Change, change, Change.state.in_((ChangeState.PLANNED, ChangeState.SENDING))).label("planned"),
            _many(Change, change, blocked, foreign).label("conflicts"),
            _many(Change, change, blocked, Change.reason.is_distinct_from(Reason.FOREIGN_NUMBER)).label("stuck"),
            exists().where(Invoice.store_id == store_id).label("has_invoices"),
        )
    ).one()
    return Waiting(**row._mapping)


def channels_with_ready_orders() -> set[int]:
    """Channels on which *Sync* would book something now. One statement."""
    store_id = current_store_id()
    ready = exists().where(Order.store_id == store_id, Order.channel_id == Channel.id, Order.state == OrderState.READY)
    return set(db.session.scalars(select(Channel.id).where(Channel.store_id == store_id, ready)))


def sales(now: datetime | None = None) -> Sales:
    """What was invoiced in the last SALES_DAYS days of the store's zone, today included. One statement."""
    store = current_store()
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(store.time_zone)).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(SALES_DAYS))]
    rows = db.session.execute(
        select(
            Invoice.invoice_date, Invoice.currency, func.count().label("many"), func.sum(Invoice.total).label("total")
        )
        .where(
            Invoice.store_id == store.id,
            Invoice.state == InvoiceState.POSTED,
            Invoice.invoice_date.between(days[0], today),
        )
        .group_by(Invoice.invoice_date, Invoice.currency)
    ).all()
    own = {row.invoice_date: Sold(row.many, int(row.total)) for row in rows if row.currency == store.currency}
    others: dict[str, Sold] = {}
    for row in rows:
        if row.currency != store.currency:
            so_far = others.get(row.currency, Sold(0, 0))
            others[row.currency] = Sold(so_far.count + row.many, so_far.total + int(row.total))
    return Sales(store.currency, tuple((day, own.get(day, Sold(0, 0))) for day in days), others)


def next_act(channels: list[ChannelRow], ready: set[int]) -> int | None:
    """The channel whose button is the next thing to do, when there is exactly one: to sync it, or to reconnect it."""
    due = [
        row.id
        for row in channels
        if row.needs_reconnecting or (row.status == "connected" and (row.id in ready or row.checked_at is None))
    ]
    return due[0] if len(due) == 1 else None


def _many(model: type[Any], *conditions: ColumnElement[bool]) -> Any:
    some = select(literal(1)).select_from(model).where(*conditions).limit(COUNTED_AT_MOST).subquery()
    return select(func.count()).select_from(some).scalar_subquery()
