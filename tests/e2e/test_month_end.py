"""Month's end: what failed is mended or left out, what was taken back is credited, and everything accounted for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.orders import LOCAL, Order
from tests.e2e.person import Person
from tests.e2e.shop import Shop
from tests.e2e.steps import choose_options, open_store, try_connection

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ORDERS = 60
STORE = "Kedai Buku Kamariah"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_bookkeeper_closes_the_month(
    new_person: Callable[..., Person], new_shop: Callable[..., Shop], scripts: bool
) -> None:
    person, shop = new_person("Kamariah Idris" if scripts else "Kamalia Idris", scripts=scripts), new_shop(ORDERS)
    book_everything(person, shop)
    cancelled, refunded, wrong, odd = trouble(shop)
    check(person)
    credit_what_was_cancelled(person, shop, cancelled)
    credit_a_part(person, refunded)
    mend_and_retry(person, shop, wrong)
    leave_out(person, odd)
    issue_again(person, shop, shop.to_book()[0])
    verify(person, shop)
    look_up(person, shop)
    close_the_month(person, shop)
    read_the_register(person)


def book_everything(person: Person, shop: Shop) -> None:
    """A store whose orders of two months are all invoiced."""
    open_store(person, STORE)
    person.follow("Connect a channel")
    person.follow("Continue with SiteGiant")
    try_connection(person, shop.domain, shop.key)
    choose_options(person, "Book as Cash and mark it red")
    check(person)
    person.go("Orders")
    person.narrow("Ready to sync")
    person.press(f"Sync all {len(shop.to_book())}")
    person.follow("Watch the job")
    person.awaits("Everything is done.")


def check(person: Person) -> None:
    """Check for updates, to the end."""
    person.go("Channels")
    person.follow("Open")
    person.press("Check for updates")
    person.awaits(re.compile("All orders up to .+ are in"))
    person.go("Jobs")
    person.follow("Check for updates")
    person.awaits(re.compile("Everything is done|Done"))


def trouble(shop: Shop) -> tuple[Order, Order, Order, Order]:
    """On the channel one order is cancelled and one refunded in part; two new ones do not add up."""
    _newest, cancelled, refunded, sample, *_rest = shop.to_book()
    change(shop, cancelled, order_status="Cancelled")
    change(shop, refunded, payment_status="Partially Refunded", refunded_amount="1.00")
    wrong, odd = (
        {**sample, "order_id": 900_001 + place, "marketplace_order_id": f"ODD-{place}", "total": "99999.00"}
        for place in (1, 2)
    )
    for place, order in enumerate((wrong, odd), start=1):
        order["billing_firstname"] = f"Pembeli {place}"
        order["invoice_no"] = ""
    shop.visitor.add(wrong, odd)
    return cancelled, refunded, wrong, odd


def change(shop: Shop, order: Order, **fields: str) -> None:
    """Change an order on the channel."""
    shop.visitor.steer("PATCH", f"orders/{order['order_id']}", json=fields)


def open_order(person: Person, order: Order) -> None:
    """Go to the order's page by its number."""
    person.go("Failed Sync")
    person.follow("Where is my order?")
    person.main.get_by_role("searchbox").fill(str(order["marketplace_order_id"]))
    person.press("Find")
    person.follow("Open the order")
    person.is_at(f"Order {order['marketplace_order_id']}")


def credit_what_was_cancelled(person: Person, shop: Shop, order: Order) -> None:
    """The cancelled order asks to be credited; its credit note takes back all of it."""
    person.go("Failed Sync")
    person.look("failed-sync")
    open_order(person, order)
    person.look("order-cancelled")
    person.follow("Credit…")
    person.look("credit")
    person.press("Show the credit note")
    person.sees("This is what the credit note will say")
    person.press("Make the credit note")
    person.is_at("Credit note CN00001")
    person.look("credit-note")
    assert person.reads(person.address_of("PDF")).startswith(b"%PDF")
    assert len(shop.writes_to(order)) == 1, "a credit note does not touch the channel"


def credit_a_part(person: Person, order: Order) -> None:
    """What was refunded in part is credited by that amount, and the invoice stays."""
    open_order(person, order)
    person.follow("Credit…")
    expect(person.page.get_by_label("Amount", exact=True)).to_have_value("1.00")
    person.press("Show the credit note")
    person.press("Make the credit note")
    person.is_at("Credit note CN00002")
    person.sees("RM\u00a01.00")


