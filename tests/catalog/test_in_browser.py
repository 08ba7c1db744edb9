"""Stock in a browser: adjusted in place, and in step with what happens elsewhere."""

from __future__ import annotations

import pytest

from app.sync.nudge import nudge
from tests.catalog.shelves import Shelves
from tests.orders.factories import Books
from tests.support.browsing import Tab

pytestmark = pytest.mark.browser


def test_stock_is_adjusted_in_place(tab: Tab, books: Books, shelves: Shelves) -> None:
    item = books.item("KOPI-O", name="Kopi O Kaw")
    page = tab.page
    page.goto(f"{tab.base}inventory/{item}")
    page.get_by_label("Pieces").fill("7")
    page.get_by_role("button", name="Adjust stock").click()
    page.get_by_text("Saved: 7 are there now.").wait_for()
    page.get_by_label("Change", exact=True).select_option("take")
    page.get_by_label("Pieces").fill("9")
    page.get_by_role("button", name="Adjust stock").click()
    page.get_by_text("There are only 7").wait_for()
    page.get_by_label("Pieces").fill("2")
    page.get_by_role("button", name="Adjust stock").click()
    page.get_by_text("Saved: 5 are there now.").wait_for()
    assert shelves.level(item).on_hand == 5
    assert all("422" in words for words in tab.complaints), "Chromium notes a refused form, and nothing else"


@pytest.mark.parametrize("path", ["inventory/", "inventory/{item}"])
def test_an_open_page_follows_the_stock_and_keeps_what_is_typed(
    tab: Tab, books: Books, shelves: Shelves, path: str
) -> None:
    item = books.item("KOPI-O", name="Kopi O Kaw")
    page = tab.page
    with page.expect_request(lambda request: request.url.endswith("/events")):
        page.goto(tab.base + path.format(item=item))
    field = page.get_by_label("Search items") if path == "inventory/" else page.get_by_label("Pieces")
    field.fill("12")
    shelves.put(item, 4321)
    with books.scope():
        nudge(books.store.id, "stock")
    page.get_by_text("4,321").first.wait_for()
    assert field.input_value() == "12"
    assert tab.complaints == []
