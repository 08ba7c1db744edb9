"""What only the control side does with a shop: fill it, load it, edit it, count it, empty it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.sandbox.jsonl import BadRecords
from app.sandbox.kiotviet.clock import BadTime, now
from app.sandbox.kiotviet.goods import made_goods
from app.sandbox.kiotviet.house import furnish
from app.sandbox.kiotviet.kinds import KINDS
from app.sandbox.kiotviet.sales import Till, made_customers, made_purchases, made_returns
from app.sandbox.kiotviet.shop import BadRecord, Body, Shop


@dataclass(frozen=True, slots=True)
class Size:
    """How much a made-up shop has; there is a sale at the counter, without an order, for every two orders."""

    products: int = 600
    orders: int = 400
    seed: int = 1
    kilograms: bool = False


def fill(shop: Shop, size: Size, until: int | None = None, *, without: Collection[str] = ()) -> None:
    """Give an empty shop its branches, people, goods and sales, as of `until` (default: now), but for some kinds."""
    until = now() if until is None else until

    def keep(kind: str, bodies: Iterable[Body]) -> None:
        if kind not in without:
            shop.add_many(kind, bodies)

    with shop.db.transaction():
        furnish(shop, until, without)
        goods = made_goods(shop, size.seed, size.products, until, kilograms=size.kilograms) if size.products else []
        customers = list(made_customers(shop, size.seed, size.orders // 5, until)) if size.orders else []
        keep("customer", customers)
        if goods:
            till = Till(shop, size.seed, goods, customers, until)
            keep("order", till.orders(size.orders))
            till.counter_sales(size.orders // 2)
            keep("invoice", till.invoices)
            keep("return", made_returns(till.invoices, until))
            keep("purchaseorder", made_purchases(shop, goods, until))
            _reserve(goods, till.reserved)
        keep("product", goods)


def _reserve(goods: list[Body], reserved: Mapping[tuple[int, int], float]) -> None:
    """Write what the open orders reserve onto the goods, in whatever unit and combo it was ordered."""
    by_id = {one["id"]: one for one in goods}
    base_reserved: dict[tuple[int, int], float] = {}
    for (product_id, branch_id), quantity in reserved.items():
        product = by_id[product_id]
        parts = [(part["materialId"], part["quantity"]) for part in product.get("productFormulas", [])]
        for one_id, each in parts or [(product_id, 1)]:
            one = by_id[one_id]
            key = (one.get("masterUnitId") or one_id, branch_id)
            base_reserved[key] = base_reserved.get(key, 0) + quantity * each * (one.get("conversionValue") or 1)
    for (base_id, branch_id), quantity in base_reserved.items():
        base = by_id[base_id]
        for one in (base, *(by_id[unit["id"]] for unit in base.get("units", []))):
            for row in one.get("inventories") or []:
                if row["branchId"] == branch_id:
                    row["reserved"] = round(quantity / (one.get("conversionValue") or 1), 6)


def load(shop: Shop, kind: str, raws: list[Any], *, quiet: bool = True) -> list[int]:
    """Add records in the wire's shape, all or none; one without number, code or creation gets one.

    Raises BadRecords.
    """
    problems: list[tuple[int, str]] = []
    made: list[int] = []
    taken: set[int] = set()
    with shop.db.transaction():
        known = {row[0] for row in shop.db.rows(
            "SELECT record_id FROM records WHERE shop_id = ? AND kind = ?", (shop.shop_id, kind))}  # fmt: skip
        taken |= known
        for place, raw in enumerate(raws):
            try:
                made.append(_add(shop, kind, raw, taken, quiet=quiet))
                taken.add(made[-1])
            except (BadRecord, BadTime) as problem:
                problems.append((place, str(problem)))
        if problems:
            raise BadRecords(problems)
    return made


def _add(shop: Shop, kind: str, raw: Any, taken: set[int], *, quiet: bool) -> int:
    if not isinstance(raw, dict):
        raise BadRecord(f"{kind} is not a JSON object")
    name = KINDS[kind].id
    if raw.get(name) in taken:
        raise BadRecord(f"{name} {raw[name]} is taken already")
    return int(shop.add(kind, raw, quiet=quiet)[name])


def search(shop: Shop, kind: str, words: str, *, limit: int, offset: int) -> tuple[int, list[Body]]:
    """How many records of a kind have these words in code or name, and a stretch of them, newest first."""
    matching = """FROM records WHERE shop_id = :shop AND kind = :kind
        AND (:words = '' OR instr(code, :words) > 0 OR instr(name, :words) > 0)"""
    asked = {"shop": shop.shop_id, "kind": kind, "words": words.strip().casefold(), "limit": limit, "offset": offset}
    (count,) = shop.db.rows(f"SELECT count(*) {matching}", asked)
    found = shop.db.rows(f"SELECT body {matching} ORDER BY record_id DESC LIMIT :limit OFFSET :offset", asked)
    return int(count[0]), [json.loads(row[0]) for row in found]


def edit(shop: Shop, kind: str, record_id: int, fields: Mapping[str, Any]) -> Body:
    """Set any members of a record; one set to null is sent no more."""
    return shop.change(kind, record_id, lambda before: before | dict(fields))


def touch(shop: Shop, kind: str, every: int) -> int:
    """Edit every so-manyeth record of a kind without changing anything in it; says how many."""
    with shop.db.transaction():
        found = shop.db.rows(
            """SELECT record_id FROM (SELECT record_id, row_number() OVER (ORDER BY record_id) AS place FROM records
               WHERE shop_id = ? AND kind = ?) WHERE place % ? = 0""",
            (shop.shop_id, kind, every),
        )
        for (record_id,) in found:
            shop.change(kind, record_id, lambda body: body)
    return len(found)


def stats(shop: Shop) -> dict[str, Any]:
    """How many records of each kind there are, were deleted, and what the API wrote."""
    counted = shop.db.pairs("SELECT kind, count(*) FROM records WHERE shop_id = ? GROUP BY 1", (shop.shop_id,))
    removed = shop.db.pairs("SELECT kind, count(*) FROM removals WHERE shop_id = ? GROUP BY 1", (shop.shop_id,))
    written = shop.db.pairs(
        "SELECT action || ' ' || kind, count(*) FROM writes WHERE shop_id = ? GROUP BY 1", (shop.shop_id,)
    )
    return {"records": {kind: counted.get(kind, 0) for kind in KINDS}, "removed": removed, "writes": written}


def empty(shop: Shop) -> None:
    """Remove all that the shop holds; its credentials and its dialect stay."""
    with shop.db.transaction():
        for table in ("records", "removals", "writes", "webhooks", "deliveries", "posts"):
            shop.db.rows(f"DELETE FROM {table} WHERE shop_id = ?", (shop.shop_id,))  # noqa: S608  # one of ours
        shop.db.rows("DELETE FROM calls WHERE shop_id = ? OR shop_id IS NULL", (shop.shop_id,))
