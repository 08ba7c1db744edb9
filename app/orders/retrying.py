"""Orders that a person wants to be tried again: marked here, read by a job of kind `retry`, and unmarked.

The marks stand in the seen-ledger, so that what was never read can be asked for as well. These functions write and do
not commit: a mark goes in with the job that reads it, and out with what was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.channels.models import Marketplace
from app.core.states import OrderState, SeenState
from app.core.types import OrderStub
from app.extensions import db
from app.orders.models import Order, SeenOrder
from app.orders.writing import JournalNote, write_journal
from app.tenancy.scope import current_store_id

_IS_WANTED = text("seen_orders.wanted_at is not null")
"""Text and no parameter, so that every plan knows that the index of the wanted ones will do."""


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """An order to be read again, as a list would name it, and when that was asked for."""

    stub: OrderStub
    wanted_at: datetime


def want_orders(matching: Sequence[ColumnElement[bool]], user_id: int) -> int:
    """Mark stored orders of the store; `matching` are conditions on Order. Returns how many; three statements."""
    conditions = [Order.store_id == current_store_id(), *matching]
    rows = db.session.execute(select(Order.id, Order.channel_id).where(*conditions)).all()
    if not rows:
        return 0
    columns = ("store_id", "channel_id", "remote_id", "marketplace_id", "state", "wanted_at", "wanted_by")
    picked = select(
        *(getattr(Order, name) for name in columns[:4]), literal(SeenState.IMPORTED.value), func.now(), literal(user_id)
    ).where(*conditions)
    marks = insert(SeenOrder).from_select(columns, picked)
    db.session.execute(
        marks.on_conflict_do_update(
            index_elements=["store_id", "channel_id", "remote_id"],
            set_={"wanted_at": marks.excluded.wanted_at, "wanted_by": marks.excluded.wanted_by},
        )
    )
    write_journal([JournalNote("retry_requested", row.channel_id, row.id, {}) for row in rows], user_id=user_id)
    return len(rows)


def want_unread(matching: Sequence[ColumnElement[bool]], user_id: int) -> int:
    """Mark orders that are not stored; `matching` are conditions on SeenOrder. Returns how many; one statement."""
    marked = db.session.execute(
        update(SeenOrder)
        .where(SeenOrder.store_id == current_store_id(), *matching)
        .values(wanted_at=func.now(), wanted_by=user_id)
        .returning(SeenOrder.remote_id)
        .execution_options(synchronize_session=False)
    )
    return len(marked.all())


def wanted_orders(channel_id: int, limit: int) -> list[WantedOrder]:
    """The next ones to read. One statement."""
    rows = db.session.execute(
        select(
            SeenOrder.remote_id,
            Marketplace.remote_id.label("marketplace"),
            SeenOrder.remote_created_at,
            SeenOrder.digest,
            SeenOrder.wanted_at,
        )
        .join(Marketplace, (Marketplace.store_id == SeenOrder.store_id) & (Marketplace.id == SeenOrder.marketplace_id))
        .where(*_wanted(channel_id))
        .order_by(SeenOrder.remote_id)
        .limit(limit)
    )
    return [
        WantedOrder(OrderStub(row.remote_id, row.marketplace, "", "", row.remote_created_at, row.digest), row.wanted_at)
        for row in rows
    ]


def count_wanted(channel_id: int) -> int:
    """How many are still to be read."""
    return db.session.scalar(select(func.count()).select_from(SeenOrder).where(*_wanted(channel_id))) or 0


def has_wanted_orders(channel_id: int) -> bool:
    """Whether any is."""
    return db.session.scalar(select(SeenOrder.remote_id).where(*_wanted(channel_id)).limit(1)) is not None


def settle_wanted(channel_id: int, read: Sequence[WantedOrder], *, queue: bool, job_id: int) -> int:
    """These were read: queue what became ready for whoever asked, and take their marks away. Three statements.

    A mark that is younger than the reading stays, and the order is read once more. Returns how many were queued.
    """
    remote_ids = [order.stub.remote_id for order in read]
    queued = _queue(channel_id, remote_ids) if queue else []
    write_journal(queued, job_id=job_id)
    db.session.execute(
        update(SeenOrder)
        .where(
            *_wanted(channel_id),
            SeenOrder.remote_id.in_(remote_ids),
            SeenOrder.wanted_at <= max(order.wanted_at for order in read),
        )
        .values(wanted_at=None, wanted_by=None)
        .execution_options(synchronize_session=False)
    )
    return len(queued)


def forget_wanted(channel_id: int) -> int:
    """Take all marks of a channel back; returns how many."""
    forgotten = db.session.execute(
        update(SeenOrder)
        .where(*_wanted(channel_id))
        .values(wanted_at=None, wanted_by=None)
        .returning(SeenOrder.remote_id)
        .execution_options(synchronize_session=False)
    )
    return len(forgotten.all())


def _queue(channel_id: int, remote_ids: Sequence[str]) -> list[JournalNote]:
    rows = db.session.execute(
        update(Order)
        .where(
            *_wanted(channel_id),
            Order.store_id == SeenOrder.store_id,
            Order.channel_id == SeenOrder.channel_id,
            Order.remote_id == SeenOrder.remote_id,
            Order.remote_id.in_(remote_ids),
            Order.state == OrderState.READY,
        )
        .values(state=OrderState.QUEUED, queued_at=func.now(), queued_by=SeenOrder.wanted_by)
        .returning(Order.id, Order.queued_by)
        .execution_options(synchronize_session=False)
    )
    return [JournalNote("queued", channel_id, row.id, {}, user_id=row.queued_by) for row in rows]


def _wanted(channel_id: int) -> list[ColumnElement[bool]]:
    return [SeenOrder.store_id == current_store_id(), SeenOrder.channel_id == channel_id, _IS_WANTED]  # type: ignore[list-item]
