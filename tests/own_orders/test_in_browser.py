"""A shop owner types an order, sees its total grow, saves it, presses Sync, and the invoice is there."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.orders.factories import Books
from tests.support.browsing import Tab
from tests.support.factories import SomeStore
from tests.support.working import work_off

pytestmark = pytest.mark.browser


def test_an_order_is_typed_synced_and_invoiced(tab: Tab, app: Flask, store: SomeStore, books: Books) -> None:
    books.item("TEH-9", name="Teh Tarik", price=1250, currency="MYR")
    page = tab.page
    page.goto(f"{tab.base}orders")
    page.get_by_role("link", name="New order").click()
    page.get_by_label("Find an item of yours").fill("teh")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Take").click()
    total = page.locator("#own-total .sum-total dd")
    expect(total).to_have_text("RM\u00a012.50")
    page.get_by_label("Quantity").fill("2")
    page.get_by_label("Shipping").fill("6")
    expect(total).to_have_text("RM\u00a031.00")
    page.get_by_label("Quantity").fill("0")
    page.get_by_label("It is paid").check()
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_text("Type a quantity above zero")).to_be_visible()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_role("heading", name="Order SO00001")).to_be_visible()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text(re.compile("1 order queued"))).to_be_visible()
    assert work_off(app, store.id) == ["succeeded"]
    page.reload()
    expect(page.get_by_role("link", name="INV00001")).to_be_visible()
    assert [words for words in tab.complaints if "422" not in words] == []
