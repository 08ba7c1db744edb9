"""Moves the stock of a shop. One physical stock shows on several products: its base, and each unit it is sold in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from app.sandbox.kiotviet.dialect import spoken
from app.sandbox.kiotviet.outbox import tell
from app.sandbox.kiotviet.reading import plain
from app.sandbox.kiotviet.shop import Body, Shop, UnknownRecord

COMBO, GOODS, SERVICE = 1, 2, 3


def move(shop: Shop, branch_id: int, moves: Iterable[tuple[int, Decimal, Decimal]]) -> None:
    """Add to what is on hand and what is reserved, as (product, on hand, reserved); call it in a transaction.

    A combo moves its parts, a service nothing, a product that is gone nothing either.
    """
    changed: dict[int, Body] = {}
    for product_id, on_hand, reserved in moves:
        _move_one(shop, changed, (branch_id, on_hand, reserved), product_id)
    as_edit = spoken(shop.db, shop.shop_id)["stock_edits"] == "yes"
    for product in changed.values():
        shop.keep_stock(product, as_edit=as_edit)
    tell(shop.db, shop.shop_id, shop.retailer_id, "stock.update", _told(changed.values(), branch_id))


def move_lines(shop: Shop, document: Mapping[str, Any], lines: str, *, on_hand: int = 0, reserved: int = 0) -> None:
    """Move what the lines of a document say, so many times (1 or -1); call it in a transaction."""
    amounts = [(line["productId"], Decimal(str(line["quantity"]))) for line in document[lines]]
    move(shop, document["branchId"], [(product_id, each * on_hand, each * reserved) for product_id, each in amounts])


def set_on_hand(shop: Shop, product_id: int, branch_id: int, on_hand: Decimal) -> None:
    """Count a product anew in one branch; raises UnknownRecord."""
    with shop.db.transaction():
        there = stock_of(shop.find("product", product_id), branch_id)
        move(shop, branch_id, [(product_id, on_hand - Decimal(str(there.get("onHand", 0))), Decimal(0))])


def stock_of(product: Body, branch_id: int) -> Body:
    """The product's row of a branch, made where there is none."""
    rows: list[Body] = product.setdefault("inventories", [])
    for row in rows:
        if row["branchId"] == branch_id:
            return row
    rows.append(
        {
            "productId": product["id"],
            "productCode": product["code"],
            "productName": product.get("name"),
            "branchId": branch_id,
            "onHand": 0,
            "reserved": 0,
        }
    )
    return rows[-1]


def _move_one(shop: Shop, changed: dict[int, Body], by: tuple[int, Decimal, Decimal], product_id: int) -> None:
    """Move one product by so much in a branch, on hand and reserved."""
    branch_id, on_hand, reserved = by
    product = _find(shop, changed, product_id)
    if product is None or product.get("type") == SERVICE:
        return
    if product.get("type") == COMBO:
        for formula in product.get("productFormulas", []):
            each = Decimal(str(formula["quantity"]))
            _move_one(shop, changed, (branch_id, on_hand * each, reserved * each), formula["materialId"])
        return
    base = _find(shop, changed, product.get("masterUnitId") or product_id) or product
    pieces = _conversion(product) / _conversion(base)
    for one in (base, *(_find(shop, changed, unit["id"]) for unit in base.get("units", []))):
        if one is not None:
            size = _conversion(one) / _conversion(base)
            row = stock_of(one, branch_id)
            _add(row, "onHand", on_hand * pieces / size)
            _add(row, "reserved", reserved * pieces / size)
            changed[one["id"]] = one


def _find(shop: Shop, changed: Mapping[int, Body], product_id: int) -> Body | None:
    if product_id in changed:
        return changed[product_id]
    try:
        return shop.find("product", product_id)
    except UnknownRecord:
        return None


def _conversion(product: Body) -> Decimal:
    return Decimal(str(product.get("conversionValue") or 1))


def _add(row: Body, name: str, by: Decimal) -> None:
    row[name] = plain(round(Decimal(str(row.get(name) or 0)) + by, 6))


def _told(products: Iterable[Body], branch_id: int) -> list[dict[str, Any]]:
    rows = []
    for product in products:
        row = stock_of(product, branch_id)
        rows.append(
            {
                "productId": product["id"],
                "productCode": product["code"],
                "productName": product.get("fullName"),
                "branchId": branch_id,
                "branchName": row.get("branchName"),
                "cost": row.get("cost", 0),
                "onHand": row["onHand"],
                "reserved": row["reserved"],
            }
        )
    return rows