def mend_and_retry(person: Person, shop: Shop, order: Order) -> None:
    """The order is mended on the channel; Retry books it, and its row leaves Failed Sync."""
    true_total = shop.to_book()[3]["total"]
    change(shop, order, total=true_total)
    person.go("Failed Sync")
    person.follow("Total differs from its lines")
    person.sees("2 orders")
    person.look("failed-cause")
    row = person.main.get_by_role("row", name=str(order["marketplace_order_id"]))
    row.get_by_role("button", name="Retry").click()
    person.awaits("1 order", person.main.locator("#failed-head"))
    if person.scripts:
        person.awaits("Invoiced", row)
    open_order(person, order)
    person.awaits("Written back")
    assert shop.on_channel(order)["invoice_no"].startswith("INV")


def leave_out(person: Person, order: Order) -> None:
    """The other one is ignored with a reason, and can be taken back in."""
    person.go("Failed Sync")
    person.follow("Ignore all…")
    person.main.get_by_role("textbox").fill("A test of the marketplace")
    person.look("ignore")
    person.press(re.compile("^Ignore"))
    person.follow(re.compile("^Ignored"))
    person.sees("A test of the marketplace")
    person.sees(str(order["marketplace_order_id"]))
    person.look("ignored")


def issue_again(person: Person, shop: Shop, order: Order) -> None:
    """Re-issue credits the invoice and issues the next; the channel shows the new number."""
    before = shop.on_channel(order)["invoice_no"]
    open_order(person, order)
    person.follow("Re-issue…")
    person.sees(f"{before} is credited by")
    person.main.get_by_role("textbox").fill("The company's name was missing")
    person.look("re-issue")
    person.press("Credit it and issue the next one")
    person.awaits("Written back")
    person.look("re-issued")
    assert shop.on_channel(order)["invoice_no"] != before
    assert len(shop.writes_to(order)) == 2


def verify(person: Person, shop: Shop) -> None:
    """The channel is read by a second road; an order that appeared meanwhile is missing, and one press brings it in."""
    sample = shop.to_book()[5]
    late = {**sample, "order_id": 900_009, "marketplace_order_id": "LATE-9", "billing_firstname": "Pembeli Lewat"}
    shop.visitor.add({**late, "invoice_no": ""})
    person.go("Completeness")
    person.look("completeness")
    person.press("Verify now")
    person.awaits("Everything was compared; not all is the same.", patience=30)
    person.go("Completeness")
    person.follow(re.compile("missing"))
    person.look("verification")
    person.press(re.compile("^Mend all|^Bring"))
    person.awaits("Mended")
    person.main.locator("summary[aria-label=Download]").click()
    days = csv.DictReader(io.StringIO(person.reads(person.address_of("Days as CSV")).decode("utf-8-sig")))
    assert list(days), "the result can be kept as a file"


def look_up(person: Person, shop: Shop) -> None:
    """An order that was never listed is asked for on the channel."""
    sample = shop.to_book()[6]
    shop.visitor.add({**sample, "order_id": 900_010, "marketplace_order_id": "NEW-10", "invoice_no": ""})
    person.go("Failed Sync")
    person.follow("Where is my order?")
    person.main.get_by_role("searchbox").fill("900010")
    person.press("Find")
    person.sees("No channel ever listed 900010")
    person.look("where-is-my-order")
    person.press(re.compile("^Ask"))
    person.sees("knows it")


def close_the_month(person: Person, shop: Shop) -> None:
    """Last month is closed; a late order of it waits, and is dated in the open month."""
    last = datetime.now(UTC).astimezone(LOCAL).replace(day=1, hour=12) - timedelta(days=1)
    person.go("Settings")
    person.follow("Closing the books")
    person.look("closing")
    person.press(f"Close up to {last:%B %Y}")
    person.sees("The books are closed up to and including")
    sample = shop.to_book()[7]
    shop.visitor.add(
        {
            **sample,
            "order_id": 900_011,
            "marketplace_order_id": "OLD-11",
            "invoice_no": "",
            "billing_firstname": "Pembeli Lama",
            "order_creation_date": last.isoformat(),
            "paid_time": last.isoformat(),
        }
    )
    check(person)
    person.go("Failed Sync")
    person.sees("In a closed month")
    person.look("closed-month")
    person.follow(re.compile("^Date them"))
    person.press(re.compile("^Date"))
    person.sees("One invoice will be dated")


def read_the_register(person: Person) -> None:
    """Every number of the month is accounted for, with what was credited and why."""
    person.go("Invoices")
    person.follow("Number register")
    person.sees(re.compile(r"Complete: all \d+ numbers are accounted for"))
    person.look("register")
    month = datetime.now(UTC).astimezone(LOCAL)
    person.follow(f"{month:%B %Y}")
    person.sees("issued again: “The company's name was missing”")
    person.look("register-month")
    rows = list(csv.DictReader(io.StringIO(person.saves("CSV").decode("utf-8-sig"))))
    assert {row["State"] for row in rows} == {"used", "credited"}
    numbers = [int(row["Number"].removeprefix("INV")) for row in rows]
    assert numbers == list(range(1, len(numbers) + 1))
