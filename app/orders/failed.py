"""What needs a person, grouped by cause: orders that are held, numbers that could not be written back, orders that
could not be read, and invoiced orders that changed on the channel afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, and_, case, func, literal, or_, select

from app.channels.models import Channel
from app.core.states import ChangeState, OrderState, Reason, SeenState
from app.extensions import db
from app.mappings.models import PaymentMapping
from app.orders.detail import payload_text
from app.orders.filters import OrderFilter, gateway_value
from app.orders.models import Order, SeenOrder
from app.sync.models import Change
from app.tenancy.scope import current_store, current_store_id

SAMPLES: Final = 20
BADGE_AT_MOST: Final = 1_000


class CauseKind(StrEnum):
    """What is stuck."""

    ORDERS = "orders"
    WRITE_BACKS = "write_backs"
    UNREADABLE = "unreadable"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause on one channel. `money` is currency → minor units of the orders behind it, `detail` the facts that
    they share; `where` finds them all in the orders' list, None for orders that could not be read."""

    kind: CauseKind
    code: str
    channel_id: int
    channel: str
    count: int
    money: Mapping[str, int] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    mapping_id: int | None = None
    where: OrderFilter | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """An order that the channel listed and we could not read, with what was wrong and what was sent, if anything."""

    remote_id: str
    channel_id: int
    problem: str
    text: str


def failed_causes() -> list[Cause]:
    """Every cause, most money of the store's own currency first, then most orders. Four statements."""
    own = current_store().currency
    causes = [*_held(), *_stuck_write_backs(), *_unreadable(), *_alerts()]
    return sorted(causes, key=lambda cause: (-cause.money.get(own, 0), -cause.count, cause.code, cause.channel_id))


def failed_count(at_most: int = BADGE_AT_MOST) -> int:
    """How many orders and write-backs wait for a person, counted up to `at_most` of each. One statement."""
    store_id = current_store_id()
    held = (
        select(literal(1))
        .where(Order.store_id == store_id, Order.state == OrderState.HELD, _connected(Order.channel_id))
        .limit(at_most)
    )
    stuck = (
        select(literal(1))
        .where(Change.store_id == store_id, Change.state == ChangeState.BLOCKED, _connected(Change.channel_id))
        .limit(at_most)
    )
    unread = (
        select(literal(1))
        .where(SeenOrder.store_id == store_id, _not_read(), _connected(SeenOrder.channel_id))
        .limit(at_most)
    )
    parts = [select(func.count()).select_from(part.subquery()).scalar_subquery() for part in (held, stuck, unread)]
    return sum(db.session.execute(select(*parts)).one())


def unread_orders() -> list[Unread]:
    """Some of the orders that could not be read, up to SAMPLES of each channel."""
    place = func.row_number().over(partition_by=SeenOrder.channel_id, order_by=SeenOrder.remote_id).label("place")
    found = (
        select(SeenOrder.remote_id, SeenOrder.channel_id, SeenOrder.raw, place)
        .where(SeenOrder.store_id == current_store_id(), _not_read(), _connected(SeenOrder.channel_id))
        .subquery()
    )
    rows = db.session.execute(select(found).where(found.c.place <= SAMPLES).order_by(found.c.channel_id, found.c.place))
    return [_unread(row) for row in rows]


def _unread(row: Row[Any]) -> Unread:
    if not row.raw:
        return Unread(row.remote_id, row.channel_id, "", "")
    return Unread(row.remote_id, row.channel_id, row.raw.get("problem", ""), payload_text(row.raw.get("payload")))


def _held() -> list[Cause]:
    """Held orders by reason, channel and, where the gateway is the cause, gateway."""
    store_id = current_store_id()
    gateway = case((Order.reason == Reason.GATEWAY_UNMAPPED, Order.gateway_key))
    rows = db.session.execute(
        select(
            Order.reason.label("code"),
            Order.channel_id,
            Channel.name.label("channel"),
            gateway.label("gateway_key"),
            PaymentMapping.id.label("mapping_id"),
            PaymentMapping.gateway,
            Order.currency,
            func.count().label("many"),
            func.sum(Order.total).label("total"),
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
            gateway,
            PaymentMapping.id,
            PaymentMapping.gateway,
            Order.currency,
        )
    )
    return _merged(
        (
            row,
            Cause(
                kind=CauseKind.ORDERS,
                code=row.code or "",
                channel_id=row.channel_id,
                channel=row.channel,
                count=0,
                detail={} if row.gateway_key is None else {"gateway": row.gateway},
                mapping_id=row.mapping_id,
                where=OrderFilter(
                    channel=row.channel_id,
                    state=(OrderState.HELD,),
                    reason=row.code,
                    gateway=None if row.gateway_key is None else gateway_value(row.gateway_key),
                ),
            ),
        )
        for row in rows
    )


