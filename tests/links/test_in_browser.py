"""What a page of a linked store shows by itself, in a real browser."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from tests.links.flowing import own_channel, webstore_order
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
    expect(line).to_contain_text("Goes to Main: yes, since")
    assert tab.complaints == []
