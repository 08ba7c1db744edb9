"""Stock in a browser: adjusted in place, and pages that everybody can use."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.core.stock import Kind, Movement
from app.sync.nudge import nudge
from tests.catalog.shelves import Shelves
from tests.orders.factories import Books
from tests.support.browsing import Tab

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


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


@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE], ids=["wide", "phone"])
def test_everybody_can_use_the_pages(tab: Tab, books: Books, shelves: Shelves, size: dict[str, int]) -> None:
    item = books.item("BATIK-M", name="Batik shirt hand printed", product="Batik shirt", options={"Size": "M"})
    books.item("GIFT", kit=True)
    shelves.put(item, 3)
    order_id = books.order(books.channel())
    shelves.move(Movement(item, shelves.main, Kind.RESERVE, reserved=2, order_id=order_id))
    shelves.move(Movement(item, shelves.main, Kind.ADJUST, on_hand_to=1, reason="lost", words="Nobody knows"))
    page = tab.page
    page.set_viewport_size(size)  # type: ignore[arg-type]
    for path in ("inventory/", f"inventory/{item}", "inventory/movements", "inventory/import", "settings/warehouses"):
        page.goto(tab.base + path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    assert tab.complaints == []
