"""An open page of an order follows by itself what becomes of it on the channel."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from tests.connectors.fake import FakeShop, a_listing
from tests.giving.giver import Giver
from tests.support.browsing import Tab
from tests.support.factories import SomeStore, signed_in

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(client: FlaskClient, store: SomeStore) -> FlaskClient:
    return signed_in(client, store.owner)


def test_the_order_names_what_it_waits_for_and_goes_once_that_is_linked(tab: Tab, giver: Giver, shop: FakeShop) -> None:
    lines = [{"sku": "TEH-2", "name": "Teh tarik", "quantity": 1, "unit_price": "2.00"}]
    order_id = giver.make(lines=lines).order_id
    page = tab.page
    page.goto(f"{tab.base}orders/{order_id}")
    card = page.locator(".card", has=page.get_by_role("heading", name="On Kedai"))
    expect(card).to_contain_text("Being sent to Kedai; this page follows by itself.")
    giver.send()
    expect(card).to_contain_text("Kedai has no product for: TEH-2 Teh tarik")
    expect(card.get_by_role("link", name="Open Product Sync")).to_be_visible()
    shop.listings["502"] = a_listing("502", sku="X")
    giver.books.listings(giver.there(), *shop.listings.values())
    giver.link("502", "TEH-2")
    giver.send()
    expect(card).to_contain_text("DH000001")
    expect(page.get_by_text("Made on Kedai: DH000001")).to_be_visible()
    assert tab.complaints == []
