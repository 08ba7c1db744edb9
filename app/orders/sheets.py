"""What is stored of an order whatever is decided about it, in the form in which it travels to the database.

Making it asks the database nothing, so whoever reads orders from a channel makes it where they are read, and the one
that writes has nothing left to do but to decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from app.bulk import EncodedRows, encode_rows
from app.core.plan import gateway_key
from app.core.same_sale import content_key, sale_key
from app.core.types import RemoteLine, RemoteOrder

ORDER_COLUMNS: Final = (
    "remote_id",
    "number",
    "order_type",
    "status",
    "status_text",
    "payment_status",
    "payment_status_text",
    "gateway",
    "gateway_key",
    "remote_invoice_no",
    "currency",
    "placed_at",
    "paid_at",
    "shipped_at",
    "remote_updated_at",
    "buyer",
    "note",
    "shipping",
    "discount",
    "adjustment",
    "tax",
    "tax_included",
    "total",
    "refunded",
    "units",
    "line_discount",
    "digest",
    "content_key",
    "sale_key",
    "search",
)
LINE_COLUMNS: Final = (
    "line_no",
    "remote_id",
    "sku",
    "isku",
    "name",
    "variant",
    "quantity",
    "unit_price",
    "gross",
    "discount",
    "tax",
)
RAW_COLUMNS: Final = ("payload",)


@dataclass(frozen=True, slots=True)
class Sheet:
    """An order with its row, its lines and its payload: without the ids that the database gives, and undecided."""

    order: RemoteOrder
    content_key: str
    sale_key: str | None
    row: EncodedRows
    lines: EncodedRows
    raw: EncodedRows


def sheets_of(orders: Iterable[RemoteOrder]) -> dict[str, Sheet]:
    """The sheets of the orders, by their remote ids."""
    return {order.remote_id: _sheet(order) for order in orders}


def _sheet(order: RemoteOrder) -> Sheet:
    content, sale = content_key(order), sale_key(order)
    return Sheet(
        order,
        content,
        sale,
        row=encode_rows([{**_order_row(order), "content_key": content, "sale_key": sale}]),
        lines=encode_rows([_line_row(line_no, line) for line_no, line in enumerate(order.lines, start=1)]),
        raw=encode_rows([{"payload": order.raw}]),
    )


def _order_row(order: RemoteOrder) -> dict[str, Any]:
    return {
        "remote_id": order.remote_id,
        "number": order.number or order.remote_id,
        "order_type": order.order_type,
        "status": order.status,
        "status_text": order.status_text,
        "payment_status": order.payment_status,
        "payment_status_text": order.payment_status_text,
        "gateway": order.gateway.strip(),
        "gateway_key": gateway_key(order.gateway),
        "remote_invoice_no": order.invoice_no,
        "currency": order.currency,
        "placed_at": order.created_at,
        "paid_at": order.paid_at,
        "shipped_at": order.shipped_at,
        "remote_updated_at": order.updated_at,
        "buyer": dict(order.buyer),
        "note": order.note,
        "shipping": order.shipping,
        "discount": order.discount,
        "adjustment": order.adjustment,
        "tax": order.tax,
        "tax_included": order.tax_included,
        "total": order.total,
        "refunded": order.refunded,
        "units": sum(line.quantity for line in order.lines),
        "line_discount": sum(line.discount for line in order.lines),
        "digest": order.digest,
        "search": _search_text(order),
    }


def _line_row(line_no: int, line: RemoteLine) -> dict[str, Any]:
    return {
        "line_no": line_no,
        "remote_id": line.remote_id,
        "sku": line.sku,
        "isku": line.isku,
        "name": line.name,
        "variant": line.variant,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "gross": line.gross,
        "discount": line.discount,
        "tax": line.tax,
    }


def _search_text(order: RemoteOrder) -> str:
    """Everything one may look for, lower-case."""
    buyer = [order.buyer.get(name, "") for name in ("name", "company", "phone", "email")]
    skus = [sku for line in order.lines for sku in (line.sku, line.isku)]
    return " ".join(dict.fromkeys(part for part in (order.number, order.remote_id, *buyer, *skus) if part)).casefold()
