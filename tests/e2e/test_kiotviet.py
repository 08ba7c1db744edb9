"""A shop in Hanoi whose goods live in KiotViet: connected, read, linked, and told of what is sold here.

What happens there stands on the open pages here, with nobody reloading them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.family import add_item, open_item, sees_stock
from tests.e2e.person import Person
from tests.e2e.steps import answered_quickly, open_store
from tests.sandbox.kiotviet.visiting import BRANCH, Visitor
from tests.sandbox.running import Running, running

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PRODUCTS, ORDERS = 240, 120
TEA, COFFEE = "TRA-SEN", "CA-PHE"
_shops = count(1)


@pytest.fixture(scope="module")
def kiotviet() -> Iterator[Running]:
    """KiotViet's sandbox as a process; the test adds a shop of its own."""
    with running("--products", "0", "--orders", "0", kind="kiotviet") as process:
        yield process


@pytest.fixture
def there(kiotviet: Running) -> Iterator[Visitor]:
    """A shop with goods and sales, and two products that the test knows by their codes."""
    key = f"hangsen{next(_shops)}"
    visitor = Visitor(kiotviet, key, f"client-of-{key}", f"secret-of-{key}")
    with visitor.session:
        made = {"key": key, "products": PRODUCTS, "orders": ORDERS}
        visitor.steer("POST", "shops", params={"key": "cuahangsen"}, json=made)
        yield visitor


def product(code: str, name: str, on_hand: int) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "fullName": name,
        "type": 2,
        "allowsSale": True,
        "isActive": True,
        "basePrice": 120_000,
        "weight": 250,
        "inventories": [{"branchId": BRANCH, "onHand": on_hand, "reserved": 0}],
    }


def keep_books_in_dong(person: Person) -> None:
    """The currency and the time zone of the store."""
    person.go("Settings", "Settings")
    person.page.get_by_label("Currency of its books").select_option("VND")
    person.page.get_by_label("Time zone").select_option("Asia/Ho_Chi_Minh")
    person.press("Save")


def connect(person: Person, there: Visitor) -> None:
    """From [+] Add channel to Finish, with two mistakes on the way."""
    person.go("Channels")
    person.follow("Add channel")
    person.follow("Continue with KiotViet")
    address = f"{there.sandbox.url}/"
    for shop, secret, said in (
        (f"{there.key}x", there.client_secret, "This client ID belongs to the shop"),
        (there.key, "wrong", "KiotViet does not know this client ID with this secret."),
        (there.key, there.client_secret, "The connection works: this is"),
    ):
        person.fill("Shop name", address + shop)
        person.fill("Client ID", there.client_id)
        person.fill("Client secret", secret)
        person.press("Test and continue")
        person.sees(said)
    person.fill("Name", "Hàng Sen")
    person.fill("Orders from", "2026-01-01")
    person.press("Connect")
    person.is_at("Set up Hàng Sen")
    person.look("set-up")
    person.press("Finish")
    person.sees("Choose")
    person.page.get_by_label("Grams", exact=True).check()
    person.page.get_by_label("Orders to KiotViet").check()
    person.page.get_by_label("Orders made here go to").select_option(str(BRANCH))
    person.press("Finish")


def make_order(person: Person, number: str, sku: str, name: str) -> None:
    person.go("Orders")
    person.follow("New order")
    lines = {"Item": name, "SKU": sku, "Quantity": "2", "Price each": "120000"}
    buyer = {"Order number": number, "Paid by": "Cash", "Phone": "0901 234 567", "Address": "5 Hàng Bông, Hà Nội"}
    for label, value in (lines | buyer).items():
        person.fill(label, value)
    person.page.get_by_label("It is paid", exact=True).check()
    person.press("Save order")
    person.is_at(f"Order {number}")


def accept_certain(person: Person) -> None:
    """Link what is proposed with certainty, after it is said how much that is."""
    person.follow("Accept all certain")
    person.press(re.compile("^Link"))


def orders_made(there: Visitor) -> list[dict[str, Any]]:
    """The orders that came over the wire, as they stand there now."""
    ids = [write["record_id"] for write in there.writes(kind="order", action="create")]
    return [there.steer("GET", f"records/order/{one}") for one in ids]


def test_goods_and_orders_go_both_ways(new_person: Callable[..., Person], there: Visitor) -> None:
    tea, _coffee = there.add("product", product(TEA, "Trà sen", 40), product(COFFEE, "Cà phê", 15))
    person = new_person("Lan Anh")
    open_store(person, "Hàng Sen")
    keep_books_in_dong(person)
    add_item(person, TEA, "Trà sen")
    there.fault("slow", ms=300)
    connect(person, there)
    person.awaits("First sync")
    person.look("first-load")
    there.steer("DELETE", "faults/slow")
    person.awaits("All orders up to", patience=90)
    person.look("loaded")

    person.follow("Product Sync")
    person.look("products")
    accept_certain(person)
    person.look("products-linked")
    open_item(person, TEA)
    sees_stock(person, on_hand=40)
    with person.staying():
        there.steer("POST", "stock", json={"productId": tea, "branchId": BRANCH, "onHand": 37})
        sees_stock(person, on_hand=37)
        there.steer("POST", "touch/product", json={"every": 1})
        assert len(answered_quickly(there.steer)) >= PRODUCTS

    make_order(person, "WEB-1", TEA, "Trà sen")
    person.awaits("On Hàng Sen")
    with person.staying():
        person.awaits(re.compile(r"DH\d{6}"))
    person.look("order-given")
    (given,) = orders_made(there)
    assert (given["total"], given["totalPayment"]) == (240_000, 240_000)

    make_order(person, "WEB-2", COFFEE, "Cà phê")
    person.awaits("has no product for")
    person.look("order-refused")
    assert len(orders_made(there)) == 1
    add_item(person, COFFEE, "Cà phê")
    person.go("Channels")
    person.follow("Hàng Sen")
    person.follow("Product Sync")
    accept_certain(person)
    person.go("Orders")
    person.follow("WEB-2")
    person.awaits(re.compile(r"DH\d{6}"))
    assert [one["total"] for one in orders_made(there)] == [240_000, 240_000]
    expect(person.menu.get_by_role("link", name="Failed Sync")).to_be_visible()
