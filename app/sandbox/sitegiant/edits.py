"""What a person does to an order on the control page: pay it, cancel it, refund it, edit it.

Each takes the order as it is and returns the order as it shall be; the shop stores it and stamps `updated_at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.sandbox.sitegiant.clock import stamp
from app.sandbox.sitegiant.orders import TOTAL_PARTS, BadOrder, Order, amount, checked_order, footing, money


def pay(order: Order, at: datetime) -> Order:
    """Mark the order paid; an open one moves on, a shipped COD order keeps its status."""
    status = "Pending Process" if order["order_status"] == "Open" else order["order_status"]
    paid_time = order["paid_time"] or stamp(at)
    return {**order, "payment_status": "Paid", "paid_time": paid_time, "order_status": status}


def cancel(order: Order) -> Order:
    """Cancel the order; money already taken stays taken until it is refunded, as on a real channel."""
    return {**order, "order_status": "Cancelled"}


def refund(order: Order, sum_back: Decimal | None = None) -> Order:
    """Give back a part, or all that is left: only when nothing is left does the payment read Refunded."""
    total, before = amount(order["total"], "total"), amount(order["refunded_amount"], "refunded_amount")
    back = total - before if sum_back is None else sum_back
    if not 0 < back <= total - before:
        raise BadOrder(f"amount {money(back)} is not between 0.01 and {money(total - before)}")
    refunded = {**order, "refunded_amount": money(before + back)}
    return {**refunded, "payment_status": "Refunded"} if before + back == total else refunded


def dearer(order: Order) -> Order:
    """Charge one more for the shipping, as when somebody edits the order on the channel."""
    return patch(order, {"shipping_fee": money(amount(order["shipping_fee"], "shipping_fee") + 1)})


def patch(order: Order, fields: Mapping[str, Any]) -> Order:
    """Set any fields. The total follows the lines unless it is named too, which is how an order is put out of
    balance on purpose."""
    if "order_id" in fields and fields["order_id"] != order["order_id"]:
        raise BadOrder("order_id cannot be changed")
    changed = {**order, **fields}
    if "order_items" in fields and "tax_total" not in fields:
        changed["tax_total"] = None
    changed = checked_order(changed | {"updated_at": changed.get("updated_at") or order["updated_at"]})
    if TOTAL_PARTS & fields.keys() and "total" not in fields:
        changed["total"] = money(footing(changed))
    return changed
