"""Orders follow what listings mean: a link, an item or a whole file is saved, and what waited for it is free at once.

The change and what it means for other proposals and for the orders that are in stand in one transaction. Whoever
writes items or listings locks channels first, those of the whole store in one order where an item changes: a page that
is just being stored judges its orders by the links, and takes the same lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from app.catalog import items as catalog
from app.catalog.item_files import ItemPreview, lock_items
from app.catalog.items import ItemFacts
from app.catalog.models import Item
from app.catalog.queries import item_ids_by_sku
from app.catalog.stock import move
from app.catalog.stock_queries import stock_of_items
from app.catalog.turns import take_turns
from app.channels.models import Channel
from app.core.matching import Candidate, sku_key
from app.core.stock import Kind, Movement, Reason
from app.extensions import db
from app.mappings import linking
from app.mappings.counted import NOTHING, Followed, follow_items, follow_links
from app.mappings.gateways import Conflict
from app.mappings.linking import ItemsMade, LinkSaved, ManySaved, Wanted
from app.mappings.models import Listing
from app.mappings.proposing import BATCH, Keys, keys_of_items, keys_of_listings, propose_all, propose_like
from app.orders.judging import free_skus, rejudge_channel
from app.orders.services import lock_channel
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Linked:
    """A listing was saved. `freed` orders waited for it and are ready now; `followed` is what its item took over."""

    saved: LinkSaved
    freed: int
    followed: Followed = NOTHING


@dataclass(frozen=True, slots=True)
class ManyLinked:
    """Many were saved at once; `freed` and `followed` as above."""

    saved: ManySaved
    freed: int
    followed: Followed = NOTHING


@dataclass(frozen=True, slots=True)
class ManyMade:
    """Items were made from listings; `freed` and `followed` as above."""

    made: ItemsMade
    freed: int
    followed: Followed = NOTHING


@dataclass(frozen=True, slots=True)
class ItemSaved:
    """An item was saved; `freed` as above."""

    item_id: int
    freed: int


class ItemInUse(Exception):
    """The item cannot be archived while `uses` listings mean it."""

    def __init__(self, uses: int) -> None:
        super().__init__()
        self.uses = uses


def link_listing(
    channel_id: int, listing_id: int, item_id: int | None, version: int, user_id: int
) -> Linked | Conflict:
    """Say which item a listing means; None takes it back. NoSuchListing, NoSuchItem, CannotBeLinked. Commits.

    Saving the same again does no harm and frees what may still wait.
    """
    lock_channel(channel_id)
    before = db.session.get(Listing, (current_store_id(), listing_id))
    meant = None if before is None else before.item_id
    saved = linking.save_link(listing_id, item_id, version, user_id)
    return _settled(saved, [listing_id], user_id, meant=meant)


def refuse_items(
    channel_id: int, listing_id: int, item_ids: Collection[int], version: int, user_id: int
) -> Linked | Conflict:
    """Say that a listing means none of these items. NoSuchListing, NoSuchItem. Commits."""
    lock_channel(channel_id)
    return _settled(linking.refuse(listing_id, item_ids, version, user_id), [listing_id], user_id)


def allow_items_again(channel_id: int, listing_id: int, version: int, user_id: int) -> Linked | Conflict:
    """Take a listing's refusals back. NoSuchListing. Commits."""
    lock_channel(channel_id)
    return _settled(linking.allow_again(listing_id, version, user_id), [listing_id], user_id)


def link_to_new_item(listing_id: int, version: int, user_id: int) -> Linked | Conflict:
    """Make an item from a listing and link it. NoSuchListing, NoSku, CannotBeLinked, SkuTaken. Commits."""
    _lock_all_channels()
    saved = linking.link_new_item(listing_id, version, user_id)
    if isinstance(saved, Conflict) or saved.item_id is None:
        db.session.rollback()
        return saved if isinstance(saved, Conflict) else Conflict(saved.version)
    propose_like(_keys_of([saved.item_id]))
    freed = _free_everywhere(user_id)
    followed = follow_items(saved.channel_id, [saved.item_id])
    db.session.commit()
    return Linked(saved, freed, followed)


