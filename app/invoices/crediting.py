"""Credit notes: numbers, documents and lines of a whole batch in one transaction, as invoices are issued.

What is posted stays: an invoice only learns how much of it was credited. The number comes from a counter row of its
own, which the transaction locks after channel, orders and invoices. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app.bulk import insert_rows, update_rows
from app.core.crediting import CreditableInvoice, CreditDraft, InvoicedLine, Piece
from app.core.invoicing import CannotBook, LineKind
from app.core.numbering import CREDIT_SERIES
from app.core.states import CreditCause, InvoiceState, Reason
from app.extensions import db
from app.invoices.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine
from app.invoices.services import take_numbers
from app.orders.writing import JournalNote, write_journal
from app.tenancy.scope import current_store, current_store_id

_NOTE_COLUMNS = (
    "store_id",
    "series",
    "number",
    "number_text",
    "invoice_id",
    "invoice_number",
    "order_id",
    "channel_id",
    "cause",
    "words",
    "credit_date",
    "currency",
    "seller",
    "order_number",
    "buyer",
    "tax",
    "tax_included",
    "total",
    "job_id",
    "issued_by",
)
_LINE_COLUMNS = (
    "store_id",
    "credit_note_id",
    "line_no",
    "invoice_line_no",
    "kind",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "discount",
    "tax",
    "amount",
)
_STAMPED = (
    "id",
    "number_text",
    "order_id",
    "channel_id",
    "state",
    "currency",
    "seller",
    "order_number",
    "buyer",
    "tax",
    "tax_included",
    "total",
    "credited",
)


@dataclass(frozen=True, slots=True)
class StoredInvoice:
    """An invoice with what its credit notes took back so far."""

    id: int
    number_text: str
    order_id: int
    channel_id: int
    state: InvoiceState
    currency: str
    seller: str
    order_number: str
    buyer: Mapping[str, Any]
    creditable: CreditableInvoice


@dataclass(frozen=True, slots=True)
class Wanted:
    """A credit note to be made. `words` are a person's reason, '' when the channel's news is the whole reason."""

    invoice: StoredInvoice
    draft: CreditDraft
    cause: CreditCause
    words: str


@dataclass(frozen=True, slots=True)
class CreditIssued:
    """A credit note that this transaction made."""

    credit_note_id: int
    number_text: str
    invoice: StoredInvoice
    total: int
    credited: int
    """How much of the invoice is credited now."""
    is_all: bool


def live_invoices(order_ids: Sequence[int]) -> dict[int, StoredInvoice]:
    """The live invoice of each order that has one, locked for this transaction, by order id. Four statements."""
    if not order_ids:
        return {}
    rows = db.session.execute(
        select(*(getattr(Invoice, name) for name in _STAMPED))
        .where(
            Invoice.store_id == current_store_id(),
            Invoice.order_id.in_(order_ids),
            Invoice.state == InvoiceState.POSTED,
        )
        .order_by(Invoice.id)
        .with_for_update()
    ).all()
    return {invoice.order_id: invoice for invoice in _stored(rows)}


def stored_invoice(invoice_id: int) -> StoredInvoice | None:
    """The invoice as it stands, whatever its state, not locked; None when the store has none of that id."""
    rows = db.session.execute(
        select(*(getattr(Invoice, name) for name in _STAMPED)).where(
            Invoice.store_id == current_store_id(), Invoice.id == invoice_id
        )
    ).all()
    return next(iter(_stored(rows)), None)


def open_today() -> date:
    """Today in the store's zone, on which a credit note is dated; CannotBook when even this day is closed.

    The caller holds a channel of the store, which whoever closes the books takes too, so the answer stays true until
    its transaction ends.
    """
    store = current_store()
    db.session.refresh(store, ("closed_through", "time_zone"))
    today = datetime.now(UTC).astimezone(ZoneInfo(store.time_zone)).date()
    if store.closed_through is not None and today <= store.closed_through:
        closed = {"day": today.isoformat(), "closed_through": store.closed_through.isoformat()}
        raise CannotBook(Reason.PERIOD_LOCKED, closed)
    return today


def issue_credit_notes(
    wanted: Sequence[Wanted], *, day: date, job_id: int | None, user_id: int | None
) -> list[CreditIssued]:
    """Make the credit notes and mark their invoices, which must be locked. Five statements, however many there are."""
    if not wanted:
        return []
    numbers = take_numbers(CREDIT_SERIES, len(wanted))
    rows = [_note_row(one, number, day, job_id, user_id) for one, number in zip(wanted, numbers, strict=True)]
    inserted = insert_rows(CreditNote, _NOTE_COLUMNS, rows, returning=("id", "number"))
    ids = {row.number: row.id for row in inserted}
    issued = [_issued(one, ids[number], text) for one, (number, text) in zip(wanted, numbers, strict=True)]
    lines = [line for one, made in zip(wanted, issued, strict=True) for line in _line_rows(one.draft, made)]
    insert_rows(CreditNoteLine, _LINE_COLUMNS, lines)
    update_rows(Invoice, ("store_id", "id"), ("state", "credited"), [_invoice_row(made) for made in issued])
    notes = [_journal_note(one, made) for one, made in zip(wanted, issued, strict=True)]
    write_journal(notes, job_id=job_id, user_id=user_id)
    return issued


def _stored(rows: Sequence[Any]) -> list[StoredInvoice]:
    ids = [row.id for row in rows]
    if not ids:
        return []
    lines, credited, taxes = _lines(ids), _credited_pieces(ids), _credited_taxes(ids)
    return [_invoice(row, lines.get(row.id, ()), credited.get(row.id, {}), taxes.get(row.id, 0)) for row in rows]


def _invoice(row: Any, lines: Sequence[Any], credited: Mapping[int | None, Piece], credited_tax: int) -> StoredInvoice:
    invoiced = tuple(
        InvoicedLine(
            line.line_no,
            LineKind(line.kind),
            line.sku,
            line.description,
            line.unit_price,
            whole=Piece(line.quantity, line.discount, line.tax, line.amount),
            credited=credited.get(line.line_no, Piece()),
        )
        for line in lines
    )
    return StoredInvoice(
        id=row.id,
        number_text=row.number_text,
        order_id=row.order_id,
        channel_id=row.channel_id,
        state=InvoiceState(row.state),
        currency=row.currency,
        seller=row.seller,
        order_number=row.order_number,
        buyer=row.buyer,
        creditable=CreditableInvoice(invoiced, row.tax, row.tax_included, row.total, row.credited, credited_tax),
    )


def _lines(invoice_ids: Sequence[int]) -> dict[int, list[Any]]:
    rows = db.session.execute(
        select(InvoiceLine)
        .where(InvoiceLine.store_id == current_store_id(), InvoiceLine.invoice_id.in_(invoice_ids))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.line_no)
    ).scalars()
    lines: dict[int, list[Any]] = {}
    for line in rows:
        lines.setdefault(line.invoice_id, []).append(line)
    return lines


def _credited_pieces(invoice_ids: Sequence[int]) -> dict[int, dict[int | None, Piece]]:
    """What earlier credit notes took of each line, by invoice and line number."""
    line, note = CreditNoteLine, CreditNote
    rows = db.session.execute(
        select(
            note.invoice_id,
            line.invoice_line_no,
            func.sum(line.quantity),
            func.sum(line.discount),
            func.sum(line.tax),
            func.sum(line.amount),
        )
        .join(note, (note.store_id == line.store_id) & (note.id == line.credit_note_id))
        .where(note.store_id == current_store_id(), note.invoice_id.in_(invoice_ids), line.invoice_line_no.is_not(None))
        .group_by(note.invoice_id, line.invoice_line_no)
    )
    pieces: dict[int, dict[int | None, Piece]] = {}
    for invoice_id, line_no, quantity, *amounts in rows:
        pieces.setdefault(invoice_id, {})[line_no] = Piece(quantity, *(int(amount) for amount in amounts))
    return pieces


def _credited_taxes(invoice_ids: Sequence[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(CreditNote.invoice_id, func.sum(CreditNote.tax))
        .where(CreditNote.store_id == current_store_id(), CreditNote.invoice_id.in_(invoice_ids))
        .group_by(CreditNote.invoice_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def _issued(one: Wanted, credit_note_id: int, number_text: str) -> CreditIssued:
    invoice, draft = one.invoice, one.draft
    credited = invoice.creditable.credited + draft.total
    return CreditIssued(credit_note_id, number_text, invoice, draft.total, credited, draft.is_rest)


def _invoice_row(made: CreditIssued) -> dict[str, Any]:
    state = InvoiceState.CREDITED if made.is_all else InvoiceState.POSTED
    return {"store_id": current_store_id(), "id": made.invoice.id, "state": state, "credited": made.credited}


def _note_row(
    one: Wanted, number: tuple[int, str], day: date, job_id: int | None, user_id: int | None
) -> dict[str, Any]:
    invoice, draft = one.invoice, one.draft
    return {
        "store_id": current_store_id(),
        "series": CREDIT_SERIES,
        "number": number[0],
        "number_text": number[1],
        "invoice_id": invoice.id,
        "invoice_number": invoice.number_text,
        "order_id": invoice.order_id,
        "channel_id": invoice.channel_id,
        "cause": one.cause,
        "words": one.words,
        "credit_date": day,
        "currency": invoice.currency,
        "seller": invoice.seller,
        "order_number": invoice.order_number,
        "buyer": invoice.buyer,
        "tax": draft.tax,
        "tax_included": draft.tax_included,
        "total": draft.total,
        "job_id": job_id,
        "issued_by": user_id,
    }


def _line_rows(draft: CreditDraft, made: CreditIssued) -> list[dict[str, Any]]:
    return [
        {
            "store_id": current_store_id(),
            "credit_note_id": made.credit_note_id,
            "line_no": position,
            "invoice_line_no": line.invoice_line_no,
            "kind": line.kind,
            "sku": line.sku,
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "discount": line.discount,
            "tax": line.tax,
            "amount": line.amount,
        }
        for position, line in enumerate(draft.lines, start=1)
    ]


def _journal_note(one: Wanted, made: CreditIssued) -> JournalNote:
    invoice = one.invoice
    detail = {
        "number": made.number_text,
        "invoice": invoice.number_text,
        "total": made.total,
        "currency": invoice.currency,
        "cause": one.cause,
        "words": one.words,
        "all": made.is_all,
    }
    return JournalNote("credited", invoice.channel_id, invoice.order_id, detail, invoice_id=invoice.id)
