"""The phase that tells a channel how many pieces it may offer: levels that changed, and listings that were linked.

What is told is the level as it is now, however often it changed meanwhile; `stock_seq` of the channel remembers up to
which change it was told, and moves in the transaction that records the telling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import select, text, tuple_, update

from app.bulk import each_of, update_rows
from app.catalog.stock import levels_of
from app.catalog.stock_queries import changed_since
from app.channels.models import Channel
from app.connectors.base import Capability, Connector
from app.core.stock import Level, offered
from app.core.types import StockWrite
from app.extensions import db
from app.mappings.models import UNTOLD, Listing
from app.sync.lease import Run, make_sure
from app.tenancy.scope import store_scope

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is told at once: `told` are listings and the item that each means, `seq` the last change among them.

    `rests_on` is how the channel stood when it was reckoned: its warehouse, what is kept back, and its mark.
    """

    writes: tuple[StockWrite, ...]
    told: dict[int, int]
    seq: int
    rests_on: tuple[int, int, int]


def tell_stock(run: Run, connector: Connector) -> Iterator[None]:
    """Tell everything that is due, oldest change first; yields after each batch."""
    if Capability.STOCK not in connector.capabilities:
        return
    if not run.here:
        with store_scope(run.store_id):
            run.enter("stock", {"begun": True}, None)
            run.save(sets_out=True)
            db.session.commit()
        yield
    while batch := _next(run):
        if batch.writes:
            connector.set_stock(batch.writes, partial(make_sure, run))
        with store_scope(run.store_id):
            _record(run, batch)
            run.save()
            db.session.commit()
        yield


def _next(run: Run) -> _Batch | None:
    """The next changes and new links; None when the channel knows everything, or is told no stock."""
    with store_scope(run.store_id):
        channel = db.session.get_one(Channel, (run.store_id, run.channel_id))
        if channel.stock_location_id is None:
            return None
        changed = changed_since(channel.stock_seq, _AT_ONCE, channel.stock_location_id)
        available = {level.item_id: level.available for level in changed}
        rows = [*_linked(run, list(available)), *_untold(run)]
        levels = levels_of({row.item_id for row in rows} - available.keys())
        for row in rows:
            available.setdefault(row.item_id, _level(levels, row, channel).available)
        if not changed and not rows:
            return None
        told = {row.remote_id: offered(available[row.item_id], channel.stock_buffer) for row in rows}
        return _Batch(
            tuple(StockWrite(remote_id, quantity) for remote_id, quantity in sorted(told.items())),
            {row.id: row.item_id for row in rows},
            changed[-1].seq if changed else channel.stock_seq,
            (channel.stock_location_id, channel.stock_buffer, channel.stock_seq),
        )


def _level(levels: dict[tuple[int, int], Level], row: Any, channel: Channel) -> Level:
    return levels.get((row.item_id, channel.stock_location_id or 0), Level())


_COLUMNS: tuple[Any, ...] = (Listing.id, Listing.remote_id, Listing.item_id)


def _linked(run: Run, item_ids: list[int]) -> list[Any]:
    """The channel's listings that mean these items."""
    query = select(*_COLUMNS).where(Listing.channel_id == run.channel_id, Listing.gone_at.is_(None))
    return list(db.session.execute(each_of(query, Listing.item_id, item_ids, within={Listing.store_id: run.store_id})))


def _untold(run: Run) -> list[Any]:
    """Listings that were linked since."""
    mine = (Listing.store_id == run.store_id, Listing.channel_id == run.channel_id, text(UNTOLD))
    return list(db.session.execute(select(*_COLUMNS).where(*mine).order_by(Listing.id).limit(_AT_ONCE)))


def _record(run: Run, batch: _Batch) -> None:
    """The channel knows: move its mark forward, and remember for which item each listing was told.

    Where somebody chose another warehouse or another number of pieces to keep back meanwhile, the mark stays where
    that put it, and all is told once more.
    """
    mine = (Channel.store_id == run.store_id, Channel.id == run.channel_id)
    stood = tuple_(Channel.stock_location_id, Channel.stock_buffer, Channel.stock_seq)
    db.session.execute(
        update(Channel)
        .where(*mine, stood == tuple_(*batch.rests_on))
        .values(stock_seq=batch.seq)
        .execution_options(synchronize_session=False)
    )
    rows = [{"store_id": run.store_id, "id": key, "told_item_id": item} for key, item in batch.told.items()]
    update_rows(Listing, ("store_id", "id"), ("told_item_id",), rows)
    run.done += len(batch.writes)
    run.count(stock_told=len(batch.writes))
