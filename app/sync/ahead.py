"""How many orders a first sync will read, asked before its products are read: the estimate is of it all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from app.channels.models import Channel
from app.connectors.base import Connector
from app.core.plan import windows
from app.extensions import db
from app.sync.lease import Run
from app.sync.of_channel import was_refreshed
from app.sync.places import places_in_scope
from app.tenancy.scope import store_scope

ORDERS_AHEAD = "orders_ahead"
"""Among a job's counts: so many orders are listed and none of them is read yet."""


def count_orders(run: Run, connector: Connector) -> Iterator[None]:
    """Ask each list for its first page, whose total says how many orders there are since the start date.

    A list that does not say how many it holds leaves the estimate without a number. Does nothing once everything was
    read: what changed since then is few.
    """
    with store_scope(run.store_id):
        if was_refreshed(run.channel_id):
            return
        places = places_in_scope(run)
        start_at = db.session.get_one(Channel, (run.store_id, run.channel_id)).start_at
        db.session.commit()
    wanted = windows(
        connector.order_lists(list(places.ids)),
        start_at,
        datetime.now(UTC),
        connector.window_days,
        connector.window_axis,
    )
    totals = [connector.list_orders(window, 1, places.currencies).total for window in wanted]
    with store_scope(run.store_id):
        run.enter(run.phase, {"counted": len(totals)}, None)
        if None not in totals:
            run.counts[ORDERS_AHEAD] = sum(total or 0 for total in totals)
        run.save(sets_out=True)
        db.session.commit()
    yield
