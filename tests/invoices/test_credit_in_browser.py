"""Taking back an invoice in a real browser, down to what the channel shows afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from tests.invoices.test_credit_pages import credit
from tests.invoices.test_pages import issue
from tests.orders.factories import Books, SomeChannel
from tests.sandbox.running import Running, Visitor, an_order, running
from tests.support.browsing import Tab
from tests.support.factories import SomeStore
from tests.sync.merchant import Merchant

pytestmark = pytest.mark.browser

ALBUM = os.environ.get("CREDIT_ALBUM", "")


@pytest.fixture(scope="module")
def channel_server() -> Iterator[Running]:
    """The SiteGiant sandbox, over a real socket."""
    with running("--count", "0") as process:
        yield process


@pytest.fixture
def sold(app: Flask, store: SomeStore, channel_server: Running) -> Merchant:
    """A shop whose one order is invoiced as INV00001 and written back."""
    visitor = Visitor(channel_server, "credit-in-browser")
    shop = {"key": visitor.key, "name": "Kedai", "rate_limit": 100_000}
    visitor.steer("POST", "shops", params={"key": "sandbox-key"}, json=shop)
    visitor.add(an_order(order_id=1))
    merchant = Merchant(app, store, visitor)
    merchant.connect()
    merchant.check()
    merchant.sync()
    return merchant


def looked_at(page: Page, name: str) -> None:
    if ALBUM:
        page.screenshot(path=Path(ALBUM) / f"{name}-{page.evaluate('innerWidth')}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_a_reissue_from_the_orders_page_shows_on_the_channel(tab: Tab, sold: Merchant) -> None:
    page = tab.page
    page.goto(f"{tab.base}orders")
    page.get_by_role("link", name="1", exact=True).first.click()
    page.get_by_role("link", name="Re-issue…").click()
    expect(page.get_by_role("main")).to_contain_text("INV00001 is credited by CN00001")
    page.get_by_label("Why").fill("Wrong buyer")
    page.get_by_role("button", name="Credit it and issue the next one").click()
    expect(page.get_by_role("heading", name="Invoice INV00002")).to_be_visible()
    sold.work()
    assert sold.shop.order(1)["invoice_no"] == "INV00002"
    page.goto(f"{tab.base}credit-notes")
    page.get_by_role("link", name="CN00001").click()
    expect(page.get_by_role("main")).to_contain_text("Wrong buyer")
    assert tab.complaints == []


def test_the_pages_are_accessible_and_fit(tab: Tab, books: Books, channel: SomeChannel) -> None:
    first, second = issue(books, channel, [{}, {}])
    credit(books, second)
    page = tab.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{tab.base}invoices/{first}/credit")
    page.get_by_label("Some of its lines").check()
    page.get_by_label("Credit how many of Basmati rice 5 kg").fill("1")
    page.get_by_label("Why").fill("Sack was torn")
    page.get_by_role("button", name="Show the credit note").click()
    expect(page.locator("#preview")).to_contain_text("RM\u00a018.27")
    looked_at(page, "preview")
    page.get_by_role("button", name="Make the credit note").click()
    expect(page.get_by_role("heading", name="Credit note CN00002")).to_be_visible()
    looked_at(page, "credit-note")
    assert tab.complaints == []
