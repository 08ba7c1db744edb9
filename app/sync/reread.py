"""The reading phase of a retry: the orders that a person wants to be tried again are asked for by id.

A batch is one transaction: what was read, what became of it, the marks that are taken away, and the job's counters.
What is ready then is queued for whoever asked, and the job goes on to book it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from app.channels.services import refresh_marketplaces
from app.connectors.base import Capability, Connector
from app.core.plan import refuse_batch
from app.core.states import JobState
from app.core.types import RemoteOrder, UnreadableOrder
from app.extensions import db
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.judging import rejudge_orders
from app.orders.models import Order
from app.orders.retrying import WantedOrder, count_wanted, settle_wanted, wanted_orders
from app.orders.services import lock_channel
from app.sync.details import read_details
from app.sync.lease import Run
from app.sync.models import SyncJob
from app.sync.places import Places, make_room_for, places_of
from app.tenancy.scope import current_store, store_scope


def reread(run: Run, connector: Connector) -> Iterator[None]:
    """Read what is marked, in batches of the channel's page size; yields after each committed batch."""
    if not run.here:
        with store_scope(run.store_id):
            refresh_marketplaces(run.channel_id)
        with store_scope(run.store_id):
            run.enter("reread", {"begun": True}, count_wanted(run.channel_id))
            run.save(sets_out=True)
            db.session.commit()
        yield
    if Capability.ORDERS not in connector.capabilities:
        yield from _judge(run, connector.page_size)
        return
    places = places_of(run)
    while batch := _next(run, connector.page_size):
        asked = [order.stub.remote_id for order in batch]
        details = read_details(connector, asked, places.currencies, attempts=run.attempts)
        make_room_for(run, places, details)
        _store(run, batch, details, places)
        yield


def _judge(run: Run, limit: int) -> Iterator[None]:
    """The same where orders are made here: there is nothing to read, so what is stored is judged by today's rules."""
    while batch := _next(run, limit):
        with store_scope(run.store_id):
            lock_channel(run.channel_id)
            moved = rejudge_orders(run.channel_id, _order_ids(run, batch), run.requested_by)
            may_book = refuse_batch(current_store().auto_delivery_order) is None
            settle_wanted(run.channel_id, batch, queue=may_book, job_id=run.job_id)
            run.done += len(batch)
            run.total = max(run.total or 0, run.done)
            run.count(reread=len(batch), changed=moved)
            run.save()
            db.session.commit()
        yield


def _order_ids(run: Run, batch: Sequence[WantedOrder]) -> Sequence[int]:
    query = select(Order.id).where(
        Order.store_id == run.store_id,
        Order.channel_id == run.channel_id,
        Order.remote_id.in_([order.stub.remote_id for order in batch]),
    )
    return db.session.scalars(query).all()


def books_beside(run: Run) -> bool:
    """Whether another job of the channel waits to book what is queued, so that a retry must leave it queued."""
    others = select(SyncJob.id).where(
        SyncJob.store_id == run.store_id,
        SyncJob.channel_id == run.channel_id,
        SyncJob.id != run.job_id,
        SyncJob.kind.in_(("sync", "auto")),
        SyncJob.state == JobState.QUEUED,
    )
    return db.session.scalar(others.limit(1)) is not None


def _next(run: Run, limit: int) -> list[WantedOrder]:
    with store_scope(run.store_id):
        return wanted_orders(run.channel_id, limit)


def _store(
    run: Run, batch: Sequence[WantedOrder], details: tuple[RemoteOrder | UnreadableOrder, ...], places: Places
) -> None:
    """What the channel gave, handled as in a check; a missing or unreadable order is held and counted."""
    page = PulledPage(
        channel_id=run.channel_id,
        stubs=tuple(order.stub for order in batch),
        wanted=frozenset(order.stub.remote_id for order in batch),
        details=details,
        skipped={},
    )
    with store_scope(run.store_id):
        counts = store_page(page, store_rules(run.channel_id), places.ids, run.job_id)
        may_book = refuse_batch(current_store().auto_delivery_order) is None
        settle_wanted(run.channel_id, batch, queue=may_book, job_id=run.job_id)
        run.done += len(batch)
        run.total = max(run.total or 0, run.done)
        run.count(reread=len(batch), new=counts.new, changed=counts.changed, unreadable=counts.unreadable)
        run.save()
        db.session.commit()
