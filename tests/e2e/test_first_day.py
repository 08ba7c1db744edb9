"""The main job end to end: from signing up to the number on the channel, with scripts and without."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.orders import Order
from tests.e2e.person import Person
from tests.e2e.shop import Shop
from tests.e2e.steps import choose_options, open_store, try_connection

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ORDERS = 320
GATEWAY = "ShopeePay"
SLOW = {"route": "detail", "ms": 3_000, "times": 15}
"""Three rounds of answers on all connections: some orders are read for six seconds before the last ones come."""
PLACES = {
    "Failed Sync": (),
    "Jobs": (),
    "Settings": ("Invoicing", "Payment methods", "Salespeople", "Warehouses"),
}
STORE = "Kedai Kopi Puteri"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_signing_up_to_the_number_on_the_channel(
    new_person: Callable[..., Person], new_shop: Callable[..., Shop], scripts: bool
) -> None:
    person, shop = new_person("Puteri Zahra" if scripts else "Puteri Balqis", scripts=scripts), new_shop(ORDERS)
    sign_up(person)
    connect(person, shop)
    check_for_updates(person, shop)
    map_the_red_gateway(person, shop)
    first, second = sync_two_orders(person, shop)
    sync_all_that_match(person, shop)
    read_an_invoice(person, shop, first)
    press_again(person, shop, second)
    look_at_home(person)
    if scripts:
        look_around(person)


def sign_up(person: Person) -> None:
    """Open a store; the first steps lead on."""
    person.page.goto("/signup")
    person.look("sign-up")
    open_store(person, STORE)
    person.sees("0 of 5 done")
    person.look("home-first-day")


def connect(person: Person, shop: Shop) -> None:
    """Add the channel: a wrong key stores nothing and says so, the right one goes through all steps."""
    person.follow("Connect a channel")
    person.is_at("Add channel")
    person.look("add-channel")
    person.follow("Continue with SiteGiant")
    try_connection(person, shop.domain, "not-the-key")
    person.sees("SiteGiant does not accept this key.")
    person.look("wrong-key")
    assert "Nothing is connected yet" in person.reads(person.address_of("Channels", person.menu)).decode()
    try_connection(person, shop.domain, shop.key)
    choose_options(person, "Wait until I choose")
    person.sees("5 marketplaces found")
    person.look("connected")


def check_for_updates(person: Person, shop: Shop) -> None:
    """Fetch all orders and watch it happen."""
    shop.visitor.fault("slow", **SLOW)
    person.press("Check for updates")
    person.sees("Checking for updates.")
    person.awaits(re.compile(rf"reading orders, \d+ of {ORDERS}"))
    person.follow("Check for updates")
    person.is_at("Check for updates")
    with person.staying():
        progress = list(map(int, person.watches_until("Everything is done.", rf"(\d+) of {ORDERS}")))
        expect(person.menu.get_by_role("link", name=f"Failed Sync {len(shop.to_book())}")).to_be_visible()
    shop.visitor.steer("DELETE", "faults")
    assert progress == sorted(progress)
    often = 2 if person.scripts else 1  # without scripts it looks again now and then
    assert len(progress) >= often, f"the page showed {progress} only"
    person.look("job-done")


def map_the_red_gateway(person: Person, shop: Shop) -> None:
    """The red gateway in Order Sync leads to its row; a new payment method there lets its orders go."""
    person.go("Channels")
    person.look("channels")
    person.follow("Open")
    person.is_at("Puteri")
    person.look("order-sync")
    person.follow(GATEWAY)
    person.sees("Where the money arrives")
    row = person.main.locator("form", has=person.page.get_by_label(f"Payment method for {GATEWAY}"))
    expect(row).to_be_in_viewport()
    person.look("payment-methods")
    waiting = len(shop.to_book(GATEWAY))
    with person.staying():
        row.get_by_label("New payment method").first.click()
        row.get_by_role("textbox", name="New payment method").fill("Shopee wallet")
        row.get_by_role("button", name="Save").click()
        person.sees(f"{waiting} orders are ready now.")
        expect(row.get_by_label(f"Payment method for {GATEWAY}").locator("option:checked")).to_have_text(
            "Shopee wallet"
        )
    person.look("gateway-mapped")


def sync_two_orders(person: Person, shop: Shop) -> tuple[Order, Order]:
    """Tick two orders and follow them until their numbers stand on the channel."""
    person.go("Orders")
    first, second, *_rest = shop.to_book(GATEWAY)
    with person.staying():
        for order in (first, second):
            person.page.get_by_label(f"Tick order {order['marketplace_order_id']}").check()
        person.look("orders-ticked")
        person.press("Sync ticked")
        person.sees("2 orders queued")
        for order in (first, second):
            person.awaits("Written back", row_of(person, order))
    person.look("orders-synced")
    return first, second


def row_of(person: Person, order: Order) -> Locator:
    """The order's row in a list."""
    return person.main.get_by_role("row", name=order["marketplace_order_id"])


