"""The one table of orders that are odd on purpose: what a channel's data can hold that a careful shop's would not.

A fault is about how the shop answers, an oddity about what it sold. One press on the control page adds it; tests ask
of each what the portal makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.sandbox.sitegiant.catalogue import item_row
from app.sandbox.sitegiant.clock import now, stamp
from app.sandbox.sitegiant.orders import Order
from app.sandbox.sitegiant.shop import Shop


@dataclass(frozen=True, slots=True)
class Oddity:
    """An odd order: the fields in which it differs from a plain one, and those that are sent instead of its own.

    `spoil` is the text of a JSON object (`Shop.spoil`), `items` are (iSKU, SKU) of items that are added with it, and
    `midnight` is how many seconds from a local midnight it was made; 0 means some hours ago.
    """

    description: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    spoil: str = ""
    items: tuple[tuple[str, str], ...] = ()
    midnight: int = 0


class UnknownOddity(LookupError):
    """There is no such oddity."""


def _line(**fields: Any) -> dict[str, Any]:
    return {"isku": "A1", "product_name": "Kopi", "product_price": "21.00", "product_quantity": 2, **fields}


ODDITIES: Mapping[str, Oddity] = {
    "plain": Oddity("Nothing is odd about it."),
    "unknown_gateway": Oddity("Paid in a way that nobody has seen before.", {"billing_method": "MysteryPay 神秘"}),
    "no_gateway": Oddity("Says no way to pay.", {"billing_method": ""}),
    "sgd_channel": Oddity("Sold in Singapore dollars.", {"marketplace": "Shopee Odd SG", "currency": "SGD"}),
    "unknown_currency": Oddity(
        "Its channel has a currency that does not exist.", {"marketplace": "Odd", "currency": "QQQ"}
    ),
    "total_off": Oddity("A discount is missing: its lines do not add up to its total.", {"total": "37.00"}),
    "negative_discount": Oddity(
        "Its discounts are negative amounts.",
        {"order_items": [_line(discount_amount="-2.00")], "coupon_amount": "-5.00", "total": "35.00"},
    ),
    "negative_total": Oddity(
        "Its total is below zero.", {"order_items": [_line(product_price="-21.00")], "total": "-42.00"}
    ),
    "free": Oddity("It cost nothing.", {"order_items": [_line(product_price="0.00")], "total": "0.00"}),
    "no_lines": Oddity("It has no lines, but a total.", {"order_items": []}),
    "twin_lines": Oddity(
        "The same line, with the same id, comes twice.",
        {"order_items": [_line(order_item_id=7), _line(order_item_id=7)], "total": "84.00"},
    ),
    "same_sku_twice": Oddity(
        "Two items of the shop have the SKU that was sold.",
        {"order_items": [_line(isku="", product_sku="TWICE")]},
        items=(("TWICE-RED", "TWICE"), ("TWICE-BLUE", "TWICE")),
    ),
    "unknown_status": Oddity("Its status is a word that nobody knows.", {"order_status": "Teleported"}),
    "unknown_payment": Oddity("Its payment is in a state that nobody knows.", {"payment_status": "Bartered"}),
    "foreign_number": Oddity("Somebody else's invoice number stands on it.", {"invoice_no": "OTHER-77"}),
    "before_midnight": Oddity("Sold at 23:59 of the day before yesterday.", midnight=-60),
    "after_midnight": Oddity("Sold at 00:01 of yesterday.", midnight=60),
    "unicode": Oddity(
        "Names and numbers in many scripts, right-to-left and with invisible characters.",
        {"billing_firstname": "نورة\u202e Phạm 👩‍👩‍👧", "marketplace_order_id": "ORD\u200b-Ω-٣", "note": "<script>"},
    ),
    "controls": Oddity(
        "Control characters and half a surrogate pair in its texts.",
        spoil=r'{"marketplace_order_id":"A\u0000B\u0007C\nD","billing_firstname":"\ud800Nur\u001b[2J","note":"a\u0000"}',
    ),
    "long_number": Oddity("Its order number has 5,000 characters.", {"marketplace_order_id": "N" * 5000}),
    "long_gateway": Oddity("Its way to pay has 5,000 characters.", {"billing_method": "G" * 5000}),
    "long_id": Oddity("Its id has 300 digits.", spoil=f'{{"order_id":{"9" * 300}}}'),
    "long_note": Oddity("The buyer wrote a book into the note.", {"note": "lorem ipsum " * 20_000}),
    "missing_date": Oddity("It has no creation date.", spoil='{"order_creation_date":null,"created_at":null}'),
    "year_9999": Oddity("Made in the year 9999.", spoil='{"order_creation_date":"9999-12-31T23:59:59+08:00"}'),
    "year_1": Oddity("Made in the year 1.", spoil='{"order_creation_date":"0001-01-01T00:00:00+08:00"}'),
    "missing_total": Oddity("It has no total.", spoil='{"total":null}'),
    "not_a_number": Oddity("Its total is NaN.", spoil='{"total":NaN}'),
    "infinity": Oddity(
        "A price is infinite.", spoil='{"order_items":[{"isku":"A1","product_price":Infinity,"product_quantity":1}]}'
    ),
    "huge_amount": Oddity("Its total does not fit into 64 bits.", spoil=f'{{"total":{"9" * 40}}}'),
    "endless_amount": Oddity("Its total has 6,000 digits.", spoil=f'{{"total":{"9" * 6000}}}'),
    "huge_line": Oddity(
        "A price times its quantity does not fit into 64 bits.",
        spoil='{"order_items":[{"isku":"A1","product_price":"90000000000","product_quantity":900000000}]}',
    ),
    "huge_quantity": Oddity(
        "A quantity of a quintillion.",
        spoil='{"order_items":[{"isku":"A1","product_price":"0","product_quantity":1000000000000000000}]}',
    ),
    "fine_quantity": Oddity(
        "A quantity with seven decimals.",
        spoil='{"order_items":[{"isku":"A1","product_price":"21.00","product_quantity":"2.0000001"}]}',
    ),
    "wrong_shape": Oddity("Its lines are a word.", spoil='{"order_items":"none"}'),
    "deep": Oddity("Brackets in brackets, 500 deep.", spoil=f'{{"extra":{"[" * 500}{"]" * 500}}}'),
    "abyss": Oddity("Brackets in brackets, 50,000 deep.", spoil=f'{{"extra":{"[" * 50_000}{"]" * 50_000}}}'),
}


def listed() -> dict[str, str]:
    """Every oddity by name, with what is odd about it."""
    return {name: oddity.description for name, oddity in ODDITIES.items()}


def add_oddity(shop: Shop, name: str) -> int:
    """Add the odd order to the shop and return its id; raises UnknownOddity."""
    if name not in ODDITIES:
        raise UnknownOddity(f"There is no oddity {name}; there are {', '.join(ODDITIES)}.")
    oddity = ODDITIES[name]
    with shop.db.transaction():
        (order_id,) = shop.add_orders([_order(shop, oddity)])
        if oddity.spoil:
            shop.spoil(order_id, oddity.spoil)
        first = shop.next_item_id()
        shop.keep_items(
            item_row(
                first + place,
                isku=isku,
                product_sku=sku,
                name=f"Odd {isku}",
                variant="",
                price="21.00",
                updated_at=stamp(now()),
            )
            for place, (isku, sku) in enumerate(oddity.items)
        )
    return int(order_id)


def _order(shop: Shop, oddity: Oddity) -> Order:
    made = now() - timedelta(hours=3)
    if oddity.midnight:
        made = made.replace(hour=0, minute=0, second=0) - timedelta(days=1) + timedelta(seconds=oddity.midnight)
    return {
        "order_id": shop.next_order_id(),
        "marketplace_order_id": f"ODD-{shop.next_order_id()}",
        "marketplace": "Shopee",
        "order_status": "Completed",
        "payment_status": "Paid",
        "billing_method": "ShopeePay",
        "billing_firstname": "Odd",
        "order_creation_date": stamp(made),
        "paid_time": stamp(made + timedelta(minutes=1)),
        "order_items": [_line()],
        "total": "42.00",
        **oddity.fields,
    }
