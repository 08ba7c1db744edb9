"""A shop's orders for the sandbox, in the wire's shape: the same for the same number and newest moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

Order = dict[str, Any]

LOCAL = timezone(timedelta(hours=8))
SPAN = timedelta(days=60)
PAID_OF_25 = 21
_UNPAID = (("Open", "Unpaid"), ("Cancelled", "Unpaid"), ("Pending Process", "Unpaid"), ("Returned", "Refunded"))
_PAID = ("Completed", "Completed", "Shipped", "Ready To Ship", "Processed")
_GATEWAYS = {
    "Shopee": ("ShopeePay", "SPayLater"),
    "Lazada": ("Lazada Wallet", "Touch 'n Go eWallet"),
    "TikTok Shop": ("TikTok Shop Pay", "Atome"),
    "": ("FPX", "Bank Transfer"),
    "POS": ("Cash", "DuitNow QR"),
}
_NAMES = (
    ("Nurul Ain", "binti Hashim"),
    ("陈", "美玲"),
    ("Lý", "Thị Hồng Nhung"),
    ("மீனா", "சுப்ரமணியம்"),
    ("Zoë 🌺", "D'Cruz"),
    ("Mohd Faiz", ""),
)
_ITEMS = (
    ("KOPI-1", "Kopi O 三合一", 1890),
    ("TEH-2", "Teh Tarik 3-in-1", 2150),
    ("SRMB-9", "Sambal “Pedas Gila” 🌶️ 240 g", 1299),
    ("BTK-M", "Kain batik", 15900),
    ("NON-L", "Nón lá truyền thống", 4505),
)


def orders(count: int, until: datetime, *, first_id: int = 100_001) -> Iterator[Order]:
    """Orders spread over the 60 days that end at `until`; 21 of each 25 are paid and can be booked."""
    step = SPAN / count
    for number in range(count):
        rnd = Random(number)
        created = (until - step * (count - number)).astimezone(LOCAL).replace(microsecond=0)
        yield _order(rnd, first_id + number, created, is_paid=number * 7 % 25 < PAID_OF_25)


def write_jsonl(path: Path, made: Iterator[Order]) -> list[Order]:
    """Write one order a line, and return them."""
    kept = list(made)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(order, ensure_ascii=False) + "\n" for order in kept)
    return kept


def is_booked(order: Order) -> bool:
    """Whether the order must become an invoice."""
    return bool(order["payment_status"] == "Paid")


def _order(rnd: Random, order_id: int, created: datetime, *, is_paid: bool) -> Order:
    marketplace = rnd.choice(tuple(_GATEWAYS))
    status, payment = (rnd.choice(_PAID), "Paid") if is_paid else rnd.choice(_UNPAID)
    first, last = rnd.choice(_NAMES)
    lines = [_line(rnd, order_id * 10 + place) for place in range(1, rnd.choice((1, 1, 2, 3)) + 1)]
    shipping = rnd.choice((0, 490, 800)) if marketplace != "POS" else 0
    items = sum(_sen(line["product_total"]) - _sen(line["discount_amount"]) for line in lines)
    coupon = min(rnd.choice((0, 0, 0, 333)), items)
    moment = (created + timedelta(minutes=3)).isoformat()
    return {
        "order_id": order_id,
        "marketplace_order_id": f"{marketplace[:2].upper() or 'WEB'}-{order_id}",
        "marketplace": marketplace,
        "order_status": status,
        "payment_status": payment,
        "billing_method": rnd.choice(_GATEWAYS[marketplace]),
        "order_creation_date": created.isoformat(),
        "paid_time": None if payment == "Unpaid" else moment,
        "updated_at": moment,
        "billing_firstname": first,
        "billing_lastname": last,
        "billing_city": "Seberang Perai",
        "order_items": lines,
        "shipping_fee": _ringgit(shipping),
        "coupon_amount": _ringgit(coupon),
        "total": _ringgit(items + shipping - coupon),
    }


def _line(rnd: Random, line_id: int) -> dict[str, Any]:
    sku, name, price = rnd.choice(_ITEMS)
    quantity = rnd.choice((1, 1, 2, 5))
    discount = price * quantity // 7 if rnd.random() < 0.3 else 0
    return {
        "order_item_id": line_id,
        "product_sku": sku,
        "isku": sku,
        "product_name": name,
        "product_price": _ringgit(price),
        "product_quantity": quantity,
        "product_total": _ringgit(price * quantity),
        "discount_amount": _ringgit(discount),
    }


def _ringgit(sen: int) -> str:
    return f"{sen // 100}.{sen % 100:02}"


def _sen(ringgit: str) -> int:
    return int(ringgit.replace(".", ""))
