"""Which item of ours a listing means: chosen by a person, counted in versions, one by one or many at once.

These functions write and do not commit: `app.orders.linking` holds the channel's lock around them, and frees the
orders that waited in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, func, select, update

from app.bulk import update_rows
from app.catalog.items import ItemFacts, add_item, add_items, require_items
from app.core.goods import as_grams
from app.core.matching import Certainty, sku_key
from app.extensions import db
from app.mappings.gateways import Conflict
from app.mappings.models import Listing
from app.mappings.proposing import BATCH
from app.tenancy.scope import current_store, current_store_id


@dataclass(frozen=True, slots=True)
class LinkSaved:
    """The listing as it stands now. `changed` is false when it stood so already."""

    channel_id: int
    item_id: int | None
    version: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """One listing of many: the item that it shall mean (None: none), and the version that the person saw."""

    listing_id: int
    version: int
    item_id: int | None


@dataclass(frozen=True, slots=True)
class ManySaved:
    """`linked` and `unlinked` listings were changed; `passed_over` ones somebody else had changed meanwhile.

    `barred` ones were to be linked and cannot be.
    """

    linked: tuple[int, ...]
    unlinked: tuple[int, ...]
    passed_over: int
    batch: str
    barred: int = 0


@dataclass(frozen=True, slots=True)
class ItemsMade:
    """Items that were made from listings and linked to them; `left` listings have no SKU of their own."""

    item_ids: tuple[int, ...]
    left: int


class NoSuchListing(LookupError):
    """The store has no such listing."""


class CannotBeLinked(Exception):
    """The listing can mean no item; `obstacle` is why (`app.core.types.ListingObstacle`)."""

    def __init__(self, obstacle: str) -> None:
        super().__init__(obstacle)
        self.obstacle = obstacle


class NoSku(Exception):
    """The listing has no SKU, so no item can be made from it."""


def save_link(listing_id: int, item_id: int | None, version: int, user_id: int) -> LinkSaved | Conflict:
    """Say which item the listing means; None takes it back. NoSuchItem, CannotBeLinked.

    `version` is the one that the person saw: what somebody else chose since is not overwritten unseen. Two who choose
    the same do not disagree.
    """
    if item_id is not None:
        require_items([item_id])
    listing = _locked(listing_id)
    if listing.item_id == item_id:
        return LinkSaved(listing.channel_id, item_id, listing.version, changed=False)
    if listing.version != version:
        return Conflict(listing.version)
    if item_id is not None and listing.obstacle is not None:
        raise CannotBeLinked(listing.obstacle)
    listing.item_id, listing.told_item_id = item_id, _told_still(listing.told_item_id, item_id)
    listing.refused = [refused for refused in listing.refused if refused != item_id]
    return _saved(listing, user_id)


def refuse(listing_id: int, item_ids: Collection[int], version: int, user_id: int) -> LinkSaved | Conflict:
    """Say that the listing means none of these items, whatever speaks for them; they are not proposed again."""
    listing = _locked(listing_id)
    refused = sorted({*listing.refused, *item_ids})
    if refused == sorted(listing.refused):
        return LinkSaved(listing.channel_id, listing.item_id, listing.version, changed=False)
    if listing.version != version:
        return Conflict(listing.version)
    require_items(list(item_ids))
    listing.refused = refused
    return _saved(listing, user_id)


def allow_again(listing_id: int, version: int, user_id: int) -> LinkSaved | Conflict:
    """Take every refusal of the listing back."""
    listing = _locked(listing_id)
    if not listing.refused:
        return LinkSaved(listing.channel_id, listing.item_id, listing.version, changed=False)
    if listing.version != version:
        return Conflict(listing.version)
    listing.refused = []
    return _saved(listing, user_id)


def link_new_item(listing_id: int, version: int, user_id: int) -> LinkSaved | Conflict:
    """Make an item from the listing and link it. NoSku, CannotBeLinked; SkuTaken when an item has its SKU already."""
    listing = _locked(listing_id)
    if listing.version != version or listing.item_id is not None:
        return Conflict(listing.version)
    if listing.obstacle is not None:
        raise CannotBeLinked(listing.obstacle)
    facts = _facts(listing)
    if not facts.sku:
        raise NoSku
    listing.item_id = add_item(facts, user_id)
    return _saved(listing, user_id)


def accept_certain(channel_id: int, user_id: int) -> ManySaved:
    """Link every listing of which one item is certain, as one batch. One statement."""
    batch = uuid4().hex
    rows = db.session.execute(
        update(Listing)
        .where(
            Listing.store_id == current_store_id(),
            Listing.channel_id == channel_id,
            Listing.state == "proposed",
            Listing.certainty == Certainty.CERTAIN,
        )
        .values(
            item_id=Listing.candidate_ids[1],
            told_item_id=func.nullif(Listing.told_item_id, Listing.candidate_ids[1]),
            version=Listing.version + 1,
            batch=batch,
            changed_by=user_id,
            changed_at=func.now(),
        )
        .returning(Listing.id)
        .execution_options(synchronize_session=False)
    ).all()
    return ManySaved(tuple(row.id for row in rows), (), 0, batch)


def take_back(channel_id: int, batch: str, user_id: int) -> tuple[int, ...]:
    """Take the links of a batch back, but for those that somebody saved since; the listings. One statement."""
    rows = db.session.execute(
        update(Listing)
        .where(
            Listing.store_id == current_store_id(),
            Listing.channel_id == channel_id,
            Listing.batch == batch,
            Listing.item_id.is_not(None),
        )
        .values(item_id=None, version=Listing.version + 1, batch=None, changed_by=user_id, changed_at=func.now())
        .returning(Listing.id)
        .execution_options(synchronize_session=False)
    ).all()
    return tuple(row.id for row in rows)


def save_many(channel_id: int, wanted: Sequence[Wanted], user_id: int, *, together: bool = True) -> ManySaved:
    """Link and unlink many listings at once, each only if nobody saved it since. NoSuchItem: nothing was saved.

    What was linked `together` can be taken back together.
    """
    require_items([one.item_id for one in wanted if one.item_id is not None])
    batch, now = uuid4().hex, db.session.scalar(select(func.now()))
    linked: list[int] = []
    unlinked: list[int] = []
    passed_over = barred = 0
    for start in range(0, len(wanted), BATCH):
        some = {one.listing_id: one for one in wanted[start : start + BATCH]}
        rows = []
        for row in _locked_rows(channel_id, list(some)):
            one = some[row.id]
            if row.item_id == one.item_id:
                continue
            if row.version != one.version:
                passed_over += 1
                continue
            if one.item_id is not None and row.obstacle is not None:
                barred += 1
                continue
            (unlinked if one.item_id is None else linked).append(row.id)
            change = {"item_id": one.item_id, "version": row.version + 1, "changed_by": user_id, "changed_at": now}
            change["told_item_id"] = _told_still(row.told_item_id, one.item_id)
            in_batch = batch if together and one.item_id is not None else None
            rows.append({"store_id": current_store_id(), "id": row.id, "batch": in_batch, **change})
        columns = ("item_id", "told_item_id", "version", "batch", "changed_by", "changed_at")
        update_rows(Listing, ("store_id", "id"), columns, rows)
    return ManySaved(tuple(linked), tuple(unlinked), passed_over, batch, barred)


def make_items(channel_id: int, user_id: int) -> ItemsMade:
    """Make an item from every listing that nothing is proposed for, and link it.

    A SKU that two listings have is left: it would be a guess which of them the item is. So is one that an item has.
    """
    rows = _without_item(channel_id)
    times = Counter(sku_key(row.isku or row.sku) for row in rows)
    able = [row for row in rows if times[sku_key(row.isku or row.sku)] == 1 and (row.isku or row.sku)]
    made: list[int] = []
    for start in range(0, len(able), BATCH):
        some = able[start : start + BATCH]
        ids = add_items([_facts(row) for row in some], user_id)
        new = [(row, ids.get(sku_key(row.isku or row.sku))) for row in some]
        wanted = [Wanted(row.id, row.version, item_id) for row, item_id in new if item_id is not None]
        save_many(channel_id, wanted, user_id, together=False)
        made += ids.values()
    return ItemsMade(tuple(made), len(rows) - len(made))


def _without_item(channel_id: int) -> Sequence[Row[Any]]:
    names = (
        *("id", "version", "isku", "sku", "barcode", "name", "variant", "price", "currency"),
        *("unit", "conversion", "weight"),
    )
    query = select(*(getattr(Listing, name) for name in names)).where(
        Listing.store_id == current_store_id(), Listing.channel_id == channel_id, Listing.state == "unlinked"
    )
    return db.session.execute(query.order_by(Listing.id)).all()


def _facts(listing: Listing | Row[Any]) -> ItemFacts:
    return ItemFacts(
        sku=listing.isku or listing.sku,
        barcode=listing.barcode,
        name=listing.name,
        variant=" · ".join(filter(None, (listing.variant, _pack(listing)))),
        price=listing.price if listing.price is None or listing.price >= 0 else None,
        currency=listing.currency or current_store().currency,
        weight_grams=as_grams(listing.weight),
    )


def _pack(listing: Listing | Row[Any]) -> str:
    """What tells a box from the piece that has its name."""
    return "" if listing.conversion == 1 else f"{listing.unit} ({listing.conversion.normalize():f})".strip()


def _locked(listing_id: int) -> Listing:
    query = select(Listing).where(Listing.store_id == current_store_id(), Listing.id == listing_id)
    found = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NoSuchListing(listing_id)
    return found


def _told_still(told_item_id: int | None, item_id: int | None) -> int | None:
    """What a listing that is linked to an item counts as told of; one that comes back to what it meant, of nothing.

    Its stock may have changed while nothing was linked, and whoever tells the channel passed it over then.
    """
    return None if told_item_id == item_id else told_item_id


def _locked_rows(channel_id: int, listing_ids: Sequence[int]) -> Sequence[Row[Any]]:
    query = (
        select(*(getattr(Listing, name) for name in ("id", "item_id", "told_item_id", "version", "obstacle")))
        .where(Listing.store_id == current_store_id(), Listing.channel_id == channel_id, Listing.id.in_(listing_ids))
        .order_by(Listing.id)
        .with_for_update()
    )
    return db.session.execute(query).all()


def _saved(listing: Listing, user_id: int) -> LinkSaved:
    listing.version, listing.batch = listing.version + 1, None
    listing.changed_by, listing.changed_at = user_id, func.now()
    db.session.flush()
    return LinkSaved(listing.channel_id, listing.item_id, listing.version, changed=True)