def accept_all_certain(channel_id: int, expected: int, user_id: int) -> ManyLinked | None:
    """Link every listing of which one item is certain; None when they are not as many as the person was told. Commits.

    Nothing is proposed anew: each of them answered to its item before as well.
    """
    lock_channel(channel_id)
    saved = linking.accept_certain(channel_id, user_id)
    if len(saved.linked) != expected:
        db.session.rollback()
        return None
    freed = _free(channel_id, user_id)
    followed = follow_links(channel_id, saved.linked)
    db.session.commit()
    return ManyLinked(saved, freed, followed)


def take_batch_back(channel_id: int, batch: str, user_id: int) -> int:
    """Take the links back that were saved together; how many. Commits."""
    lock_channel(channel_id)
    ids = linking.take_back(channel_id, batch, user_id)
    _propose_around(channel_id, ids)
    if ids:
        _judge_again(channel_id, user_id)
    db.session.commit()
    return len(ids)


def save_links(channel_id: int, wanted: Sequence[Wanted], user_id: int) -> ManyLinked:
    """Link and unlink many listings at once. NoSuchItem: nothing was saved. Commits."""
    lock_channel(channel_id)
    saved = linking.save_many(channel_id, wanted, user_id)
    _propose_around(channel_id, [*saved.linked, *saved.unlinked])
    # A link that was changed may have taken away what ready orders leant on, so all are judged anew.
    freed = _judge_again(channel_id, user_id) if saved.linked or saved.unlinked else 0
    followed = follow_links(channel_id, saved.linked)
    db.session.commit()
    return ManyLinked(saved, freed, followed)


def make_items_of_listings(channel_id: int, user_id: int) -> ManyMade:
    """Make an item from every listing that nothing is proposed for. Commits."""
    _lock_all_channels()
    made = linking.make_items(channel_id, user_id)
    propose_like(_keys_of(made.item_ids))
    freed = _free_everywhere(user_id) if made.item_ids else 0
    followed = follow_items(channel_id, made.item_ids)
    db.session.commit()
    return ManyMade(made, freed, followed)


def add_item(facts: ItemFacts, user_id: int) -> ItemSaved:
    """Add an item by hand; SkuTaken. Commits."""
    _lock_all_channels()
    item_id = catalog.add_item(facts, user_id)
    propose_like(_keys_of([item_id]))
    freed = _free_everywhere(user_id)
    db.session.commit()
    return ItemSaved(item_id, freed)


def save_item(item_id: int, facts: ItemFacts, version: int, user_id: int) -> ItemSaved:
    """Change an item. NoSuchItem, SkuTaken, ItemChanged. Commits."""
    _lock_all_channels()
    before = list(_keys_of([item_id]))
    catalog.save_item(item_id, facts, version, user_id)
    propose_like([*before, *_keys_of([item_id])])
    moved = _judge_everywhere(user_id)
    db.session.commit()
    return ItemSaved(item_id, moved)


def save_item_file(look: Callable[[], ItemPreview | None], words: str, user_id: int) -> ItemPreview | None:
    """Make, change and count the items of a file; None when `look` does not find what the person saw. Commits.

    `look` is asked again once nobody else can change items, and the counts are compared once more in the turn to move
    stock, which is taken last: so exactly what the person saw is stored. `words` stand in the ledger of stock.
    """
    _lock_all_channels()
    lock_items()
    found = look()
    made = {} if found is None else catalog.add_items([step.facts for step in found.new], user_id)
    if found is None or len(made) != len(found.new):
        db.session.rollback()
        return None
    known = [(step.item_id, step.version, step.facts) for step in found.changed if step.item_id is not None]
    before = list(_keys_of([item_id for item_id, _version, _facts in known]))
    catalog.save_items(known, user_id)
    propose_like([*before, *_keys_of([*(item_id for item_id, _version, _facts in known), *made.values()])])
    if found.new or known:
        _judge_everywhere(user_id)
    take_turns()
    counts = _counts(found, words, user_id)
    stock = stock_of_items({one.item_id for one in counts})
    steps = zip(found.counts, counts, strict=True)
    if any(stock.get((one.item_id, one.location_id), 0) != step.before for step, one in steps):
        db.session.rollback()
        return None
    move(counts)
    db.session.commit()
    return found


