"""The list in a real browser: ticking, syncing, rows that follow by themselves, and nothing that the page's policy
or an accessibility check would object to."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.orders.factories import Books, SomeChannel
from tests.support.browsing import Tab

pytestmark = pytest.mark.browser


def test_ticked_orders_are_synced_and_their_rows_follow(tab: Tab, books: Books, channel: SomeChannel) -> None:
    orders = books.orders(channel, [{}] * 3)
    page = tab.page
    page.goto(f"{tab.base}orders")
    bar = page.locator("[data-ticked-bar]")
    expect(bar).to_be_hidden()
    page.get_by_label("Tick all on this page").check()
    expect(bar).to_contain_text("3")
    page.locator(f"#order-row-{orders[2]} input").uncheck()
    page.get_by_role("button", name="Sync ticked").click()
    expect(page.locator("#flash")).to_contain_text("2 orders queued")
    expect(page.locator(f"#order-row-{orders[0]}")).to_contain_text("Sync requested")
    expect(page.locator(f"#order-row-{orders[2]}")).to_contain_text("Ready to sync")
    for order in orders[:2]:
        books.invoice(order, number_text=f"INV-{order}")
    row = page.locator(f"tr#order-row-{orders[0]}")
    expect(row).to_contain_text(f"INV-{orders[0]}", timeout=9000)
    expect(row.locator("td")).to_have_count(7)
    expect(page.locator("#orders-summary")).to_contain_text("Invoiced 2")
    expect(page.locator("#orders-watch")).not_to_have_attribute("hx-trigger", "sse:orders, every 5s")
    assert tab.complaints == []


def test_filter_changes_the_list_and_the_address_and_back_returns(tab: Tab, books: Books, channel: SomeChannel) -> None:
    books.orders(channel, [{"number": "AAA111"}, {"number": "BBB222", "state": "held", "reason": "NO_LINES"}])
    page = tab.page
    page.goto(f"{tab.base}orders")
    page.get_by_role("link", name="Needs attention 1").click()
    expect(page.get_by_role("link", name="AAA111")).to_have_count(0)
    expect(page.get_by_role("link", name="BBB222")).to_be_visible()
    assert page.url.endswith("/orders?state=held")
    page.go_back()
    expect(page.get_by_role("link", name="AAA111")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("aaa")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="BBB222")).to_have_count(0)
    assert page.url.endswith("/orders?q=aaa")
    assert tab.complaints == []
