"""Orders as CSV for spreadsheets, streamed: a page of the list at a time, so that any number fits in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.core.money import from_minor
from app.extensions import db
from app.orders.filters import OrderFilter
from app.orders.queries import OrderRow, orders_page
from app.orders.table import show_row
from app.tenancy.scope import current_store
from app.web.badges import badge_of
from app.web.pagination import MAX_LIMIT, Cursor, Keyset

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK: Final = "\ufeff"


def plain_cell(text: str) -> str:
    """Text that a spreadsheet shows as it is: an apostrophe keeps what looks like a formula from being run."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Each row as a line of CSV; strings are made safe, everything else is written as it is."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([plain_cell(cell) if isinstance(cell, str) else cell for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def orders_csv(where: OrderFilter) -> Iterator[str]:
    """All matching orders, newest first, with a heading; times are of the store's zone.

    Each page is a transaction of its own, so that a slow reader keeps none open.
    """
    zone = ZoneInfo(current_store().time_zone)
    yield BYTE_ORDER_MARK
    yield from csv_lines([_heading(zone)])
    yield from csv_lines(_cells(row, zone) for row in _all_rows(where))


def _all_rows(where: OrderFilter) -> Iterator[OrderRow]:
    keyset: Keyset | None = Keyset(limit=MAX_LIMIT)
    while keyset is not None:
        page = orders_page(where, keyset)
        db.session.rollback()
        yield from page.rows
        keyset = Keyset(after=Cursor.decode(page.after), limit=MAX_LIMIT) if page.after else None


def _heading(zone: ZoneInfo) -> list[str]:
    return [
        _("Order"),
        _("Number on the channel"),
        _("Placed (%(zone)s)", zone=zone.key),
        _("Channel"),
        _("Marketplace"),
        _("Buyer"),
        _("Status"),
        _("Payment status"),
        _("Gateway"),
        _("Payment method"),
        _("Currency"),
        _("Total"),
        _("State"),
        _("Reason"),
        _("Invoice"),
        _("Write-back"),
    ]


def _cells(row: OrderRow, zone: ZoneInfo) -> list[object]:
    shown = show_row(row)
    return [
        row.number,
        row.remote_id,
        row.placed_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        row.channel,
        row.marketplace,
        row.buyer,
        row.status_text,
        row.payment_status_text,
        row.gateway,
        row.payment_method,
        row.currency,
        from_minor(row.total, row.currency),
        str(badge_of(row.state, "OrderState").label),
        shown.why.words if shown.why else shown.alert,
        row.invoice_no or "",
        str(badge_of(row.write_back, "ChangeState").label) if row.write_back else "",
    ]
