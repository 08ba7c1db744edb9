"""The set-up page in a real browser: what a choice makes pointless is out of sight, and what was chosen is kept."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import expect

from tests.channels.paths import OPTIONS
from tests.connectors.fake import FakeShop
from tests.support.browsing import Tab
from tests.support.factories import SomeStore

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1280])
def test_a_channel_is_set_up_by_keyboard_and_pointer(
    tab: Tab, owner: FlaskClient, store: SomeStore, branches: FakeShop, width: int
) -> None:
    owner.post(store.url("/channels/add/branched"), data=branches.config)
    connected = owner.post(store.url("/channels/add/branched/options"), data=OPTIONS)
    page = tab.page
    page.set_viewport_size({"width": width, "height": 844})
    url = f"{tab.base}channels/{connected.location.split('/')[-2]}"
    page.goto(f"{url}/set-up")
    assert Axe().run(page).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_label("Orders made here go to")).to_be_hidden()
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page.get_by_text("Choose grams or kilograms")).to_be_visible()
    expect(page.get_by_role("radio", name="Grams", exact=True)).to_be_focused()
    page.get_by_role("switch", name="Orders to Branchy").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("Orders made here go to")).to_be_visible()
    page.get_by_label("Orders made here go to").select_option("Kho Long Biên")
    # Each change is kept by a request of its own: the one that is awaited tells the last of them.
    with page.expect_response(lambda answer: "weight_unit=g" in (answer.request.post_data or "")) as kept:
        page.get_by_role("radio", name="Grams", exact=True).check()
    assert kept.value.status == 204
    page.goto(f"{url}/orders")
    page.get_by_role("link", name="Finish set-up").first.click()
    expect(page.get_by_role("radio", name="Grams", exact=True)).to_be_checked()
    expect(page.get_by_label("Orders made here go to").locator("option:checked")).to_have_text("Kho Long Biên")
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page.locator("#flash")).to_contain_text("Everything is being read now")
    assert Axe().run(page).violations_count == 0
    page.goto(f"{url}/settings")
    assert Axe().run(page).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [one for one in tab.complaints if "422" not in one] == []
