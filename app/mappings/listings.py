"""What a channel sells, kept: a page at a time, and what it sells no longer.

These functions write and do not commit: the job commits rows, cursor and counters of a page together. Whoever writes
listings holds the channel's lock, so that no two lock the same rows in opposite orders. Each costs a fixed number of
statements however many rows it is given, and a row that did not change is not written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, select, text, update

from app.bulk import each_of, insert_rows, update_rows
from app.channels.models import Marketplace
from app.core.matching import barcode_key, loose_key, name_key
from app.core.types import BranchStock, RemoteListing, UnreadableListing
from app.extensions import db
from app.mappings.models import Listing, ListingPage, ListingStock
from app.tenancy.scope import current_store_id

_SAID = (
    "sku",
    "sku_key",
    "isku",
    "isku_key",
    "barcode",
    "barcode_key",
    "name",
    "variant",
    "name_key",
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
    "remote_updated_at",
    "search",
    "digest",
    "problem",
    "raw",
)
_UNREAD = ("digest", "problem", "raw")
_KEY = ("store_id", "channel_id", "remote_id")


@dataclass(frozen=True, slots=True)
class ListingCounts:
    """What became of a page's rows; `unreadable` ones count as new or changed too when they were written.

    `ids` are ours of those that were written and could be read.
    """

    listed: int
    new: int
    changed: int
    unreadable: int
    ids: tuple[int, ...] = ()


def store_listings(
    channel_id: int, found: Sequence[RemoteListing | UnreadableListing], branches: Mapping[str, int] | None = None
) -> ListingCounts:
    """Write a page's rows where they are new or changed. At most three statements.

    Two more where the channel has `branches` (their id → our marketplace), for what each counts of these rows.
    """
    rows = {one.remote_id: _row(channel_id, one) for one in found}
    known = _known(channel_id, rows.keys())
    written = [row for remote_id, row in rows.items() if known.get(remote_id) != row["digest"]]
    readable = [row for row in written if not row["problem"]]
    columns, returning = (*_KEY, *_SAID), ("id", "remote_id")
    stored = insert_rows(Listing, columns, readable, returning=returning, on_conflict=_replacing(_SAID))
    if branches:
        told = {one.remote_id: one.branches for one in found if isinstance(one, RemoteListing)}
        before = [row.id for row in stored if row.remote_id in known]
        _store_counts({row.id: told[row.remote_id] for row in stored}, branches, before)
    # Of what cannot be read, what was read before stays.
    insert_rows(Listing, (*_KEY, *_UNREAD), [row for row in written if row["problem"]], on_conflict=_replacing(_UNREAD))
    new = sum(row["remote_id"] not in known for row in written)
    unreadable = sum(bool(row["problem"]) for row in rows.values())
    return ListingCounts(len(rows), new, len(written) - new, unreadable, tuple(row.id for row in stored))


def store_counts(channel_id: int, counted: Mapping[str, Sequence[BranchStock]], branches: Mapping[str, int]) -> int:
    """Write what is counted now of listings that did not change otherwise; how many of those that we know are counted
    anew. Four statements at most.

    Such a listing is written whenever it next comes in full: its digest is that of older counts.
    """
    known = select(Listing.id, Listing.remote_id).where(
        Listing.store_id == current_store_id(),
        Listing.channel_id == channel_id,
        Listing.gone_at.is_(None),
        Listing.remote_id.in_(list(counted)),
    )
    ids = {row.id: row.remote_id for row in db.session.execute(known)} if counted and branches else {}
    anew = _store_counts({listing_id: counted[remote_id] for listing_id, remote_id in ids.items()}, branches, ids)
    rows = [{"store_id": current_store_id(), "id": one, "stock": _sum(counted[ids[one]]), "digest": ""} for one in anew]
    update_rows(Listing, ("store_id", "id"), ("stock", "digest"), rows)
    return len(anew)


def branches_of(channel_id: int) -> dict[str, int]:
    """The channel's branches: their id → our marketplace. One statement."""
    rows = db.session.execute(
        select(Marketplace.remote_id, Marketplace.id).where(
            Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id
        )
    )
    return {row.remote_id: row.id for row in rows}


def note_pages(channel_id: int, round_no: int, pages: Mapping[int, Sequence[str]]) -> None:
    """Remember what each of these pages held; what no page holds is gone. One statement."""
    place = {"store_id": current_store_id(), "channel_id": channel_id, "round": round_no}
    rows = [{**place, "page": page, "remote_ids": list(remote_ids)} for page, remote_ids in pages.items()]
    conflict = "on conflict (store_id, channel_id, round, page) do update set remote_ids = excluded.remote_ids"
    insert_rows(ListingPage, ("store_id", "channel_id", "round", "page", "remote_ids"), rows, on_conflict=conflict)


def mark_removed(channel_id: int, remote_ids: Collection[str]) -> int:
    """Say of these that the channel lists them no longer; how many were listed until now. One statement, or none."""
    if not remote_ids:
        return 0
    mine = (Listing.store_id == current_store_id(), Listing.channel_id == channel_id, Listing.gone_at.is_(None))
    return _mark_gone(*mine, Listing.remote_id.in_(list(remote_ids)))


def forget_pages(channel_id: int) -> None:
    """Begin anew, or be done."""
    mine = (ListingPage.store_id == current_store_id(), ListingPage.channel_id == channel_id)
    db.session.execute(delete(ListingPage).where(*mine))


def count_seen(channel_id: int) -> int:
    """How many different listings the pages held."""
    remote_id = func.unnest(ListingPage.remote_ids).label("remote_id")
    pages = (ListingPage.store_id == current_store_id(), ListingPage.channel_id == channel_id)
    seen = select(remote_id).where(*pages).distinct().subquery()
    return db.session.scalar(select(func.count()).select_from(seen)) or 0


