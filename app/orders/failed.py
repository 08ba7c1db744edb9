"""What needs a person, grouped by cause: orders that are held, numbers that could not be written back, orders that
another store did not let us move, orders made here that a channel does not have, orders that could not be read,
invoiced orders that changed on the channel afterwards, orders that lack pieces of the stock, and orders of which two
linked stores said different things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, literal, null, or_, select

from app.channels.models import Channel
from app.core.states import ChangeState, OrderState, Reason, SeenState
from app.extensions import db
from app.mappings.models import PaymentMapping
from app.orders.causes import BY_SKU, Cause, CauseKey, CauseKind, Part, shared_facts
from app.orders.failed_conflicts import conflict_causes
from app.orders.failed_stock import stock_causes
from app.orders.filters import OrderFilter, gateway_value
from app.orders.importing import UNREAD
from app.orders.models import Order, SeenOrder, Shortage
from app.orders.packages import FulfilmentRow
from app.planning import among, fixed, read
from app.sync.models import MOVE, ORDER, WRITE_BACK, Change
from app.tenancy.scope import THIS_STORE, current_store, current_store_id

__all__ = [
    "BY_SKU",
    "CHANGES",
    "Cause",
    "CauseKey",
    "CauseKind",
    "Part",
    "changes_of",
    "failed_causes",
    "failed_count",
    "failed_counted",
    "orders_of",
    "still_waiting",
    "unread_of",
]

BADGE_AT_MOST: Final = 1_000
CHANGES: Final = {CauseKind.WRITE_BACKS: WRITE_BACK, CauseKind.MOVES: MOVE, CauseKind.GIVEN: ORDER}
"""Causes of changes that are stuck, and the kind of change that each is about."""
_SKUS: Final = Order.reason_detail["skus"].astext
_skus_of_change: Final = func.nullif(Change.reason_detail["skus"].astext, "")


def failed_causes() -> list[Cause]:
    """Every cause, most money of the store's own currency first, then most orders. Seven statements, or eight."""
    own = current_store().currency
    causes = [*_held(), *_stuck_changes(), *_unreadable(), *_alerts(), *stock_causes(), *conflict_causes()]
    return sorted(causes, key=lambda cause: (-cause.money.get(own, 0), -cause.count, cause.code, cause.channel_id))


def failed_count(at_most: int = BADGE_AT_MOST) -> int:
    """How many orders and changes wait for a person, counted up to `at_most` of each. One statement.

    An order that is held and lacks pieces is two things to do.
    """
    many: int = db.session.execute(select(failed_counted(at_most))).scalar_one()
    return many


def failed_counted(at_most: int = BADGE_AT_MOST) -> ColumnElement[int]:
    """The same as a column."""
    held = (
        select(literal(1))
        .where(Order.store_id == THIS_STORE, Order.state == fixed(OrderState.HELD), _connected(Order.channel_id))
        .limit(at_most)
    )
    stuck = (
        select(literal(1))
        .where(Change.store_id == THIS_STORE, Change.state == fixed(ChangeState.BLOCKED), _connected(Change.channel_id))
        .limit(at_most)
    )
    unread = (
        select(literal(1))
        .where(SeenOrder.store_id == THIS_STORE, *_not_read(), _connected(SeenOrder.channel_id))
        .limit(at_most)
    )
    lacking = select(Shortage.order_id).where(Shortage.store_id == THIS_STORE).distinct().limit(at_most)
    lost = (FulfilmentRow.store_id == THIS_STORE, FulfilmentRow.conflict.is_not(None))
    contested = select(FulfilmentRow.order_id).where(*lost).limit(at_most)
    first, *others = (
        select(func.count()).select_from(part.subquery()).scalar_subquery()
        for part in (held, stuck, unread, lacking, contested)
    )
    return sum(others, start=first)


def orders_of(key: CauseKey) -> list[ColumnElement[bool]]:
    """Conditions on Order: the orders of a cause that are stored and not stuck in writing back."""
    conditions = [Order.store_id == current_store_id(), Order.channel_id == key.channel_id]
    if key.kind == CauseKind.ALERTS:
        return [*conditions, Order.alert == key.code]
    if key.part is not None:
        conditions.append((_SKUS if key.code in BY_SKU else Order.gateway_key) == key.part)
    return [*conditions, Order.state == OrderState.HELD, Order.reason == key.code]


def changes_of(key: CauseKey) -> list[ColumnElement[bool]]:
    """Conditions on Change: those of a cause, which is about changes of one kind."""
    channel = (Change.store_id == current_store_id(), Change.channel_id == key.channel_id)
    kind = Change.kind == CHANGES[key.kind]
    part = [] if key.part is None else [_skus_of_change == key.part]
    return [*channel, kind, *part, Change.state == ChangeState.BLOCKED, Change.reason == key.code]


