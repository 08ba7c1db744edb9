"""What Home tells: whether everything is in, what waits for somebody, and what was sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Select, and_, bindparam, exists, func, literal, select, union_all

from app.channels.connecting import kind_of
from app.channels.models import Channel
from app.channels.queries import ChannelRow
from app.core.states import ChangeState, OrderState, Reason, SeenState
from app.invoices.models import CreditNote, Invoice
from app.orders.models import Order, SeenOrder, Shortage
from app.planning import read
from app.sync.models import ORDER, WRITE_BACK, Change
from app.tenancy.scope import THIS_STORE, current_store

COUNTED_AT_MOST: Final = 10_001
"""Counting stops here; pages then say "10,000+"."""
SALES_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of each wait, counted up to COUNTED_AT_MOST.

    `held` are held orders but those in `gateway`, which wait for a payment method; `planned` are invoice numbers on
    their way, `conflicts` and `stuck` those that did not get there; `alerts` are invoiced orders that changed since.
    `lacking` are orders that lack pieces of the stock, or whose items are not linked to it; `ungiven` are orders made
    here that another channel was to have, and has not as they stand.
    """

    unread: int
    ready: int
    unpaid: int
    gateway: int
    held: int
    alerts: int
    lacking: int
    ungiven: int
    planned: int
    conflicts: int
    stuck: int
    has_invoices: bool


@dataclass(frozen=True, slots=True)
class Sold:
    """How many invoices were issued, and their total less what was credited, in minor units."""

    count: int
    total: int

    def __add__(self, other: Sold) -> Sold:
        return Sold(self.count + other.count, self.total + other.total)


_NOTHING: Final = Sold(0, 0)


@dataclass(frozen=True, slots=True)
class Sales:
    """Net sales of some days, oldest day first, in the store's currency; `others` are those in other currencies."""

    currency: str
    days: tuple[tuple[date, Sold], ...]
    others: Mapping[str, Sold]

    @property
    def count(self) -> int:
        """How many invoices in the store's currency."""
        return sum(sold.count for _day, sold in self.days)

    @property
    def total(self) -> int:
        """Their total less what was credited, in minor units."""
        return sum(sold.total for _day, sold in self.days)


def waiting() -> Waiting:
    """What waits, for whom. One statement, bounded however many orders there are."""
    return Waiting(**read(_waiting()).one()._mapping)


@cache
def _waiting() -> Select[Any]:
    """Built once for all stores: building it costs more than running it."""
    store_id = THIS_STORE
    order = Order.store_id == store_id
    held = Order.state == OrderState.HELD
    change = and_(Change.store_id == store_id, Change.kind == WRITE_BACK)
    given = and_(Change.store_id == store_id, Change.kind == ORDER)
    lacking = select(Shortage.order_id).where(Shortage.store_id == store_id).distinct().limit(COUNTED_AT_MOST)
    blocked, foreign = Change.state == ChangeState.BLOCKED, Change.reason == Reason.FOREIGN_NUMBER
    seen = SeenOrder.store_id == store_id
    return select(
        (
            _many(SeenOrder, seen, SeenOrder.state == SeenState.LISTED)
            + _many(SeenOrder, seen, SeenOrder.state == SeenState.UNREADABLE)
        ).label("unread"),
        _many(Order, order, Order.state == OrderState.READY).label("ready"),
        _many(Order, order, Order.state == OrderState.WAITING).label("unpaid"),
        _many(Order, order, held, Order.reason == Reason.GATEWAY_UNMAPPED).label("gateway"),
        _many(Order, order, held, Order.reason.is_distinct_from(Reason.GATEWAY_UNMAPPED)).label("held"),
        _many(Order, order, Order.alert.is_not(None)).label("alerts"),
        select(func.count()).select_from(lacking.subquery()).scalar_subquery().label("lacking"),
        _many(Change, given, blocked).label("ungiven"),
        _many(Change, change, Change.state.in_((ChangeState.PLANNED, ChangeState.SENDING))).label("planned"),
        _many(Change, change, blocked, foreign).label("conflicts"),
        _many(Change, change, blocked, Change.reason.is_distinct_from(Reason.FOREIGN_NUMBER)).label("stuck"),
        exists().where(Invoice.store_id == store_id).label("has_invoices"),
    )


def channels_with_ready_orders() -> set[int]:
    """Channels on which *Sync* would book something now. One statement."""
    return set(read(_ready()).scalars())


@cache
def _ready() -> Select[int]:
    ready = exists().where(
        Order.store_id == THIS_STORE, Order.channel_id == Channel.id, Order.state == OrderState.READY
    )
    return select(Channel.id).where(Channel.store_id == THIS_STORE, ready)


def sales(now: datetime | None = None) -> Sales:
    """Net sales of the last SALES_DAYS days of the store's zone, today included. One statement."""
    store = current_store()
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(store.time_zone)).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(SALES_DAYS))]
    own: dict[date, Sold] = {}
    others: dict[str, Sold] = {}
    for day, currency, many, total in read(_net_by_day(), {"first": days[0], "last": today}):
        more = Sold(int(many), int(total))
        if currency == store.currency:
            own[day] = more
        else:
            others[currency] = others.get(currency, _NOTHING) + more
    return Sales(store.currency, tuple((day, own.get(day, _NOTHING)) for day in days), others)


@cache
def _net_by_day() -> Select[Any]:
    """(day, currency, invoices, total): each document counts on its own day, so that a past day never changes."""
    first, last = bindparam("first", type_=Date), bindparam("last", type_=Date)
    issued = select(
        Invoice.invoice_date.label("day"),
        Invoice.currency,
        func.count().label("many"),
        func.sum(Invoice.total).label("t"),
    ).where(Invoice.store_id == THIS_STORE, Invoice.invoice_date.between(first, last))
    credited = select(
        CreditNote.credit_date.label("day"), CreditNote.currency, literal(0), -func.sum(CreditNote.total)
    ).where(CreditNote.store_id == THIS_STORE, CreditNote.credit_date.between(first, last))
    both = union_all(issued.group_by("day", Invoice.currency), credited.group_by("day", CreditNote.currency)).subquery()
    sums = (func.sum(both.c.many), func.sum(both.c.t))
    return select(both.c.day, both.c.currency, *sums).group_by(both.c.day, both.c.currency)


def next_act(channels: list[ChannelRow], ready: set[int]) -> int | None:
    """The channel whose button is the next thing to do, when there is exactly one: to sync it, or to reconnect it."""
    due = [
        row.id
        for row in channels
        if row.needs_reconnecting or (row.status == "connected" and (row.id in ready or _is_unread(row)))
    ]
    return due[0] if len(due) == 1 else None


def _is_unread(row: ChannelRow) -> bool:
    return not row.is_set_up or (row.checked_at is None and row.takes_orders and kind_of(row.kind).lists_orders)


def _many(model: type[Any], *conditions: ColumnElement[bool]) -> Any:
    some = select(literal(1)).select_from(model).where(*conditions).limit(COUNTED_AT_MOST).subquery()
    return select(func.count()).select_from(some).scalar_subquery()
