"""Orders that the channel does not know any more, though it was asked for them by their id."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select, update

from app.core.states import OrderState, Reason
from app.extensions import db
from app.orders.models import Order
from app.orders.writing import JournalNote, write_journal
from app.tenancy.scope import current_store_id

_UNBOOKED = (OrderState.WAITING, OrderState.READY, OrderState.QUEUED, OrderState.HELD)


def put_aside_gone(channel_id: int, remote_ids: Sequence[str], job_id: int) -> int:
    """Hold those that are not booked, and alert those that are; returns how many. Does not commit.

    The next reading that finds such an order decides about it anew.
    """
    if not remote_ids:
        return 0
    notes = [*_hold(channel_id, remote_ids), *_alert(channel_id, remote_ids)]
    write_journal(notes, job_id=job_id)
    return len(notes)


def _hold(channel_id: int, remote_ids: Sequence[str]) -> list[JournalNote]:
    missing = Reason.ORDER_MISSING
    held = db.session.scalars(
        update(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel_id,
            Order.remote_id.in_(remote_ids),
            Order.state.in_(_UNBOOKED),
            or_(Order.state != OrderState.HELD, Order.reason.is_distinct_from(missing)),
        )
        .values(state=OrderState.HELD, reason=missing, reason_detail={}, queued_at=None, queued_by=None)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    return [JournalNote("held", channel_id, order_id, {"reason": missing}) for order_id in held]


def _alert(channel_id: int, remote_ids: Sequence[str]) -> list[JournalNote]:
    missing = Reason.ORDER_MISSING
    unalerted = [
        Order.store_id == current_store_id(),
        Order.channel_id == channel_id,
        Order.remote_id.in_(remote_ids),
        Order.state == OrderState.BOOKED,
        Order.alert.is_distinct_from(missing),
        Order.ignored_alert.is_distinct_from(missing),
    ]
    before = db.session.execute(select(Order.id, Order.alert).where(*unalerted).with_for_update()).all()
    if before:
        db.session.execute(
            update(Order).where(*unalerted).values(alert=missing).execution_options(synchronize_session=False)
        )
    return [JournalNote("changed", channel_id, row.id, {"alert": [row.alert, missing]}) for row in before]
