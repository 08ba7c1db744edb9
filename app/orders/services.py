"""Moving orders towards the books: queueing them, taking them for booking, recording what became of them.

These functions write and do not commit, unless they say so: a sync job commits rows, checkpoint and counters of a
batch together. Each costs a fixed number of statements however many orders it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from app.bulk import each_of, update_rows
from app.channels.models import Channel
from app.core.invoicing import BookableLine, BookableOrder
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.orders.knowing import Subject
from app.orders.models import Order, OrderLine
from app.orders.writing import JournalNote, write_journal
from app.planning import read
from app.tenancy.scope import current_store_id


def lock_channel(channel_id: int, *, share: bool = False) -> None:
    """Take one's turn with whoever else moves the channel's orders: a press, a cancellation, a setting, a job.

    The channel is locked before its orders, and these before the job's row; any other order may end in a deadlock.
    Jobs that book share the lock, those that change what is wanted or by which rules need it alone. Rows that name the
    channel may be written meanwhile: who holds one channel's lock may make a change of another.
    """
    db.session.execute(
        select(Channel.id)
        .where(Channel.store_id == current_store_id(), Channel.id == channel_id)
        .with_for_update(read=share, key_share=not share)
    )


def queue_orders(matching: Sequence[ColumnElement[bool]], user_id: int | None) -> int:
    """Mark those of the orders that are ready as wanted in the books; returns how many. `matching` are conditions."""
    rows = db.session.execute(
        update(Order)
        .where(Order.store_id == current_store_id(), *matching, Order.state == OrderState.READY)
        .values(state=OrderState.QUEUED, queued_at=func.clock_timestamp(), queued_by=user_id)
        .returning(Order.id, Order.channel_id)
        .execution_options(synchronize_session=False)
    ).all()
    write_journal([JournalNote("queued", row.channel_id, row.id, {}) for row in rows], user_id=user_id)
    return len(rows)


def unqueue_orders(channel_id: int, user_id: int | None, *, pressed_before: datetime | None = None) -> int:
    """Take back what was pressed (before a moment, if one is given) and not booked yet; returns how many."""
    pressed = [] if pressed_before is None else [Order.queued_at <= pressed_before]
    of_channel = (Order.store_id == current_store_id(), Order.channel_id == channel_id)
    rows = db.session.execute(
        update(Order)
        .where(*of_channel, Order.state == OrderState.QUEUED, *pressed)
        .values(state=OrderState.READY, queued_at=None, queued_by=None)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    ).all()
    write_journal([JournalNote("unqueued", channel_id, row.id, {}) for row in rows], user_id=user_id)
    return len(rows)


def has_queued_orders(channel_id: int) -> bool:
    """Whether orders of the channel wait for a job that books them."""
    query = select(Order.id).where(
        Order.store_id == current_store_id(), Order.channel_id == channel_id, Order.state == OrderState.QUEUED
    )
    return db.session.scalar(query.limit(1)) is not None


_TAKEN = tuple(
    getattr(Order, name)
    for name in (
        "id",
        "channel_id",
        "marketplace_id",
        "remote_id",
        "number",
        "gateway",
        "gateway_key",
        "buyer",
        "content_key",
        "sale_key",
        "not_same_sale",
        "book_on",
        "queued_by",
        "currency",
        "status",
        "payment_status",
        "placed_at",
        "paid_at",
        "shipped_at",
        "shipping",
        "discount",
        "adjustment",
        "tax",
        "tax_included",
        "total",
        "refunded",
    )
)
_ROW_VERSION: Final = literal_column("orders.xmin::text", String).label("row_version")
"""The transaction that wrote the row as it is; locking a row leaves it alone."""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order taken for booking, with what its invoice stamps. `row_version` is another one once the row changes."""

    row_version: str
    bookable: BookableOrder
    channel_id: int
    marketplace_id: int
    remote_id: str
    number: str
    gateway: str
    gateway_key: str
    buyer: Mapping[str, Any]
    content_key: str
    queued_by: int | None
    subject: Subject


def look_at_orders(channel_id: int, limit: int, after: StoredOrder | None) -> list[StoredOrder]:
    """The oldest of the queued orders, or of those behind one of them, with their lines. Two statements, no locks."""
    wanted = [Order.channel_id == channel_id, Order.state == OrderState.QUEUED]
    if after is not None:
        last = (after.bookable.created_at, after.bookable.order_id)
        wanted.append(tuple_(Order.placed_at, Order.id) > last)
    return _read(_orders().where(*wanted).order_by(Order.placed_at, Order.id).limit(limit))