def unread_of(key: CauseKey) -> list[ColumnElement[bool]]:
    """Conditions on SeenOrder: the orders of a cause that could not be read."""
    channel = (SeenOrder.store_id == current_store_id(), SeenOrder.channel_id == key.channel_id)
    return [*channel, *_not_read(), SeenOrder.reason == key.code]


def still_waiting(keys: Iterable[CauseKey]) -> set[CauseKey]:
    """Those of these causes for which anything waits by now. One statement, none for none."""
    asked = sorted(set(keys), key=str)
    if not asked:
        return set()
    found = db.session.execute(select(*(_waits(key).label(f"waits_{place}") for place, key in enumerate(asked)))).one()
    return {key for key, waits in zip(asked, found, strict=True) if waits}


def _waits(key: CauseKey) -> ColumnElement[bool]:
    lacking = select(Shortage.order_id).where(Shortage.store_id == THIS_STORE, func.upper(Shortage.why) == key.code)
    lost = (FulfilmentRow.store_id == THIS_STORE, FulfilmentRow.conflict.is_not(None))
    of_channel = (Order.store_id == THIS_STORE, Order.channel_id == key.channel_id)
    connected = _connected(literal(key.channel_id))
    match key.kind:
        case CauseKind.ORDERS | CauseKind.ALERTS:
            return exists().where(*orders_of(key), connected)
        case CauseKind.UNREADABLE:
            return exists().where(*unread_of(key), connected)
        case CauseKind.STOCK:
            return exists().where(*of_channel, among(Order.id, lacking))
        case CauseKind.CONFLICTS:
            return exists().where(*of_channel, among(Order.id, select(FulfilmentRow.order_id).where(*lost)), connected)
        case _:
            return exists().where(*changes_of(key), connected)


def _held() -> list[Cause]:
    """Held orders by reason, channel and, where a gateway or an item is the cause, gateway or SKUs."""
    rows = read(_holding()).all()
    held = (OrderState.HELD,)
    return _merged(CauseKind.ORDERS, rows, lambda row: OrderFilter(channel=row.channel_id, state=held, reason=row.code))


@cache
def _holding() -> Any:
    store_id = THIS_STORE
    gateway = case((Order.reason == Reason.GATEWAY_UNMAPPED, Order.gateway_key))
    part = case((Order.reason.in_(BY_SKU), _SKUS), else_=gateway)
    return (
        select(
            Order.reason.label("code"),
            Order.channel_id,
            Channel.name.label("channel"),
            part.label("part"),
            PaymentMapping.id.label("mapping_id"),
            PaymentMapping.gateway,
            Order.currency,
            *_counted(Order.id, Order.state_at, Order.state_at),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Order.channel_id))
        .outerjoin(
            PaymentMapping,
            and_(
                PaymentMapping.store_id == store_id,
                PaymentMapping.channel_id == Order.channel_id,
                PaymentMapping.gateway_key == gateway,
            ),
        )
        .where(Order.store_id == store_id, Order.state == OrderState.HELD, _connected(Order.channel_id))
        .group_by(
            Order.reason,
            Order.channel_id,
            Channel.name,
            part,
            PaymentMapping.id,
            PaymentMapping.gateway,
            Order.currency,
        )
    )


def _stuck_changes() -> list[Cause]:
    rows = read(_blocking()).all()
    blocked = ChangeState.BLOCKED
    written = _merged(
        CauseKind.WRITE_BACKS,
        [row for row in rows if row.kind == WRITE_BACK],
        lambda row: OrderFilter(channel=row.channel_id, write_back=blocked, reason=row.code),
    )
    others = (CauseKind.MOVES, CauseKind.GIVEN)
    return written + [
        cause
        for kind in others
        for cause in _merged(kind, [row for row in rows if row.kind == CHANGES[kind]], lambda _row: None)
    ]


@cache
def _blocking() -> Any:
    store_id = THIS_STORE
    part = case((Change.reason.in_(BY_SKU), _skus_of_change))
    return (
        select(
            Change.kind,
            Change.reason.label("code"),
            Change.channel_id,
            Channel.name.label("channel"),
            part.label("part"),
            null().label("mapping_id"),
            Order.currency,
            *_counted(Change.id, Change.planned_at, func.coalesce(Change.claimed_at, Change.planned_at)),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Change.channel_id))
        .join(Order, and_(Order.store_id == store_id, Order.id == Change.order_id))
        .where(Change.store_id == store_id, Change.state == ChangeState.BLOCKED, _connected(Change.channel_id))
        .group_by(Change.kind, Change.reason, Change.channel_id, Channel.name, part, Order.currency)
    )


def _alerts() -> list[Cause]:
    rows = read(_alerting()).all()
    return _merged(CauseKind.ALERTS, rows, lambda row: OrderFilter(channel=row.channel_id, alert=row.code))


