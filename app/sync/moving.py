"""Saying where an order stands that another store keeps: planned here, made there, and read back like any news.

Nothing of the order's own row is changed by a press, and no import ever plans a move, so nothing comes back as an echo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update

from app import connectors
from app.channels.models import Channel
from app.connectors.base import Capability
from app.core.fulfilment import may_move
from app.core.states import ChangeState, Reason
from app.core.types import OrderStatus
from app.extensions import db
from app.orders.ignoring import name_of
from app.orders.models import Order
from app.orders.packages import FulfilmentRow
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.sync.models import MOVE, Change
from app.sync.nudge import nudge
from app.sync.services import start_write_back
from app.tenancy.scope import current_store_id

UNDER_WAY = (ChangeState.PLANNED, ChangeState.SENDING)


class NotMovable(StrEnum):
    """Why a move is not planned."""

    MADE_ELSEWHERE = "made_elsewhere"
    """The other store reads the order itself from a channel of its own, and its status is made there."""
    NOT_FROM_HERE = "not_from_here"
    """By the table it cannot go there from where it stands, or from where it is on its way to."""
    ENDED = "ended"
    """The link has ended."""


class CannotMove(Exception):
    """The order cannot be moved so; `why` says why."""

    def __init__(self, why: NotMovable) -> None:
        super().__init__(str(why))
        self.why = why


class NoSuchOrder(LookupError):
    """The store has no such order that another store keeps."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody says of an order: its status and, when it is sent, by whom; `package` '' means all of it."""

    status: OrderStatus
    courier: str = ""
    tracking_number: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True)
class MoveRow:
    """A move that was planned, and what became of it. `person` is who planned it."""

    id: int
    state: ChangeState
    wanted: Wanted
    person: str
    planned_at: datetime
    not_before: datetime | None
    reason: str | None
    detail: Mapping[str, Any]

    @property
    def is_under_way(self) -> bool:
        """Whether it has still to be made."""
        return self.state in UNDER_WAY

    @property
    def is_stuck(self) -> bool:
        """Whether the other store did not take it over, so that somebody must say what becomes of it."""
        return self.state == ChangeState.BLOCKED


def plan_move(order_id: int, wanted: Wanted, user_id: int) -> int:
    """Plan that the order be moved where it is kept, and start the job that does it. Commits; the change's id.

    CannotMove, and nothing is planned; NoSuchOrder. While the channel is paused it waits until that goes on.
    """
    channel_id = _channel_of(order_id)
    lock_channel(channel_id, share=True)
    channel = db.session.get_one(Channel, (current_store_id(), channel_id), populate_existing=True)
    order = db.session.get_one(Order, (current_store_id(), order_id), with_for_update=True, populate_existing=True)
    fulfilment = db.session.get(FulfilmentRow, (current_store_id(), order_id), populate_existing=True)
    try:
        _refuse(channel, order, fulfilment, wanted)
    except CannotMove:
        db.session.rollback()
        raise
    said = {"status": wanted.status, "package": wanted.package}
    said |= {"courier": wanted.courier, "tracking_number": wanted.tracking_number}
    change = Change(
        store_id=current_store_id(),
        channel_id=channel_id,
        kind=MOVE,
        key=f"move:{uuid4().hex}",
        order_id=order_id,
        remote_id=order.remote_id,
        payload={
            **said,
            "at": datetime.now(UTC).isoformat(),
            "version": fulfilment.version if fulfilment else 0,
            "person": name_of(user_id),
        },
    )
    db.session.add(change)
    write_journal([JournalNote("move_planned", channel_id, order_id, said)], user_id=user_id)
    db.session.flush()
    change_id = change.id
    db.session.commit()
    start_write_back(channel_id, user_id)
    nudge(current_store_id(), "orders", f"channel-{channel_id}")
    return change_id


def moves_of(order_id: int) -> list[MoveRow]:
    """The moves of an order that were planned here, newest first. One statement."""
    query = (
        select(Change)
        .where(Change.store_id == current_store_id(), Change.order_id == order_id, Change.kind == MOVE)
        .order_by(Change.id.desc())
    )
    return [_row(change) for change in db.session.scalars(query)]


def heading_for(status: OrderStatus, moves: list[MoveRow]) -> OrderStatus:
    """Where the order will stand once what is under way has arrived."""
    whole = (move.wanted.status for move in moves if move.is_under_way and not move.wanted.package)
    return next(whole, status)


def give_up_moves(channel_id: int) -> None:
    """The link has ended: what was not made there will not be made any more. Commits; safe to repeat."""
    lock_channel(channel_id)
    rows = db.session.execute(
        update(Change)
        .where(
            Change.store_id == current_store_id(),
            Change.channel_id == channel_id,
            Change.kind == MOVE,
            Change.state.in_((*UNDER_WAY, ChangeState.BLOCKED)),
        )
        .values(state=ChangeState.DROPPED, reason=Reason.LINK_ENDED, reason_detail={})
        .returning(Change.order_id, Change.payload)
        .execution_options(synchronize_session=False)
    ).all()
    notes = [
        JournalNote("move_dropped", channel_id, row.order_id, {**said_of(row.payload), "reason": Reason.LINK_ENDED})
        for row in rows
    ]
    write_journal(notes)
    db.session.commit()


def said_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a planned move says of its order, for a note."""
    return {name: payload[name] for name in ("status", "package", "courier", "tracking_number")}


def _channel_of(order_id: int) -> int:
    found = db.session.scalar(
        select(Order.channel_id).where(Order.store_id == current_store_id(), Order.id == order_id)
    )
    if found is None:
        raise NoSuchOrder(order_id)
    return int(found)


def _refuse(channel: Channel, order: Order, fulfilment: FulfilmentRow | None, wanted: Wanted) -> None:
    if Capability.MOVES not in connectors.REGISTRY[channel.kind].capabilities:
        raise NoSuchOrder(order.id)
    if channel.status == "removed":
        raise CannotMove(NotMovable.ENDED)
    if fulfilment is None or not fulfilment.may_move:
        raise CannotMove(NotMovable.MADE_ELSEWHERE)
    moves = moves_of(order.id)
    is_said = any(move.is_under_way and move.wanted == wanted for move in moves)
    if is_said or not may_move(heading_for(OrderStatus(order.status), moves), wanted.status):
        raise CannotMove(NotMovable.NOT_FROM_HERE)


def _row(change: Change) -> MoveRow:
    payload = change.payload
    wanted = Wanted(OrderStatus(payload["status"]), payload["courier"], payload["tracking_number"], payload["package"])
    return MoveRow(
        id=change.id,
        state=ChangeState(change.state),
        wanted=wanted,
        person=payload["person"],
        planned_at=change.planned_at,
        not_before=change.not_before,
        reason=change.reason,
        detail=change.reason_detail,
    )
