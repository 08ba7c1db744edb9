"""The made orders in the shape in which SiteGiant sends them, encoded once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.bench.orders import MARKETPLACES, Line, MadeOrder

_STATUSES = {
    "paid": ("Completed", "Paid"),
    "unpaid": ("Open", "Unpaid"),
    "cancelled": ("Cancelled", "Unpaid"),
    "refunded": ("Completed", "Refunded"),
    "partially_refunded": ("Completed", "Partially Refunded"),
}
_CHANNEL_IDS = {name: place for place, (name, _weight) in enumerate(MARKETPLACES, start=1)}


@dataclass(frozen=True, slots=True)
class EncodedOrder:
    """One order as bytes: its row in the list, and its details without the invoice number, which may change."""

    id: int
    channel_id: int
    created: float
    """Seconds since 1970."""
    row: bytes
    detail: bytes
    """What follows the invoice number."""

    def with_number(self, invoice_no: str) -> bytes:
        """The details as they are now."""
        return b'{"invoice_no":%b,%b' % (json.dumps(invoice_no).encode(), self.detail)


def channel_list() -> bytes:
    """What the channels route carries."""
    rows = [
        {"id": number, "name": f"Bench - {name}", "type": "marketplace", "currency": "MYR"}
        for name, number in _CHANNEL_IDS.items()
    ]
    return _encoded({"channel_list": rows})


def encoded(order: MadeOrder) -> EncodedOrder:
    """The order as the wire has it."""
    status, payment = _STATUSES[order.status]
    created, updated = order.created_at.isoformat(), order.updated_at.isoformat()
    common = {"order_id": order.id, "order_status": status, "payment_status": payment, "updated_at": updated}
    first, _space, last = order.customer.name.partition(" ")
    detail = common | {
        "marketplace_order_id": order.remote_number,
        "channel_id": _CHANNEL_IDS[order.marketplace],
        "marketplace": order.marketplace,
        "billing_method": order.gateway,
        "order_creation_date": created,
        "paid_time": created if payment != "Unpaid" else None,
        "shipped_time": None,
        "billing_firstname": first,
        "billing_lastname": last,
        "billing_company": "",
        "billing_phone": order.customer.phone,
        "billing_email": order.customer.email,
        "billing_address": order.customer.address,
        "billing_city": order.customer.city,
        "billing_state": "",
        "billing_postcode": order.customer.postcode,
        "billing_country": order.customer.country,
        "note": order.note,
        "order_items": [_line(order.id * 10 + place, line) for place, line in enumerate(order.lines)],
        "shipping_fee": f"{order.shipping:.2f}",
        "coupon_amount": "0.00",
        "other_adjustment_total": "0.00",
        "tax_total": "0.00",
        "tax_inclusive": 0,
        "refunded_amount": f"{order.refunded:.2f}",
        "total": f"{order.total:.2f}",
    }
    return EncodedOrder(
        id=order.id,
        channel_id=_CHANNEL_IDS[order.marketplace],
        created=order.created_at.timestamp(),
        row=_encoded(common | {"created_at": created}),
        detail=_encoded(detail)[1:],
    )


def _line(line_id: int, line: Line) -> dict[str, Any]:
    return {
        "order_item_id": line_id,
        "product_sku": line.product.sku,
        "isku": line.product.sku,
        "product_name": line.product.name,
        "variant": line.product.variant,
        "product_price": f"{line.product.price:.2f}",
        "product_quantity": line.quantity,
        "product_total": f"{line.product.price * line.quantity:.2f}",
        "discount_amount": f"{line.discount * line.quantity:.2f}",
        "tax_amount": "0.00",
    }


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
