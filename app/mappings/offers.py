"""What a channel may offer of the items that its listings mean: what its warehouse has, less what is kept back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, func, select

from app.catalog.models import Item, Location, StockLevel
from app.channels.models import Channel
from app.core.stock import offered
from app.extensions import db
from app.mappings.models import Listing
from app.tenancy.scope import current_store_id

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """An item, how many pieces of it are available, and of how many the channel is told."""

    item_id: int
    sku: str
    name: str
    available: int
    told: int


@dataclass(frozen=True, slots=True)
class Offers:
    """What a channel is told: `fewest` are the items that are closest to being sold out.

    `linked` counts the items that are told at all, `none_left` those of which it is told that there are none.
    """

    warehouse: str
    kept_back: int
    linked: int
    none_left: int
    fewest: tuple[Offer, ...]


def offers(channel_id: int) -> Offers | None:
    """What the channel is told now; None for one that is told no stock. One statement for that, two more for others."""
    at_place = and_(Location.store_id == Channel.store_id, Location.id == Channel.stock_location_id)
    channel = db.session.execute(
        select(Channel.stock_buffer, Location.id, Location.name)
        .join(Location, at_place)
        .where(Channel.store_id == current_store_id(), Channel.id == channel_id)
    ).one_or_none()
    if channel is None:
        return None
    kept_back, place, warehouse = channel
    at_level = and_(
        StockLevel.store_id == Item.store_id, StockLevel.item_id == Item.id, StockLevel.location_id == place
    )
    available = func.coalesce(StockLevel.on_hand - StockLevel.reserved, 0)
    means = select(Listing.item_id).where(
        Listing.store_id == current_store_id(), Listing.channel_id == channel_id, Listing.gone_at.is_(None)
    )
    items = (
        select(Item.id, Item.sku, Item.name, available.label("available"))
        .outerjoin(StockLevel, at_level)
        .where(Item.store_id == current_store_id(), Item.id.in_(means))
    )
    counted = items.subquery()
    linked, none_left = db.session.execute(
        select(func.count(), func.count().filter(counted.c.available <= kept_back)).select_from(counted)
    ).one()
    fewest = db.session.execute(items.order_by(available, Item.id).limit(SHOWN))
    shown = tuple(Offer(*found, told=offered(found.available, kept_back)) for found in fewest)
    return Offers(warehouse, kept_back, linked, none_left, shown)
