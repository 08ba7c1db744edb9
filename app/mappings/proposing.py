"""Proposals for many listings at once: what may answer is read in two statements, and decided by `app.core.matching`.

Only listings without a link are looked at. What did not change is not written. The functions write and do not commit;
whoever calls them holds the channels' locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, or_, select

from app.bulk import update_rows
from app.catalog.models import Item
from app.core.matching import (
    Candidate,
    Listed,
    Match,
    Proposal,
    Shelf,
    answers,
    barcode_key,
    loose_key,
    name_key,
    propose,
)
from app.extensions import db
from app.mappings.models import Listing
from app.tenancy.scope import current_store_id

BATCH: Final = 500
_COLUMNS = ("match", "certainty", "candidate_ids", "rivals")


@dataclass(slots=True)
class Keys:
    """Keys by which items and listings can be alike."""

    skus: set[str] = field(default_factory=set)
    barcodes: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, skus: Iterable[str], barcode: str, name: str, variant: str) -> None:
        """Add those of one item or listing."""
        self.skus.update(loose_key(sku) for sku in skus if sku.strip())
        self.barcodes.update(filter(None, [barcode_key(barcode)]))
        self.names.update(filter(None, [name_key(name, variant)]))

    def listings(self) -> ColumnElement[bool]:
        """Which listings share one of them."""
        skus = sorted(self.skus)
        return or_(
            Listing.sku_key.in_(skus) & (Listing.sku_key != ""),
            Listing.isku_key.in_(skus) & (Listing.isku_key != ""),
            Listing.barcode_key.in_(sorted(self.barcodes)) & (Listing.barcode_key != ""),
            Listing.name_key.in_(sorted(self.names)) & (Listing.name_key != ""),
        )

    def items(self) -> ColumnElement[bool]:
        """Which items share one of them."""
        return or_(
            Item.loose_key.in_(sorted(self.skus)),
            Item.barcode_key.in_(sorted(self.barcodes)) & (Item.barcode_key != ""),
            Item.name_key.in_(sorted(self.names)) & (Item.name_key != ""),
        )


def propose_batch(channel_id: int, after: int, *among: ColumnElement[bool]) -> tuple[int, int]:
    """Propose anew for the next listings of the channel: (the last one's id, how many changed); (0, 0) at the end.

    At most four statements.
    """
    rows = db.session.execute(
        _listings(channel_id)
        .where(Listing.item_id.is_(None), Listing.id > after, *among)
        .order_by(Listing.id)
        .limit(BATCH)
    ).all()
    return (rows[-1].id, _propose(channel_id, rows)) if rows else (0, 0)


def propose_all(channel_id: int, *among: ColumnElement[bool]) -> int:
    """The same for all of them; how many changed."""
    changed, after = 0, 0
    while True:
        after, more = propose_batch(channel_id, after, *among)
        if not after:
            return changed
        changed += more


def propose_for(channel_id: int, listing_ids: Sequence[int]) -> int:
    """The same for these and for those of the channel that share a key with one of them; how many changed."""
    return sum(propose_all(channel_id, some.listings()) for some in keys_of_listings(listing_ids))


def propose_like(keys: Iterable[Keys]) -> int:
    """Propose anew for all listings of the store that share a key; how many changed."""
    changed = 0
    for some in keys:
        query = select(Listing.channel_id).where(Listing.store_id == current_store_id(), some.listings()).distinct()
        for channel_id in db.session.scalars(query).all():
            changed += propose_all(channel_id, some.listings())
    return changed


def keys_of_items(items: Iterable[Candidate]) -> Iterator[Keys]:
    """The keys of items, as many at a time as one statement may name."""
    rest = iter(items)
    while some := list(islice(rest, BATCH)):
        keys = Keys()
        for item in some:
            keys.add(item.skus, item.barcode, item.name, item.variant)
        yield keys


def keys_of_listings(listing_ids: Sequence[int]) -> Iterator[Keys]:
    """The same of listings."""
    for start in range(0, len(listing_ids), BATCH):
        ids = listing_ids[start : start + BATCH]
        keys = Keys()
        for row in db.session.execute(
            select(Listing.sku, Listing.isku, Listing.barcode, Listing.name, Listing.variant).where(
                Listing.store_id == current_store_id(), Listing.id.in_(ids)
            )
        ):
            keys.add((row.isku, row.sku), row.barcode, row.name, row.variant)
        yield keys


def _propose(channel_id: int, rows: Sequence[Row[Any]]) -> int:
    listings = [_listed(row) for row in rows]
    keys = Keys()
    for listing in listings:
        keys.add(listing.skus, listing.barcode, listing.name, listing.variant)
    items = Shelf(_items(keys))
    others = Shelf(_rivals(channel_id, listings, items))
    changed = []
    for row, listing in zip(rows, listings, strict=True):
        values = _values(None if row.obstacle else propose(listing, items, others))
        if any(getattr(row, name) != value for name, value in values.items()):
            changed.append({"store_id": current_store_id(), "id": row.id, **values})
    update_rows(Listing, ("store_id", "id"), _COLUMNS, changed)
    return len(changed)


def _rivals(channel_id: int, listings: Sequence[Listed], items: Shelf[Candidate]) -> list[Listed]:
    """The channel's listings that may mean what these most likely mean, by the keys that this was seen by.

    What cannot be linked is none of them, unless it was linked before.
    """
    keys = Keys()
    for listing in listings:
        group, found = answers(listing, items)
        for item in found:
            by_name = Match.NAME in group
            keys.add(item.skus, item.barcode, item.name if by_name else "", item.variant)
    able = or_(Listing.obstacle.is_(None), Listing.item_id.is_not(None))
    return [_listed(row) for row in db.session.execute(_listings(channel_id).where(keys.listings(), able))]


def _values(found: Proposal | None) -> dict[str, Any]:
    if found is None:
        return {"match": None, "certainty": None, "candidate_ids": [], "rivals": 0}
    return {
        "match": found.match,
        "certainty": found.certainty,
        "candidate_ids": list(found.items),
        "rivals": found.rivals,
    }


def _items(keys: Keys) -> list[Candidate]:
    rows = db.session.execute(
        select(Item.id, Item.sku, Item.barcode, Item.name, Item.variant).where(
            Item.store_id == current_store_id(), Item.archived_at.is_(None), keys.items()
        )
    )
    return [Candidate(row.id, (row.sku,), row.barcode, row.name, row.variant) for row in rows]


def _listings(channel_id: int) -> Any:
    names = (
        "id",
        "sku",
        "isku",
        "barcode",
        "name",
        "variant",
        "item_id",
        "refused",
        "obstacle",
        "conversion",
        *_COLUMNS,
    )
    return select(*(getattr(Listing, name) for name in names)).where(
        Listing.store_id == current_store_id(), Listing.channel_id == channel_id, Listing.gone_at.is_(None)
    )


def _listed(row: Row[Any]) -> Listed:
    refused = frozenset(row.refused)
    is_pack = row.conversion != 1
    return Listed(row.id, (row.isku, row.sku), row.barcode, row.name, row.variant, row.item_id, refused, is_pack)
