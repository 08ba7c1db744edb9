"""The phase that looks again at what is still open: orders that no window of a check holds may yet change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text

from app.channels.models import Marketplace
from app.connectors.base import Connector
from app.core.states import Reason
from app.core.types import OrderStub, RemoteOrder, WindowAxis
from app.extensions import db
from app.orders.importing import PulledPage, hold_unread, store_page, store_rules
from app.orders.models import STILL_OPEN, Order
from app.sync.details import read_details
from app.sync.lease import Run
from app.sync.places import places_of
from app.tenancy.scope import store_scope


def recheck(run: Run, connector: Connector) -> Iterator[None]:
    """Ask by id for the orders that may still change and were made before the windows that were read.

    Where the windows hold whatever changed, there is nothing to ask for.
    """
    if connector.window_axis is WindowAxis.UPDATED:
        return
    if not run.here:
        with store_scope(run.store_id):
            before = run.cursor["pull"]["before"]
            run.enter("recheck", {"after": 0, "before": before}, _count_open(run, before))
            run.save(sets_out=True)
            db.session.commit()
        yield
    places = places_of(run)
    while stubs := _open_stubs(run, connector.page_size):
        asked = [stub.remote_id for _, stub in stubs]
        details = read_details(connector, asked, places.currencies, attempts=run.attempts)
        page = PulledPage(
            channel_id=run.channel_id,
            stubs=tuple(stub for _, stub in stubs),
            wanted=frozenset(),
            details=tuple(order for order in details if isinstance(order, RemoteOrder)),
            skipped={},
        )
        unread = {stub.remote_id: Reason.ORDER_MISSING for _, stub in stubs}
        unread |= {order.remote_id: Reason.BAD_PAYLOAD for order in details}
        for order in page.details:
            del unread[order.remote_id]
        with store_scope(run.store_id):
            counts = store_page(page, store_rules(run.channel_id), places.ids, run.job_id)
            run.count(unreadable=hold_unread(run.channel_id, unread, run.job_id))
            run.here["after"] = stubs[-1][0]
            run.done += len(stubs)
            run.count(rechecked=counts.listed, changed=counts.changed)
            run.save()
            db.session.commit()
        yield


def _open(run: Run, before: str) -> list[Any]:
    return [
        Order.store_id == run.store_id,
        Order.channel_id == run.channel_id,
        Order.placed_at < datetime.fromisoformat(before),
        text(f"({STILL_OPEN})"),
    ]


def _count_open(run: Run, before: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Order).where(*_open(run, before))) or 0


def _open_stubs(run: Run, limit: int) -> list[tuple[int, OrderStub]]:
    with store_scope(run.store_id):
        rows = db.session.execute(
            select(Order.id, Order.remote_id, Order.status_text, Order.payment_status_text, Marketplace.remote_id)
            .join(Marketplace, (Marketplace.store_id == Order.store_id) & (Marketplace.id == Order.marketplace_id))
            .where(*_open(run, run.here["before"]), Order.id > run.here["after"])
            .order_by(Order.id)
            .limit(limit)
        ).all()
    return [(row[0], OrderStub(row[1], row[4], row[2], row[3], None, None)) for row in rows]
