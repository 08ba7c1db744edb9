"""An order that was made here, as another channel has it: its number there, or why it has it not yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zlib import crc32

from sqlalchemy import BigInteger, and_, bindparam, select

from app.channels.models import Channel
from app.core.states import ChangeState
from app.extensions import db
from app.orders.failed import CauseKind
from app.orders.reasons import Explanation, Place, explain
from app.sync.models import ORDER, Change, OrderCopy
from app.tenancy.scope import THIS_STORE


@dataclass(frozen=True, slots=True)
class Given:
    """The copy of an order. `channel` is what the other channel is called, `number` the order's there, '' as long as
    it is not known; `since_at` is when it was made there, or first tried."""

    change_id: int
    channel_id: int
    channel: str
    number: str
    since_at: datetime | None
    state: ChangeState
    reason: str | None
    why: Explanation | None
    not_before: datetime | None
    is_stopped: bool
    """Whether the channel is told of no orders any more."""
    is_paused: bool

    @property
    def is_under_way(self) -> bool:
        """Whether something is still to be told."""
        return self.state in (ChangeState.PLANNED, ChangeState.SENDING) and not self.is_stopped

    @property
    def is_left_out(self) -> bool:
        """Whether a person said that it shall not be told."""
        return self.state == ChangeState.DROPPED and self.reason is not None

    @property
    def kind(self) -> str:
        """The kind of cause under which it stands in Failed Sync."""
        return CauseKind.GIVEN.value

    @property
    def version(self) -> str:
        """Changes with what is shown of it."""
        shown = (self.state, self.reason, self.number, self.not_before, self.is_stopped, self.is_paused)
        return f"{crc32(repr([str(part) for part in shown]).encode()):08x}"


def given_of(order_id: int) -> tuple[Given, ...]:
    """Where the order was made too, or is to be made, the channel that has it now first. One statement."""
    found = db.session.execute(_reading_given(), {"order": order_id}, execution_options={"populate_existing": True})
    return tuple(_given(change, copy, channel) for change, copy, channel in found)


@cache
def _reading_given() -> Any:
    return (
        select(Change, OrderCopy, Channel)
        .select_from(OrderCopy)
        .join(
            Change,
            and_(
                Change.store_id == OrderCopy.store_id,
                Change.channel_id == OrderCopy.channel_id,
                Change.order_id == OrderCopy.order_id,
                Change.kind == ORDER,
            ),
        )
        .join(Channel, and_(Channel.store_id == OrderCopy.store_id, Channel.id == OrderCopy.channel_id))
        .where(
            OrderCopy.store_id == THIS_STORE,
            OrderCopy.order_id == bindparam("order", type_=BigInteger),
            Channel.status != "removed",
        )
        .order_by(Channel.gives_orders.desc(), Channel.id)
    )


def _given(change: Change, copy: OrderCopy, channel: Channel) -> Given:
    place = Place(channel.id, channel.name, order_id=change.order_id)
    return Given(
        change_id=change.id,
        channel_id=channel.id,
        channel=channel.name,
        number=copy.number or copy.remote_id,
        since_at=copy.tried_at,
        state=ChangeState(change.state),
        reason=change.reason,
        why=explain(change.reason, change.reason_detail, place),
        not_before=change.not_before,
        is_stopped=not channel.gives_orders,
        is_paused=channel.status == "paused",
    )
