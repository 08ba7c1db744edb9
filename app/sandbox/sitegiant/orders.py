"""One order in SiteGiant's wire shape: what it must hold, what it may leave out, what it adds up to.

An order stays the plain JSON object that travels on the wire: the sandbox keeps, shows and edits exactly what
it sends, so there is no second model that could disagree with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Order = dict[str, Any]

REQUIRED = ("order_id", "order_status", "payment_status", "order_creation_date", "order_items", "total")
TIMES = ("order_creation_date", "paid_time", "shipped_time", "updated_at")
AMOUNTS = ("shipping_fee", "coupon_amount", "other_adjustment_total", "refunded_amount", "total")
TOTAL_PARTS = frozenset(
    {"order_items", "shipping_fee", "coupon_amount", "other_adjustment_total", "tax_total", "tax_inclusive"}
)
MAX_ID = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly

_SMALLEST, _LARGEST = Decimal("1e-20"), Decimal("1e15")  # what adds up without losing a sen

_ORDER: Mapping[str, Any] = {
    "order_id": None,
    "marketplace_order_id": "",
    "channel_id": None,
    "marketplace": "",
    "order_status": "",
    "payment_status": "",
    "billing_method": "",
    "invoice_no": "",
    "order_creation_date": None,
    "paid_time": None,
    "shipped_time": None,
    "updated_at": None,
    "billing_firstname": "",
    "billing_lastname": "",
    "billing_company": "",
    "billing_phone": "",
    "billing_email": "",
    "billing_address": "",
    "billing_city": "",
    "billing_state": "",
    "billing_postcode": "",
    "billing_country": "MY",
    "note": "",
    "order_items": [],
    "shipping_fee": "0.00",
    "coupon_amount": "0.00",
    "other_adjustment_total": "0.00",
    "tax_total": None,
    "tax_inclusive": 0,
    "refunded_amount": "0.00",
    "total": None,
}
_LINE: Mapping[str, Any] = {
    "order_item_id": None,
    "product_sku": "",
    "isku": "",
    "product_name": "",
    "variant": "",
    "product_price": None,
    "product_quantity": None,
    "product_total": None,
    "discount_amount": "0.00",
    "tax_amount": "0.00",
}


class BadOrder(ValueError):
    """An order that the sandbox cannot keep; the text says which field, for the person who wrote it."""


def checked_order(raw: object) -> Order:
    """Return the order with every field of the wire present, in the wire's order, extra fields last.

    Raises BadOrder. Values are kept as given (an amount may be a string or a number): the sandbox is a place
    to try odd data, so it refuses only what it could not list, edit or add up.
    """
    if not isinstance(raw, dict):
        raise BadOrder("an order is a JSON object")
    missing = [name for name in REQUIRED if raw.get(name) in (None, "")]
    if missing:
        raise BadOrder(f"{', '.join(missing)} missing")
    order: Order = {**_ORDER, **raw}
    order["order_id"] = whole_number(order["order_id"], "order_id")
    if order["channel_id"] is not None:
        order["channel_id"] = whole_number(order["channel_id"], "channel_id")
    for name in ("marketplace", "order_status", "payment_status", "invoice_no"):
        order[name] = _text(order[name], name)
    order["updated_at"] = order["updated_at"] or order["order_creation_date"]
    for name in TIMES:
        if order[name]:
            moment(order[name], name)
    order["order_items"] = _checked_lines(order["order_items"])
    for name in AMOUNTS:
        amount(order[name], name)
    if order["tax_total"] is None:
        order["tax_total"] = money(sum(amount(line["tax_amount"], "") for line in order["order_items"]))
    amount(order["tax_total"], "tax_total")
    if order["tax_inclusive"] not in (0, 1):
        raise BadOrder("tax_inclusive is 0 or 1")
    return order


def footing(order: Order) -> Decimal:
    """What the order's parts add up to; discounts and coupons are taken off whatever sign they carry."""
    lines = sum(
        amount(line["product_total"], "product_total") - abs(amount(line["discount_amount"], "discount_amount"))
        for line in order["order_items"]
    )
    return (
        Decimal(lines)
        + amount(order["shipping_fee"], "shipping_fee")
        - abs(amount(order["coupon_amount"], "coupon_amount"))
        + amount(order["other_adjustment_total"], "other_adjustment_total")
        + (Decimal(0) if order["tax_inclusive"] else amount(order["tax_total"], "tax_total"))
    )


def off_by(order: Order) -> Decimal:
    """How far the order's total is from what its parts add up to; zero for an order that foots."""
    return amount(order["total"], "total") - footing(order)


def moment(value: object, name: str) -> datetime:
    """Read an RFC 3339 time; one without an offset is refused, because its day would be a guess."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadOrder(f"{name} {value!r} is not a time like 2026-11-20T23:58:10+08:00") from None
    if at.tzinfo is None:
        raise BadOrder(f"{name} {value!r} has no offset like +08:00")
    return at


def amount(value: object, name: str) -> Decimal:
    """Read an amount that is a decimal string or a JSON number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadOrder(f"{name} {value!r} is not an amount")
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        raise BadOrder(f"{name} {value!r} is not an amount") from None
    if not read.is_finite() or not (read == 0 or _SMALLEST <= abs(read) < _LARGEST):
        raise BadOrder(f"{name} {value!r} is not an amount")
    return read


def money(value: Decimal | int) -> str:
    """Write an amount as the wire does: at least two decimals, more only where the value needs them."""
    value = Decimal(value)
    exact = value.quantize(Decimal("0.01"))
    return f"{exact if exact == value else value.normalize():f}"


def whole_number(value: object, name: str) -> int:
    """Read an id: a positive whole number, or a string of its digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_ID:
        raise BadOrder(f"{name} {value!r} is not a positive whole number")
    return value


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadOrder(f"{name} {value!r} is not text")
    return value


def _checked_lines(raw: object) -> list[dict[str, Any]]:
    if not isinstance(raw, list):
        raise BadOrder("order_items is not a list")
    return [_checked_line(line, number) for number, line in enumerate(raw, start=1)]


def _checked_line(raw: object, number: int) -> dict[str, Any]:
    where = f"order_items[{number}]"
    if not isinstance(raw, dict):
        raise BadOrder(f"{where} is not a JSON object")
    line = {**_LINE, **raw}
    price = amount(line["product_price"], f"{where} product_price")
    quantity = amount(line["product_quantity"], f"{where} product_quantity")
    if line["order_item_id"] is None:
        line["order_item_id"] = number
    if line["product_total"] is None:
        line["product_total"] = money(price * quantity)
    for name in ("product_total", "discount_amount", "tax_amount"):
        amount(line[name], f"{where} {name}")
    return line
