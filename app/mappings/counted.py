"""Items follow the channel that counts them: what its branches count becomes what our warehouses hold, its prices
become the items', and an item whose weight nobody said gets the one that it has there.

What is written here is written with what was read, or with the link that was saved, in one transaction; so what a
channel says and what stands in our books never part. Whoever calls this holds the channel's lock and has done
everything else: stock is moved last (`app.catalog.stock`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import Row, and_, func, select
from sqlalchemy.sql.elements import ColumnElement

from app.bulk import each_of, update_rows
from app.catalog.models import Item, Location
from app.catalog.stock import levels_of, move
from app.channels.models import Channel, Marketplace
from app.core.counted import Count, Counted, Price, agreed_prices, counted
from app.core.goods import as_grams
from app.core.stock import Kind, Level, Movement
from app.extensions import db
from app.mappings.models import Listing, ListingStock
from app.mappings.proposing import BATCH
from app.tenancy.scope import current_store_id

_CHANGED: Final = ("price", "currency", "weight_grams", "version", "changed_by", "changed_at")


@dataclass(frozen=True, slots=True)
class Followed:
    """What changed: levels of stock, items' prices, items' weights; and the warehouses whose stock moved."""

    stock: int = 0
    prices: int = 0
    weights: int = 0
    locations: frozenset[int] = frozenset()

    @property
    def is_news(self) -> bool:
        """Whether an open page about items shows something else now."""
        return bool(self.stock or self.prices or self.weights)


NOTHING: Final = Followed()


def follow_listings(channel_id: int, remote_ids: Collection[str]) -> Followed:
    """Let the items that these listings mean follow them. A fixed number of statements for a page; does not commit."""
    if not remote_ids:
        return NOTHING
    within = {Listing.store_id: current_store_id(), Listing.channel_id: channel_id}
    query = select(Listing.item_id).where(Listing.item_id.is_not(None), Listing.gone_at.is_(None))
    return follow_items(
        channel_id, set(_ids(db.session.scalars(each_of(query, Listing.remote_id, remote_ids, within=within))))
    )


def follow_links(channel_id: int, listing_ids: Collection[int]) -> Followed:
    """The same for listings that were linked just now, however many. Does not commit."""
    found = [_meant(channel_id, Listing.id.in_(some)) for some in _some(sorted(listing_ids))]
    return follow_items(channel_id, {item_id for some in found for item_id in some})


def follow_next(channel_id: int, after: int) -> tuple[Followed, int]:
    """The same for the next items of the channel by their id, and the last one's; 0 at the end. Does not commit."""
    query = select(Listing.item_id).where(*_linked(channel_id), Listing.item_id > after).distinct()
    item_ids = _ids(db.session.scalars(query.order_by(Listing.item_id).limit(BATCH)))
    return (follow_items(channel_id, item_ids), item_ids[-1]) if item_ids else (NOTHING, 0)


def follow_items(channel_id: int, item_ids: Collection[int]) -> Followed:
    """Let these items follow their listings: all of each item's, for one alone does not say whether they agree.

    Items are locked before stock is moved, whichever of them it is of. Does not commit.
    """
    if not item_ids:
        return NOTHING
    batches = list(_some(sorted(item_ids)))
    channel = db.session.execute(
        select(Channel.name, Channel.takes_stock, Channel.takes_prices).where(
            Channel.store_id == current_store_id(), Channel.id == channel_id
        )
    ).one()
    facts = [_follow_facts(channel_id, some, takes_prices=channel.takes_prices) for some in batches]
    counting = batches if channel.takes_stock else []
    moved = [location_id for some in counting for location_id in _follow_counts(channel_id, some, channel.name)]
    prices, weights = (sum(one[place] for one in facts) for place in (0, 1))
    return Followed(len(moved), prices, weights, frozenset(moved))


def _meant(channel_id: int, those: ColumnElement[bool]) -> list[int]:
    return _ids(db.session.scalars(select(Listing.item_id).where(*_linked(channel_id), those).distinct()))


def _follow_facts(channel_id: int, item_ids: Sequence[int], *, takes_prices: bool) -> tuple[int, int]:
    """How many items got another price, and how many a weight that had none."""
    columns: tuple[Any, ...] = (Listing.item_id, Listing.conversion, Listing.price, Listing.currency, Listing.weight)
    query = select(*columns).where(*_linked(channel_id), Listing.item_id.in_(item_ids)).order_by(Listing.id)
    rows = db.session.execute(query).all()
    wanted = [row for row in rows if takes_prices or row.weight is not None]
    if not wanted:
        return 0, 0
    items = _locked({row.item_id for row in wanted})
    prices = _prices(rows, items) if takes_prices else {}
    weights = _weights(rows, items)
    now = db.session.scalar(select(func.now()))
    changes = [
        {
            "store_id": current_store_id(),
            "id": item.id,
            "price": prices.get(item.id, item.price),
            "currency": item.currency,
            "weight_grams": weights.get(item.id, item.weight_grams),
            "version": item.version + 1,
            "changed_by": None,
            "changed_at": now,
        }
        for item in items.values()
        if item.id in prices or item.id in weights
    ]
    update_rows(Item, ("store_id", "id"), _CHANGED, changes)
    return len(prices), len(weights)


