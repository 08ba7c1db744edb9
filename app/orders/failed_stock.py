"""Orders that lack pieces of the stock, as causes for Failed Sync: how many, of what, and what it would take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, and_, func, select

from app.catalog.models import StockLevel
from app.channels.models import Channel
from app.core.reserving import Why
from app.orders.causes import Cause, CauseKey, CauseKind, Part
from app.orders.filters import OrderFilter
from app.orders.models import Order, Shortage
from app.planning import read
from app.tenancy.scope import THIS_STORE
from app.web.filters import number


def stock_causes() -> list[Cause]:
    """What lacks, by reason and channel. One statement, and another one where something lacks."""
    rows = read(_lacking()).all()
    if not rows:
        return []
    parts: defaultdict[tuple[str, int], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        parts[row.why, row.channel_id].append(row)
    sums: defaultdict[tuple[str, int], list[Row[Any]]] = defaultdict(list)
    for row in read(_orders()):
        sums[row.why, row.channel_id].append(row)
    return [_cause(Why(why), sums[why, channel_id], parts[why, channel_id]) for why, channel_id in sums]


def _cause(why: Why, sums: Sequence[Row[Any]], rows: Sequence[Row[Any]]) -> Cause:
    channel_id = sums[0].channel_id
    where = OrderFilter(channel=channel_id, stock=why)
    by_sku: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_sku[row.sku].append(row)
    parts = sorted((_part(sku, some, where) for sku, some in by_sku.items()), key=lambda one: (-one.count, one.key))
    return Cause(
        key=CauseKey(CauseKind.STOCK, why.upper(), channel_id),
        channel=sums[0].channel,
        count=sum(row.many for row in sums),
        first_at=min(row.first_at for row in sums),
        last_at=max(row.last_at for row in sums),
        newest=str(max(row.newest for row in sums)),
        money=_money(sums),
        parts=tuple(parts),
        where=where,
    )


def _part(sku: str, rows: Sequence[Row[Any]], where: OrderFilter) -> Part:
    """One SKU; of an item that is known, how many more pieces would serve them all."""
    item_id, wanted = rows[0].item_id, sum(int(row.wanted) for row in rows)
    missing = wanted if item_id is None else max(wanted - rows[0].available, 1)
    return Part(
        name=_("%(sku)s, %(pieces)s missing", sku=sku, pieces=number(missing)) if item_id else sku,
        key=sku,
        mapping_id=None,
        count=sum(row.many for row in rows),
        money=_money(rows),
        where=where.but(q=sku),
        item_id=item_id,
    )


def _money(rows: Iterable[Row[Any]]) -> dict[str, int]:
    money: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        money[row.currency] += int(row.total)
    return dict(money)


@cache
def _lacking() -> Any:
    """SKU by SKU, with what is available of the item in the warehouse of the channel."""
    available = func.coalesce(StockLevel.on_hand - StockLevel.reserved, 0)
    group = (Shortage.why, Order.channel_id, Shortage.sku, Shortage.item_id, available, Order.currency)
    at_hand = and_(
        StockLevel.store_id == THIS_STORE,
        StockLevel.item_id == Shortage.item_id,
        StockLevel.location_id == Channel.stock_location_id,
    )
    sums = (
        func.count().label("many"),
        func.sum(Order.total).label("total"),
        func.sum(Shortage.missing).label("wanted"),
    )
    return (
        _with_orders(select(*group[:4], available.label("available"), Order.currency, *sums).select_from(Shortage))
        .outerjoin(StockLevel, at_hand)
        .group_by(*group)
    )


@cache
def _orders() -> Any:
    """The orders, each counted once however many SKUs it lacks."""
    lacks = (
        select(
            Shortage.why,
            Shortage.order_id,
            func.min(Shortage.since).label("first_at"),
            func.max(Shortage.since).label("last_at"),
        )
        .where(Shortage.store_id == THIS_STORE)
        .group_by(Shortage.why, Shortage.order_id)
        .subquery()
    )
    return (
        select(
            lacks.c.why,
            Order.channel_id,
            Channel.name.label("channel"),
            Order.currency,
            func.count().label("many"),
            func.sum(Order.total).label("total"),
            func.max(Order.id).label("newest"),
            func.min(lacks.c.first_at).label("first_at"),
            func.max(lacks.c.last_at).label("last_at"),
        )
        .select_from(lacks)
        .join(Order, and_(Order.store_id == THIS_STORE, Order.id == lacks.c.order_id))
        .join(Channel, and_(Channel.store_id == THIS_STORE, Channel.id == Order.channel_id))
        .group_by(lacks.c.why, Order.channel_id, Channel.name, Order.currency)
    )


def _with_orders(query: Any) -> Any:
    return (
        query.join(Order, and_(Order.store_id == THIS_STORE, Order.id == Shortage.order_id))
        .join(Channel, and_(Channel.store_id == THIS_STORE, Channel.id == Order.channel_id))
        .where(Shortage.store_id == THIS_STORE)
    )
