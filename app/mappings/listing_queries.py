"""Listings as plain rows, with the items they mean or may mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, tuple_

from app.accounts.models import User
from app.catalog.models import Location
from app.catalog.queries import ItemChoice, items_by_id
from app.channels.models import Channel, Marketplace
from app.core.matching import Certainty, ListingState
from app.extensions import db
from app.mappings.models import Listing, ListingStock
from app.tenancy.scope import current_store_id
from app.web.pagination import Keyset, Page, page_of

SHOWN_CANDIDATES: Final = 10
BATCH_SHOWN_FOR: Final = timedelta(hours=24)
_EXPORT_PAGE: Final = 500
_COLUMNS: Final = (
    "id",
    "channel_id",
    "remote_id",
    "sku",
    "isku",
    "barcode",
    "name",
    "variant",
    "price",
    "currency",
    "stock",
    "picture",
    "unit",
    "conversion",
    "base_id",
    "family_id",
    "weight",
    "obstacle",
    "problem",
    "gone_at",
    "state",
    "version",
    "match",
    "certainty",
    "rivals",
    "item_id",
    "candidate_ids",
    "refused",
    "changed_at",
)


@dataclass(frozen=True, slots=True)
class BranchCount:
    """What a branch counts of a listing; `warehouse` is ours for the branch, '' where none stands for it."""

    branch: str
    warehouse: str
    on_hand: Decimal
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A listing, the item that it means, those that it may mean, and those that a person refused.

    `base_unit` is the unit of what it holds several of, `branches` what each branch counts.
    """

    id: int
    channel_id: int
    remote_id: str
    sku: str
    isku: str
    barcode: str
    name: str
    variant: str
    price: int | None
    currency: str
    stock: Decimal | None
    picture: str
    unit: str
    conversion: Decimal
    base_id: str
    family_id: str
    weight: Decimal | None
    obstacle: str | None
    problem: str
    gone_at: datetime | None
    state: str
    version: int
    match: str | None
    certainty: str | None
    rivals: int
    item: ItemChoice | None
    candidates: tuple[ItemChoice, ...]
    refused: tuple[ItemChoice, ...]
    changed_by: str | None
    changed_at: datetime | None
    base_unit: str = ""
    branches: tuple[BranchCount, ...] = ()

    @property
    def family(self) -> str:
        """What it shares with the variants and units of the same product; its own id where there is nothing."""
        return self.family_id or self.base_id or self.remote_id

    @property
    def best_sku(self) -> str:
        """The SKU that orders name it by."""
        return self.isku or self.sku

    @property
    def words(self) -> str:
        """How it is named within a sentence."""
        return self.name or self.best_sku or self.remote_id


@dataclass(frozen=True, slots=True)
class ListingFilter:
    """Which listings are wanted; the fields are the parameters of the URL."""

    q: str = ""
    state: ListingState | None = None
    family: str = ""
    """The variants and units of one product."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Links that were saved together not long ago, and can be taken back together."""

    id: str
    count: int
    at: datetime
    by: str | None


def listings_page(channel_id: int, where: ListingFilter, keyset: Keyset) -> Page[ListingRow]:
    """One page of a channel's listings, in the order in which they were first seen. Two statements."""
    query = _listings(channel_id).where(*_matching(where))
    if keyset.cursor is not None:
        at = keyset.cursor.id
        query = query.where(Listing.id < at if keyset.is_backward else Listing.id > at)
    order = Listing.id.desc() if keyset.is_backward else Listing.id.asc()
    rows = db.session.execute(query.order_by(order).limit(keyset.fetch)).all()
    return page_of(_rows(rows), keyset, lambda row: (None, row.id))


def listing(channel_id: int, listing_id: int) -> ListingRow | None:
    """One listing of the channel. Two statements."""
    rows = db.session.execute(_listings(channel_id).where(Listing.id == listing_id)).all()
    return next(iter(_rows(rows)), None)


def listings_of_item(item_id: int) -> list[tuple[str, ListingRow]]:
    """(channel's name, listing) of each listing that means the item. Two statements."""
    query = _listings(None).where(Listing.item_id == item_id).order_by(Listing.channel_id, Listing.id).limit(200)
    rows = _rows(db.session.execute(query).all())
    names = _channel_names()
    return [(names[row.channel_id], row) for row in rows]


def listings_per_item(item_ids: Sequence[int]) -> Mapping[int, int]:
    """How many listings mean each item. One statement."""
    rows = db.session.execute(
        select(Listing.item_id, func.count())
        .where(Listing.store_id == current_store_id(), Listing.item_id.in_(item_ids))
        .group_by(Listing.item_id)
    )
    return {item_id: count for item_id, count in rows if item_id is not None}


def state_counts(channel_id: int) -> Mapping[ListingState, int]:
    """How many listings of the channel stand how. One statement."""
    rows = db.session.execute(
        select(Listing.state, func.count())
        .where(Listing.store_id == current_store_id(), Listing.channel_id == channel_id)
        .group_by(Listing.state)
    )
    return {ListingState(state): count for state, count in rows}


def count_linked_in_spite(channel_id: int) -> int:
    """How many linked listings came to be what cannot be linked. One statement."""
    mine = (Listing.store_id == current_store_id(), Listing.channel_id == channel_id)
    barred = (Listing.state == ListingState.LINKED, Listing.obstacle.is_not(None))
    return db.session.scalar(select(func.count()).select_from(Listing).where(*mine, *barred)) or 0