@cache
def _alerting() -> Any:
    store_id = THIS_STORE
    return (
        select(
            Order.alert.label("code"),
            Order.channel_id,
            Channel.name.label("channel"),
            Order.currency,
            *_counted(Order.id, Order.changed_at, Order.changed_at),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Order.channel_id))
        .where(Order.store_id == store_id, Order.alert.is_not(None), _connected(Order.channel_id))
        .group_by(Order.alert, Order.channel_id, Channel.name, Order.currency)
    )


def _unreadable() -> list[Cause]:
    rows = read(_not_understood())
    return [
        Cause(
            CauseKey(CauseKind.UNREADABLE, row.code, row.channel_id),
            row.channel,
            row.many,
            row.first_at,
            row.last_at,
            row.newest,
        )
        for row in rows
    ]


@cache
def _not_understood() -> Any:
    store_id = THIS_STORE
    return (
        select(
            SeenOrder.reason.label("code"),
            SeenOrder.channel_id,
            Channel.name.label("channel"),
            func.count().label("many"),
            func.max(SeenOrder.remote_id).label("newest"),
            func.min(SeenOrder.first_seen_at).label("first_at"),
            func.max(SeenOrder.changed_at).label("last_at"),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == SeenOrder.channel_id))
        .where(SeenOrder.store_id == store_id, *_not_read(), _connected(SeenOrder.channel_id))
        .group_by(SeenOrder.reason, SeenOrder.channel_id, Channel.name)
    )


def _counted(row_id: Any, first_at: Any, last_at: Any) -> tuple[Any, ...]:
    return (
        func.count().label("many"),
        func.sum(Order.total).label("total"),
        func.max(row_id).label("newest"),
        func.min(first_at).label("first_at"),
        func.max(last_at).label("last_at"),
    )


def _connected(channel_id: Any) -> Any:
    """What a removed channel left behind waits for nobody: there is nothing to press until it is connected again."""
    return channel_id.in_(select(Channel.id).where(Channel.store_id == THIS_STORE, Channel.status != "removed"))


def _not_read() -> list[ColumnElement[bool]]:
    """Could not be understood, or was listed and its details were not given. Each half has a partial index.

    An order that is stored and held for that is told once: as an order, whose amount is known.
    """
    told = exists().where(
        Order.store_id == SeenOrder.store_id,
        Order.channel_id == SeenOrder.channel_id,
        Order.remote_id == SeenOrder.remote_id,
        or_(and_(Order.state == OrderState.HELD, Order.reason.in_(UNREAD)), Order.reason == Reason.IGNORED),
    )
    states = (SeenState.UNREADABLE, SeenState.LISTED)
    return [or_(*(SeenOrder.state == fixed(state) for state in states)), ~told]


def _merged(kind: CauseKind, rows: Iterable[Row[Any]], where: Any) -> list[Cause]:
    """One cause for all currencies and gateways of its orders."""
    causes: dict[tuple[str, int], Cause] = {}
    for row in rows:
        new = Cause(
            CauseKey(kind, row.code, row.channel_id), row.channel, 0, row.first_at, row.last_at, where=where(row)
        )
        cause = causes.get((row.code, row.channel_id), new)
        causes[row.code, row.channel_id] = replace(
            cause,
            count=cause.count + row.many,
            money=_added(cause.money, row),
            first_at=min(cause.first_at, row.first_at),
            last_at=max(cause.last_at, row.last_at),
            newest=str(max(int(cause.newest or 0), row.newest)),
            parts=_with_part(cause, row),
        )
    return [_with_facts(cause) for cause in causes.values()]


def _with_part(cause: Cause, row: Row[Any]) -> tuple[Part, ...]:
    """The gateways or SKUs behind the cause, most orders first; none for other causes."""
    key, is_sku = row._mapping.get("part"), cause.code in BY_SKU
    if key is None or (cause.where is None and not is_sku):
        return cause.parts
    where = None if is_sku or cause.where is None else cause.where.but(gateway=gateway_value(key))
    new = Part(key if is_sku else row.gateway or "", key, row.mapping_id, 0, {}, where)
    parts = {part.key: part for part in cause.parts}
    part = parts.get(key, new)
    parts[key] = replace(part, count=part.count + row.many, money=_added(part.money, row))
    return tuple(sorted(parts.values(), key=lambda part: (-part.count, part.key)))


def _added(money: Mapping[str, int], row: Row[Any]) -> dict[str, int]:
    return {**money, row.currency: money.get(row.currency, 0) + int(row.total)}


def _with_facts(cause: Cause) -> Cause:
    """Add the facts that all orders of the cause share, for its sentence."""
    if cause.code == Reason.CURRENCY_UNSUPPORTED:
        return replace(cause, detail={"currency": ", ".join(sorted(cause.money))})
    if cause.code == Reason.DATE_MISSING:
        return replace(cause, detail={"rule": current_store().invoice_date_rule})
    return replace(cause, detail=shared_facts(cause.code, cause.parts[0])) if len(cause.parts) == 1 else cause
