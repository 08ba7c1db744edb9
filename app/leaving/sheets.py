"""The books of a store as CSV for a bookkeeper: orders, invoices, credit notes, items, customers.

Each is one statement on the connection of the export, so that all of them say the same moment. Amounts are plain
decimals beside a column with their currency, days are ISO, times of the store's zone.
"""

# ruff: noqa: S608 (every part of every statement stands in this file)

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Connection, text

from app.core.money import from_minor
from app.core.states import CreditCause
from app.invoices.credit_printing import CAUSES
from app.orders.export import BYTE_ORDER_MARK, csv_lines
from app.web.badges import badge_of

ROWS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, its SQL, and how it is written; `money` is in minor units of the row's currency."""

    heading: Any
    sql: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file; `source` is what follows `from`, and names the store :store."""

    name: str
    columns: tuple[Column, ...]
    source: str


_BUYER: Final = "coalesce(nullif({0}.buyer ->> 'name', ''), {0}.buyer ->> 'company', '')"
_PLACES: Final = (
    "join channels c on c.store_id = t.store_id and c.id = t.channel_id "
    "join marketplaces m on m.store_id = t.store_id and m.id = t.marketplace_id"
)
_CHANNEL: Final = (Column(_l("Channel"), "c.name"), Column(_l("Marketplace"), "m.name"))
_CURRENCY: Final = Column(_l("Currency"), "t.currency", "currency")
_BY: Final = Column(_l("Issued by"), "coalesce(u.name, '')", "person")


def _money(*fields: tuple[Any, str], sign: str = "") -> tuple[Column, ...]:
    return tuple(Column(heading, f"{sign}t.{name}", "money") for heading, name in fields)


SHEETS: Final = (
    Sheet(
        "orders",
        (
            Column(_l("Order"), "t.number"),
            Column(_l("Number on the channel"), "t.remote_id"),
            Column(_l("Placed"), "t.placed_at", "time"),
            *_CHANNEL,
            Column(_l("Buyer"), _BUYER.format("t")),
            Column(_l("Status"), "t.status", "OrderStatus"),
            Column(_l("Payment status"), "t.payment_status", "PaymentStatus"),
            Column(_l("Gateway"), "t.gateway"),
            _CURRENCY,
            *_money((_l("Shipping"), "shipping"), (_l("Discount"), "discount"), (_l("Adjustment"), "adjustment")),
            *_money((_l("Tax"), "tax"), (_l("Total"), "total"), (_l("Refunded"), "refunded")),
            Column(_l("State"), "t.state", "OrderState"),
            Column(_l("Invoice"), "coalesce(i.number_text, '')"),
        ),
        f"orders t {_PLACES} left join invoices i on i.store_id = t.store_id and i.order_id = t.id "
        "and i.state = 'posted' where t.store_id = :store order by t.placed_at, t.id",
    ),
    Sheet(
        "invoices",
        (
            Column(_l("Invoice"), "t.number_text"),
            Column(_l("Date"), "t.invoice_date", "day"),
            Column(_l("State"), "t.state", "InvoiceState"),
            Column(_l("Order"), "t.order_number"),
            *_CHANNEL,
            Column(_l("Buyer"), _BUYER.format("t")),
            Column(_l("Company"), "coalesce(t.buyer ->> 'company', '')"),
            Column(_l("Salesperson"), "t.salesperson"),
            Column(_l("Gateway"), "t.gateway"),
            Column(_l("Payment method"), "t.payment_method"),
            Column(_l("Paid"), "t.paid_at", "time"),
            _CURRENCY,
            *_money((_l("Subtotal"), "subtotal"), (_l("Discount"), "discount"), (_l("Shipping"), "shipping")),
            *_money((_l("Adjustment"), "adjustment"), (_l("Tax"), "tax"), (_l("Rounding"), "rounding")),
            *_money((_l("Total"), "total"), (_l("Credited"), "credited")),
            Column(_l("Tax included in prices"), "t.tax_included", "yes"),
            Column(_l("Issued"), "t.issued_at", "time"),
            _BY,
        ),
        f"invoices t {_PLACES} left join users u on u.id = t.issued_by "
        "where t.store_id = :store order by t.series, t.number, t.id",
    ),
    Sheet(
        "invoice_lines",
        (
            Column(_l("Invoice"), "i.number_text"),
            Column(_l("Date"), "i.invoice_date", "day"),
            Column(_l("SKU"), "t.sku"),
            Column(_l("Description"), "t.description"),
            Column(_l("Quantity"), "t.quantity", "number"),
            Column(_l("Currency"), "i.currency", "currency"),
            *_money((_l("Unit price"), "unit_price"), (_l("Discount"), "discount"), (_l("Tax"), "tax")),
            *_money((_l("Amount"), "amount")),
        ),
        "invoice_lines t join invoices i on i.store_id = t.store_id and i.id = t.invoice_id "
        "where t.store_id = :store order by t.invoice_id, t.line_no",
    ),
    Sheet(
        "credit_notes",
        (
            Column(_l("Credit note"), "t.number_text"),
            Column(_l("Date"), "t.credit_date", "day"),
            Column(_l("Credits invoice"), "t.invoice_number"),
            Column(_l("Order"), "t.order_number"),
            Column(_l("Channel"), "c.name"),
            Column(_l("Buyer"), _BUYER.format("t")),
            Column(_l("Cause"), "t.cause", "cause"),
            Column(_l("Reason"), "t.words"),
            _CURRENCY,
            *_money((_l("Tax"), "tax"), (_l("Total"), "total"), sign="-"),
            Column(_l("Tax included in prices"), "t.tax_included", "yes"),
            Column(_l("Issued"), "t.issued_at", "time"),
            _BY,
        ),
        "credit_notes t join channels c on c.store_id = t.store_id and c.id = t.channel_id "
        "left join users u on u.id = t.issued_by where t.store_id = :store order by t.series, t.number, t.id",
    ),
    Sheet(
        "credit_note_lines",
        (
            Column(_l("Credit note"), "n.number_text"),
            Column(_l("Date"), "n.credit_date", "day"),
            Column(_l("SKU"), "t.sku"),
            Column(_l("Description"), "t.description"),
            Column(_l("Quantity"), "-t.quantity", "number"),
            Column(_l("Currency"), "n.currency", "currency"),
            *_money((_l("Unit price"), "unit_price")),
            *_money((_l("Discount"), "discount"), (_l("Tax"), "tax"), (_l("Amount"), "amount"), sign="-"),
        ),
        "credit_note_lines t join credit_notes n on n.store_id = t.store_id and n.id = t.credit_note_id "
        "where t.store_id = :store order by t.credit_note_id, t.line_no",
    ),
    Sheet(
        "items",
        (
            Column(_l("SKU"), "t.sku"),
            Column(_l("Name"), "t.name"),
            Column(_l("Variant"), "t.variant"),
            Column(_l("Barcode"), "t.barcode"),
            _CURRENCY,
            *_money((_l("Price"), "price")),
            Column(_l("On hand"), "coalesce(s.on_hand, 0)", "number"),
            Column(_l("Reserved"), "coalesce(s.reserved, 0)", "number"),
            Column(_l("Archived"), "t.archived_at is not null", "yes"),
        ),
        "items t left join (select store_id, item_id, sum(on_hand) as on_hand, sum(reserved) as reserved "
        "from stock_levels where store_id = :store group by 1, 2) s on s.store_id = t.store_id and s.item_id = t.id "
        "where t.store_id = :store order by t.sku_key, t.id",
    ),
    Sheet(
        "customers",
        (
            Column(_l("Name"), "t.name"),
            Column(_l("Company"), "t.company"),
            Column(_l("Phone"), "t.phone"),
            Column(_l("E-mail"), "t.email"),
            Column(_l("Address"), "t.address"),
            Column(_l("Orders"), "t.orders", "number"),
            _CURRENCY,
            *_money((_l("Total"), "total")),
            Column(_l("First order"), "t.first_at", "time"),
            Column(_l("Last order"), "t.last_at", "time"),
        ),
        """(select coalesce(buyer ->> 'name', '') as name, coalesce(buyer ->> 'company', '') as company,
                coalesce(buyer ->> 'phone', '') as phone, coalesce(buyer ->> 'email', '') as email,
                (array_agg(concat_ws(', ', nullif(buyer ->> 'address', ''), nullif(buyer ->> 'postcode', ''),
                    nullif(buyer ->> 'city', ''), nullif(buyer ->> 'state', ''), nullif(buyer ->> 'country', ''))
                    order by placed_at desc, id desc))[1] as address,
                currency, count(*) as orders,
                sum(case when status = 'cancelled' then 0 else total - refunded end)::bigint as total,
                min(placed_at) as first_at, max(placed_at) as last_at
            from orders where store_id = :store group by 1, 2, 3, 4, currency) t
            where concat(t.name, t.company, t.phone, t.email) <> '' order by t.name, t.phone, t.email, t.currency""",
    ),
)


def sheet_lines(connection: Connection, sheet: Sheet, store_id: int, zone: ZoneInfo) -> Iterator[str]:
    """The lines of one file, below a heading; rows are read a few at a time."""
    yield BYTE_ORDER_MARK
    yield from csv_lines([[_heading(column, zone) for column in sheet.columns]])
    columns = ", ".join(f"{column.sql} as column_{place}" for place, column in enumerate(sheet.columns))
    query = text(f"select {columns} from {sheet.source}").execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    rows = connection.execute(query, {"store": store_id})
    yield from csv_lines(_cells(sheet, row, zone) for row in rows)


def _heading(column: Column, zone: ZoneInfo) -> str:
    return f"{column.heading} ({zone.key})" if column.kind == "time" else str(column.heading)


def _cells(sheet: Sheet, row: Sequence[Any], zone: ZoneInfo) -> list[object]:
    kinds = [column.kind for column in sheet.columns]
    currency = str(row[kinds.index("currency")])
    return [_cell(kind, value, currency, zone) for kind, value in zip(kinds, row, strict=True)]


def _cell(kind: str, value: Any, currency: str, zone: ZoneInfo) -> object:
    if kind == "money":
        return "" if value is None else from_minor(value, currency)
    if kind == "person":
        return value or _("by itself")
    if value is None:
        return ""
    if kind.endswith(("State", "Status")):
        return str(badge_of(value, kind).label)
    return _WRITERS[kind](value, zone)


def _number(value: Any, _zone: ZoneInfo) -> object:
    whole = Decimal(value)
    return whole.normalize() if whole % 1 else int(whole)  # no text, which a spreadsheet would not add up


def _time(value: datetime, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


_WRITERS: Final[Mapping[str, Callable[[Any, ZoneInfo], object]]] = {
    "text": lambda value, _zone: str(value),
    "currency": lambda value, _zone: str(value),
    "number": _number,
    "time": _time,
    "day": lambda value, _zone: value.isoformat(),
    "yes": lambda value, _zone: _("yes") if value else _("no"),
    "cause": lambda value, _zone: str(CAUSES[CreditCause(value)]),
}
