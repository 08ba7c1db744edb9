"""Listings as plain rows, with the items they mean or may mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Row, Select, func, select

from app.accounts.models import User
from app.catalog.queries import ItemChoice, items_by_id
from app.channels.models import Channel
from app.core.matching import Certainty, ListingState
from app.extensions import db
from app.mappings.models import Listing
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
class ListingRow:
    """A listing, the item that it means, those that it may mean, and those that a person refused."""

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
    return [_row(row, items) for row in rows]


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
