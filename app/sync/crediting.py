"""What a person can ask for when an invoice was wrong or taken back: credit it, issue it anew, invoice again after all.

Each verb locks channel, order, invoice and counters in this order, does everything in one transaction, and rings
afterwards for the job that writes the new number. A second press finds what the first one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, cast

from sqlalchemy import Row, select, update

from app import connectors
from app.bulk import insert_rows
from app.channels.models import Channel
from app.connectors.base import Capability
from app.core.crediting import Chosen, InFull, draft_credit
from app.core.invoicing import CannotBook, InvoiceDateRule, open_day
from app.core.states import ChangeState, CreditCause, OrderState, Reason
from app.extensions import db
from app.invoices.crediting import (
    CreditIssued,
    StoredInvoice,
    Wanted,
    issue_credit_notes,
    live_invoices,
    open_today,
    stored_invoice,
)
from app.invoices.models import Invoice
from app.invoices.services import Issued, issue_invoices
from app.orders.crediting import Credited, book_on, mark_credited, orders_to_credit
from app.orders.models import Order
from app.orders.services import StoredOrder, lock_channel, mark_booked, take_order
from app.orders.writing import JournalNote, write_journal
from app.sync.book import refuse_with_delivery_orders
from app.sync.models import WRITE_BACK, Change
from app.sync.nudge import nudge
from app.sync.services import start_write_back
from app.tenancy.scope import current_store, current_store_id

_CHANGE_COLUMNS: Final = (
    "store_id",
    "channel_id",
    "kind",
    "key",
    "order_id",
    "invoice_id",
    "remote_id",
    "payload",
)


class NoSuchInvoice(LookupError):
    """The store has no such invoice, or no such order that could be invoiced again."""


class DoneAlready(Exception):
    """Somebody did it meanwhile: the invoice is no longer as the person saw it."""


@dataclass(frozen=True, slots=True)
class Reissued:
    """What a re-issue led to. `is_written` says whether the new number will be written to the channel."""

    credit: CreditIssued | None
    issued: Issued
    is_written: bool


@dataclass(frozen=True, slots=True)
class NumberWrite:
    """A number to be written to the channel, which may hold one of `expected`, our own older ones."""

    order_id: int
    invoice_id: int
    remote_id: str
    number_text: str
    expected: Sequence[str]
    attempt: int = 1


def credit_invoice(
    invoice_id: int, chosen: Chosen, *, seen: int, cause: CreditCause, words: str, user_id: int
) -> CreditIssued:
    """Take back an invoice, in full or in part; `seen` is how much of it was credited when the person looked.

    DoneAlready when it is no longer so; CannotCredit when it cannot be done like that; CannotBook(PERIOD_LOCKED) when
    today lies in closed books.
    """
    invoice, orders = _locked(invoice_id)
    if invoice.creditable.credited != seen:
        db.session.rollback()
        raise DoneAlready
    try:
        made = _credit(invoice, orders, chosen, cause=cause, words=words, day=open_today(), user_id=user_id)
    except Exception:
        db.session.rollback()
        raise
    db.session.commit()
    nudge(current_store_id(), "orders", f"channel-{invoice.channel_id}")
    return made


def reissue(invoice_id: int, *, words: str, user_id: int) -> Reissued:
    """Credit an invoice and issue the next one for its order, as the order stands now; the channel will show it.

    DoneAlready when the invoice is no longer live; CannotBook when the order is no longer a sale that can be booked;
    Misconfigured when the store makes delivery orders by itself. Nothing has happened then.
    """
    refuse_with_delivery_orders()
    invoice, orders = _locked(invoice_id)
    try:
        today = open_today()
        cause = CreditCause.REISSUE
        credit = _credit(invoice, orders, InFull(), cause=cause, words=words, day=today, user_id=user_id)
        issued = _issue(invoice.order_id, invoice, credit, today=today, words=words, user_id=user_id)
        is_written = _plan_newest(invoice.channel_id, issued)
    except Exception:
        db.session.rollback()
        raise
    return _finished(credit, issued, invoice.channel_id, user_id, is_written=is_written)


def invoice_again(order_id: int, *, words: str, user_id: int) -> Reissued:
    """Issue an invoice for an order whose last one was credited in full. Raises as `reissue` does."""
    refuse_with_delivery_orders()
    last = _last_invoice(order_id)
    if last is None:
        raise NoSuchInvoice(order_id)
    lock_channel(last.channel_id, share=True)
    order = orders_to_credit([Order.id == order_id])[order_id]
    if (order.state, order.reason) != (OrderState.CLOSED, Reason.CREDITED):
        db.session.rollback()
        raise DoneAlready
    replaced = stored_invoice(last.id)
    if replaced is None:
        raise NoSuchInvoice(order_id)
    try:
        issued = _issue(order_id, replaced, None, today=open_today(), words=words, user_id=user_id)
        is_written = _plan_newest(last.channel_id, issued)
    except Exception:
        db.session.rollback()
        raise
    return _finished(None, issued, last.channel_id, user_id, is_written=is_written)


def last_invoice(order_id: int) -> int | None:
    """The newest invoice of an order; None when it never had one, or there is no such order."""
    last = _last_invoice(order_id)
    return None if last is None else int(last.id)


def plan_number_writes(channel_id: int, writes: Sequence[NumberWrite]) -> None:
    """Plan to write these numbers, and none that was planned for the same orders before. Two statements."""
    order_ids = [write.order_id for write in writes]
    db.session.execute(
        update(Change)
        .where(
            Change.store_id == current_store_id(),
            Change.order_id.in_(order_ids),
            Change.kind == WRITE_BACK,
            Change.state.in_((ChangeState.PLANNED, ChangeState.BLOCKED)),
        )
        .values(state=ChangeState.DROPPED, reason=None, reason_detail={})
        .execution_options(synchronize_session=False)
    )
    rows = [
        {
            "store_id": current_store_id(),
            "channel_id": channel_id,
            "kind": WRITE_BACK,
            "key": f"invoice:{write.invoice_id}" + (f":{write.attempt}" if write.attempt > 1 else ""),
            "order_id": write.order_id,
            "invoice_id": write.invoice_id,
            "remote_id": write.remote_id,
            "payload": {"invoice_no": write.number_text, "expected": list(write.expected)},
        }
        for write in writes
    ]
    insert_rows(Change, _CHANGE_COLUMNS, rows)


def _last_invoice(order_id: int) -> Any:
    """(id, channel_id) of the order's newest invoice, or None."""
    return db.session.execute(
        select(Invoice.id, Invoice.channel_id)
        .where(Invoice.store_id == current_store_id(), Invoice.order_id == order_id)
        .order_by(Invoice.id.desc())
        .limit(1)
    ).one_or_none()


