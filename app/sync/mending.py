"""What can be pressed on Failed Sync: try again, leave out with a reason, take back in. Each verb commits.

A cause is pressed as a whole or one row at a time; both are the same few statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, text, update

from app.core.states import ChangeState, Reason
from app.extensions import db
from app.orders.failed import CHANGES, CauseKey, CauseKind, changes_of, orders_of, unread_of
from app.orders.ignoring import ignore, one_of, stamp, take_back_alerts, take_back_orders, take_back_unread
from app.orders.models import Order, SeenOrder
from app.orders.retrying import want_orders, want_unread
from app.orders.services import lock_channel
from app.orders.writing import write_journal
from app.sync.models import LEFT, Change
from app.sync.noting import note_of
from app.sync.nudge import nudge
from app.sync.services import JobStart, request_retry
from app.tenancy.scope import current_store_id

RowKeys = Sequence[Any] | None
"""The rows of a cause that are meant: ids of orders or changes, a channel's own ids of unread ones; None for all."""


def retry(cause: CauseKey, rows: RowKeys, user_id: int) -> JobStart | None:
    """Try these once more: read them from the channel, book what is ready, write its number back.

    `taken` of what it returns is how many; None when nothing waits for this cause any more. ChannelNotReadyError when
    the channel is paused.
    """
    match cause.kind:
        case kind if kind in CHANGES:
            return _plan_again(cause.channel_id, [*changes_of(cause), *_among(Change.id, rows)], user_id)
        case CauseKind.UNREADABLE:
            unread = [*unread_of(cause), *_among(SeenOrder.remote_id, rows)]
            return request_retry(cause.channel_id, lambda: want_unread(unread, user_id), user_id)
        case _:
            orders = [*orders_of(cause), *_among(Order.id, rows)]
            return request_retry(cause.channel_id, lambda: want_orders(orders, user_id), user_id)


def leave_out(cause: CauseKey, rows: RowKeys, words: str, user_id: int) -> int:
    """Leave out what waits for this cause, with a reason in words; returns how many."""
    leave = _give_up if cause.kind in CHANGES else ignore
    left = leave(cause, rows, words, user_id)
    db.session.commit()
    _tell(cause.channel_id)
    return left


def take_back(kind: CauseKind, channel_id: int, rows: Sequence[Any], user_id: int) -> int:
    """Undo leaving out; returns how many. ChannelNotReadyError when that asks something of a paused channel.

    A move that was given up is past: the order has gone on without it, and a new one is made instead.
    """
    if kind in (CauseKind.MOVES, CauseKind.STOCK, CauseKind.CONFLICTS):
        return 0
    if kind in CHANGES:
        start = _plan_again(channel_id, [*_left(kind, channel_id), one_of(Change.id, rows)], user_id)
        return 0 if start is None else start.taken
    if kind == CauseKind.UNREADABLE:
        start = request_retry(channel_id, lambda: take_back_unread(channel_id, rows, user_id), user_id)
        return 0 if start is None else start.taken
    take = take_back_alerts if kind == CauseKind.ALERTS else take_back_orders
    taken = take(channel_id, rows, user_id)
    db.session.commit()
    _tell(channel_id)
    return taken


def _plan_again(channel_id: int, matching: Sequence[ColumnElement[bool]], user_id: int) -> JobStart | None:
    """Plan changes anew and start the job that sends them. One that a newer number replaced drops out there."""

    def plan() -> int:
        rows = db.session.execute(
            update(Change)
            .where(*matching)
            .values(state=ChangeState.PLANNED, not_before=None, reason=None, reason_detail={})
            .returning(Change.kind, Change.order_id, Change.invoice_id, Change.payload)
            .execution_options(synchronize_session=False)
        ).all()
        notes = [note_of(row, "planned", channel_id, {}) for row in rows]
        write_journal(notes, user_id=user_id)
        return len(rows)

    return request_retry(channel_id, plan, user_id, "write_back")


def _give_up(cause: CauseKey, rows: RowKeys, words: str, user_id: int) -> int:
    lock_channel(cause.channel_id)
    kept = stamp(words, Change.reason, user_id, at=func.now(), found=Change.reason_detail["found"])
    left = db.session.execute(
        update(Change)
        .where(*changes_of(cause), *_among(Change.id, rows))
        .values(state=ChangeState.DROPPED, reason=Reason.IGNORED, reason_detail=kept)
        .returning(Change.kind, Change.order_id, Change.invoice_id, Change.payload)
        .execution_options(synchronize_session=False)
    ).all()
    detail = {"words": words, "was": cause.code}
    notes = [note_of(row, "ignored", cause.channel_id, detail) for row in left]
    write_journal(notes, user_id=user_id)
    return len(left)


def _left(kind: CauseKind, channel_id: int) -> list[ColumnElement[bool]]:
    ours = (Change.store_id == current_store_id(), Change.channel_id == channel_id, Change.kind == CHANGES[kind])
    return [*ours, text(LEFT)]  # type: ignore[list-item]


def _among(column: Any, rows: RowKeys) -> list[ColumnElement[bool]]:
    return [] if rows is None else [one_of(column, rows)]


def _tell(channel_id: int) -> None:
    nudge(current_store_id(), "orders", f"channel-{channel_id}")
