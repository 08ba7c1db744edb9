"""Credit notes as CSV for spreadsheets, streamed in batches: one row a credit note, or one row a line.

Amounts are below zero, so that the rows can be put under those of the invoices and added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.core.crediting import CreditLine
from app.core.money import from_minor
from app.core.states import CreditCause
from app.extensions import db
from app.invoices.credit_detail import credit_lines_of
from app.invoices.credit_printing import CAUSES, credit_line_name
from app.invoices.credit_queries import CreditFilter, CreditRow, credit_batches
from app.invoices.export import Rows
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.tenancy.scope import store_scope


def credits_csv(store_id: int, zone: ZoneInfo, where: CreditFilter, rows: Rows) -> Iterator[str]:
    """All matching credit notes of a store, oldest first, below a heading; opens the store's scope itself."""
    yield BYTE_ORDER_MARK
    yield from csv_lines([_heading(zone) if rows is Rows.INVOICES else _line_heading()])
    with store_scope(store_id):
        for batch in credit_batches(where):
            lines = credit_lines_of([row.id for row in batch]) if rows is Rows.LINES else {}
            db.session.rollback()
            if rows is Rows.INVOICES:
                yield from csv_lines(_cells(row, zone) for row in batch)
            else:
                yield from csv_lines(_line_cells(row, line) for row in batch for line in lines[row.id])


def _heading(zone: ZoneInfo) -> list[str]:
    return [
        _("Credit note"),
        _("Date"),
        _("Credits invoice"),
        _("Order"),
        _("Channel"),
        _("Buyer"),
        _("Cause"),
        _("Reason"),
        _("Currency"),
        _("Tax"),
        _("Total"),
        _("Tax included in prices"),
        _("Issued (%(zone)s)", zone=zone.key),
        _("Issued by"),
    ]


def _cells(row: CreditRow, zone: ZoneInfo) -> list[object]:
    return [
        row.number_text,
        row.credit_date,
        row.invoice_number,
        row.order_number,
        row.channel,
        row.buyer,
        str(CAUSES[CreditCause(row.cause)]),
        row.words,
        row.currency,
        from_minor(-row.tax, row.currency),
        from_minor(-row.total, row.currency),
        _("yes") if row.tax_included else _("no"),
        row.issued_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        row.issued_by or _("by itself"),
    ]


def _line_heading() -> list[str]:
    return [
        _("Credit note"),
        _("Date"),
        _("Credits invoice"),
        _("Order"),
        _("SKU"),
        _("Description"),
        _("Quantity"),
        _("Currency"),
        _("Unit price"),
        _("Discount"),
        _("Tax"),
        _("Amount"),
    ]


def _taken_back(quantity: Decimal) -> Decimal:
    """A number and no text, which a spreadsheet would not add up."""
    whole = quantity.to_integral_value()
    return -(whole if whole == quantity else quantity.normalize())


def _line_cells(row: CreditRow, line: CreditLine) -> list[object]:
    return [
        row.number_text,
        row.credit_date,
        row.invoice_number,
        row.order_number,
        line.sku,
        credit_line_name(line),
        _taken_back(line.quantity),
        row.currency,
        from_minor(line.unit_price, row.currency),
        *(from_minor(-minor, row.currency) for minor in (line.discount, line.tax, line.amount)),
    ]
