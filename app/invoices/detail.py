"""One invoice with all that belongs to it, as plain rows: what is printed, and what its page shows beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, and_, bindparam, select

from app.accounts.models import User
from app.channels.models import Channel, Marketplace
from app.core.invoicing import LineKind
from app.core.states import InvoiceState
from app.invoices.models import Invoice, InvoiceLine
from app.orders.models import JournalEntry
from app.planning import read
from app.sync.models import Change, SyncJob
from app.tenancy.scope import THIS_STORE

JOURNAL_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line in minor units: `amount` is what it adds to the total before added tax."""

    kind: LineKind
    sku: str
    description: str
    quantity: Decimal
    unit_price: int
    discount: int
    tax: int
    amount: int


@dataclass(frozen=True, slots=True)
class OtherInvoice:
    """Another invoice of the same order, from before or after a re-issue."""

    id: int
    number_text: str
    state: str


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The newest write of this number to the channel: planned, done or stuck."""

    state: str
    reason: str | None
    reason_detail: dict[str, Any]
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One note of the journal with the name of the person behind it, None when the portal did it."""

    at: datetime
    kind: str
    detail: dict[str, Any]
    job_id: int | None
    person: str | None


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """Everything the invoice's page and its prints show. Amounts in minor units, times aware.

    `seller` (a line each, the name first), `buyer`, `payment_method` and `salesperson` are as stamped when it was
    issued. `issued_by` is a person's name, None when a job of kind `job_kind` issued it by itself.
    """

    id: int
    number_text: str
    state: InvoiceState
    invoice_date: date
    seller: str
    order_id: int
    order_number: str
    channel_id: int
    channel: str
    marketplace: str
    buyer: Mapping[str, str]
    gateway: str
    payment_method: str
    payment_mapping_version: int
    salesperson: str
    paid_at: datetime | None
    currency: str
    subtotal: int
    discount: int
    shipping: int
    adjustment: int
    tax: int
    tax_included: bool
    rounding: int
    total: int
    issued_at: datetime
    issued_by: str | None
    job_id: int | None
    job_kind: str | None
    lines: tuple[Line, ...]
    others: tuple[OtherInvoice, ...]

    @property
    def items(self) -> tuple[Line, ...]:
        """The lines that are goods; the others are parts of the total."""
        return tuple(line for line in self.lines if line.kind == LineKind.ITEM)

    @property
    def is_credited(self) -> bool:
        """Whether it counts no more."""
        return self.state == InvoiceState.CREDITED

    @property
    def replaced_by(self) -> OtherInvoice | None:
        """The live invoice of the same order when this one is credited and was issued again."""
        live = (other for other in self.others if other.state == InvoiceState.POSTED)
        return next(live, None) if self.is_credited else None

    @property
    def by_default_method(self) -> bool:
        """Whether the gateway had no payment method of its own when the invoice was issued."""
        return self.payment_mapping_version == 0


def invoice_detail(invoice_id: int) -> InvoiceDetail | None:
    """The invoice of this store, or None. Three statements."""
    row = read(_reading_invoice(), {"invoice": invoice_id}).one_or_none()
    if row is None:
        return None
    known = {**row._mapping, "state": InvoiceState(row.state)}
    return InvoiceDetail(**known, lines=lines_of([invoice_id])[invoice_id], others=_others(row.order_id, invoice_id))


@cache
def _reading_invoice() -> Any:
    """Built once for all invoices, as all that follow: building a statement costs more than running it."""
    return (
        select(
            *(getattr(Invoice, name) for name in _OWN),
            Channel.name.label("channel"),
            Marketplace.name.label("marketplace"),
            User.name.label("issued_by"),
            SyncJob.kind.label("job_kind"),
        )
        .join(Channel, and_(Channel.store_id == Invoice.store_id, Channel.id == Invoice.channel_id))
        .join(Marketplace, and_(Marketplace.store_id == Invoice.store_id, Marketplace.id == Invoice.marketplace_id))
        .outerjoin(User, User.id == Invoice.issued_by)
        .outerjoin(SyncJob, and_(SyncJob.store_id == Invoice.store_id, SyncJob.id == Invoice.job_id))
        .where(Invoice.store_id == THIS_STORE, Invoice.id == _INVOICE)
    )


