"""What two linked stores do: read out a code, ask and grant, keep items and stock, make orders and pack them."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.e2e.person import PATIENCE, Person

ADDRESS = "12, Jalan Padungan, 93100 Kuching"


def read_code(person: Person) -> str:
    """The code as it stands under Store Details."""
    person.go("Settings", "Settings")
    code = person.main.locator("#store-details code").inner_text()
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", code)
    return code


def ask(main: Person, code: str, name: str) -> None:
    """From [+] Add channel to Pending, without looking round; the channel gets this name."""
    main.go("Channels")
    main.follow("Add channel")
    main.follow("Continue with SiteGiant ERP")
    main.fill("Store Verification Code", code)
    main.press("Continue")
    main.fill("Channel name", name)
    main.press("Connect")
    main.is_at(name)


def connect(main: Person, sub: Person, name: str) -> None:
    """From the code to Connected."""
    ask(main, read_code(sub), name)
    sub.go("Channels")
    sub.follow("Review the request")
    sub.main.get_by_label(re.compile("^More: ")).click()
    sub.follow("Grant Access")
    sub.press("Grant Access")
    main.awaits("has granted you access.")


def add_item(person: Person, sku: str, name: str, tracking: str = "") -> None:
    """An item by the form, which ends on its page."""
    person.go("Inventory")
    person.follow("Add an item")
    person.fill("SKU", sku)
    person.fill("Name", name)
    if tracking:
        person.main.get_by_text("Batches, serial numbers, kits").click()
        person.page.get_by_label("Tracking", exact=True).select_option(label=tracking)
    person.press("Add")
    person.is_at(sku)


def open_item(person: Person, sku: str) -> None:
    """The item's page, from the list."""
    person.go("Inventory")
    person.follow(re.compile(f"^{sku}"))
    person.is_at(sku)


def adjust_stock(person: Person, pieces: int) -> None:
    """What was counted, on the item's page."""
    person.fill("Pieces", str(pieces))
    person.press("Adjust stock")
    sees_stock(person, on_hand=pieces)


def sees_stock(person: Person, **figures: int) -> None:
    """The item's page says so much of it, at once or by itself: on_hand, reserved, available.

    What moved between the page and its stream is seen when the page looks again, four times a minute.
    """
    row = person.main.locator("#item-levels tbody tr").first
    for name, pieces in figures.items():
        label = name.replace("_", " ").capitalize()
        expect(row.locator(f'[data-label="{label}"]')).to_have_text(str(pieces), timeout=2 * PATIENCE * 1000)


def make_order(person: Person, number: str, sku: str, name: str, quantity: int, *, paid: bool) -> None:
    """A webstore order by the form, which ends on its page."""
    person.go("Orders")
    person.follow("New order")
    lines = {"Item": name, "SKU": sku, "Quantity": str(quantity), "Price each": "18.90"}
    buyer = {"Name": "Sarimah", "Phone": "012-345 6789", "Address": ADDRESS}
    for label, value in (lines | {"Order number": number, "Paid by": "FPX"} | buyer).items():
        person.fill(label, value)
    if paid:
        person.page.get_by_label("It is paid", exact=True).check()
    person.press("Save order")
    person.is_at(f"Order {number}")


def open_order(person: Person, number: str) -> None:
    """An order's page, from all orders."""
    person.go("Orders")
    person.follow(number)
    person.is_at(f"Order {number}")


def parcels(person: Person) -> Locator:
    """The card of an order's page that says where it stands and what it is packed in."""
    return person.main.locator(".card", has=person.page.get_by_role("heading", name=re.compile("^Packages")))


def stands(person: Person, *words: str | re.Pattern[str]) -> None:
    """The card of the packages says so, at once or by itself."""
    for one in words:
        person.awaits(one, parcels(person))
