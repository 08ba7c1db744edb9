"""One order's whole story as plain rows: what it holds, what became of it, when and by whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, and_, bindparam, select

from app.accounts.models import User
from app.core.invoicing import foot
from app.core.types import OrderStatus, PaymentStatus
from app.invoices.models import CreditNote, Invoice
from app.mappings.models import Salesperson, SalespersonMapping
from app.orders.models import JournalEntry, Order, OrderLine, RawRecord
from app.orders.queries import OrderRow, order_rows
from app.planning import read
from app.sync.models import Change
from app.tenancy.scope import THIS_STORE

STORY_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line; `amount` is what it adds to the total before added tax: gross less its own discount."""

    line_no: int
    sku: str
    isku: str
    name: str
    variant: str
    quantity: Decimal
    unit_price: int
    gross: int
    discount: int
    tax: int

    @property
    def amount(self) -> int:
        """Gross less the line's own discount."""
        return self.gross - self.discount


@dataclass(frozen=True, slots=True)
class OrderInvoice:
    """An invoice of the order, live or former."""

    id: int
    number_text: str
    state: str
    invoice_date: date
    currency: str
    total: int
    payment_method: str
    salesperson: str
    issued_at: datetime
    issued_by: str | None


@dataclass(frozen=True, slots=True)
class OrderCredit:
    """A credit note of one of the order's invoices."""

    id: int
    number_text: str
    invoice_number: str
    credit_date: date
    currency: str
    total: int


@dataclass(frozen=True, slots=True)
class WriteBack:
    """One write of an invoice number to the channel, planned, done or stuck."""

    id: int
    state: str
    invoice_id: int
    invoice_no: str
    reason: str | None
    reason_detail: dict[str, Any]
    attempts: int
    not_before: datetime | None
    planned_at: datetime
    done_at: datetime | None

    @property
    def found(self) -> str:
        """The number that stands on the channel instead of ours, when that is why it is stuck."""
        return str(self.reason_detail.get("found") or "")


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One note of the journal with the name of the person behind it, None when the portal did it.

    `detail` has the number of the note's invoice as "number", if there is one.
    """

    id: int
    at: datetime
    kind: str
    detail: Mapping[str, Any]
    job_id: int | None
    person: str | None


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """Everything the order's page shows. `row` is the order as lists show it; amounts in minor units."""

    row: OrderRow
    status: OrderStatus
    payment_status: PaymentStatus
    currency: str
    order_type: str
    paid_at: datetime | None
    shipped_at: datetime | None
    remote_updated_at: datetime | None
    imported_at: datetime
    queued_at: datetime | None
    queued_by: str | None
    buyer: Mapping[str, str]
    note: str
    lines: tuple[LineRow, ...]
    shipping: int
    discount: int
    adjustment: int
    tax: int
    tax_included: bool
    total: int
    refunded: int
    salesperson: str
    """The one on the live invoice, else the one in charge of the marketplace now; '' when nobody is."""
    invoices: tuple[OrderInvoice, ...]
    credits: tuple[OrderCredit, ...]
    write_backs: tuple[WriteBack, ...]
    story: tuple[StoryEntry, ...]

    @property
    def items(self) -> int:
        """What the lines add up to, after their own discounts."""
        return sum(line.amount for line in self.lines)

    @property
    def added_up(self) -> int:
        """What all parts add up to, by the rule that booking uses; equals `total` when the order foots."""
        return foot(self)

    @property
    def difference(self) -> int:
        """Charged less added up: what the channel charged beyond what its parts explain."""
        return self.total - self.added_up


@dataclass(frozen=True, slots=True)
class RawOrder:
    """The payload exactly as the channel sent it last, as text."""

    text: str
    received_at: datetime


def order_detail(order_id: int) -> OrderDetail | None:
    """The order of this store with all that belongs to it, or None. Seven statements, however long its story."""
    rows = order_rows([order_id])
    if not rows:
        return None
    row, facts = rows[0], read(_reading_facts(), {"order": order_id}).one()
    known = {name: getattr(facts, name) for name in (*_FACTS, "queued_by")}
    invoices = _invoices(order_id)
    live = next((invoice for invoice in invoices if invoice.state == "posted"), None)
    return OrderDetail(
        **known,
        row=row,
        status=OrderStatus(row.status),
        payment_status=PaymentStatus(row.payment_status),
        currency=row.currency,
        total=row.total,
        lines=_lines(order_id),
        salesperson=live.salesperson if live else facts.in_charge or "",
        invoices=invoices,
        credits=_credits(order_id) if invoices else (),
        write_backs=_write_backs(order_id),
        story=_story(order_id),
    )


def payload_text(payload: Any) -> str:
    """A payload for people to read."""
    return json.dumps(payload, ensure_ascii=False, indent=2)


def raw_order(order_id: int) -> RawOrder | None:
    """What the channel sent last for this order, None when nothing is kept."""
    row = read(_reading_raw(), {"order": order_id}).one_or_none()
    return None if row is None else RawOrder(payload_text(row.payload), row.received_at)


@cache
def _reading_raw() -> Any:
    return select(RawRecord.payload, RawRecord.received_at).where(
        RawRecord.store_id == THIS_STORE, RawRecord.order_id == _ORDER
    )


