"""Where is my order? Everything that is known of a number: every order id ever listed by a channel, and why it is
where it is, also of those that were never imported.

A number is looked up exactly, by indexes only; the free search of the lists is for everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, and_, select, text, tuple_

from app.channels.connecting import kinds_made_here, open_connector
from app.channels.models import Channel, Marketplace
from app.core.looking import Reading, is_still_open, last_looked_at
from app.core.states import InvoiceState, OrderState, Reason, SeenState
from app.core.types import OrderStatus, RemoteOrder, UnreadableOrder
from app.extensions import db
from app.invoices.models import CreditNote, Invoice
from app.orders.aside import PUT_ASIDE
from app.orders.models import NUMBERED, Order, SeenOrder
from app.sync.models import OrderCopy
from app.tenancy.scope import current_store_id

AT_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Found:
    """An order id that a channel listed. `order_id` is None when it was never imported.

    `state` is the order's, or the ledger's when there is no order; `reason` says why, with the facts of `detail`.
    `belongs_to` is the order of ours that it is there, or that it is another paper of, where we have that.
    """

    channel_id: int
    channel: str
    channel_removed: bool
    marketplace: str
    remote_id: str
    number: str
    order_id: int | None
    state: OrderState | SeenState
    reason: str | None
    detail: Mapping[str, Any]
    alert: str | None
    invoice_id: int | None
    invoice_no: str
    placed_at: datetime | None
    first_seen_at: datetime
    looked_at: datetime
    belongs_to: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A channel that can be asked for a number that it never listed, and up to when its orders are in."""

    channel_id: int
    name: str
    checked_at: datetime | None
    start_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What a channel said of a number just now: the order as it is there, or nothing known."""

    channel: str
    order: RemoteOrder | UnreadableOrder | None
    start_at: datetime
    """Orders made before it are not wanted from this channel."""


def find(number: str) -> list[Found]:
    """Whatever bears the number: the channel's own id, the marketplace's number, our invoice's or credit note's, or
    the number that stands on the channel. Upper and lower case are tried as typed and as a whole."""
    spelled = list(dict.fromkeys((number, number.upper(), number.lower())))
    pairs = _pairs(spelled, _order_ids(spelled))
    rows = db.session.execute(_ledger(pairs).limit(AT_MOST)).all()
    return _with_owners([_found(row) for row in rows])


def places() -> Sequence[Place]:
    """The connected channels that can be asked, by name."""
    rows = db.session.execute(
        select(Channel.id, Channel.name, Channel.checked_at, Channel.start_at)
        .where(
            Channel.store_id == current_store_id(),
            Channel.status == "connected",
            Channel.kind.not_in(kinds_made_here()),
        )
        .order_by(Channel.name)
    )
    return [Place(*row) for row in rows]


def ask_channel(channel_id: int, number: str) -> Asked:
    """Ask a channel for one order by its number there, now; nothing is stored. ChannelError when it does not answer,
    LookupError when the store has no such connected channel."""
    channel = db.session.get(Channel, (current_store_id(), channel_id))
    if channel is None or channel.status != "connected" or channel.kind in kinds_made_here():
        raise LookupError(channel_id)
    currencies = _currencies(channel_id)
    name, start_at, connector = channel.name, channel.start_at, open_connector(channel)
    db.session.rollback()  # No transaction stays open while a channel is asked.
    try:
        answer = connector.find_order(number, currencies)
    finally:
        connector.close()
    return Asked(name, answer, start_at)


def _currencies(channel_id: int) -> dict[str, str]:
    rows = db.session.execute(
        select(Marketplace.remote_id, Marketplace.currency).where(
            Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id
        )
    )
    return {row.remote_id: row.currency for row in rows}


def _order_ids(spelled: Sequence[str]) -> set[int]:
    """The orders that bear one of the numbers, or whose documents do. Each branch has an index."""
    store_id = current_store_id()
    branches = (
        select(Order.id).where(Order.store_id == store_id, Order.number.in_(spelled)),
        select(Invoice.order_id).where(Invoice.store_id == store_id, Invoice.number_text.in_(spelled)),
        select(CreditNote.order_id).where(CreditNote.store_id == store_id, CreditNote.number_text.in_(spelled)),
        _copied(spelled),
    )
    return {order_id for branch in branches for order_id in db.session.scalars(branch.limit(AT_MOST))}


def _copied(numbers: Sequence[str]) -> Select[int]:
    """Orders of ours that a channel has under one of these numbers."""
    numbered = text("order_copies.number <> ''")
    return select(OrderCopy.order_id).where(
        OrderCopy.store_id == current_store_id(), numbered, OrderCopy.number.in_(numbers)
    )


def _pairs(spelled: Sequence[str], order_ids: set[int]) -> list[tuple[int, str]]:
    """Keys of the ledger: each number on each channel, and the orders that were found."""
    store_id = current_store_id()
    channels = db.session.scalars(select(Channel.id).where(Channel.store_id == store_id)).all()
    orders = db.session.execute(
        select(Order.channel_id, Order.remote_id).where(Order.store_id == store_id, Order.id.in_(order_ids))
    )
    numbered = db.session.execute(
        select(SeenOrder.channel_id, SeenOrder.remote_id)
        .where(SeenOrder.store_id == store_id, text(f"seen_orders.{NUMBERED}"), SeenOrder.number.in_(spelled))
        .limit(AT_MOST)
    )
    named = [(channel_id, number) for channel_id in channels for number in spelled]
    return [*named, *((row.channel_id, row.remote_id) for row in (*orders, *numbered))]


def _ledger(pairs: Sequence[tuple[int, str]]) -> Any:
    store_id = current_store_id()
    order = and_(
        Order.store_id == store_id, Order.channel_id == SeenOrder.channel_id, Order.remote_id == SeenOrder.remote_id
    )
    live = and_(Invoice.store_id == store_id, Invoice.order_id == Order.id, Invoice.state == InvoiceState.POSTED)
    return (
        select(SeenOrder, Channel, Marketplace.name.label("marketplace"), Order, Invoice.id, Invoice.number_text)
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == SeenOrder.channel_id))
        .join(Marketplace, and_(Marketplace.store_id == store_id, Marketplace.id == SeenOrder.marketplace_id))
        .outerjoin(Order, order)
        .outerjoin(Invoice, live)
        .where(SeenOrder.store_id == store_id, tuple_(SeenOrder.channel_id, SeenOrder.remote_id).in_(pairs))
        .order_by(SeenOrder.first_seen_at.desc())
    )


def _with_owners(found: list[Found]) -> list[Found]:
    """With the orders that were found by what is another paper of them, where we have these."""
    numbers = {(one.channel_id, one.detail["part_of"]) for one in found if one.reason == Reason.PART_OF_ORDER}
    if not numbers:
        return found
    store_id = current_store_id()
    known = db.session.execute(
        select(Order.channel_id, Order.number, Order.id)
        .where(Order.store_id == store_id, tuple_(Order.channel_id, Order.number).in_(numbers))
        .union_all(
            select(OrderCopy.channel_id, OrderCopy.number, OrderCopy.order_id).where(
                OrderCopy.store_id == store_id, tuple_(OrderCopy.channel_id, OrderCopy.number).in_(numbers)
            )
        )
    )
    owners = {(row.channel_id, row.number): row.id for row in known}
    return [
        replace(one, belongs_to=owners.get((one.channel_id, one.detail["part_of"])))
        if one.reason == Reason.PART_OF_ORDER
        else one
        for one in found
    ]


def _found(row: Row[Any]) -> Found:
    seen, channel, marketplace, order, invoice_id, invoice_no = tuple(row)
    placed_at = order.placed_at if order else seen.remote_created_at
    return Found(
        channel_id=channel.id,
        channel=channel.name,
        channel_removed=channel.status == "removed",
        marketplace=marketplace,
        remote_id=seen.remote_id,
        number=order.number if order else seen.called,
        order_id=order.id if order else None,
        state=OrderState(order.state) if order else SeenState(seen.state),
        reason=order.reason if order else seen.reason,
        detail=order.reason_detail if order else _facts(seen),
        alert=order.alert if order else None,
        invoice_id=invoice_id,
        invoice_no=invoice_no or "",
        placed_at=placed_at,
        first_seen_at=seen.first_seen_at,
        looked_at=last_looked_at(
            max(seen.changed_at, order.changed_at) if order else seen.changed_at,
            placed_at,
            still_open=bool(order) and is_still_open(OrderState(order.state), OrderStatus(order.status)),
            reading=Reading(channel.checked_at, channel.swept_at),
        ),
        belongs_to=None if order else _facts(seen).get("order_id"),
    )


def _facts(seen: SeenOrder) -> Mapping[str, Any]:
    """Which order it belongs to, of what was put aside for that."""
    return seen.raw or {} if seen.reason in PUT_ASIDE else {}
