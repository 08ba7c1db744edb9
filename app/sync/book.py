"""The booking phase of a job: orders become invoices, a batch in one transaction.

The invoices, their numbers, the orders' new state, the planned write-backs, the journal and the job's counters are
committed together, so a crash leaves either the whole batch or nothing of it, and no gap in the numbers.

While one batch is written the next is read and its papers are made, without a lock; each is held against its orders
again under the locks of its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.bulk import insert_rows
from app.connectors.base import Capability, Connector
from app.core.errors import Misconfigured
from app.core.plan import refuse_batch
from app.core.states import OrderState
from app.extensions import db
from app.invoices.papers import Papers, make_papers
from app.invoices.services import Issued, issue_invoices
from app.invoices.terms import terms_of
from app.orders.models import Order
from app.orders.services import (
    Refusal,
    StoredOrder,
    lock_channel,
    look_at_orders,
    mark_booked,
    mark_held,
    queue_orders,
    take_orders,
)
from app.orders.writing import JournalNote, write_journal
from app.sync.lease import Run
from app.sync.models import WRITE_BACK, Change
from app.sync.threads import threads
from app.tenancy.scope import current_store, store_scope

BATCH = 1000
"""Large enough that what each transaction costs hardly counts, small enough that nobody waits for its end."""


def book(run: Run, connector: Connector) -> Iterator[None]:
    """Book what was pressed, oldest sale first, so that numbers rise with the days; yields after each batch.

    Auto Sync presses for everything that is ready.
    """
    if not run.here:
        with store_scope(run.store_id):
            if run.kind != "retry" or _count(run):
                refuse_with_delivery_orders()
            if run.kind == "auto":
                queue_orders([Order.channel_id == run.channel_id], None)
            run.enter("book", {"begun": True}, _count(run))
            run.save(sets_out=True)
            db.session.commit()
        yield
    write_back = Capability.INVOICE_WRITEBACK in connector.capabilities
    with threads(1, "draft") as drafter:
        last = None
        ahead = drafter.submit(_look_ahead, run, last)
        while True:
            batch = ahead.result()
            if not batch.orders and last is None:
                return
            last = batch.orders[-1] if batch.orders else None  # at the end from the beginning: more may be wanted now
            ahead = drafter.submit(_look_ahead, run, last)
            if batch.orders:
                _book_batch(run, batch, write_back=write_back)
                yield


def refuse_with_delivery_orders() -> None:
    """Misconfigured when the store makes delivery orders by itself, which would double the channel's own."""
    reason = refuse_batch(current_store().auto_delivery_order)
    if reason is not None:
        raise Misconfigured(
            _("Delivery orders are generated automatically. Set Auto-generate D.O. to None, then sync again."),
            code=reason,
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """Orders as they were looked at, and the papers made of them, if there are any."""

    orders: Sequence[StoredOrder]
    papers: Papers | None


def _look_ahead(run: Run, last: StoredOrder | None) -> _Batch:
    with store_scope(run.store_id):
        orders = look_at_orders(run.channel_id, BATCH, last)
        papers = make_papers(orders, terms_of(run.channel_id), job_id=run.job_id) if orders else None
        return _Batch(orders, papers)


def _book_batch(run: Run, batch: _Batch, *, write_back: bool) -> None:
    with store_scope(run.store_id):
        lock_channel(run.channel_id, share=True)
        orders = take_orders(batch.orders)
        issued, refusals = issue_invoices(orders, job_id=run.job_id, ahead=batch.papers)
        mark_booked([invoice.order_id for invoice in issued])
        mark_held(refusals)
        if write_back:
            _plan_write_backs(run, issued)
        write_journal(_notes(run, issued, refusals), job_id=run.job_id, user_id=run.requested_by)
        run.done += len(orders)
        run.total = max(run.total or 0, run.done)
        run.count(booked=len(issued), held=len(refusals))
        run.save()
        db.session.commit()


def _plan_write_backs(run: Run, issued: Sequence[Issued]) -> None:
    rows = [
        {
            "store_id": run.store_id,
            "channel_id": run.channel_id,
            "kind": WRITE_BACK,
            "key": f"invoice:{invoice.invoice_id}",
            "order_id": invoice.order_id,
            "invoice_id": invoice.invoice_id,
            "remote_id": invoice.remote_id,
            "payload": {"invoice_no": invoice.number_text, "expected": []},
        }
        for invoice in issued
    ]
    columns = ("store_id", "channel_id", "kind", "key", "order_id", "invoice_id", "remote_id", "payload")
    insert_rows(Change, columns, rows)


def _notes(run: Run, issued: Sequence[Issued], refusals: Sequence[Refusal]) -> list[JournalNote]:
    booked = [
        JournalNote(
            "booked",
            run.channel_id,
            invoice.order_id,
            {
                "number": invoice.number_text,
                "total": invoice.total,
                "currency": invoice.currency,
                "order": invoice.order_number,
                "default_method": invoice.by_default_method,
            },
            invoice_id=invoice.invoice_id,
        )
        for invoice in issued
    ]
    held = [
        JournalNote("held", run.channel_id, refusal.order_id, {"reason": refusal.reason, **refusal.detail})
        for refusal in refusals
    ]
    return booked + held


def _count(run: Run) -> int:
    statement = (
        select(func.count())
        .select_from(Order)
        .where(Order.store_id == run.store_id, Order.channel_id == run.channel_id, Order.state == OrderState.QUEUED)
    )
    return db.session.scalar(statement) or 0
