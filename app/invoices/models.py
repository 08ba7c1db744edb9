"""Sales invoices, credit notes and the numbers they take. What is posted is never edited and never deleted.

Names of buyer, payment method and salesperson are stamped: an invoice prints the same for ever.
Amounts are integers in the currency's minor unit.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned, StoreOwnedByParent


class NumberSeries(StoreOwned, Base):
    """A gap-free counter. Made with the store; locked by the transaction that takes numbers from it."""

    __tablename__ = "number_series"
    __table_args__ = (
        CheckConstraint("next_number > 0", name="next_number"),
        CheckConstraint("padding between 1 and 12", name="padding"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str]
    padding: Mapped[int]
    next_number: Mapped[int] = mapped_column(server_default="1")


class Invoice(StoreOwnedByParent, Base):
    """One sales invoice. At most one live (posted) invoice per order, by a unique index."""

    __tablename__ = "invoices"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"]),
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
        ForeignKeyConstraint(["store_id", "payment_method_id"], ["payment_methods.store_id", "payment_methods.id"]),
        ForeignKeyConstraint(["store_id", "salesperson_id"], ["salespeople.store_id", "salespeople.id"]),
        ForeignKeyConstraint(["store_id", "series"], ["number_series.store_id", "number_series.code"]),
        UniqueConstraint("store_id", "series", "number"),
        UniqueConstraint("store_id", "number_text"),
        Index("uq_invoices_live_order", "store_id", "order_id", unique=True, postgresql_where=text("state = 'posted'")),
        Index("ix_invoices_date", "store_id", "invoice_date", "id"),
        Index("ix_invoices_order", "store_id", "order_id"),
        Index("ix_invoices_issued", "issued_at", postgresql_using="brin"),
        Index("ix_invoices_replaces", "store_id", "replaces_id", postgresql_where=text("replaces_id is not null")),
        ForeignKeyConstraint(["store_id", "replaces_id"], ["invoices.store_id", "invoices.id"]),
        CheckConstraint("state in ('posted', 'credited')", name="state"),
        CheckConstraint("credited between 0 and total", name="credited"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    series: Mapped[str]
    number: Mapped[int]
    number_text: Mapped[str]
    order_id: Mapped[int]
    channel_id: Mapped[int]
    marketplace_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="posted")
    invoice_date: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3))
    seller: Mapped[str] = mapped_column(server_default="")
    """The store's name, and below it what it prints on invoices, a line each."""
    order_number: Mapped[str]
    buyer: Mapped[dict[str, Any]]
    gateway: Mapped[str]
    payment_method_id: Mapped[int]
    payment_method: Mapped[str]
    payment_mapping_version: Mapped[int]
    """Version of the gateway's mapping that was used; 0 when the gateway was unmapped and fell to the default."""
    salesperson_id: Mapped[int | None]
    salesperson: Mapped[str]
    salesperson_mapping_version: Mapped[int]
    paid_at: Mapped[datetime | None]
    subtotal: Mapped[int]
    discount: Mapped[int]
    shipping: Mapped[int]
    adjustment: Mapped[int]
    tax: Mapped[int]
    tax_included: Mapped[bool]
    rounding: Mapped[int]
    total: Mapped[int]
    content_key: Mapped[str]
    """Identifies the order's lines and amounts as they were invoiced."""
    credited: Mapped[int] = mapped_column(server_default="0")
    """The sum of its credit notes."""
    replaces_id: Mapped[int | None]
    """The invoice of the same order that was credited to make room for this one."""
    job_id: Mapped[int | None]
    issued_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())


class InvoiceLine(StoreOwnedByParent, Base):
    """One line of an invoice; `amount` is what it adds to the total before tax that is not included."""

    __tablename__ = "invoice_lines"
    __table_args__ = (ForeignKeyConstraint(["store_id", "invoice_id"], ["invoices.store_id", "invoices.id"]),)

    invoice_id: Mapped[int] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    sku: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    unit_price: Mapped[int]
    discount: Mapped[int]
    tax: Mapped[int]
    amount: Mapped[int]


class CreditNote(StoreOwned, Base):
    """Takes back an invoice, in full or in part. Amounts are positive: what is given back.

    The same convention as for invoices: sum(line.amount) + (0 if tax_included else tax) == total.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "invoice_id"], ["invoices.store_id", "invoices.id"]),
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"]),
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "series"], ["number_series.store_id", "number_series.code"]),
        UniqueConstraint("store_id", "series", "number"),
        UniqueConstraint("store_id", "number_text"),
        Index("ix_credit_notes_date", "store_id", "credit_date", "id"),
        Index("ix_credit_notes_invoice", "store_id", "invoice_id"),
        Index("ix_credit_notes_order", "store_id", "order_id"),
        CheckConstraint("total >= 0", name="total"),
        CheckConstraint("cause in ('reissue', 'cancelled', 'returned', 'refunded', 'correction')", name="cause"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    series: Mapped[str]
    number: Mapped[int]
    number_text: Mapped[str]
    invoice_id: Mapped[int]
    invoice_number: Mapped[str]
    order_id: Mapped[int]
    channel_id: Mapped[int]
    cause: Mapped[str]
    words: Mapped[str] = mapped_column(server_default="")
    """The reason that a person gave; '' when the channel's cancellation, return or refund is the whole reason."""
    credit_date: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3))
    seller: Mapped[str]
    order_number: Mapped[str]
    buyer: Mapped[dict[str, Any]]
    tax: Mapped[int]
    tax_included: Mapped[bool]
    total: Mapped[int]
    job_id: Mapped[int | None]
    issued_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    issued_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CreditNoteLine(StoreOwned, Base):
    """One line of a credit note; `invoice_line_no` is the line that it takes back, None for an amount by itself."""

    __tablename__ = "credit_note_lines"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "credit_note_id"], ["credit_notes.store_id", "credit_notes.id"]),
    )

    credit_note_id: Mapped[int] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    invoice_line_no: Mapped[int | None]
    kind: Mapped[str]
    sku: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    unit_price: Mapped[int]
    discount: Mapped[int]
    tax: Mapped[int]
    amount: Mapped[int]


class Closing(StoreOwned, Base):
    """One closing or opening of the books: `through` is the last closed day since then, None when all are open."""

    __tablename__ = "closings"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    through: Mapped[date | None] = mapped_column(Date)
    words: Mapped[str] = mapped_column(server_default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class VoidNumbers(StoreOwned, Base):
    """Numbers of a series that were skipped on purpose. A document that carries one of them all the same, because the
    counter was set back, counts for more than this."""

    __tablename__ = "void_numbers"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "series"], ["number_series.store_id", "number_series.code"]),
        CheckConstraint("first_number <= last_number", name="range"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    series: Mapped[str]
    first_number: Mapped[int]
    last_number: Mapped[int]
    words: Mapped[str]
    """Why, in the words of the person who skipped them."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
