"""What a page of a linked store shows by itself, in a real browser."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from app.core.types import OrderStatus
from tests.links.flowing import own_channel, webstore_order
from tests.links.moving import Way
from tests.orders.factories import Books
from tests.support.browsing import Tab
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(sub: Books) -> FlaskClient:
    """The owner of the sub-store, whose tab it is."""
    return signed_in(new_client(sub.app), sub.store.owner)


@pytest.mark.usefixtures("linked", "store")
def test_an_order_says_by_itself_when_it_has_arrived(main: Merchant, sub: Books, tab: Tab) -> None:
    order_id = webstore_order(sub, own_channel(sub), "W-1")
    place: SomeStore = sub.store
    tab.page.goto(tab.base.removesuffix(main.store.url()) + place.url(f"/orders/{order_id}"))
    line = tab.page.locator("#order-journey")
    expect(line).to_contain_text("Goes to Main: on its way.")
    main.tick()
    main.work()
    expect(line).to_contain_text("Main has it, since")
    assert tab.complaints == []


@pytest.mark.usefixtures("linked", "store")
def test_an_order_follows_by_itself_what_the_main_store_says_of_it(main: Merchant, sub: Books, tab: Tab) -> None:
    way = Way(main, sub)
    order = way.order("W-1")
    tab.page.goto(tab.base.removesuffix(main.store.url()) + sub.store.url(f"/orders/{order}"))
    expect(tab.page.locator(".package-status")).to_have_text("Processing")
    way.say(order, OrderStatus.SHIPPED, tracking_number="MY-1")
    way.work()
    expect(tab.page.locator(".package-status")).to_have_text("Shipped")
    assert tab.complaints == []
