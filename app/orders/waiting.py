"""Orders that lack pieces and could be served now, and those whose pieces came to mean another item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, text, tuple_

from app.catalog.models import StockLevel, StockMovement
from app.channels.models import Channel
from app.core.matching import sku_key
from app.core.reserving import Hold, Why, wanted
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.mappings.models import UNTOLD, Listing
from app.orders.meaning import items_meant
from app.orders.models import Order, Shortage
from app.tenancy.scope import current_store_id

_STANDS: Final = tuple(product(OrderStatus, PaymentStatus))
_PROMISED: Final = tuple(sorted({status for status, paid in _STANDS if wanted(status, paid) is Hold.RESERVED}))
"""Statuses in which pieces may be promised to an order."""
_WAITING: Final = tuple(stand for stand in _STANDS if wanted(*stand) in (Hold.RESERVED, Hold.TAKEN))
"""Status and payment of the orders that should hold pieces."""

OldestFirst = tuple[datetime, int]
"""The place of an order among those that wait."""


def servable(location_id: int, after: OldestFirst | None, limit: int) -> list[OldestFirst]:
    """The orders of any channel that could get what they lack out of this warehouse now, the oldest first.

    There are enough pieces for one of its SKUs, or a SKU means another item than it did. One statement where nothing
    lacks, six at most.
    """
    lacks = select(Shortage.order_id).where(Shortage.store_id == current_store_id()).limit(1)
    if db.session.scalar(lacks) is None:
        return []
    lacking = _lacking(location_id)
    place = tuple_(Order.placed_at, Order.id)
    query = (
        select(Order.placed_at, Order.id)
        .distinct()
        .join(Shortage, and_(Shortage.store_id == Order.store_id, Shortage.order_id == Order.id))
        .join(Channel, and_(Channel.store_id == Order.store_id, Channel.id == Order.channel_id))
        .outerjoin(
            StockLevel,
            and_(
                StockLevel.store_id == Shortage.store_id,
                StockLevel.item_id == Shortage.item_id,
                StockLevel.location_id == location_id,
            ),
        )
        .where(*_of(location_id), _waits(), or_(_is_enough(), _means_another(lacking)))
    )
    if after is not None:
        query = query.where(place > tuple_(*after))
    return [
        (row.placed_at, row.id) for row in db.session.execute(query.order_by(Order.placed_at, Order.id).limit(limit))
    ]


def relinked(channel_id: int, after: int, limit: int) -> Sequence[int]:
    """Orders to which pieces are promised of an item that the channel's listing does not mean any more, by id.

    One statement where no listing was linked anew, and one more.
    """
    mine = (Listing.store_id == current_store_id(), Listing.channel_id == channel_id, text(UNTOLD))
    former = db.session.scalars(select(Listing.told_item_id).where(*mine, Listing.told_item_id.is_not(None))).all()
    if not former:
        return []
    query = (
        select(Order.id)
        .join(StockMovement, and_(StockMovement.store_id == Order.store_id, StockMovement.order_id == Order.id))
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel_id,
            Order.status.in_(_PROMISED),
            Order.id > after,
            StockMovement.item_id.in_(set(former)),
        )
        .group_by(Order.id)
        .having(func.sum(StockMovement.reserved_change) > 0)
        .order_by(Order.id)
    )
    return db.session.scalars(query.limit(limit)).all()


def orders_after(channel_id: int, after: int, limit: int) -> Sequence[int]:
    """The channel's orders by id."""
    mine = (Order.store_id == current_store_id(), Order.channel_id == channel_id, Order.id > after)
    return db.session.scalars(select(Order.id).where(*mine).order_by(Order.id).limit(limit)).all()


def _lacking(location_id: int) -> list[tuple[int, str, int | None]]:
    """What lacks: channel, SKU and what that meant, each once."""
    query = (
        select(Order.channel_id, Shortage.sku, Shortage.item_id)
        .distinct()
        .join(Order, and_(Order.store_id == Shortage.store_id, Order.id == Shortage.order_id))
        .join(Channel, and_(Channel.store_id == Order.store_id, Channel.id == Order.channel_id))
        .where(*_of(location_id))
    )
    return [(row.channel_id, row.sku, row.item_id) for row in db.session.execute(query)]


def _of(location_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Shortage.store_id == current_store_id(),
        Channel.stock_location_id == location_id,
        Channel.status != "removed",
    )


def _waits() -> ColumnElement[bool]:
    """Of an order that nobody understands just now nothing is moved."""
    return tuple_(Order.status, Order.payment_status).in_(_WAITING)


def _is_enough() -> ColumnElement[bool]:
    return and_(Shortage.why == Why.OVERSOLD, StockLevel.on_hand - StockLevel.reserved >= Shortage.missing)


def _means_another(lacking: Sequence[tuple[int, str, int | None]]) -> ColumnElement[bool]:
    skus: defaultdict[int, set[str]] = defaultdict(set)
    for channel_id, sku, _item_id in lacking:
        skus[channel_id].add(sku)
    meant = items_meant(skus)
    others: list[Any] = [
        (channel_id, sku)
        for channel_id, sku, item_id in lacking
        if len(found := meant[channel_id, sku_key(sku)]) == 1 and item_id not in found
    ]
    return tuple_(Order.channel_id, Shortage.sku).in_(others)
