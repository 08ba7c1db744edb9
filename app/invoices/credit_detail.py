"""One credit note with all that belongs to it, as plain rows, and the credit notes of an invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Select, and_, bindparam, select

from app.accounts.models import User
from app.channels.models import Channel, Marketplace
from app.core.crediting import CreditLine, Proposal, propose_credit
from app.core.invoicing import LineKind
from app.core.numbering import CREDIT_SERIES, INVOICE_SERIES, format_number
from app.core.states import CreditCause, InvoiceState
from app.extensions import db
from app.invoices.crediting import StoredInvoice
from app.invoices.models import CreditNote, CreditNoteLine, Invoice, NumberSeries
from app.orders.models import Order
from app.planning import read
from app.tenancy.scope import THIS_STORE, current_store_id


@dataclass(frozen=True, slots=True)
class CreditNoteDetail:
    """Everything the credit note's page and its prints show. Amounts in minor units, positive: what is given back.

    `seller` (a line each, the name first) and `buyer` are the invoice's. `issued_by` is a person's name, None when a
    job issued it by itself; then `words` is '' and the channel's news is the whole reason.
    """

    id: int
    number_text: str
    invoice_id: int
    invoice_number: str
    invoice_state: InvoiceState
    order_id: int
    order_number: str
    channel_id: int
    channel: str
    marketplace: str
    cause: CreditCause
    words: str
    credit_date: date
    currency: str
    seller: str
    buyer: Mapping[str, str]
    tax: int
    tax_included: bool
    total: int
    issued_at: datetime
    issued_by: str | None
    job_id: int | None
    lines: tuple[CreditLine, ...]


@dataclass(frozen=True, slots=True)
class InvoiceCredit:
    """A credit note in the list of its invoice's or its order's page."""

    id: int
    number_text: str
    invoice_id: int
    invoice_number: str
    credit_date: date
    cause: CreditCause
    total: int


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What the channel says of an invoiced order now, and the credit that it asks for, if any."""

    alert: str | None
    channel: str
    total: int
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class NextNumbers:
    """The numbers that the next documents get, unless somebody is quicker."""

    invoice: str
    credit_note: str


_OWN: Final = (
    "id",
    "number_text",
    "invoice_id",
    "invoice_number",
    "order_id",
    "order_number",
    "channel_id",
    "words",
    "credit_date",
    "currency",
    "seller",
    "buyer",
    "tax",
    "tax_included",
    "total",
    "issued_at",
    "job_id",
)
_LINE: Final = (
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


def credit_note_detail(credit_note_id: int) -> CreditNoteDetail | None:
    """The credit note of this store, or None. Two statements."""
    row = db.session.execute(
        select(
            *(getattr(CreditNote, name) for name in _OWN),
            CreditNote.cause,
            Invoice.state.label("invoice_state"),
            Channel.name.label("channel"),
            Marketplace.name.label("marketplace"),
            User.name.label("issued_by"),
        )
        .join(Invoice, and_(Invoice.store_id == CreditNote.store_id, Invoice.id == CreditNote.invoice_id))
        .join(Channel, and_(Channel.store_id == CreditNote.store_id, Channel.id == CreditNote.channel_id))
        .join(Marketplace, and_(Marketplace.store_id == Invoice.store_id, Marketplace.id == Invoice.marketplace_id))
        .outerjoin(User, User.id == CreditNote.issued_by)
        .where(CreditNote.store_id == current_store_id(), CreditNote.id == credit_note_id)
    ).one_or_none()
    if row is None:
        return None
    known = {**row._mapping, "cause": CreditCause(row.cause), "invoice_state": InvoiceState(row.invoice_state)}
    return CreditNoteDetail(**known, lines=credit_lines_of([credit_note_id])[credit_note_id])


def credit_lines_of(credit_note_ids: Sequence[int]) -> dict[int, tuple[CreditLine, ...]]:
    """The lines of each credit note, in order. One statement."""
    lines: dict[int, list[CreditLine]] = {credit_note_id: [] for credit_note_id in credit_note_ids}
    rows = db.session.execute(
        select(CreditNoteLine.credit_note_id, *(getattr(CreditNoteLine, name) for name in _LINE))
        .where(CreditNoteLine.store_id == current_store_id(), CreditNoteLine.credit_note_id.in_(credit_note_ids))
        .order_by(CreditNoteLine.credit_note_id, CreditNoteLine.line_no)
    )
    for credit_note_id, line_no, kind, *facts in rows:
        lines[credit_note_id].append(CreditLine(line_no, LineKind(kind), *facts))
    return {credit_note_id: tuple(found) for credit_note_id, found in lines.items()}


def credits_of_invoice(invoice_id: int) -> tuple[InvoiceCredit, ...]:
    """The credit notes of one invoice, oldest first."""
    rows = read(_of_invoice(), {"invoice": invoice_id})
    return tuple(InvoiceCredit(**{**row._mapping, "cause": CreditCause(row.cause)}) for row in rows)


@cache
def _of_invoice() -> Select[Any]:
    return (
        select(*(getattr(CreditNote, name) for name in InvoiceCredit.__dataclass_fields__))
        .where(CreditNote.store_id == THIS_STORE, CreditNote.invoice_id == bindparam("invoice", type_=BigInteger))
        .order_by(CreditNote.id)
    )


def order_news(invoice: StoredInvoice) -> OrderNews:
    """What the channel says of the invoice's order, also when a person chose to leave that as it is."""
    row = db.session.execute(
        select(Order.alert, Order.ignored_alert, Order.refunded, Order.total, Channel.name)
        .join(Channel, and_(Channel.store_id == Order.store_id, Channel.id == Order.channel_id))
        .where(Order.store_id == current_store_id(), Order.id == invoice.order_id)
    ).one()
    alert, total = row.alert or row.ignored_alert, invoice.creditable.total
    proposal = propose_credit(alert, refunded=row.refunded, total=total, credited=invoice.creditable.credited)
    return OrderNews(alert, row.name, row.total, proposal)


def next_numbers() -> NextNumbers:
    """What the next invoice and the next credit note will be called."""
    rows = db.session.execute(
        select(NumberSeries.code, NumberSeries.prefix, NumberSeries.padding, NumberSeries.next_number).where(
            NumberSeries.store_id == current_store_id()
        )
    )
    texts = {row.code: format_number(row.prefix, row.padding, row.next_number) for row in rows}
    return NextNumbers(texts[INVOICE_SERIES], texts[CREDIT_SERIES])
