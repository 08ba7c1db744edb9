"""A realistic Malaysian shop's orders, the same for the same seed.

Order number n of a shop depends on the seed, n and the time span alone, so a test can name one order and a
benchmark can make the same ten thousand again. All amounts are made in whole sen and only then written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.sandbox.sitegiant.catalogue import Item, catalogue
from app.sandbox.sitegiant.clock import LOCAL, stamp
from app.sandbox.sitegiant.markets import BLOCK, Fate, Market, fates, market_for
from app.sandbox.sitegiant.orders import Order, checked_order
from app.sandbox.sitegiant.people import buyer_fields

FIRST_ID = 1001
SPAN = timedelta(days=60)
MIDNIGHTS = ("before midnight", "after midnight")
_QUANTITIES = (1, 1, 1, 1, 2, 2, 3, 4, 12)
_WRONG_BY = (1, -5, 300, -1000, 33)  # sen added to the totals that do not foot on purpose
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def generated_orders(
    seed: int, count: int, until: datetime, *, first_id: int = FIRST_ID, span: timedelta = SPAN
) -> Iterator[Order]:
    """Yield `count` orders spread evenly over the span that ends at `until`, oldest first, the newest minutes old."""
    until = until.astimezone(LOCAL).replace(microsecond=0)
    step = span / max(count, 1)
    for number in range(count):
        order_id = first_id + number
        rnd = Random(f"{seed}:order:{order_id}")  # noqa: S311  # repeatable on purpose
        newest = number == count - 1
        slack = min(step, timedelta(minutes=9)) if newest else step
        created = until - step * (count - 1 - number) - slack * (0.1 + 0.8 * rnd.random())
        block, place = divmod(order_id - FIRST_ID, BLOCK)
        fate = fates(seed, block)[place]
        if fate.twist in MIDNIGHTS and span < timedelta(days=2):
            fate = replace(fate, twist="")  # a handful of brand-new orders stays brand-new
        yield _order(rnd, order_id, fate, created.replace(microsecond=0), until)


@dataclass(slots=True)
class _Sums:
    """The money of one order, in sen; discount and coupon are positive here whatever sign is sent."""

    lines: int = 0
    discount: int = 0
    tax: int = 0
    shipping: int = 0
    coupon: int = 0
    adjustment: int = 0

    def total(self, tax_inclusive: bool) -> int:
        tax = 0 if tax_inclusive else self.tax
        return self.lines - self.discount + self.shipping - self.coupon + self.adjustment + tax


def _order(rnd: Random, order_id: int, fate: Fate, created: datetime, until: datetime) -> Order:
    market = market_for(rnd, fate)
    sums = _Sums()
    lines = [
        _line(rnd, item, market, order_id * 10 + number, sums)
        for number, item in enumerate(rnd.sample(catalogue(), rnd.choice((1, 1, 2, 2, 3, 4))), start=1)
    ]
    gateway = market.cod if fate.cod else rnd.choice(market.gateways)
    _order_level_sums(rnd, market, gateway, sums)
    inclusive = market.tax == "inclusive"
    total = sums.total(inclusive)
    if fate.twist == "does not foot":
        total += _WRONG_BY[(order_id - FIRST_ID) // BLOCK % len(_WRONG_BY)]
    refunded = {"": 0, "full": total, "part": max(total // 3, 1)}[fate.refund]
    sign = -1 if market.signed_discounts else 1
    return checked_order(
        {
            "order_id": order_id,
            "marketplace_order_id": _marketplace_number(rnd, market, created, order_id),
            "marketplace": market.marketplace,
            "order_status": fate.order_status,
            "payment_status": fate.payment_status,
            "billing_method": gateway,
            **_times(rnd, fate, market, created, until),
            **buyer_fields(rnd, market.currency),
            "order_items": lines,
            "shipping_fee": sen(sums.shipping),
            "coupon_amount": sen(sign * sums.coupon),
            "other_adjustment_total": sen(sums.adjustment),
            "tax_total": sen(sums.tax),
            "tax_inclusive": int(inclusive),
            "refunded_amount": sen(refunded),
            "total": sen(total),
        }
    )


def _line(rnd: Random, item: Item, market: Market, line_id: int, sums: _Sums) -> dict[str, Any]:
    price = item.price if market.currency == "MYR" else item.price * 3 // 100 * 10
    quantity = rnd.choice(_QUANTITIES) if item.price < 100_000 else 1
    gross = price * quantity
    discount = gross * rnd.choice((5, 10, 15, 33)) // 100 if rnd.random() < 0.25 else 0
    tax = _sst(gross - discount, item.tax_percent, market.tax)
    sums.lines += gross
    sums.discount += discount
    sums.tax += tax
    return {
        "order_item_id": line_id,
        "product_sku": item.product_sku,
        "isku": item.isku if rnd.random() < 0.95 or not item.product_sku else "",
        "product_name": item.name,
        "variant": item.variant,
        "product_price": sen(price),
        "product_quantity": quantity,
        "product_total": sen(gross),
        "discount_amount": sen(-discount if market.signed_discounts else discount),
        "tax_amount": sen(tax),
    }


def _sst(net: int, percent: int, mode: str) -> int:
    """The tax in or on `net` sen, rounded half up to the sen."""
    if not mode or not percent:
        return 0
    base = 100 + percent if mode == "inclusive" else 100
    return (net * percent * 2 + base) // (2 * base)


def _order_level_sums(rnd: Random, market: Market, gateway: str, sums: _Sums) -> None:
    net = sums.lines - sums.discount
    sums.coupon = min(rnd.choice((300, 500, 888, 1000)), net // 2) if rnd.random() < 0.15 else 0
    if not market.counter:
        sums.shipping = rnd.choice((0, 0, 490, 490, 590, 800))
        sums.adjustment = rnd.choice((-100, 50, 200)) if rnd.random() < 0.03 and net > 500 else 0
    elif gateway == "Cash":
        due = sums.total(tax_inclusive=True)
        sums.adjustment = (due + 2) // 5 * 5 - due


def _times(rnd: Random, fate: Fate, market: Market, created: datetime, until: datetime) -> dict[str, Any]:
    """Creation, payment, dispatch and last change, never later than `until`; twists move creation to midnight."""
    midnight = created.replace(hour=0, minute=0, second=0)
    if fate.twist == "before midnight":
        created = midnight - timedelta(seconds=rnd.randrange(1, 60))
    elif fate.twist == "after midnight":
        created = midnight + timedelta(seconds=rnd.randrange(60))
    shipped = min(created + timedelta(minutes=rnd.randrange(90, 2880)), until)
    paid = min(created + timedelta(seconds=rnd.randrange(50, 900)), until)
    if fate.cod:
        paid = min(shipped + timedelta(minutes=rnd.randrange(1200, 4000)), until)
    times: dict[str, datetime | None] = {
        "order_creation_date": created,
        "paid_time": paid if fate.payment_status != "Unpaid" else None,
        "shipped_time": shipped if fate.shipped and not market.counter else None,
    }
    latest = max(at for at in times.values() if at)
    times["updated_at"] = min(latest + timedelta(seconds=rnd.randrange(600)), until)
    return {name: at and stamp(at) for name, at in times.items()}


def _marketplace_number(rnd: Random, market: Market, created: datetime, order_id: int) -> str:
    if market.type == "Shopee":
        return f"{created:%y%m%d}" + "".join(rnd.choices(_LETTERS, k=8))
    if market.type in {"Lazada", "TikTok"}:
        return str(rnd.randrange(10**14, 10**15))
    return f"{market.type[:3].upper()}-{order_id:06d}"


def sen(amount: int) -> str:
    """Write whole sen as ringgit with two decimals."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"
