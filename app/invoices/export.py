"""Invoices as CSV for spreadsheets, streamed in batches: one row an invoice, or one row a line.

Amounts are plain decimals beside a column with their currency; dates are ISO, times of the store's zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.core.money import from_minor
from app.extensions import db
from app.invoices.detail import Line, lines_of
from app.invoices.filters import InvoiceFilter
from app.invoices.printing import line_name
from app.invoices.queries import InvoiceRow, invoice_batches
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.tenancy.scope import store_scope
from app.web.badges import badge_of

_AMOUNTS: Final = ("subtotal", "discount", "shipping", "adjustment", "tax", "rounding", "total")


class Rows(StrEnum):
    """What a row of the file is."""

    INVOICES = "invoices"
    LINES = "lines"


def invoices_csv(store_id: int, zone: ZoneInfo, where: InvoiceFilter, rows: Rows) -> Iterator[str]:
    """All matching invoices of a store, oldest first, below a heading.

    It opens the store's scope itself: an answer is sent when the request that asked for it has already ended. Each
    batch is a transaction of its own, so that a slow reader keeps no connection.
    """
    yield BYTE_ORDER_MARK
    yield from csv_lines([_invoice_heading(zone) if rows is Rows.INVOICES else _line_heading()])
    with store_scope(store_id):
        for batch in invoice_batches(where):
            lines = lines_of([row.id for row in batch]) if rows is Rows.LINES else {}
            db.session.rollback()
            if rows is Rows.INVOICES:
                yield from csv_lines(_invoice_cells(row, zone) for row in batch)
            else:
                yield from csv_lines(_line_cells(row, line) for row in batch for line in lines[row.id])


def _invoice_heading(zone: ZoneInfo) -> list[str]:
    return [
        _("Invoice"),
        _("Date"),
        _("State"),
        _("Order"),
        _("Channel"),
        _("Marketplace"),
        _("Buyer"),
        _("Company"),
        _("Salesperson"),
        _("Gateway"),
        _("Payment method"),
        _("Paid (%(zone)s)", zone=zone.key),
        _("Currency"),
        _("Subtotal"),
        _("Discount"),
        _("Shipping"),
        _("Adjustment"),
        _("Tax"),
        _("Rounding"),
        _("Total"),
        _("Credited"),
        _("Tax included in prices"),
        _("Issued (%(zone)s)", zone=zone.key),
        _("Issued by"),
        _("Write-back"),
    ]


def _invoice_cells(row: InvoiceRow, zone: ZoneInfo) -> list[object]:
    return [
        row.number_text,
        row.invoice_date,
        str(badge_of(row.state, "InvoiceState").label),
        row.order_number,
        row.channel,
        row.marketplace,
        row.buyer,
        row.company,
        row.salesperson,
        row.gateway,
        row.payment_method,
        _moment(row.paid_at, zone),
        row.currency,
        *(from_minor(getattr(row, name), row.currency) for name in (*_AMOUNTS, "credited")),
        _("yes") if row.tax_included else _("no"),
        _moment(row.issued_at, zone),
        row.issued_by or _("by itself"),
        str(badge_of(row.write_back, "ChangeState").label) if row.write_back else "",
    ]


def _line_heading() -> list[str]:
    return [
        _("Invoice"),
        _("Date"),
        _("State"),
        _("Order"),
        _("Marketplace"),
        _("SKU"),
        _("Description"),
        _("Quantity"),
        _("Currency"),
        _("Unit price"),
        _("Discount"),
        _("Tax"),
        _("Amount"),
    ]


def _line_cells(row: InvoiceRow, line: Line) -> list[object]:
    return [
        row.number_text,
        row.invoice_date,
        str(badge_of(row.state, "InvoiceState").label),
        row.order_number,
        row.marketplace,
        line.sku,
        line_name(line),
        f"{line.quantity:f}".rstrip("0").rstrip("."),
        row.currency,
        *(from_minor(minor, row.currency) for minor in (line.unit_price, line.discount, line.tax, line.amount)),
    ]


def _moment(value: datetime | None, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if value else ""
