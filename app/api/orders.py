"""Orders as programs see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core.own_orders import document_of
from app.core.packing import Package
from app.core.states import InvoiceState
from app.extensions import db
from app.fulfilment.queries import fulfilments_of
from app.invoices.models import Invoice
from app.own_orders.services import OwnOrderRow, own_order
from app.tenancy.scope import current_store_id


def order_json(order_id: int) -> dict[str, Any] | None:
    """An order that was made here: what it says, where it stands, and its invoice; None when there is none."""
    row = own_order(order_id)
    if row is None:
        return None
    invoice = db.session.execute(
        select(Invoice.number_text, Invoice.invoice_date).where(
            Invoice.store_id == current_store_id(),
            Invoice.order_id == order_id,
            Invoice.state == InvoiceState.POSTED,
        )
    ).one_or_none()
    told = None if invoice is None else {"number": invoice.number_text, "date": invoice.invoice_date.isoformat()}
    packages = fulfilments_of([order_id])[order_id].packages
    return {
        "id": row.id,
        "state": str(row.state),
        "reason": row.reason,
        "invoice": told,
        **document_of(row.order),
        "packages": [_package_json(package, row) for package in packages],
    }


def _package_json(package: Package, row: OwnOrderRow) -> dict[str, Any]:
    """A package with what it holds of this order; `line` counts the order's lines from 1."""
    skus = {number: line.sku for number, line in enumerate(row.order.lines, start=1)}
    mine = (line for line in package.lines if line.order_id == row.id)
    return {
        "number": package.number,
        "courier": package.courier,
        "tracking_number": package.tracking_number,
        "shipped_at": package.shipped_at.isoformat() if package.shipped_at else None,
        "lines": [
            {"line": line.line_no, "sku": skus.get(line.line_no, ""), "quantity": f"{line.quantity.normalize():f}"}
            for line in mine
        ],
        "shared_with": list(package.shared_with(row.id)),
    }
