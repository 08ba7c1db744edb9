"""Completeness as a bookkeeper sees it: in a real browser, live."""

from __future__ import annotations

import re
import threading

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from tests.completeness.verifying import lose, verify
from tests.sandbox.running import an_order
from tests.support.browsing import Tab
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant

pytestmark = pytest.mark.browser


@pytest.fixture
def books(merchant: Merchant) -> Merchant:
    """Orders on three days, two of which never came in and one with another total."""
    days = ["2026-11-18", "2026-11-19", "2026-11-20"]
    merchant.shop.add(
        *[
            an_order(order_id=place, order_creation_date=f"{days[place % 3]}T1{place % 10}:00:00+08:00")
            for place in range(1, 22)
        ],
        an_order(order_id=50, total="41.00"),
    )
    merchant.connect()
    merchant.check()
    merchant.sync()
    lose(merchant, "7", "9")
    merchant.execute("update orders set total = total - 400 where remote_id = '8'")
    merchant.execute("update channels set checked_at = now() + interval '1 minute'")
    verify(merchant)
    return merchant


@pytest.fixture
def store(books: Merchant) -> SomeStore:
    return books.store


@pytest.fixture
def owner(books: Merchant) -> FlaskClient:
    return signed_in(new_client(books.app), books.store.owner)


def test_what_is_missing_is_brought_in_by_one_press_and_the_page_follows(tab: Tab, books: Merchant) -> None:
    page = tab.page
    page.goto(f"{tab.base}/verify")
    page.get_by_role("link", name=re.compile("2 orders are missing")).click()
    row = page.get_by_role("row").filter(has=page.get_by_text("Missing here")).first
    row.get_by_role("button", name=re.compile("Bring in")).click()
    expect(page.get_by_text("Being read again")).to_be_visible()
    worker = threading.Thread(target=books.work)
    worker.start()
    expect(page.locator(".deviation-act").get_by_text("Mended")).to_be_visible(timeout=15_000)
    worker.join()
    expect(page.get_by_text("1 of these were mended since.")).to_be_visible()
    assert tab.complaints == []
