"""Failed Sync in a real browser: what waited frees itself on every open page, and pressed rows follow by themselves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.extensions import db
from tests.orders.factories import Books, SomeChannel
from tests.support.browsing import Tab, heard, listen, press

pytestmark = pytest.mark.browser
IN_WORDS = "Nothing waits for this any more. What became of the orders below stands beside them."
SOON = 4_500
"""Milliseconds; less than the five seconds after which a page asks by itself."""


def opened(tab: Tab, path: str) -> Page:
    """One more tab of the same browser, once its stream is open."""
    page = tab.page.context.new_page()
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    with page.expect_response(lambda response: response.url.endswith("/events")):
        page.goto(tab.base + path)
    return page


def test_a_saved_mapping_frees_its_orders_on_every_open_page(tab: Tab, books: Books, channel: SomeChannel) -> None:
    with books.scope():
        db.session.execute(text("update stores set unmapped_gateway = 'hold'"))
        db.session.commit()
    mapping = books.gateway(channel, "GrabPay")
    detail = {"gateway": "GrabPay", "gateway_key": "grabpay"}
    held = {"state": "held", "reason": "GATEWAY_UNMAPPED", "gateway": "GrabPay", "reason_detail": detail}
    order, _other = books.orders(channel, [held, held])
    failed, shown = opened(tab, "failed"), opened(tab, f"orders/{order}")
    expect(failed.locator("#causes")).to_contain_text("2 orders")
    tab.page.goto(f"{tab.base}channels/{channel.id}/payments")
    row = tab.page.locator(f"#gateway-{mapping}")
    row.locator("select").first.select_option(index=1)
    listen(failed)
    press(row.get_by_role("button", name="Save"))
    expect(failed.locator("#causes")).to_contain_text("Nothing needs you", timeout=SOON)
    expect(row.get_by_role("button", name="Save")).to_be_focused()
    assert heard(failed) == ["Nothing needs you"]
    expect(failed.locator("#count-orders-failed")).to_have_text("")
    expect(shown.locator(f"#order-story-{order}")).to_contain_text("Ready to sync", timeout=SOON)
    expect(shown.locator("#order-payment")).not_to_contain_text("none yet")
    expect(tab.page.locator("#channel-tabs .count")).to_have_count(0, timeout=SOON)
    assert tab.complaints == []


def test_saved_settings_free_orders_in_an_open_list_and_on_home(tab: Tab, books: Books, channel: SomeChannel) -> None:
    order = books.order(channel, state="held", reason="CURRENCY_UNSUPPORTED", currency="SGD", sale_key=None)
    books.line(order)
    listed, home = opened(tab, "orders"), opened(tab, "")
    expect(home.locator("#home-state")).to_contain_text("1 order needs attention.")
    tab.page.goto(f"{tab.base}settings/invoicing")
    tab.page.get_by_text("SGD", exact=True).click()
    tab.page.get_by_role("button", name="Save").first.click()
    expect(listed.locator(f"#order-row-{order}")).to_contain_text("Ready to sync", timeout=SOON)
    expect(home.locator("#home-state")).to_contain_text("1 order is ready to sync.", timeout=SOON)


def test_retried_rows_say_so_and_leave_one_by_one(tab: Tab, books: Books, channel: SomeChannel) -> None:
    first, second = books.orders(channel, [{"state": "held", "reason": "NO_LINES"}] * 2)
    page = tab.page
    page.goto(f"{tab.base}failed/{channel.id}/orders/NO_LINES")
    listen(page)
    press(page.get_by_role("button", name="Retry", exact=True).first)
    expect(page.locator("#flash")).to_contain_text("One order is tried again.")
    rows = page.locator("#failed-rows tbody tr")
    expect(rows.nth(0).locator(":focus")).to_have_count(1)
    expect(rows.nth(0)).to_contain_text("Being tried again")
    expect(rows.nth(1)).not_to_contain_text("Being tried again")
    books.set(first, state="ready", reason=None)
    expect(rows.nth(0)).to_contain_text("Ready to sync", timeout=9_000)
    expect(page.locator("#failed-head")).to_contain_text("1 order")
    books.set(second, state="ready", reason=None)
    expect(page.locator("#failed-head")).to_contain_text("Nothing waits for this any more", timeout=9_000)
    assert [words for words in heard(page) if "order" in words] == ["1 order", IN_WORDS]
    page.reload()
    expect(page.locator("main")).to_contain_text("Nothing waits for this any more")
    assert tab.complaints == []
