"""Orders as programs see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core.own_orders import document_of
from app.core.states import InvoiceState
from app.extensions import db
from app.invoices.models import Invoice
from app.own_orders.services import own_order
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
    return {"id": row.id, "state": str(row.state), "reason": row.reason, "invoice": told, **document_of(row.order)}
