"""Judging stored orders again when a mapping or a setting changed: what waited for it is free at once.

Nothing is asked of the channel; the decision is the same pure function that judged the order when it was read.
The functions write and do not commit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update

from app.bulk import update_rows
from app.channels.models import Channel
from app.core.plan import StoreRules, decide, next_decision
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus, OrderType, PaymentStatus, RemoteLine, RemoteOrder
from app.extensions import db
from app.orders.importing import UNREAD, decision_of, store_rules
from app.orders.knowing import Subject, known_of
from app.orders.meaning import doubts_of
from app.orders.models import Order
from app.orders.services import lines_by_order, lock_channel
from app.orders.writing import JournalNote, write_journal
from app.tenancy.scope import current_store_id

_JUDGED = (OrderState.READY, OrderState.QUEUED, OrderState.HELD)
_BATCH = 500
SKU_REASONS = (Reason.SKU_NOT_FOUND, Reason.SKU_AMBIGUOUS)
_KINDS = {OrderState.HELD: "held", OrderState.WAITING: "waiting", OrderState.CLOSED: "closed"}
"""What the journal calls an order's move; to any other state it is freed."""


def free_gateways(channel_id: int, gateway_keys: Collection[str], user_id: int | None) -> int:
    """Gateways were mapped: every order that waited for one is ready. Returns how many; three statements."""
    lock_channel(channel_id)
    rows = db.session.execute(
        update(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel_id,
            Order.gateway_key.in_(gateway_keys),
            Order.state == OrderState.HELD,
            Order.reason == Reason.GATEWAY_UNMAPPED,
        )
        .values(state=OrderState.READY, reason=None, reason_detail={})
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    ).all()
    write_journal([JournalNote("freed", channel_id, row.id, {}) for row in rows], user_id=user_id)
    return len(rows)


def free_skus(channel_id: int, user_id: int | None) -> int:
    """Something was linked: judge every order again that waits for its SKUs. Returns how many moved."""
    waiting = (Order.state == OrderState.HELD, Order.reason.in_(SKU_REASONS))
    return _rejudge_among(channel_id, waiting, user_id)


def rejudge_store(user_id: int | None) -> int:
    """Judge every order that is ready, queued or held under the store's present rules; returns how many moved.

    Those whose present state could not be read stay held: what is stored of them says nothing any more.
    """
    query = select(Channel.id).where(Channel.store_id == current_store_id()).order_by(Channel.id)
    channel_ids = db.session.scalars(query).all()
    return sum(rejudge_channel(channel_id, user_id) for channel_id in channel_ids)


def rejudge_channel(channel_id: int, user_id: int | None) -> int:
    """The same for one channel's orders."""
    return _rejudge_among(channel_id, (), user_id)


def _rejudge_among(channel_id: int, among: Sequence[ColumnElement[bool]], user_id: int | None) -> int:
    lock_channel(channel_id)
    rules = store_rules(channel_id)
    moved, after = 0, 0
    while rows := _judged_batch(channel_id, after, among):
        moved += _rejudge(rows, rules, channel_id, user_id)
        after = rows[-1].Order.id
        db.session.expunge_all()
    return moved


def rejudge_orders(channel_id: int, order_ids: Sequence[int], user_id: int | None) -> int:
    """The same for some of a channel's orders, whatever became of them; returns how many moved."""
    lock_channel(channel_id)
    rules = store_rules(channel_id)
    moved = 0
    for start in range(0, len(order_ids), _BATCH):
        rows = _judged_batch(channel_id, 0, [Order.id.in_(order_ids[start : start + _BATCH])])
        moved += _rejudge(rows, rules, channel_id, user_id)
        db.session.expunge_all()
    return moved


def _judged_batch(channel_id: int, after: int, among: Sequence[ColumnElement[bool]] = ()) -> Sequence[Row[Any]]:
    return db.session.execute(
        select(Order)
        .where(
            Order.store_id == current_store_id(),
            Order.channel_id == channel_id,
            Order.state.in_(_JUDGED),
            or_(Order.reason.is_(None), Order.reason.not_in(UNREAD)),
            Order.id > after,
            *among,
        )
        .order_by(Order.id)
        .limit(_BATCH)
        .with_for_update()
    ).all()


def _rejudge(rows: Sequence[Row[Any]], rules: StoreRules, channel_id: int, user_id: int | None) -> int:
    lines = lines_by_order([row.Order.id for row in rows])
    doubts = doubts_of(channel_id, {row.Order.remote_id: lines.get(row.Order.id, ()) for row in rows}, rules)
    known = known_of(channel_id, [_subject(row.Order) for row in rows], doubts)
    changed: list[dict[str, Any]] = []
    notes: list[JournalNote] = []
    for row in rows:
        order = row.Order
        found = decide(stored_order(order, lines.get(order.id, ())), rules, known[order.remote_id])
        decision = next_decision(decision_of(order), found)
        state, detail = decision.state, dict(decision.detail)
        moves = (state, decision.reason) != (order.state, order.reason)
        if not moves and (decision.reason not in SKU_REASONS or detail == order.reason_detail):
            continue
        key = {"store_id": order.store_id, "id": order.id}
        changed.append({**key, "state": state, "reason": decision.reason, "reason_detail": detail})
        if not moves:  # it waits for fewer SKUs, or for others: no news for its journal
            continue
        notes.append(
            JournalNote(_KINDS.get(state, "freed"), channel_id, order.id, {"reason": decision.reason, **detail})
        )
    update_rows(Order, ("store_id", "id"), ("state", "reason", "reason_detail"), changed)
    write_journal(notes, user_id=user_id)
    return len(notes)


def _subject(order: Order) -> Subject:
    return Subject(order.remote_id, order.sale_key, order.placed_at, order.book_on, order.not_same_sale)


def stored_order(order: Order, lines: Sequence[Row[Any]]) -> RemoteOrder:
    """The stored order in the words of the connectors; its marketplace and its payload are left empty."""
    return RemoteOrder(
        remote_id=order.remote_id,
        number=order.number,
        marketplace_id="",
        order_type=OrderType(order.order_type),
        status=OrderStatus(order.status),
        status_text=order.status_text,
        payment_status=PaymentStatus(order.payment_status),
        payment_status_text=order.payment_status_text,
        gateway=order.gateway,
        invoice_no=order.remote_invoice_no,
        currency=order.currency,
        created_at=order.placed_at,
        paid_at=order.paid_at,
        shipped_at=order.shipped_at,
        updated_at=order.remote_updated_at,
        buyer=order.buyer,
        note=order.note,
        lines=tuple(
            RemoteLine(
                remote_id=line.remote_id,
                sku=line.sku,
                isku=line.isku,
                name=line.name,
                variant=line.variant,
                quantity=line.quantity,
                unit_price=line.unit_price,
                gross=line.gross,
                discount=line.discount,
                tax=line.tax,
            )
            for line in lines
        ),
        shipping=order.shipping,
        discount=order.discount,
        adjustment=order.adjustment,
        tax=order.tax,
        tax_included=order.tax_included,
        total=order.total,
        refunded=order.refunded,
        digest=order.digest,
        raw={},
    )
