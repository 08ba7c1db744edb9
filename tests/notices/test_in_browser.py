"""The bell of a page that is open counts up by itself, and so does the list behind it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect

from tests.orders.factories import Books
from tests.support.browsing import Tab
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import tell_people

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    """The owner, whose tab it is."""
    return signed_in(new_client(app), store.owner)


def test_the_bell_counts_up_and_the_list_grows(app: Flask, store: SomeStore, tab: Tab) -> None:
    page, books = tab.page, Books(app, store)
    page.goto(tab.base + "settings/notifications")
    bell = page.locator("#bell-count")
    expect(bell).to_have_text("")
    with page.expect_response(lambda answer: answer.url.endswith("/notices/count"), timeout=90_000):
        books.order(books.channel("SiteGiant"), state="held", reason="PAID_LESS")
        tell_people(app, store)
    expect(bell.locator(".count")).to_have_text("1")
    expect(page.locator("#told")).to_have_text("Notices: 1 not read")
    page.locator(".bell > summary").click()
    page.get_by_role("button", name="SiteGiant: 1 order waits for you").click()
    expect(page.locator("#bell-count")).to_have_text("")
    assert "/failed" in page.url
    page.goto(tab.base + "notices")
    expect(page.locator("#notices .notice-row")).to_have_count(1)
    with page.expect_response(lambda answer: answer.url.endswith("/notices"), timeout=90_000):
        books.order(books.channel("KiotViet"), state="held", reason="PAID_LESS")
        tell_people(app, store)
    expect(page.locator("#notices .notice-row")).to_have_count(2)
    assert tab.complaints == []
