"""The channels' pages in a real browser: rows that are saved in place, and nothing that the page's policy or an
accessibility check would object to."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect

from app.extensions import db
from app.mappings.services import add_payment_method
from app.orders.following import choose_payment_method
from app.sync.nudge import nudge
from app.tenancy.models import Store
from tests.channels.paths import connect
from tests.connectors.fake import FakeShop
from tests.orders.factories import Books, SomeChannel
from tests.support.browsing import Tab
from tests.support.factories import SomeStore

pytestmark = pytest.mark.browser


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    """The store's rows; its gateways wait for a payment method."""
    books = Books(app, store)
    with books.scope():
        db.session.get_one(Store, store.id).unmapped_gateway = "hold"
        db.session.commit()
    return books


@pytest.fixture
def channel(books: Books) -> SomeChannel:
    """A channel with two red gateways, for one of which two orders wait."""
    channel = books.channel()
    books.gateway(channel, "Atome")
    books.gateway(channel, "ShopeePay")
    books.orders(channel, [{"state": "held", "reason": "GATEWAY_UNMAPPED"}] * 2)
    return channel


def test_a_row_is_saved_in_place_and_its_orders_are_synced_from_there(
    tab: Tab, books: Books, channel: SomeChannel
) -> None:
    with books.scope():
        add_payment_method("Maybank")
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}/payments")
    tabs = page.locator("#channel-tabs")
    expect(tabs.get_by_role("link", name="Payment Methods")).to_contain_text("2")
    all_at_once = page.get_by_role("link", name="Make a payment method of each name")
    expect(all_at_once).to_be_visible()
    row = page.locator(".mapping-row", has_text="ShopeePay")
    expect(row).to_contain_text("2 wait for this")
    typed = page.locator(".mapping-row", has_text="Atome")
    typed.get_by_role("combobox").select_option("Maybank")
    row.get_by_role("combobox").select_option("Maybank")
    row.get_by_role("button", name="Save").click()
    expect(page.locator("#flash")).to_contain_text("2 orders are ready now.")
    expect(row).not_to_have_class(re.compile("is-unmapped"))
    expect(all_at_once).to_be_hidden()
    assert typed.get_by_role("combobox").input_value() != "", "another row lost what was picked in it"
    row.get_by_role("button", name="Sync them").click()
    page.wait_for_url("**/orders?**")
    expect(page.locator("#flash")).to_contain_text("2 orders queued")
    assert tab.complaints == []


def test_a_new_payment_method_appears_in_every_row(tab: Tab, channel: SomeChannel) -> None:
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}/payments")
    row = page.locator(".mapping-row", has_text="ShopeePay")
    row.locator("summary").click()
    row.get_by_role("textbox", name="New payment method").fill("TNG eWallet")
    row.get_by_role("textbox", name="New payment method").press("Enter")
    expect(page.locator("#flash")).to_contain_text("Saved.")
    expect(row.get_by_role("combobox").locator("option:checked")).to_have_text("TNG eWallet")
    other = page.locator(".mapping-row", has_text="Atome").get_by_role("combobox")
    expect(other.get_by_role("option", name="TNG eWallet")).to_have_count(1)
    assert tab.complaints == []


def test_somebody_elses_choice_is_shown_in_the_row_before_it_is_overwritten(
    tab: Tab, books: Books, channel: SomeChannel
) -> None:
    with books.scope():
        maybank, _tng = add_payment_method("Maybank"), add_payment_method("TNG")
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}/payments")
    row = page.locator(".mapping-row", has_text="ShopeePay")
    gateway_id = int((row.get_attribute("id") or "").removeprefix("gateway-"))
    with books.scope():
        choose_payment_method(gateway_id, maybank, 0, books.store.reader.id)
    row.get_by_role("combobox").select_option("TNG")
    row.get_by_role("button", name="Save").click()
    expect(row).to_contain_text(f"{books.store.reader.name} set this to “Maybank”")
    expect(row.get_by_role("combobox").locator("option:checked")).to_have_text("TNG")
    row.get_by_role("button", name="Save").click()
    expect(page.locator("#flash")).to_contain_text("Saved.")
    expect(row.get_by_role("alert")).to_have_count(0)


def test_a_red_link_leads_to_its_row_and_marks_it(tab: Tab, channel: SomeChannel) -> None:
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}/orders")
    page.get_by_role("link", name="ShopeePay").first.click()
    row = page.locator(".mapping-row:target")
    expect(row).to_contain_text("ShopeePay")
    expect(row).to_be_in_viewport()


def test_orders_that_come_in_appear_where_there_were_none(tab: Tab, books: Books) -> None:
    channel = books.channel("Empty")
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}")
    expect(page.locator("#no-orders")).to_contain_text("No order is in yet")
    expect(page.locator("#no-orders")).to_have_attribute("hx-trigger", "sse:orders, every 15s")
    books.order(channel, number="FIRST-1")
    with books.scope():
        nudge(books.store.id, "orders")
    expect(page.get_by_role("link", name="FIRST-1")).to_be_visible(timeout=20_000)
    page.get_by_label("Tick all on this page").check()
    books.order(channel, number="SECOND-2")
    with books.scope():
        nudge(books.store.id, "orders")
    expect(page.locator("#orders-news")).to_contain_text("One order came in since", timeout=20_000)
    expect(page.get_by_label("Tick all on this page")).to_be_checked()
    page.get_by_role("link", name="Show them").click()
    expect(page.get_by_role("link", name="SECOND-2")).to_be_visible()
    assert tab.complaints == []


def test_auto_sync_is_switched_without_leaving_the_page(tab: Tab, channel: SomeChannel) -> None:
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}/orders")
    page.get_by_role("switch", name="Auto Sync").check()
    page.get_by_label("Every").select_option("15 minutes")
    page.locator("#auto-sync").get_by_role("button", name="Save").click()
    expect(page.locator("#flash")).to_contain_text("Auto Sync is on.")
    expect(page.locator("#auto-sync")).to_contain_text("Each run checks for updates")
    expect(page.get_by_role("switch", name="Auto Sync")).to_be_checked()
    assert tab.complaints == []


def test_the_last_steps_of_adding_are_accessible(
    tab: Tab, owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    page = tab.page
    page.goto(f"{tab.base}channels/add/fake")
    page.get_by_label("Domain").fill(shop.domain)
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Test and continue").click()
    expect(page.locator("#api_key-error")).to_contain_text("does not accept this key")
    assert Axe().run(page).violations_count == 0
    page.get_by_label("API key").fill(shop.api_key)
    page.get_by_role("button", name="Test and continue").click()
    expect(page.get_by_role("heading", name="Name and options")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    page.goto(f"{tab.base}channels/{connect(owner, store, shop)}/connected")
    assert Axe().run(page).violations_count == 0
