"""Letting a channel have the orders that are made here, and ending that."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app import connectors
from app.channels.models import Channel
from app.connectors.base import Capability
from app.core.states import ChangeState
from app.extensions import db
from app.orders.models import Order
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.sync.models import ORDER, Change, OrderCopy
from app.sync.nudge import nudge
from app.tenancy.scope import current_store_id


class GivenElsewhere(Exception):
    """Another channel of the store has its orders already; `name` is what that one is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class TakesNone(Exception):
    """No orders can be made on such a channel, or it was removed."""


def start_giving(channel_id: int, user_id: int) -> int:
    """Have every order that is made from now on made on the channel too; how many earlier ones are told anew. Commits.

    Those that it had before it was switched off last are told what happened to them since. GivenElsewhere when another
    channel of the store has them, since an order would be made twice; TakesNone.
    """
    lock_channel(channel_id)
    channel = db.session.get(Channel, (current_store_id(), channel_id), populate_existing=True)
    takes = channel is not None and Capability.ORDER_CREATION in connectors.REGISTRY[channel.kind].capabilities
    if channel is None or not takes or channel.status == "removed":
        db.session.rollback()
        raise TakesNone(channel_id)
    _switch_off_removed()
    if (other := _other(channel_id)) is not None:
        db.session.rollback()
        raise GivenElsewhere(other)
    if not channel.gives_orders:
        channel.gives_orders = True
        try:
            db.session.flush()
        except IntegrityError:  # somebody switched another one on at the same moment
            db.session.rollback()
            raise GivenElsewhere(_other(channel_id) or "") from None
        write_journal([JournalNote("giving_started", channel_id, None, {})], user_id=user_id)
    told = _plan_what_changed(channel_id)
    db.session.commit()
    nudge(current_store_id(), "orders", f"channel-{channel_id}")
    return told


def stop_giving(channel_id: int, user_id: int) -> int:
    """Have no order made on the channel any more; what waited for that is given up, and how many that is. Commits.

    What is on its way at this moment still arrives, and all that was made there stays.
    """
    lock_channel(channel_id)
    channel = db.session.get(Channel, (current_store_id(), channel_id), populate_existing=True)
    if channel is None or not channel.gives_orders:
        db.session.rollback()
        return 0
    channel.gives_orders = False
    dropped = db.session.execute(
        update(Change)
        .where(
            Change.store_id == current_store_id(),
            Change.channel_id == channel_id,
            Change.kind == ORDER,
            Change.state.in_((ChangeState.PLANNED, ChangeState.BLOCKED)),
        )
        .values(state=ChangeState.DROPPED, reason=None, reason_detail={}, not_before=None)
        .returning(Change.id)
        .execution_options(synchronize_session=False)
    ).all()
    write_journal([JournalNote("giving_stopped", channel_id, None, {})], user_id=user_id)
    db.session.commit()
    nudge(current_store_id(), "orders", f"channel-{channel_id}")
    return len(dropped)


def _switch_off_removed() -> None:
    """A channel that was removed has nothing made on it, and must not stand in another's way."""
    db.session.execute(
        update(Channel)
        .where(Channel.store_id == current_store_id(), Channel.gives_orders, Channel.status == "removed")
        .values(gives_orders=False)
        .execution_options(synchronize_session=False)
    )


def _other(channel_id: int) -> str | None:
    return db.session.scalar(
        select(Channel.name).where(
            Channel.store_id == current_store_id(), Channel.gives_orders, Channel.id != channel_id
        )
    )


def _plan_what_changed(channel_id: int) -> int:
    """Plan the orders whose copy says something else, as the orders' own trigger does (`app.migrations.giving`)."""
    order_ids = db.session.scalars(
        select(OrderCopy.order_id)
        .join(Order, (Order.store_id == OrderCopy.store_id) & (Order.id == OrderCopy.order_id))
        .where(
            OrderCopy.store_id == current_store_id(),
            OrderCopy.channel_id == channel_id,
            OrderCopy.told_digest != Order.digest,
        )
    ).all()
    if order_ids:
        db.session.execute(select(func.plan_copies(list(order_ids))))
    return len(order_ids)