def _stuck_write_backs() -> list[Cause]:
    store_id = current_store_id()
    rows = db.session.execute(
        select(
            Change.reason.label("code"),
            Change.channel_id,
            Channel.name.label("channel"),
            Order.currency,
            func.count().label("many"),
            func.sum(Order.total).label("total"),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Change.channel_id))
        .join(Order, and_(Order.store_id == store_id, Order.id == Change.order_id))
        .where(Change.store_id == store_id, Change.state == ChangeState.BLOCKED, _connected(Change.channel_id))
        .group_by(Change.reason, Change.channel_id, Channel.name, Order.currency)
    )
    return _merged(
        (
            row,
            Cause(
                kind=CauseKind.WRITE_BACKS,
                code=row.code or Reason.WRITEBACK_FAILED,
                channel_id=row.channel_id,
                channel=row.channel,
                count=0,
                where=OrderFilter(channel=row.channel_id, write_back=ChangeState.BLOCKED, reason=row.code),
            ),
        )
        for row in rows
    )


def _alerts() -> list[Cause]:
    store_id = current_store_id()
    rows = db.session.execute(
        select(
            Order.alert.label("code"),
            Order.channel_id,
            Channel.name.label("channel"),
            Order.currency,
            func.count().label("many"),
            func.sum(Order.total).label("total"),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Order.channel_id))
        .where(Order.store_id == store_id, Order.alert.is_not(None), _connected(Order.channel_id))
        .group_by(Order.alert, Order.channel_id, Channel.name, Order.currency)
    )
    return _merged(
        (
            row,
            Cause(
                kind=CauseKind.ALERTS,
                code=row.code,
                channel_id=row.channel_id,
                channel=row.channel,
                count=0,
                where=OrderFilter(channel=row.channel_id, alert=row.code),
            ),
        )
        for row in rows
    )


def _unreadable() -> list[Cause]:
    store_id = current_store_id()
    rows = db.session.execute(
        select(
            func.coalesce(SeenOrder.reason, Reason.BAD_PAYLOAD.value).label("code"),
            SeenOrder.channel_id,
            Channel.name.label("channel"),
            func.count().label("many"),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == SeenOrder.channel_id))
        .where(SeenOrder.store_id == store_id, _not_read(), _connected(SeenOrder.channel_id))
        .group_by(SeenOrder.reason, SeenOrder.channel_id, Channel.name)
    )
    return [Cause(CauseKind.UNREADABLE, row.code, row.channel_id, row.channel, row.many) for row in rows]


def _connected(channel_id: Any) -> Any:
    """What a removed channel left behind waits for nobody: there is nothing to press until it is connected again."""
    return channel_id.in_(select(Channel.id).where(Channel.store_id == current_store_id(), Channel.status != "removed"))


def _not_read() -> Any:
    """Could not be understood, or was listed and its details were not given. Each half has a partial index."""
    return or_(SeenOrder.state == SeenState.UNREADABLE, SeenOrder.state == SeenState.LISTED)


def _merged(found: Iterable[tuple[Any, Cause]]) -> list[Cause]:
    """One cause for all currencies of its orders."""
    causes: dict[tuple[str, int, int | None], Cause] = {}
    for row, cause in found:
        key = (cause.code, cause.channel_id, cause.mapping_id)
        so_far = causes.get(key, cause)
        causes[key] = replace(
            so_far,
            count=so_far.count + row.many,
            money={**so_far.money, row.currency: int(row.total)},
        )
    return [_with_facts(cause) for cause in causes.values()]


def _with_facts(cause: Cause) -> Cause:
    """Add the facts that all orders of the cause share, for its sentence."""
    if cause.code == Reason.CURRENCY_UNSUPPORTED:
        return replace(cause, detail={"currency": ", ".join(sorted(cause.money))})
    if cause.code == Reason.DATE_MISSING:
        return replace(cause, detail={"rule": current_store().invoice_date_rule})
    return cause