def _locked(invoice_id: int) -> tuple[StoredInvoice, dict[int, Row[Any]]]:
    """The live invoice and its order, locked after their channel; DoneAlready when the invoice is not live."""
    found = db.session.execute(
        select(Invoice.channel_id, Invoice.order_id).where(
            Invoice.store_id == current_store_id(), Invoice.id == invoice_id
        )
    ).one_or_none()
    if found is None:
        raise NoSuchInvoice(invoice_id)
    lock_channel(found.channel_id, share=True)
    orders = orders_to_credit([Order.id == found.order_id])
    invoice = live_invoices([found.order_id]).get(found.order_id)
    if invoice is None or invoice.id != invoice_id:
        db.session.rollback()
        raise DoneAlready
    return invoice, orders


def _credit(
    invoice: StoredInvoice,
    orders: dict[int, Row[Any]],
    chosen: Chosen,
    *,
    cause: CreditCause,
    words: str,
    day: date,
    user_id: int,
) -> CreditIssued:
    wanted = Wanted(invoice, draft_credit(invoice.creditable, chosen), cause, words)
    (made,) = issue_credit_notes([wanted], day=day, job_id=None, user_id=user_id)
    mark_credited(orders, [Credited(invoice.order_id, made.credited, made.is_all, made.number_text)])
    return made


def _issue(
    order_id: int, replaced: StoredInvoice, credit: CreditIssued | None, *, today: date, words: str, user_id: int
) -> Issued:
    """The order's next invoice, by whoever pressed, dated today when its own day is closed. CannotBook when refused.

    Whether it came by another road too was asked when it was first invoiced.
    """
    order = take_order(order_id)
    if order is None:
        raise NoSuchInvoice(order_id)
    order = _on_an_open_day(order, today)
    order = replace(order, queued_by=user_id, subject=replace(order.subject, not_same_sale=True))
    issued, refusals = issue_invoices([order], job_id=None, replaces={order_id: replaced.id})
    for refusal in refusals:
        raise CannotBook(refusal.reason, refusal.detail)
    mark_booked([order_id])
    (made,) = issued
    detail = {
        "number": made.number_text,
        "replaces": replaced.number_text,
        "credit_note": credit.number_text if credit else None,
        "total": made.total,
        "currency": made.currency,
        "words": words,
    }
    note = JournalNote("reissued", replaced.channel_id, order_id, detail, invoice_id=made.invoice_id)
    write_journal([note], user_id=user_id)
    return made


def _on_an_open_day(order: StoredOrder, today: date) -> StoredOrder:
    store = current_store()
    rule = cast(InvoiceDateRule, store.invoice_date_rule)
    chosen = order.bookable.book_on
    try:
        open_day(order.bookable, rule, store.time_zone, book_on=chosen, closed_through=store.closed_through)
    except CannotBook as error:
        if error.reason != Reason.PERIOD_LOCKED:
            raise
        book_on(order.bookable.order_id, today)
        return replace(order, bookable=replace(order.bookable, book_on=today))
    return order


def _plan_newest(channel_id: int, issued: Issued) -> bool:
    """Plan to write the new number; False when the channel takes none."""
    channel = db.session.get_one(Channel, (current_store_id(), channel_id))
    connector = connectors.REGISTRY.get(channel.kind)
    if channel.status == "removed" or connector is None:
        return False
    if Capability.INVOICE_WRITEBACK not in connector.capabilities:
        return False
    older = db.session.scalars(
        select(Invoice.number_text)
        .where(
            Invoice.store_id == current_store_id(),
            Invoice.order_id == issued.order_id,
            Invoice.id != issued.invoice_id,
        )
        .order_by(Invoice.id)
    ).all()
    write = NumberWrite(issued.order_id, issued.invoice_id, issued.remote_id, issued.number_text, older)
    plan_number_writes(channel_id, [write])
    return True


def _finished(
    credit: CreditIssued | None, issued: Issued, channel_id: int, user_id: int, *, is_written: bool
) -> Reissued:
    db.session.commit()
    if is_written:
        start_write_back(channel_id, user_id)
    nudge(current_store_id(), "orders", f"channel-{channel_id}")
    return Reissued(credit, issued, is_written)