def _prices(rows: Sequence[Row[Any]], items: Mapping[int, Row[Any]]) -> dict[int, int]:
    """The items that cost something else there, in the currency that they have here."""
    told = [
        Price(row.item_id, row.conversion, row.price)
        for row in rows
        if row.price is not None and row.price >= 0 and row.currency == items[row.item_id].currency
    ]
    return {item_id: price for item_id, price in agreed_prices(told).items() if items[item_id].price != price}


def _weights(rows: Sequence[Row[Any]], items: Mapping[int, Row[Any]]) -> dict[int, int]:
    """Weights of items that have none, by the first of their listings that says one: what a person said stays."""
    found: dict[int, int] = {}
    for row in rows:
        grams = as_grams(row.weight)
        if grams is not None and row.item_id in items and items[row.item_id].weight_grams is None:
            found.setdefault(row.item_id, grams)
    return found


def _locked(item_ids: Collection[int]) -> dict[int, Row[Any]]:
    """The items, locked in the order of their ids, in which every channel that follows does."""
    columns: tuple[Any, ...] = (Item.id, Item.price, Item.currency, Item.weight_grams, Item.version)
    query = select(*columns).where(Item.store_id == current_store_id(), Item.id.in_(sorted(item_ids)))
    return {row.id: row for row in db.session.execute(query.order_by(Item.id).with_for_update())}


def _follow_counts(channel_id: int, item_ids: Sequence[int], name: str) -> list[int]:
    """Let the warehouses hold what is counted; the warehouse of each level that changed."""
    pieces = counts_of(channel_id, item_ids).pieces
    levels = levels_of({item_id for item_id, _place in pieces})
    differ = {place: told for place, told in pieces.items() if levels.get(place, Level()).on_hand != told}
    moved = move(
        [
            Movement(item_id, location_id, Kind.COUNT, on_hand_to=told, words=name)
            for (item_id, location_id), told in sorted(differ.items())
        ]
    )
    return [one.movement.location_id for one in moved]


def counts_of(channel_id: int, item_ids: Collection[int]) -> Counted:
    """What the channel's branches count of these items, by our warehouses. One statement.

    Of a box nothing is taken: its pieces are counted with the single piece. Nor of what cannot be linked any more.
    """
    columns: tuple[Any, ...] = (
        *(Listing.id, Listing.item_id, ListingStock.marketplace_id, Marketplace.location_id, ListingStock.on_hand),
    )
    rows = db.session.execute(
        select(*columns)
        .select_from(Listing)
        .join(ListingStock, _of(ListingStock.store_id, ListingStock.listing_id == Listing.id))
        .join(Marketplace, _of(Marketplace.store_id, Marketplace.id == ListingStock.marketplace_id))
        .join(Location, _of(Location.store_id, Location.id == Marketplace.location_id))
        .join(Item, _of(Item.store_id, Item.id == Listing.item_id))
        .where(*_linked(channel_id), Listing.item_id.in_(sorted(item_ids)))
        .where(Listing.conversion == 1, Listing.obstacle.is_(None))
        .where(Location.archived_at.is_(None), Item.kit.is_(False))
    )
    return counted(Count(*row) for row in rows)


def counted_by_channel() -> str | None:
    """What a person who adjusts stock should know where a channel counts it; None where none does."""
    here = (Channel.store_id == current_store_id(), Channel.takes_stock, Channel.status == "connected")
    name = db.session.scalar(select(Channel.name).where(*here).order_by(Channel.id).limit(1))
    if name is None:
        return None
    return _(
        "%(channel)s counts what its products have in your warehouses. What you change of these stays until it counts "
        "them anew, so change it there.",
        channel=name,
    )


def contradicted_items(channel_id: int, limit: int) -> list[int]:
    """Items of which two listings are counted in one branch, so that nobody can say how many there are: the first few.

    None where the channel's stock is not taken. Three statements at most.
    """
    mine = (Channel.store_id == current_store_id(), Channel.id == channel_id, Channel.takes_stock)
    if db.session.scalar(select(Channel.id).where(*mine)) is None:
        return []
    meant_twice = (
        select(Listing.item_id)
        .where(*_linked(channel_id), Listing.conversion == 1, Listing.obstacle.is_(None))
        .group_by(Listing.item_id)
        .having(func.count() > 1)
    )
    found = counts_of(channel_id, _ids(db.session.scalars(meant_twice.order_by(Listing.item_id).limit(BATCH))))
    return sorted({item_id for item_id, _place in found.contradicted})[:limit]


def _of(store_id: Any, same: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(store_id == Listing.store_id, same)


def _linked(channel_id: int) -> tuple[ColumnElement[bool], ...]:
    mine = (Listing.store_id == current_store_id(), Listing.channel_id == channel_id)
    return (*mine, Listing.item_id.is_not(None), Listing.gone_at.is_(None))


def _ids(found: Iterable[int | None]) -> list[int]:
    return [one for one in found if one is not None]


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