def _counts(found: ItemPreview, words: str, user_id: int) -> list[Movement]:
    ids = item_ids_by_sku({sku_key(step.sku) for step in found.counts})
    return [
        Movement(
            ids[sku_key(step.sku)],
            step.place.id,
            Kind.ADJUST,
            on_hand_to=step.after,
            reason=Reason.COUNTED,
            words=words,
            user_id=user_id,
        )
        for step in found.counts
    ]


def archive_item(item_id: int, user_id: int, *, archived: bool) -> ItemSaved:
    """Offer an item no longer, or again. NoSuchItem; ItemInUse while listings mean it. Commits."""
    _lock_all_channels()
    uses = select(func.count()).where(Listing.store_id == current_store_id(), Listing.item_id == item_id)
    found = db.session.scalar(uses) or 0
    if archived and found:
        db.session.rollback()
        raise ItemInUse(found)
    before = list(_keys_of([item_id]))
    catalog.archive_item(item_id, user_id, archived=archived)
    propose_like(before or _keys_of([item_id]))
    moved = _judge_everywhere(user_id)
    db.session.commit()
    return ItemSaved(item_id, moved)


def _settled(
    saved: LinkSaved | Conflict, listing_ids: Sequence[int], user_id: int, *, meant: int | None = None
) -> Linked | Conflict:
    """What follows from a saved listing. `meant`: the item that it meant before, which ready orders lean on."""
    if isinstance(saved, Conflict):
        db.session.rollback()
        return saved
    if saved.changed:
        _propose_around(saved.channel_id, listing_ids)
    must_look = meant is not None and saved.changed
    freed = _judge_again(saved.channel_id, user_id) if must_look else _free(saved.channel_id, user_id)
    items = {item_id for item_id in (meant, saved.item_id) if item_id is not None}
    followed = follow_items(saved.channel_id, items) if saved.changed else NOTHING
    db.session.commit()
    return Linked(saved, freed, followed)


def _propose_around(channel_id: int, listing_ids: Sequence[int]) -> None:
    """Propose anew for the channel's listings that are like these, which are rivals no longer, or again.

    Where these are many, looking at the whole channel once costs less than at what is like each of them.
    """
    if len(listing_ids) > BATCH:
        propose_all(channel_id)
        return
    for keys in keys_of_listings(listing_ids):
        propose_all(channel_id, keys.listings())


def _keys_of(item_ids: Sequence[int]) -> Iterator[Keys]:
    rows = db.session.execute(
        select(Item.id, Item.sku, Item.barcode, Item.name, Item.variant).where(
            Item.store_id == current_store_id(), Item.id.in_(item_ids)
        )
    ).all()
    return keys_of_items(Candidate(row.id, (row.sku,), row.barcode, row.name, row.variant) for row in rows)


def _channel_ids() -> Sequence[int]:
    query = select(Channel.id).where(Channel.store_id == current_store_id()).order_by(Channel.id)
    return db.session.scalars(query).all()


def _lock_all_channels() -> None:
    for channel_id in _channel_ids():
        lock_channel(channel_id)


def _holds() -> bool:
    """Read under the channel's lock: whoever held it before may have saved the setting and held orders by it."""
    return db.session.get_one(Store, current_store_id(), populate_existing=True).unlinked_items == "hold"


def _free(channel_id: int, user_id: int) -> int:
    return free_skus(channel_id, user_id) if _holds() else 0


def _judge_again(channel_id: int, user_id: int) -> int:
    return rejudge_channel(channel_id, user_id) if _holds() else 0


def _free_everywhere(user_id: int) -> int:
    return sum(_free(channel_id, user_id) for channel_id in _channel_ids())


def _judge_everywhere(user_id: int) -> int:
    return sum(_judge_again(channel_id, user_id) for channel_id in _channel_ids())
