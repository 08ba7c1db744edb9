"""What must hold of a shop's products and shelves after any crash: listings, branches, and warehouses that are counted
there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from tests.crash.books import Row
from tests.crash.kiot_books import ShopSide, StallBooks
from tests.crash.ledger import Finding


def audit_goods(shop: ShopSide, ours: StallBooks) -> Iterator[Finding]:
    """Everything that is wrong with what is sold there, what it costs, and how much of it there is."""
    listings = {row["remote_id"]: row for row in ours.listings}
    if len(listings) != len(ours.listings):
        yield Finding("doubled", "doubled: a product there has several listings")
    for product in shop.products:
        name = str(product["id"])
        listing = listings.pop(name, None)
        if listing is None or listing["is_gone"]:
            yield Finding("lost", f"lost: product {product['code']} is not among the listings")
            continue
        if (listing["sku"], listing["price"]) != (product["code"], _dong(product["basePrice"])):
            words = f"{listing['sku']} at {listing['price']}, there {product['code']} at {product['basePrice']}"
            yield Finding("wrong", f"unlike: listing {name} is {words}")
        yield from _counted(name, product, ours)
    for name, listing in listings.items():
        if not listing["is_gone"]:
            yield Finding("wrong", f"invented: listing {name} is not sold there")
    yield from _followed(shop, ours)
    yield from _added_up(ours)


def _counted(name: str, product: Row, ours: StallBooks) -> Iterator[Finding]:
    """The branches have what they say."""
    here = {row["branch"]: (row["on_hand"], row["reserved"]) for row in ours.stocks if row["remote_id"] == name}
    there = {
        str(row["branchId"]): (_pieces(row.get("onHand")), _pieces(row.get("reserved")))
        for row in product.get("inventories") or ()
    }
    if here != there:
        yield Finding("wrong", f"wrong stock: the branches have {there} of {product['code']}, listed are {here}")


def _followed(shop: ShopSide, ours: StallBooks) -> Iterator[Finding]:
    """Items that are linked have the price of there, and lie in our warehouses as the branches count them."""
    products = {str(row["id"]): row for row in shop.products}
    places = {row["remote_id"]: row["location_id"] for row in ours.branches}
    levels = {(row["item_id"], row["location_id"]): row["on_hand"] for row in ours.levels}
    items = {row["id"]: row for row in ours.items}
    for listing in ours.listings:
        product, item = products.get(listing["remote_id"]), items.get(listing["item_id"])
        if product is None or item is None or listing["is_gone"]:
            continue
        if ours.channel[0]["takes_prices"] and item["price"] != _dong(product["basePrice"]):
            words = f"{item['sku']} costs {item['price']}, there {product['basePrice']}"
            yield Finding("wrong", f"wrong price: {words}")
        if not ours.channel[0]["takes_stock"] or listing["conversion"] != 1 or listing["obstacle"]:
            continue
        for row in product.get("inventories") or ():
            place = places.get(str(row["branchId"]))
            told = max(int(_pieces(row.get("onHand")).to_integral_value(ROUND_FLOOR)), 0)
            if place is not None and levels.get((item["id"], place), 0) != told:
                stands = levels.get((item["id"], place), 0)
                words = f"{item['sku']} is {stands} in warehouse {place}, branch {row['branchId']} counts {told}"
                yield Finding("wrong", f"wrong stock: {words}")


def _added_up(ours: StallBooks) -> Iterator[Finding]:
    """The ledger adds up to the levels."""
    ledger = {(row["item_id"], row["location_id"]): row["on_hand"] for row in ours.ledger}
    levels = {(row["item_id"], row["location_id"]): row["on_hand"] for row in ours.levels}
    for place in ledger.keys() | levels.keys():
        if ledger.get(place, 0) != levels.get(place, 0):
            words = f"item {place[0]} is {levels.get(place, 0)}, its ledger says {ledger.get(place, 0)}"
            yield Finding("wrong", f"wrong stock: {words}")


def _pieces(told: float | None) -> Decimal:
    """A count as we keep it: to a ten-thousandth of a piece."""
    return Decimal(str(told or 0)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _dong(amount: float) -> int:
    return int(Decimal(str(amount)).quantize(Decimal(1), ROUND_HALF_UP))
