"""Ten thousand orders from a file go all the way through the browser, and everything is compared at the end."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.orders import orders, write_jsonl
from tests.e2e.person import Person
from tests.e2e.shop import Shop
from tests.e2e.steps import choose_options, open_store, try_connection
from tests.sandbox.running import Visitor, running

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ORDERS = 10_000
KEY = "ten-thousand"
WITHIN = 120.0


def test_ten_thousand_orders_become_invoices(new_person: Callable[..., Person], tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    made = write_jsonl(file, orders(ORDERS, datetime.now(UTC)))
    with running("--orders", str(file), "--api-key", KEY, "--rate-limit", "100000") as sandbox:
        visitor = Visitor(sandbox, KEY)
        person, shop = new_person("Mei Ling Tan"), Shop(visitor, made)
        with visitor.session:
            go_through(person, shop)
            compare(person, shop)


def go_through(person: Person, shop: Shop) -> None:
    """Connect, check, sync all that match; say how long each took."""
    paid = len(shop.to_book())
    with taking("signing up and connecting"):
        open_store(person, "Gudang Sepuluh Ribu")
        person.follow("Connect a channel")
        person.follow("Continue with SiteGiant")
        try_connection(person, shop.domain, shop.key)
        choose_options(person, "Book as Cash and mark it red")
    with taking(f"checking {ORDERS} orders"):
        person.press("Check for updates")
        person.awaits(re.compile("reading orders, [0-9,]+ of 10,000"))
        person.follow("Check for updates")
        person.look("job-running")
        person.awaits("Everything is done.", patience=WITHIN)
    person.go("Orders")
    person.narrow("Ready to sync")
    person.page.get_by_label("Tick all on this page").check()
    with taking(f"making {paid} invoices and writing their numbers back"):
        person.press(f"Sync all {paid:,} that match")
        person.awaits(f"{paid:,} orders queued", patience=WITHIN)
        person.follow("Watch the job")
        person.look("sync-running")
        person.awaits("Everything is done.", patience=WITHIN)


def compare(person: Person, shop: Shop) -> None:
    """Every paid order has one invoice over what it cost, numbers have no gap, and each stands on its order."""
    person.go("Invoices")
    with taking("exporting the invoices"):
        rows = list(csv.DictReader(io.StringIO(person.saves("CSV").decode("utf-8-sig"))))
    with taking("reading everything back from the channel"):
        on_channel = {str(order["marketplace_order_id"]): str(order["invoice_no"]) for order in shop.all_on_channel()}
    paid = {order["marketplace_order_id"]: Decimal(order["total"]) for order in shop.to_book()}
    assert sorted(row["Invoice"] for row in rows) == [f"INV{number:05}" for number in range(1, len(paid) + 1)]
    assert {row["Order"]: Decimal(row["Total"]) for row in rows} == paid
    assert sum(Decimal(row["Total"]) for row in rows) == sum(paid.values())
    assert {row["Write-back"] for row in rows} == {"Written back"}
    ours = {row["Order"]: row["Invoice"] for row in rows}
    assert on_channel == {
        order["marketplace_order_id"]: ours.get(order["marketplace_order_id"], "") for order in shop.orders
    }


@contextmanager
def taking(what: str) -> Iterator[None]:
    """Say how long something took."""
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:6.1f} s {what}")  # noqa: T201  # -s shows it
