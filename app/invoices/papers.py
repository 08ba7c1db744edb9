"""What the invoices of some orders say, number by number still open, in the form in which they are stored.

Nothing need be locked to make them. Whoever issues them holds them against the orders and the settings again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from app.bulk import EncodedRows, encode_rows
from app.core.invoicing import CannotBook, InvoiceDraft, draft_invoice
from app.core.numbering import INVOICE_SERIES
from app.core.states import Reason
from app.invoices.terms import Terms
from app.orders.services import Refusal, StoredOrder

NOTHING_REPLACED: Final[Mapping[int, int]] = MappingProxyType({})
INVOICE_COLUMNS = (
    "store_id",
    "series",
    "order_id",
    "channel_id",
    "marketplace_id",
    "invoice_date",
    "currency",
    "seller",
    "order_number",
    "buyer",
    "gateway",
    "payment_method_id",
    "payment_method",
    "payment_mapping_version",
    "salesperson_id",
    "salesperson",
    "salesperson_mapping_version",
    "paid_at",
    "subtotal",
    "discount",
    "shipping",
    "adjustment",
    "tax",
    "tax_included",
    "rounding",
    "total",
    "content_key",
    "replaces_id",
    "job_id",
    "issued_by",
)
LINE_COLUMNS = (
    "store_id",
    "line_no",
    "kind",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "discount",
    "tax",
    "amount",
)


@dataclass(frozen=True, slots=True)
class Papers:
    """Invoices without their numbers, and why the other orders cannot have one.

    `invoices` lack their number, `lines` the id of their invoice, which is that of the order at the same place of
    `orders_of_lines`.
    """

    terms: Terms
    versions: Sequence[tuple[int, str]]
    made: Sequence[tuple[StoredOrder, InvoiceDraft]]
    refusals: Sequence[Refusal]
    invoices: EncodedRows
    lines: EncodedRows
    orders_of_lines: Sequence[int]

    def hold(self, orders: Sequence[StoredOrder], terms: Terms) -> bool:
        """Whether these orders as they are now would have the same invoices under these terms."""
        return self.terms == terms and self.versions == _versions(orders)


def make_papers(
    orders: Sequence[StoredOrder],
    terms: Terms,
    *,
    job_id: int | None,
    replaces: Mapping[int, int] = NOTHING_REPLACED,
) -> Papers:
    """The papers of the orders, in their order. Asks the database nothing."""
    made: list[tuple[StoredOrder, InvoiceDraft]] = []
    refusals: list[Refusal] = []
    for order in orders:
        try:
            made.append((order, _draft(order, terms)))
        except CannotBook as error:
            refusals.append(Refusal(order.bookable.order_id, error.reason, error.detail))
    return Papers(
        terms=terms,
        versions=_versions(orders),
        made=made,
        refusals=refusals,
        invoices=encode_rows([_invoice_row(order, draft, terms, job_id, replaces) for order, draft in made]),
        lines=encode_rows([row for _order, draft in made for row in _line_rows(draft, terms.store_id)]),
        orders_of_lines=[draft.order_id for _order, draft in made for _line in draft.lines],
    )


def _draft(order: StoredOrder, terms: Terms) -> InvoiceDraft:
    if terms.holds_unmapped and not terms.has_method(order):
        raise CannotBook(Reason.GATEWAY_UNMAPPED, {"gateway": order.gateway, "gateway_key": order.gateway_key})
    return draft_invoice(
        order.bookable,
        time_zone=terms.time_zone,
        date_rule=terms.date_rule,
        closed_through=terms.closed_through,
    )


def _versions(orders: Sequence[StoredOrder]) -> list[tuple[int, str]]:
    return [(order.bookable.order_id, order.row_version) for order in orders]


def _invoice_row(
    order: StoredOrder, draft: InvoiceDraft, terms: Terms, job_id: int | None, replaces: Mapping[int, int]
) -> dict[str, Any]:
    method, salesperson = terms.method(order), terms.salesperson(order)
    return {
        "store_id": terms.store_id,
        "series": INVOICE_SERIES,
        "order_id": draft.order_id,
        "channel_id": order.channel_id,
        "marketplace_id": order.marketplace_id,
        "invoice_date": draft.invoice_date,
        "currency": draft.currency,
        "seller": terms.seller,
        "order_number": order.number,
        "buyer": order.buyer,
        "gateway": order.gateway,
        "payment_method_id": method.id,
        "payment_method": method.name,
        "payment_mapping_version": method.version,
        "salesperson_id": salesperson.id,
        "salesperson": salesperson.name,
        "salesperson_mapping_version": salesperson.version,
        "paid_at": order.bookable.paid_at,
        "subtotal": draft.subtotal,
        "discount": draft.discount,
        "shipping": draft.shipping,
        "adjustment": draft.adjustment,
        "tax": draft.tax,
        "tax_included": draft.tax_included,
        "rounding": draft.rounding,
        "total": draft.total,
        "content_key": order.content_key,
        "replaces_id": replaces.get(draft.order_id),
        "job_id": job_id,
        "issued_by": order.queued_by,
    }


def _line_rows(draft: InvoiceDraft, store_id: int) -> list[dict[str, Any]]:
    return [
        {
            "store_id": store_id,
            "line_no": position,
            "kind": line.kind,
            "sku": line.sku,
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "discount": line.discount,
            "tax": line.tax,
            "amount": line.amount,
        }
        for position, line in enumerate(draft.lines, start=1)
    ]
