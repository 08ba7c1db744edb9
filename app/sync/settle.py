"""The settling phase of a job: the books follow what the channel says of orders that were invoiced before.

What was cancelled, returned or refunded there is credited here, when the store wants that at once; and a number that
is not the live invoice's is planned to be written again, by whatever it got there: a worker that slept, or a hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, and_, func, select, true
from sqlalchemy.orm import aliased

from app.connectors.base import Capability, Connector
from app.core.crediting import draft_credit, propose_credit
from app.core.invoicing import CannotBook
from app.core.states import ChangeState, InvoiceState, OrderState, Reason
from app.extensions import db
from app.invoices.crediting import CreditIssued, StoredInvoice, Wanted, issue_credit_notes, live_invoices, open_today
from app.invoices.models import Invoice
from app.orders.crediting import Credited, mark_credited, orders_to_credit
from app.orders.models import JournalEntry, Order
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.sync.crediting import NumberWrite, plan_number_writes
from app.sync.lease import Run
from app.sync.models import WRITE_BACK, Change
from app.tenancy.scope import current_store, current_store_id, store_scope

BATCH: Final = 100
CREDITED_BY_ITSELF: Final = (Reason.CANCELLED, Reason.RETURNED, Reason.REFUNDED, Reason.PARTLY_REFUNDED)


def settle(run: Run, connector: Connector) -> Iterator[None]:
    """Credit what the channel took back, then plan lost numbers again; yields after each batch."""
    if not run.here:
        with store_scope(run.store_id):
            may_credit = current_store().auto_credit
            writes = Capability.INVOICE_WRITEBACK in connector.capabilities
            run.enter("settle", {"credits": may_credit, "order": 0, "writes": writes, "entry": 0}, 0)
            run.save(sets_out=True)
            db.session.commit()
        yield
    while run.here["credits"]:
        _credit_batch(run)
        yield
    while run.here["writes"]:
        _write_batch(run)
        yield


def _credit_batch(run: Run) -> None:
    """Credit some of the channel's orders that ended, or were paid back, after they were invoiced."""
    with store_scope(run.store_id):
        lock_channel(run.channel_id, share=True)
        alerted = (Order.channel_id == run.channel_id, Order.alert.in_(CREDITED_BY_ITSELF))
        orders = orders_to_credit([*alerted, Order.id > run.here["order"]], BATCH)
        issued = _credit(run, orders)
        run.here["order"] = max(orders, default=0)
        run.here["credits"] = len(orders) == BATCH
        run.done += len(orders)
        run.total = max(run.total or 0, run.done)
        run.count(credited=len(issued))
        run.save()
        db.session.commit()


def _credit(run: Run, orders: Mapping[int, Row[Any]]) -> list[CreditIssued]:
    """What cannot be credited, such as a refund of nobody knows how much, is left to a person."""
    if not orders:
        return []
    try:
        day = open_today()
    except CannotBook:
        return []
    invoices = live_invoices(list(orders))
    wanted = [one for order_id, invoice in invoices.items() if (one := _wanted(orders[order_id], invoice)) is not None]
    issued = issue_credit_notes(wanted, day=day, job_id=run.job_id, user_id=None)
    mark_credited(orders, [Credited(one.invoice.order_id, one.credited, one.is_all, one.number_text) for one in issued])
    return issued


def _wanted(order: Row[Any], invoice: StoredInvoice) -> Wanted | None:
    """The credit note that the order's news asks for; None when a person must say how much."""
    total, credited = invoice.creditable.total, invoice.creditable.credited
    proposal = propose_credit(order.alert, refunded=order.refunded, total=total, credited=credited)
    if proposal is None:
        return None
    return Wanted(invoice, draft_credit(invoice.creditable, proposal.chosen), proposal.cause, "")


def _write_batch(run: Run) -> None:
    """Look at some of the booked orders that this job found changed: is the number there the live invoice's?"""
    with store_scope(run.store_id):
        lock_channel(run.channel_id, share=True)
        entries = _changed(run)
        lost = _lost_numbers([order_id for _entry, order_id in entries])
        plan_number_writes(run.channel_id, lost)
        notes = [
            JournalNote(
                "write_back_planned",
                run.channel_id,
                one.order_id,
                {"number": one.number_text},
                invoice_id=one.invoice_id,
            )
            for one in lost
        ]
        write_journal(notes, job_id=run.job_id)
        run.here["entry"] = entries[-1][0] if entries else 0
        run.here["writes"] = len(entries) == BATCH
        run.count(replanned=len(lost))
        run.save()
        db.session.commit()


def _changed(run: Run) -> list[tuple[int, int]]:
    """(journal entry, order) of what this job found changed, from where the phase stands. One statement."""
    rows = db.session.execute(
        select(JournalEntry.id, JournalEntry.order_id)
        .where(
            JournalEntry.store_id == run.store_id,
            JournalEntry.job_id == run.job_id,
            JournalEntry.kind == "changed",
            JournalEntry.id > run.here["entry"],
        )
        .order_by(JournalEntry.id)
        .limit(BATCH)
    )
    return [(entry_id, order_id) for entry_id, order_id in rows if order_id is not None]


def _lost_numbers(order_ids: Sequence[int]) -> list[NumberWrite]:
    """The numbers of these orders that were written and stand on the channel no more. Two statements.

    A change that waits for a person, or that one dropped, is left as it is; one that is on its way will arrive.
    """
    if not order_ids:
        return []
    store_id, newer = current_store_id(), aliased(Change)
    newest = (
        select(newer.state)
        .where(newer.store_id == store_id, newer.order_id == Order.id, newer.kind == WRITE_BACK)
        .order_by(newer.id.desc())
        .limit(1)
        .lateral("newest")
    )
    attempts = (
        select(func.count())
        .where(Change.store_id == store_id, Change.order_id == Order.id, Change.invoice_id == Invoice.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Order.id, Order.remote_id, Invoice.id, Invoice.number_text, attempts)
        .join(
            Invoice,
            and_(Invoice.store_id == store_id, Invoice.order_id == Order.id, Invoice.state == InvoiceState.POSTED),
        )
        .join(newest, true())
        .where(
            Order.store_id == store_id,
            Order.id.in_(order_ids),
            Order.state == OrderState.BOOKED,
            Order.remote_invoice_no != Invoice.number_text,
            newest.c.state == ChangeState.DONE,
        )
        .order_by(Order.id)
        .with_for_update(of=Order)
    ).all()
    older = _older_numbers([row[0] for row in rows])
    return [
        NumberWrite(order_id, invoice_id, remote_id, number, older.get(order_id, ()), attempt + 1)
        for order_id, remote_id, invoice_id, number, attempt in rows
    ]


def _older_numbers(order_ids: Sequence[int]) -> dict[int, list[str]]:
    """The numbers of the orders' credited invoices, which are ours to overwrite."""
    rows = db.session.execute(
        select(Invoice.order_id, Invoice.number_text)
        .where(
            Invoice.store_id == current_store_id(),
            Invoice.order_id.in_(order_ids),
            Invoice.state == InvoiceState.CREDITED,
        )
        .order_by(Invoice.id)
    )
    numbers: dict[int, list[str]] = {}
    for order_id, number in rows:
        numbers.setdefault(order_id, []).append(number)
    return numbers