def sync_all_that_match(person: Person, shop: Shop) -> None:
    """Choose all that are ready, on this page or not, and sync them; the job says what it did."""
    rest = len(shop.to_book(GATEWAY)) - 2
    person.narrow("Ready to sync")
    person.press(f"Sync all {rest}")
    person.sees(f"{rest} orders queued")
    person.follow("Watch the job")
    person.is_at("Sync")
    person.awaits("Everything is done.")
    person.look("sync-done")


def read_an_invoice(person: Person, shop: Shop, order: Order) -> None:
    """The invoice says what the channel charged, prints, exports, and its number stands on the channel."""
    person.go("Invoices")
    person.sees(f"{len(shop.to_book(GATEWAY))} invoices")
    person.look("invoices")
    rows = list(csv.DictReader(io.StringIO(person.saves("CSV").decode("utf-8-sig"))))
    exported = {row["Order"]: row for row in rows}[order["marketplace_order_id"]]
    person.follow(exported["Invoice"])
    person.is_at(f"Invoice {exported['Invoice']}")
    person.sees(f"RM\u00a0{Decimal(order['total']):,.2f}")
    person.sees("Shopee wallet")
    person.look("invoice")
    assert Decimal(exported["Total"]) == Decimal(order["total"])
    assert person.reads(person.address_of("PDF")).startswith(b"%PDF")
    assert shop.on_channel(order)["invoice_no"] == exported["Invoice"]
    person.follow(order["marketplace_order_id"])
    person.is_at(f"Order {order['marketplace_order_id']}")
    person.look("order")


def press_again(person: Person, shop: Shop, order: Order) -> None:
    """Sync what is invoiced already: it says so, and there is no second invoice."""
    person.go("Orders")
    person.page.get_by_label(f"Tick order {order['marketplace_order_id']}").check()
    person.press("Sync ticked")
    person.sees("Nothing to queue: 1 already invoiced")
    person.go("Invoices")
    person.sees(f"{len(shop.to_book(GATEWAY))} invoices")
    assert len(shop.writes_to(order)) == 1


def look_at_home(person: Person) -> None:
    """Nothing of the first steps is left, and Home answers its questions."""
    person.go("Home", STORE)
    person.sees("are in.")
    person.look("home")


def look_around(person: Person) -> None:
    """The pages that the way did not lead through."""
    for entry, tabs in PLACES.items():
        person.go(entry)
        person.look(entry.lower().replace(" ", "-"))
        for tab in tabs:
            person.follow(re.compile(f"^{tab}"))
            person.look(f"{entry}-{tab}".lower().replace(" ", "-"))
    person.go("Channels")
    person.follow("Open")
    for tab in ("Channels", "Failed Sync", "Product Sync", "Settings"):
        person.main.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{tab}")).click()
        person.look(f"channel-{tab}".lower().replace(" ", "-"))