def newest_write_back(invoice: InvoiceDetail) -> WriteBack | None:
    """What became of writing the number to the channel; None when nothing was to be written."""
    row = read(_reading_write_back(), {"order": invoice.order_id, "invoice": invoice.id}).one_or_none()
    return None if row is None else WriteBack(*row)


@cache
def _reading_write_back() -> Any:
    return (
        select(Change.state, Change.reason, Change.reason_detail, Change.done_at)
        .where(Change.store_id == THIS_STORE, Change.order_id == _ORDER, Change.invoice_id == _INVOICE)
        .order_by(Change.id.desc())
        .limit(1)
    )


def journal(invoice: InvoiceDetail) -> tuple[Entry, ...]:
    """What happened to the invoice, oldest first; of a very long story the newest entries."""
    rows = read(_reading_journal(), {"order": invoice.order_id, "invoice": invoice.id}).all()
    return tuple(Entry(*row) for row in reversed(rows))


@cache
def _reading_journal() -> Any:
    return (
        select(JournalEntry.at, JournalEntry.kind, JournalEntry.detail, JournalEntry.job_id, User.name)
        .outerjoin(User, User.id == JournalEntry.user_id)
        .where(
            JournalEntry.store_id == THIS_STORE, JournalEntry.order_id == _ORDER, JournalEntry.invoice_id == _INVOICE
        )
        .order_by(JournalEntry.id.desc())
        .limit(JOURNAL_AT_MOST)
    )


_ORDER: Final = bindparam("order", type_=BigInteger)
_INVOICE: Final = bindparam("invoice", type_=BigInteger)
_OWN: Final = (
    "id",
    "number_text",
    "invoice_date",
    "seller",
    "order_id",
    "order_number",
    "channel_id",
    "buyer",
    "gateway",
    "payment_method",
    "payment_mapping_version",
    "salesperson",
    "paid_at",
    "currency",
    "subtotal",
    "discount",
    "shipping",
    "adjustment",
    "tax",
    "tax_included",
    "rounding",
    "total",
    "issued_at",
    "job_id",
    "state",
)


_LINE: Final = ("kind", "sku", "description", "quantity", "unit_price", "discount", "tax", "amount")


def lines_of(invoice_ids: Sequence[int]) -> dict[int, tuple[Line, ...]]:
    """The lines of each invoice, in order. One statement."""
    lines: dict[int, list[Line]] = {invoice_id: [] for invoice_id in invoice_ids}
    rows = read(_reading_lines(), {"invoices": list(invoice_ids)})
    for invoice_id, kind, *facts in rows:
        lines[invoice_id].append(Line(LineKind(kind), *facts))
    return {invoice_id: tuple(found) for invoice_id, found in lines.items()}


@cache
def _reading_lines() -> Any:
    return (
        select(InvoiceLine.invoice_id, *(getattr(InvoiceLine, name) for name in _LINE))
        .where(InvoiceLine.store_id == THIS_STORE, InvoiceLine.invoice_id.in_(bindparam("invoices", expanding=True)))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.line_no)
    )


def _others(order_id: int, invoice_id: int) -> tuple[OtherInvoice, ...]:
    """Newest first."""
    rows = read(_reading_others(), {"order": order_id, "invoice": invoice_id})
    return tuple(OtherInvoice(*row) for row in rows)


@cache
def _reading_others() -> Any:
    return (
        select(Invoice.id, Invoice.number_text, Invoice.state)
        .where(Invoice.store_id == THIS_STORE, Invoice.order_id == _ORDER, Invoice.id != _INVOICE)
        .order_by(Invoice.id.desc())
    )