def count_certain(channel_id: int) -> int:
    """How many listings have one item that is certain. One statement."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Listing)
            .where(
                Listing.store_id == current_store_id(),
                Listing.channel_id == channel_id,
                Listing.state == ListingState.PROPOSED,
                Listing.certainty == Certainty.CERTAIN,
            )
        )
        or 0
    )


def count_with_sku(channel_id: int) -> int:
    """How many listings without a proposal have a SKU, so that an item can be made of them. One statement."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Listing)
            .where(
                Listing.store_id == current_store_id(),
                Listing.channel_id == channel_id,
                Listing.state == ListingState.UNLINKED,
                (Listing.sku != "") | (Listing.isku != ""),
            )
        )
        or 0
    )


def last_batch(channel_id: int) -> Batch | None:
    """The newest links that were saved together within the last day, if any still stand. One statement."""
    row = db.session.execute(
        select(Listing.batch, func.count(), func.max(Listing.changed_at), func.max(User.name))
        .outerjoin(User, User.id == Listing.changed_by)
        .where(
            Listing.store_id == current_store_id(),
            Listing.channel_id == channel_id,
            Listing.batch.is_not(None),
            Listing.item_id.is_not(None),
            Listing.changed_at > func.now() - BATCH_SHOWN_FOR,
        )
        .group_by(Listing.batch)
        .order_by(func.max(Listing.changed_at).desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Batch(str(row[0]), row[1], cast(datetime, row[2]), row[3])


def all_listings(channel_id: int, where: ListingFilter) -> Iterator[ListingRow]:
    """Every listing that matches, some at a time, each read in a transaction of its own."""
    after = 0
    while True:
        query = _listings(channel_id).where(*_matching(where), Listing.id > after)
        rows = _rows(db.session.execute(query.order_by(Listing.id).limit(_EXPORT_PAGE)).all())
        db.session.rollback()
        yield from rows
        if len(rows) < _EXPORT_PAGE:
            return
        after = rows[-1].id


def _matching(where: ListingFilter) -> list[ColumnElement[bool]]:
    words = where.q.casefold().split()[:8]
    found = [Listing.search.contains(word, autoescape=True) for word in words]
    if where.family:
        found.append(or_(*(name == where.family for name in (Listing.family_id, Listing.base_id, Listing.remote_id))))
    if where.state == ListingState.BARRED:
        linked = (Listing.state == ListingState.LINKED) & Listing.obstacle.is_not(None)
        return [*found, or_(Listing.state == ListingState.BARRED, linked)]
    return found if where.state is None else [*found, Listing.state == where.state]


def _listings(channel_id: int | None) -> Select[Any]:
    query = (
        select(*(getattr(Listing, name) for name in _COLUMNS), User.name.label("changed_by"))
        .outerjoin(User, User.id == Listing.changed_by)
        .where(Listing.store_id == current_store_id())
    )
    return query if channel_id is None else query.where(Listing.channel_id == channel_id)


def _rows(rows: Sequence[Row[Any]]) -> list[ListingRow]:
    wanted = {item_id for row in rows for item_id in _named(row)}
    items = items_by_id(wanted)
    branches, units = _branch_counts([row.id for row in rows]), _base_units(rows)
    return [
        replace(
            _row(row, items),
            base_unit=units.get((row.channel_id, row.base_id), ""),
            branches=tuple(branches.get(row.id, ())),
        )
        for row in rows
    ]


def _branch_counts(listing_ids: Sequence[int]) -> dict[int, list[BranchCount]]:
    """By listing, the branches by their names. One statement, or none."""
    columns: tuple[Any, ...] = (
        *(ListingStock.listing_id, Marketplace.name, func.coalesce(Location.name, "")),
        *(ListingStock.on_hand, ListingStock.reserved),
    )
    query = (
        select(*columns)
        .select_from(ListingStock)
        .join(Marketplace, _same(Marketplace.store_id, Marketplace.id == ListingStock.marketplace_id))
        .outerjoin(Location, _same(Location.store_id, Location.id == Marketplace.location_id))
        .where(ListingStock.store_id == current_store_id(), ListingStock.listing_id.in_(listing_ids))
        .order_by(ListingStock.listing_id, func.lower(Marketplace.name), Marketplace.id)
    )
    found: dict[int, list[BranchCount]] = {}
    for listing_id, *told in db.session.execute(query) if listing_ids else ():
        found.setdefault(listing_id, []).append(BranchCount(*told))
    return found


def _same(store_id: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(store_id == ListingStock.store_id, condition)


def _base_units(rows: Sequence[Row[Any]]) -> dict[tuple[int, str], str]:
    """The units of the listings that these hold several of, by channel and their id. One statement, or none."""
    wanted = {(row.channel_id, row.base_id) for row in rows if row.base_id}
    if not wanted:
        return {}
    query = select(Listing.channel_id, Listing.remote_id, Listing.unit).where(
        Listing.store_id == current_store_id(), tuple_(Listing.channel_id, Listing.remote_id).in_(sorted(wanted))
    )
    return {(row.channel_id, row.remote_id): row.unit for row in db.session.execute(query)}


def _named(row: Row[Any]) -> list[int]:
    linked = [] if row.item_id is None else [row.item_id]
    return [*linked, *row.candidate_ids[:SHOWN_CANDIDATES], *row.refused[:SHOWN_CANDIDATES]]


def _row(row: Row[Any], items: Mapping[int, ItemChoice]) -> ListingRow:
    values = dict(row._mapping)
    item_id, candidates, refused = values.pop("item_id"), values.pop("candidate_ids"), values.pop("refused")
    return ListingRow(
        **values,
        item=items.get(item_id),
        candidates=tuple(items[one] for one in candidates if one in items),
        refused=tuple(items[one] for one in refused if one in items),
    )


def _channel_names() -> dict[int, str]:
    rows = db.session.execute(select(Channel.id, Channel.name).where(Channel.store_id == current_store_id()))
    return {row.id: row.name for row in rows}