def count_missing(channel_id: int) -> int:
    """How many known listings no page held."""
    return db.session.scalar(select(func.count()).select_from(Listing).where(*_missing(channel_id))) or 0


def mark_gone(channel_id: int) -> int:
    """Say of every listing that no page held that it is gone; links stay, for old orders name them still."""
    return _mark_gone(*_missing(channel_id))


def _mark_gone(*which: Any) -> int:
    gone = db.session.execute(
        update(Listing)
        .where(*which)
        .values(gone_at=func.now())
        .returning(Listing.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _missing(channel_id: int) -> list[Any]:
    store_id = current_store_id()
    seen = select(func.unnest(ListingPage.remote_ids)).where(
        ListingPage.store_id == store_id, ListingPage.channel_id == channel_id
    )
    mine = [Listing.store_id == store_id, Listing.channel_id == channel_id, Listing.gone_at.is_(None)]
    return [*mine, Listing.remote_id.not_in(seen)]


def _known(channel_id: int, remote_ids: Iterable[str]) -> dict[str, str | None]:
    """The digests of the listings that stand here; None for one that was gone, which must be written to come back."""
    query = select(Listing.remote_id, Listing.digest, Listing.gone_at)
    within = {Listing.store_id: current_store_id(), Listing.channel_id: channel_id}
    rows = db.session.execute(each_of(query, Listing.remote_id, list(remote_ids), within=within))
    return {row.remote_id: row.digest if row.gone_at is None else None for row in rows}


_STOCK_COLUMNS = ("store_id", "listing_id", "marketplace_id", "on_hand", "reserved")
_STOCK_REPLACED = """
on conflict (store_id, listing_id, marketplace_id) do update set
    on_hand = excluded.on_hand, reserved = excluded.reserved, changed_at = now()
where (listing_stocks.on_hand, listing_stocks.reserved) is distinct from (excluded.on_hand, excluded.reserved)"""
_COUNTED_NO_MORE = text("""
delete from listing_stocks s
where s.store_id = :store_id and s.listing_id = any(:listings) and not exists (
    select from unnest(cast(:counted as bigint[]), cast(:places as bigint[])) as c(listing_id, marketplace_id)
    where c.listing_id = s.listing_id and c.marketplace_id = s.marketplace_id)
returning s.listing_id""")


def _store_counts(
    told: Mapping[int, Sequence[BranchStock]], branches: Mapping[str, int], before: Collection[int]
) -> set[int]:
    """What each branch counts of these listings, and nothing else any more; those of which something changed.

    Of a branch that is unknown to us nothing is kept. One statement, and one more for those that were here `before`.
    """
    if not told:
        return set()
    store_id = current_store_id()
    counts = {
        (listing_id, branches[one.branch_id]): one
        for listing_id, stocks in told.items()
        for one in stocks
        if one.branch_id in branches
    }
    rows = [
        {"store_id": store_id, "listing_id": key, "marketplace_id": place, "on_hand": c.on_hand, "reserved": c.reserved}
        for (key, place), c in sorted(counts.items(), key=lambda pair: pair[0])
    ]
    written = insert_rows(ListingStock, _STOCK_COLUMNS, rows, returning=("listing_id",), on_conflict=_STOCK_REPLACED)
    anew = {row.listing_id for row in written}
    if before:
        kept = [pair for pair in counts if pair[0] in before]
        values = {"listings": list(before), "counted": [one[0] for one in kept], "places": [one[1] for one in kept]}
        anew |= {row.listing_id for row in db.session.execute(_COUNTED_NO_MORE, {"store_id": store_id, **values})}
    return anew


def _sum(stocks: Sequence[BranchStock]) -> Decimal:
    return sum((one.on_hand for one in stocks), Decimal(0))


def _replacing(columns: Sequence[str]) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    # One that was gone is told its stock anew: what changed meanwhile was not told of it.
    told = "case when listings.gone_at is null then listings.told_item_id"
    told = f"{told} else nullif(listings.told_item_id, listings.item_id) end"
    return (
        f"on conflict (store_id, channel_id, remote_id) do update set {changes}, gone_at = null, told_item_id = {told}"
    )


def _row(channel_id: int, one: RemoteListing | UnreadableListing) -> dict[str, Any]:
    key = {"store_id": current_store_id(), "channel_id": channel_id, "remote_id": one.remote_id}
    if isinstance(one, UnreadableListing):
        raw = json.dumps(one.raw, sort_keys=True, default=str)
        digest = hashlib.sha256(f"{one.problem}\n{raw}".encode("utf-8", "surrogatepass")).hexdigest()
        return {**key, "digest": digest, "problem": one.problem, "raw": one.raw}
    return {
        **key,
        "sku": one.sku,
        "sku_key": loose_key(one.sku),
        "isku": one.isku,
        "isku_key": loose_key(one.isku),
        "barcode": one.barcode,
        "barcode_key": barcode_key(one.barcode),
        "name": one.name,
        "variant": one.variant,
        "name_key": name_key(one.name, one.variant),
        "price": one.price,
        "currency": one.currency,
        "stock": one.stock,
        "picture": one.picture,
        "unit": one.unit,
        "conversion": one.conversion,
        "base_id": one.base_id,
        "family_id": one.family_id,
        "weight": one.weight,
        "obstacle": one.obstacle,
        "remote_updated_at": one.updated_at,
        "search": _search(one),
        "digest": one.digest,
        "problem": "",
        "raw": None,
    }


def _search(one: RemoteListing) -> str:
    parts = (one.remote_id, one.isku, one.sku, one.barcode, one.name, one.variant)
    return " ".join(dict.fromkeys(part for part in parts if part)).casefold()