def take_orders(looked_at: Sequence[StoredOrder]) -> list[StoredOrder]:
    """Those that are still queued, locked for this transaction; what changed meanwhile is read anew.

    The lines of an order are never changed without it.
    """
    ids = sorted(order.bookable.order_id for order in looked_at)
    # The state is looked at here: in the statement, PostgreSQL might look for all that is queued, not for the ids.
    query = select(Order.id, Order.state, _ROW_VERSION).with_for_update()
    locked = db.session.execute(each_of(query, Order.id, ids, within={Order.store_id: current_store_id()}))
    versions = {row.id: row.row_version for row in locked if row.state == OrderState.QUEUED}
    changed = {
        order.bookable.order_id
        for order in looked_at
        if versions.get(order.bookable.order_id, order.row_version) != order.row_version
    }
    anew = (
        {order.bookable.order_id: order for order in _read(_orders().where(Order.id.in_(changed)))} if changed else {}
    )
    kept = (order for order in looked_at if order.bookable.order_id in versions)
    return [anew.get(order.bookable.order_id, order) for order in kept]


def take_order(order_id: int) -> StoredOrder | None:
    """One order, whatever its state, locked for this transaction, with its lines; None when there is none."""
    return next(iter(_read(_orders().where(Order.id == order_id).with_for_update())), None)


def _orders() -> Select[Any]:
    return select(*_TAKEN, _ROW_VERSION).where(Order.store_id == current_store_id())


def _read(query: Select[Any]) -> list[StoredOrder]:
    orders = read(query).all()
    lines = lines_by_order([row.id for row in orders])
    return [_stored(row, lines.get(row.id, ())) for row in orders]


_LINE = (
    "order_id",
    "line_no",
    "remote_id",
    "sku",
    "isku",
    "name",
    "variant",
    "quantity",
    "unit_price",
    "gross",
    "discount",
    "tax",
)


def lines_by_order(order_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The lines of each order, in order."""
    lines: dict[int, list[Row[Any]]] = {}
    if not order_ids:
        return lines
    within = {OrderLine.store_id: current_store_id()}
    query = each_of(select(*(getattr(OrderLine, name) for name in _LINE)), OrderLine.order_id, order_ids, within=within)
    rows: Sequence[Row[Any]] = read(query).all()
    for row in sorted(rows, key=attrgetter("order_id", "line_no")):
        lines.setdefault(row.order_id, []).append(row)
    return lines


def _stored(row: Row[Any], lines: Sequence[Row[Any]]) -> StoredOrder:
    bookable = BookableOrder(
        order_id=row.id,
        currency=row.currency,
        status=OrderStatus(row.status),
        payment_status=PaymentStatus(row.payment_status),
        created_at=row.placed_at,
        paid_at=row.paid_at,
        shipped_at=row.shipped_at,
        lines=tuple(
            BookableLine(
                line_no=line.line_no,
                sku=line.isku or line.sku,
                description=" / ".join(part for part in (line.name, line.variant) if part),
                quantity=line.quantity,
                unit_price=line.unit_price,
                gross=line.gross,
                discount=line.discount,
                tax=line.tax,
            )
            for line in lines
        ),
        shipping=row.shipping,
        discount=row.discount,
        adjustment=row.adjustment,
        tax=row.tax,
        tax_included=row.tax_included,
        total=row.total,
        refunded=row.refunded,
        book_on=row.book_on,
    )
    return StoredOrder(
        row_version=row.row_version,
        bookable=bookable,
        channel_id=row.channel_id,
        marketplace_id=row.marketplace_id,
        remote_id=row.remote_id,
        number=row.number,
        gateway=row.gateway,
        gateway_key=row.gateway_key,
        buyer=row.buyer,
        content_key=row.content_key,
        queued_by=row.queued_by,
        subject=Subject(row.remote_id, row.sale_key, row.placed_at, row.book_on, row.not_same_sale),
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that turned out not to be bookable at the last moment."""

    order_id: int
    reason: Reason
    detail: Mapping[str, str | int]


_BOOKED: Final = (
    f"state = '{OrderState.BOOKED}', reason = null, queued_at = null, queued_by = null, alert = null, "
    "ignored_alert = null, reason_detail = '{}', booked_content_key = t.content_key, credited = 0"
)


def mark_booked(order_ids: Sequence[int]) -> None:
    """The orders have a live invoice now."""
    rows = [{"store_id": current_store_id(), "id": order_id} for order_id in order_ids]
    update_rows(Order, ("store_id", "id"), (), rows, alike=_BOOKED)


def mark_held(refusals: Sequence[Refusal]) -> None:
    """The orders wait for somebody; each says why."""
    rows = [
        {
            "store_id": current_store_id(),
            "id": refusal.order_id,
            "state": OrderState.HELD,
            "reason": refusal.reason,
            "reason_detail": refusal.detail,
            "queued_at": None,
            "queued_by": None,
        }
        for refusal in refusals
    ]
    update_rows(Order, ("store_id", "id"), ("state", "reason", "reason_detail", "queued_at", "queued_by"), rows)


def set_remote_numbers(numbers: Mapping[int, str]) -> None:
    """Remember which invoice number stands on the channel now: order id → number."""
    store_id = current_store_id()
    rows = [{"store_id": store_id, "id": key, "remote_invoice_no": value} for key, value in numbers.items()]
    update_rows(Order, ("store_id", "id"), ("remote_invoice_no",), rows)
