"""The phase that serves orders which lack pieces, before the channel is told what it may offer.

Whatever changes what lies in a warehouse, or what a listing means, starts a job of every channel that takes stock out
of it; the first one serves the orders of all of them, the oldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update

from app.channels.models import Channel
from app.connectors.base import Capability, Connector
from app.extensions import db
from app.orders.stock import settle_stock
from app.orders.waiting import orders_after, relinked, servable
from app.sync.lease import Run
from app.tenancy.scope import current_store_id, store_scope

_AT_ONCE: Final = 200


def reserve(run: Run, connector: Connector) -> Iterator[None]:
    """Settle what some orders hold, batch by batch; yields after each."""
    if Capability.STOCK not in connector.capabilities:
        return
    while _next(run):
        yield


def has_servable(channel_id: int) -> bool:
    """Whether an order that lacks pieces could be served now: stock may have come in while the channel was told."""
    channel = _channel(channel_id)
    return channel.stock_location_id is not None and bool(servable(channel.stock_location_id, None, 1))


def _next(run: Run) -> bool:
    """Settle one more batch; False when there is none.

    The channels are locked before the batch is settled: whoever changes an order holds its channel's lock, so none of
    them waits for the turn to move stock while this one waits for its order.
    """
    with store_scope(run.store_id):
        channel = _channel(run.channel_id)
        location_id = channel.stock_location_id
        if location_id is None:
            return False
        begun, at, after = bool(run.here), run.here.get("at", 0), run.here.get("after")
        while at < len(_PASSES):
            order_ids, mark = _PASSES[at](channel, after)
            if order_ids:
                break
            if at == 0 and channel.stock_unsettled:
                return _note_settled(run)
            at, after = at + 1, None
        else:
            db.session.rollback()
            return False
        _lock_channels(location_id)
        served = settle_stock(order_ids, job_id=run.job_id)
        if not begun:
            run.enter(run.phase, {}, None)
        run.cursor[run.phase] = {"at": at, "after": mark}
        run.done += len(order_ids)
        run.count(stock_reserved=served.reserved)
        run.save(sets_out=not begun)
        db.session.commit()
    return True


def _note_settled(run: Run) -> bool:
    mine = (Channel.store_id == run.store_id, Channel.id == run.channel_id)
    statement = update(Channel).where(*mine).values(stock_unsettled=False)
    db.session.execute(statement.execution_options(synchronize_session=False))
    run.cursor[run.phase] = {"at": 1, "after": None}
    run.save()
    db.session.commit()
    return True


Found = tuple[Sequence[int], Any]
"""Orders to settle, and after what to go on."""


def _everything(channel: Channel, after: Any) -> Found:
    """All orders of a channel that has just come, or come back: they may have come while it took no stock."""
    if not channel.stock_unsettled:
        return (), None
    found = orders_after(channel.id, after or 0, _AT_ONCE)
    return found, found[-1] if found else None


def _relinked(channel: Channel, after: Any) -> Found:
    found = relinked(channel.id, after or 0, _AT_ONCE)
    return found, found[-1] if found else None


def _waiting(channel: Channel, after: Any) -> Found:
    place = None if after is None else (datetime.fromisoformat(after[0]), int(after[1]))
    found = servable(channel.stock_location_id or 0, place, _AT_ONCE)
    mark = [found[-1][0].isoformat(), found[-1][1]] if found else None
    return [order_id for _placed_at, order_id in found], mark


_PASSES: Final[Sequence[Callable[[Channel, Any], Found]]] = (_everything, _relinked, _waiting)


def _channel(channel_id: int) -> Channel:
    return db.session.get_one(Channel, (current_store_id(), channel_id), populate_existing=True)


def _lock_channels(location_id: int) -> None:
    mine = (Channel.store_id == current_store_id(), Channel.stock_location_id == location_id)
    db.session.execute(select(Channel.id).where(*mine).order_by(Channel.id).with_for_update())
