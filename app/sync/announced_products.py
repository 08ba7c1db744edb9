"""The phase that looks at the products of which a channel said that something happened: an edit, a deletion, or stock
that moved. They are read by their ids, each once, and stored as a reading of the list does.

Nothing that was said of them is believed; one that the channel does not know any more is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.channels.models import Channel
from app.connectors.base import Capability, Connector
from app.core.types import News
from app.extensions import db
from app.orders.services import lock_channel
from app.sync.inbox import count_announced_products, mark_worked, next_product_calls
from app.sync.lease import Run
from app.sync.taking import Branches, Taken, Told, announce, take
from app.tenancy.scope import store_scope


def announced_products(run: Run, connector: Connector) -> Iterator[None]:
    """Work off what was announced, in batches of the channel's page size; yields after each committed batch."""
    branches: Branches | None = None
    while (news := _next(run, connector)).order_ids:
        if not run.here:
            with store_scope(run.store_id):
                run.enter(run.phase, {"refreshed": False}, count_announced_products(run.channel_id))
                run.save(sets_out=True)
                db.session.commit()
            yield
        asked = _worth_reading(run, connector, news)
        found = _read(connector, asked)
        branches = branches or Branches(run, connector)
        branches.learn(found, {})
        announce(run, _store(run, asked, found, branches, news))
        yield


def _next(run: Run, connector: Connector) -> News:
    with store_scope(run.store_id):
        news = next_product_calls(run.channel_id, connector.page_size)
        db.session.rollback()
    return news


def _worth_reading(run: Run, connector: Connector, news: News) -> list[str]:
    """The ids, each once; none while products are not taken from here, or the channel cannot be asked for them."""
    if Capability.PRODUCTS_BY_UPDATE not in connector.capabilities:
        return []
    with store_scope(run.store_id):
        takes = db.session.get_one(Channel, (run.store_id, run.channel_id)).takes_products
    return list(dict.fromkeys(news.order_ids)) if takes else []


def _read(connector: Connector, asked: Sequence[str]) -> list[Told]:
    """One call may name more of them than may be asked for at once."""
    size = connector.page_size
    return [one for at in range(0, len(asked), size) for one in connector.get_products(asked[at : at + size])]


def _store(run: Run, asked: Sequence[str], found: Sequence[Told], branches: Branches, news: News) -> Taken:
    """The products as they are now, and that they were looked at, in one transaction."""
    with store_scope(run.store_id):
        lock_channel(run.channel_id)
        told = take(run, found, branches.known, removed=asked) if asked else Taken()
        run.count(products_announced=len(asked))
        mark_worked(run.channel_id, news)
        run.done += len(news.order_ids)
        run.total = max(run.total or 0, run.done)
        run.save()
        db.session.commit()
    return told
