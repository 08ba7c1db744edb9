"""The made-up shop: repeatable, adding up, and with everything in it that a connector has to tell apart."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from app.sandbox.kiotviet import desk
from app.sandbox.kiotviet.clock import moment_of
from app.sandbox.kiotviet.database import Database
from app.sandbox.kiotviet.shop import Body, Shop
from app.sandbox.kiotviet.state import Sandbox

UNTIL = moment_of("2026-11-20T12:00:00")


def made(db: Database, seed: int = 7, *, kilograms: bool = False) -> Shop:
    shop = Sandbox(db).keep_shop("x", name="x", client_id="x", client_secret="x", rate_limit=1)
    desk.fill(shop, desk.Size(products=600, orders=300, seed=seed, kilograms=kilograms), UNTIL)
    return shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with closing(Database()) as db:
        yield made(db)


def digest(shop: Shop) -> str:
    everything = [shop.every(kind) for kind in ("product", "customer", "order", "invoice", "return")]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()


def test_the_same_seed_makes_the_same_shop(shop: Shop) -> None:
    digests = []
    for seed in (7, 8):
        with closing(Database()) as db:
            digests.append(digest(made(db, seed)))
    assert digests[0] == digest(shop) != digests[1]


def worth(body: Body, lines: str) -> Any:
    goods = sum(line["quantity"] * (line["price"] - line.get("discount", 0)) for line in body[lines])
    charges = sum(one["price"] for one in body.get("invoiceOrderSurcharges", []))
    return goods - body.get("discount", 0) + charges


def test_every_total_is_the_sum_of_its_parts(shop: Shop) -> None:
    for kind, lines in (("order", "orderDetails"), ("invoice", "invoiceDetails")):
        assert [body["code"] for body in shop.every(kind) if worth(body, lines) != body["total"]] == []
        for body in shop.every(kind):
            assert sum(one["amount"] for one in body.get("payments", [])) == body["totalPayment"]


def test_every_status_turns_up_and_sales_without_an_order_too(shop: Shop) -> None:
    orders = Counter(body["status"] for body in shop.every("order"))
    assert set(orders) == {1, 2, 3, 4, 5}
    invoices = shop.every("invoice")
    assert {body["status"] for body in invoices} == {1, 2, 3}
    assert sum("orderId" in body for body in invoices) == orders[2] + orders[3]
    assert sum("orderId" not in body for body in invoices) == 150


def test_what_lines_name_is_there(shop: Shop) -> None:
    products = {body["id"]: body for body in shop.every("product")}
    for order in shop.every("order"):
        for line in order["orderDetails"]:
            product = products[line["productId"]]
            assert (line["productCode"], line["productName"]) == (product["code"], product["fullName"])
            assert product["isActive"]
        if "customerId" in order:
            assert shop.find("customer", order["customerId"])["name"] == order["customerName"]


def test_open_orders_reserve_what_they_name_in_pieces_of_the_base(shop: Shop) -> None:
    products = {body["id"]: body for body in shop.every("product")}
    wanted: dict[tuple[int, int], float] = defaultdict(float)
    for order in shop.every("order"):
        for line in order["orderDetails"] if order["status"] in (1, 2, 5) else []:
            product = products[line["productId"]]
            parts = [(one["materialId"], one["quantity"]) for one in product.get("productFormulas", [])]
            for one_id, each in parts or [(product["id"], 1)]:
                one = products[one_id]
                pieces = line["quantity"] * each * one.get("conversionValue", 1)
                base_id: int = one.get("masterUnitId") or one_id
                wanted[base_id, order["branchId"]] += pieces
    for product in products.values():
        for stock in product.get("inventories", []):
            base: int = product.get("masterUnitId") or product["id"]
            expected = wanted[base, stock["branchId"]] / product.get("conversionValue", 1)
            assert stock["reserved"] == (0 if product["type"] == 1 else pytest.approx(expected, abs=1e-5))


def test_nothing_lies_in_the_future_or_was_edited_before_it_was_made(shop: Shop) -> None:
    for kind in ("product", "order", "invoice", "customer"):
        for body in shop.every(kind):
            made_at = moment_of(body["createdDate"])
            assert made_at <= moment_of(body.get("modifiedDate") or body["createdDate"]) <= UNTIL, body


def test_dates_have_no_three_or_seven_digits_and_some_rows_were_never_edited(shop: Shop) -> None:
    texts = [body["createdDate"] for body in shop.every("order")]
    assert {len(text.partition(".")[2]) for text in texts} == {0, 3, 7}
    assert {"modifiedDate" in body for body in shop.every("order")} == {True, False}


def test_weights_are_in_grams_or_in_kilograms(shop: Shop) -> None:
    with closing(Database()) as db:
        heavy = made(db, kilograms=True)
        for gram, kilogram in zip(shop.every("product"), heavy.every("product"), strict=True):
            assert gram.get("weight", 0) == pytest.approx(1000 * kilogram.get("weight", 0))


def test_units_show_the_stock_of_their_base(shop: Shop) -> None:
    products = {body["id"]: body for body in shop.every("product")}
    for product in products.values():
        if "masterUnitId" in product:
            base = products[product["masterUnitId"]]
            for mine, theirs in zip(product["inventories"], base["inventories"], strict=True):
                assert mine["onHand"] * product["conversionValue"] == pytest.approx(theirs["onHand"], abs=1e-3)
