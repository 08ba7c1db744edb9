"""What orders hold of the stock and what they lack, as plain rows: of one order, and of one item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, union_all

from app.catalog.models import Item, Location, StockLevel, StockMovement
from app.channels.models import Channel
from app.core.reserving import Why
from app.extensions import db
from app.orders.models import Order, Shortage
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Lacking:
    """Pieces of one SKU that an order lacks: `wanted` of them, and `available` are in its warehouse."""

    sku: str
    wanted: int
    why: Why
    item_id: int | None
    item_sku: str
    warehouse: str
    available: int

    @property
    def missing(self) -> int:
        """How many have to come in before it can be served."""
        return max(self.wanted - self.available, 1)


@dataclass(frozen=True, slots=True)
class Held:
    """What an order holds of an item in a warehouse; `sku` is what the order names it by."""

    sku: str
    item_id: int
    item_sku: str
    name: str
    warehouse: str
    taken: int
    reserved: int


@dataclass(frozen=True, slots=True)
class OrderStock:
    """What an order holds and lacks."""

    held: tuple[Held, ...] = ()
    lacking: tuple[Lacking, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """An order that has pieces of an item reserved, or lacks some."""

    order_id: int
    number: str
    channel: str
    placed_at: datetime
    reserved: int
    wanted: int


def stock_of(order_id: int) -> OrderStock:
    """What an order holds and lacks. Two statements."""
    return OrderStock(_held(order_id), _lacking(order_id))


def claims_on(item_id: int, limit: int) -> list[Claim]:
    """The orders that have pieces of the item reserved or lack some, the oldest first, at most `limit`.

    One statement.
    """
    store_id = current_store_id()
    reserved = func.sum(StockMovement.reserved_change)
    promised = (
        select(StockMovement.order_id, reserved.label("reserved"), literal(0).label("wanted"))
        .where(
            StockMovement.store_id == store_id,
            StockMovement.item_id == item_id,
            StockMovement.order_id.is_not(None),
        )
        .group_by(StockMovement.order_id)
        .having(reserved > 0)
    )
    lacking = select(Shortage.order_id, literal(0), Shortage.missing).where(
        Shortage.store_id == store_id, Shortage.item_id == item_id
    )
    claims = union_all(promised, lacking).subquery()
    columns: tuple[Any, ...] = (
        *(Order.id, Order.number, Channel.name, Order.placed_at),
        *(func.sum(claims.c.reserved), func.sum(claims.c.wanted)),
    )
    rows = db.session.execute(
        select(*columns)
        .select_from(claims)
        .join(Order, and_(Order.store_id == store_id, Order.id == claims.c.order_id))
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Order.channel_id))
        .group_by(Order.id, Order.number, Channel.name, Order.placed_at)
        .order_by(Order.placed_at, Order.id)
        .limit(limit)
    )
    return [Claim(row[0], row[1], row[2], row[3], int(row[4]), int(row[5])) for row in rows]


def _held(order_id: int) -> tuple[Held, ...]:
    taken, reserved = -func.sum(StockMovement.on_hand_change), func.sum(StockMovement.reserved_change)
    columns: tuple[Any, ...] = (StockMovement.order_sku, Item.id, Item.sku, Item.name, Location.name)
    store_id = current_store_id()
    rows = db.session.execute(
        select(*columns, taken, reserved)
        .select_from(StockMovement)
        .join(Item, and_(Item.store_id == store_id, Item.id == StockMovement.item_id))
        .join(Location, and_(Location.store_id == store_id, Location.id == StockMovement.location_id))
        .where(StockMovement.store_id == store_id, StockMovement.order_id == order_id)
        .group_by(*columns)
        .having(or_(taken != 0, reserved != 0))
        .order_by(Item.sku, StockMovement.order_sku)
    )
    return tuple(Held(*row[:5], int(row[5]), int(row[6])) for row in rows)


def _lacking(order_id: int) -> tuple[Lacking, ...]:
    available = func.coalesce(StockLevel.on_hand - StockLevel.reserved, 0)
    columns: tuple[Any, ...] = (
        *(Shortage.sku, Shortage.missing, Shortage.why, Shortage.item_id),
        *(func.coalesce(Item.sku, ""), func.coalesce(Location.name, ""), available),
    )
    store_id = current_store_id()
    place = Channel.stock_location_id
    rows = db.session.execute(
        select(*columns)
        .select_from(Shortage)
        .join(Order, and_(Order.store_id == store_id, Order.id == Shortage.order_id))
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Order.channel_id))
        .outerjoin(Location, and_(Location.store_id == store_id, Location.id == place))
        .outerjoin(Item, and_(Item.store_id == store_id, Item.id == Shortage.item_id))
        .outerjoin(
            StockLevel,
            and_(
                StockLevel.store_id == store_id,
                StockLevel.item_id == Shortage.item_id,
                StockLevel.location_id == place,
            ),
        )
        .where(Shortage.store_id == store_id, Shortage.order_id == order_id)
        .order_by(Shortage.sku)
    )
    return tuple(Lacking(row[0], row[1], Why(row[2]), *row[3:]) for row in rows)
