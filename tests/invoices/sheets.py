"""Invoices for tests of what is printed, drafted from orders by the same core as real ones, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.core.invoicing import BookableLine, BookableOrder, InvoiceDraft, draft_invoice, foot
from app.core.states import InvoiceState
from app.core.types import OrderStatus, PaymentStatus
from app.invoices.detail import InvoiceDetail, Line

ISSUED_AT = datetime(2026, 11, 20, 4, 5, 6, tzinfo=UTC)
BUYER = {
    "name": "陳麗華 Tan Lee Hwa",
    "company": "Kedai Runcit Maju Sdn. Bhd.",
    "phone": "+60 12-345 6789",
    "email": "buyer@shop.example",
    "address": "12, Jalan Burma\nTaman Indah",
    "city": "George Town",
    "state": "Pulau Pinang",
    "postcode": "10050",
    "country": "Malaysia",
}


def order_line(line_no: int = 1, **values: Any) -> BookableLine:
    """One line of an order: two at 21.00 less 2.00, unless told otherwise."""
    known: dict[str, Any] = {"sku": f"A-{line_no}", "description": "Kopi-O cap Ipoh", "quantity": Decimal(2)}
    known |= {"unit_price": 2100, "gross": 4200, "discount": 200, "tax": 0}
    return BookableLine(line_no=line_no, **(known | values))


def order_of(lines: Sequence[BookableLine], *, rounding: int = 0, **values: Any) -> BookableOrder:
    """A paid order of these lines whose total is off by `rounding`."""
    known: dict[str, Any] = {"order_id": 1, "currency": "MYR", "total": 0, "refunded": 0}
    known |= {"status": OrderStatus.COMPLETED, "payment_status": PaymentStatus.PAID}
    known |= {"created_at": ISSUED_AT, "paid_at": ISSUED_AT, "shipped_at": None, "lines": tuple(lines)}
    known |= {"shipping": 490, "discount": 500, "adjustment": 0, "tax": 0, "tax_included": False}
    order = BookableOrder(**(known | values))
    return BookableOrder(**(known | values | {"total": foot(order) + rounding}))


def drafted(order: BookableOrder) -> InvoiceDraft:
    """The order's invoice as the core drafts it."""
    return draft_invoice(order, time_zone="Asia/Kuala_Lumpur", date_rule="created")


SELLER = "Nyonya Pantry\nSST W10-2601-00000001\n12 Lebuh Contoh, 10200 George Town"


def invoice_of(draft: InvoiceDraft, **values: Any) -> InvoiceDetail:
    """The draft as it would be read back from the books."""
    known: dict[str, Any] = {
        "id": 7,
        "number_text": "INV00022",
        "state": InvoiceState.POSTED,
        "invoice_date": date(2026, 11, 20),
        "seller": SELLER,
        "order_id": 1,
        "order_number": "2611T00001",
        "channel_id": 1,
        "channel": "SiteGiant Penang",
        "marketplace": "Shopee",
        "buyer": BUYER,
        "gateway": "ShopeePay",
        "payment_method": "Cash",
        "payment_mapping_version": 1,
        "salesperson": "Farid",
        "paid_at": ISSUED_AT,
        "currency": draft.currency,
        "issued_at": ISSUED_AT,
        "issued_by": None,
        "job_id": None,
        "job_kind": None,
        "others": (),
    }
    amounts = ("subtotal", "discount", "shipping", "adjustment", "tax", "tax_included", "rounding", "total")
    known |= {name: getattr(draft, name) for name in amounts}
    lines = (
        Line(it.kind, it.sku, it.description, it.quantity, it.unit_price, it.discount, it.tax, it.amount)
        for it in draft.lines
    )
    return InvoiceDetail(**(known | {"lines": tuple(lines)} | values))


def some_invoice(**values: Any) -> InvoiceDetail:
    """A plain invoice of one line."""
    return invoice_of(drafted(order_of([order_line()])), **values)
