"""What the SKUs of orders mean: items of ours, by the channel's linked listings or by the very same SKU.

Read for a whole page at once, in two statements; a store that books unlinked items by their words asks nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import or_, select

from app.catalog.models import Item
from app.core.matching import loose_key, meanings, sku_key
from app.core.plan import StoreRules
from app.extensions import db
from app.mappings.models import Listing
from app.tenancy.scope import current_store_id

Doubts = tuple[tuple[str, ...], tuple[str, ...]]
"""SKUs that mean no item of ours, and SKUs that mean several."""


def doubts_of(channel_id: int, lines: Mapping[str, Iterable[Any]], rules: StoreRules) -> dict[str, Doubts]:
    """The doubtful SKUs of each order, by its remote id. `lines` are anything with `isku` and `sku`.

    Nothing where the store books by the channel's words.
    """
    if rules.unlinked_items == "book":
        return {}
    skus = {remote_id: [line.isku or line.sku for line in some] for remote_id, some in lines.items()}
    wanted = {sku.strip() for some in skus.values() for sku in some if sku.strip()}
    if not wanted:
        return {}
    linked, ours = _linked({channel_id}, wanted).get(channel_id, {}), _ours(wanted)
    return {remote_id: meanings(some, linked, ours) for remote_id, some in skus.items()}


def items_meant(skus: Mapping[int, Collection[str]]) -> dict[tuple[int, str], frozenset[int]]:
    """What SKUs of orders mean, by channel and `sku_key`: no item, one, or several. Two statements.

    `skus` are those of each channel.
    """
    wanted = {sku for some in skus.values() for sku in some}
    if not wanted:
        return {}
    linked, ours = _linked(skus.keys(), wanted), _ours(wanted)
    return {
        (channel_id, key): linked.get(channel_id, {}).get(key) or ours.get(key) or frozenset()
        for channel_id, some in skus.items()
        for key in map(sku_key, some)
    }


def _linked(channel_ids: Collection[int], skus: Iterable[str]) -> dict[int, dict[str, frozenset[int]]]:
    """What linked listings of each channel mean by these SKUs; one that is gone told what old orders meant."""
    keys = sorted({loose_key(sku) for sku in skus})
    rows = db.session.execute(
        select(Listing.channel_id, Listing.isku, Listing.sku, Listing.item_id).where(
            Listing.store_id == current_store_id(),
            Listing.channel_id.in_(channel_ids),
            Listing.item_id.is_not(None),
            or_(
                Listing.isku_key.in_(keys) & (Listing.isku_key != ""),
                Listing.sku_key.in_(keys) & (Listing.sku_key != ""),
            ),
        )
    )
    found: defaultdict[int, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        for sku in (row.isku, row.sku):
            found[row.channel_id][sku_key(sku)].add(row.item_id)
    return {
        channel_id: {key: frozenset(item_ids) for key, item_ids in meant.items()} for channel_id, meant in found.items()
    }


def _ours(skus: Iterable[str]) -> dict[str, frozenset[int]]:
    """Items in use that have exactly these SKUs."""
    keys = sorted({sku_key(sku) for sku in skus})
    rows = db.session.execute(
        select(Item.sku_key, Item.id).where(
            Item.store_id == current_store_id(), Item.sku_key.in_(keys), Item.archived_at.is_(None)
        )
    )
    return {row.sku_key: frozenset({row.id}) for row in rows}