_FACTS: Final = (
    "order_type",
    "paid_at",
    "shipped_at",
    "remote_updated_at",
    "imported_at",
    "queued_at",
    "buyer",
    "note",
    "shipping",
    "discount",
    "adjustment",
    "tax",
    "tax_included",
    "refunded",
)


_ORDER: Final = bindparam("order", type_=BigInteger)


@cache
def _reading_facts() -> Any:
    """Built once for all orders, as all that follow: building a statement costs more than running it."""
    return (
        select(
            *(getattr(Order, name) for name in _FACTS),
            User.name.label("queued_by"),
            Salesperson.name.label("in_charge"),
        )
        .outerjoin(User, User.id == Order.queued_by)
        .outerjoin(
            SalespersonMapping,
            and_(
                SalespersonMapping.store_id == Order.store_id,
                SalespersonMapping.marketplace_id == Order.marketplace_id,
            ),
        )
        .outerjoin(
            Salesperson,
            and_(Salesperson.store_id == Order.store_id, Salesperson.id == SalespersonMapping.salesperson_id),
        )
        .where(Order.store_id == THIS_STORE, Order.id == _ORDER)
    )


def _lines(order_id: int) -> tuple[LineRow, ...]:
    rows = read(_reading_lines(), {"order": order_id})
    return tuple(LineRow(**row._mapping) for row in rows)


@cache
def _reading_lines() -> Any:
    return (
        select(
            OrderLine.line_no,
            OrderLine.sku,
            OrderLine.isku,
            OrderLine.name,
            OrderLine.variant,
            OrderLine.quantity,
            OrderLine.unit_price,
            OrderLine.gross,
            OrderLine.discount,
            OrderLine.tax,
        )
        .where(OrderLine.store_id == THIS_STORE, OrderLine.order_id == _ORDER)
        .order_by(OrderLine.line_no)
    )


def _invoices(order_id: int) -> tuple[OrderInvoice, ...]:
    """Newest first, so that the live one leads."""
    rows = read(_reading_invoices(), {"order": order_id})
    return tuple(OrderInvoice(**row._mapping) for row in rows)


@cache
def _reading_invoices() -> Any:
    return (
        select(
            Invoice.id,
            Invoice.number_text,
            Invoice.state,
            Invoice.invoice_date,
            Invoice.currency,
            Invoice.total,
            Invoice.payment_method,
            Invoice.salesperson,
            Invoice.issued_at,
            User.name.label("issued_by"),
        )
        .outerjoin(User, User.id == Invoice.issued_by)
        .where(Invoice.store_id == THIS_STORE, Invoice.order_id == _ORDER)
        .order_by(Invoice.id.desc())
    )


def _credits(order_id: int) -> tuple[OrderCredit, ...]:
    """Newest first, as the invoices are."""
    rows = read(_reading_credits(), {"order": order_id})
    return tuple(OrderCredit(**row._mapping) for row in rows)


@cache
def _reading_credits() -> Any:
    return (
        select(*(getattr(CreditNote, name) for name in OrderCredit.__dataclass_fields__))
        .where(CreditNote.store_id == THIS_STORE, CreditNote.order_id == _ORDER)
        .order_by(CreditNote.id.desc())
    )


def _write_backs(order_id: int) -> tuple[WriteBack, ...]:
    """Newest first; `invoice_no` is the number of the invoice that was to be written."""
    rows = read(_reading_write_backs(), {"order": order_id})
    return tuple(WriteBack(*row) for row in rows)


@cache
def _reading_write_backs() -> Any:
    return (
        select(
            Change.id,
            Change.state,
            Change.invoice_id,
            Invoice.number_text,
            Change.reason,
            Change.reason_detail,
            Change.attempts,
            Change.not_before,
            Change.planned_at,
            Change.done_at,
        )
        .join(Invoice, and_(Invoice.store_id == Change.store_id, Invoice.id == Change.invoice_id))
        .where(Change.store_id == THIS_STORE, Change.order_id == _ORDER)
        .order_by(Change.id.desc())
    )


def _story(order_id: int) -> tuple[StoryEntry, ...]:
    """Oldest first; of a very long story the newest entries."""
    rows = read(_reading_story(), {"order": order_id}).all()
    return tuple(
        StoryEntry(row.id, row.at, row.kind, {"number": row.number_text, **row.detail}, row.job_id, row.person)
        for row in reversed(rows)
    )


@cache
def _reading_story() -> Any:
    return (
        select(
            JournalEntry.id,
            JournalEntry.at,
            JournalEntry.kind,
            JournalEntry.detail,
            JournalEntry.job_id,
            User.name.label("person"),
            Invoice.number_text,
        )
        .outerjoin(User, User.id == JournalEntry.user_id)
        .outerjoin(Invoice, and_(Invoice.store_id == JournalEntry.store_id, Invoice.id == JournalEntry.invoice_id))
        .where(JournalEntry.store_id == THIS_STORE, JournalEntry.order_id == _ORDER)
        .order_by(JournalEntry.id.desc())
        .limit(STORY_AT_MOST)
    )
