"""Parcels packed in a browser: on a phone, by keyboard alone, and on pages that everybody can use."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.fulfilment.making import made, packed
from tests.orders.factories import Books
from tests.support.browsing import Tab

pytestmark = pytest.mark.browser


def test_an_order_is_split_and_sent_by_keyboard_on_a_phone(tab: Tab, books: Books) -> None:
    order_id = made(books)
    page = tab.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{tab.base}orders/{order_id}")
    page.get_by_role("link", name="Split…").press("Enter")
    many = page.get_by_label("How many of Kopi go into the new package")
    many.fill("9")
    many.press("Enter")
    expect(page.get_by_text("Type a number from 0 up to what is in this package.")).to_be_visible()
    many.fill("1")
    many.press("Enter")
    expect(page.get_by_role("heading", name="Package PK00002")).to_be_visible()
    page.get_by_role("link", name="Ship this one…").last.press("Enter")
    page.get_by_label("Courier").fill("Pos Laju")
    page.get_by_label("Tracking number").press("Enter")
    expect(page.get_by_text("A part of it was sent.")).to_be_visible()
    page.get_by_role("link", name="Done…").press("Enter")
    page.get_by_role("button", name="It is done").press("Enter")
    expect(page.get_by_text("It is done.")).to_be_visible()
    assert len(packed(books, order_id)) == 2
    assert [words for words in tab.complaints if "422" not in words] == []


@pytest.mark.parametrize("path", ["", "/split", "/combine", "/move/shipped", "/move/cancelled"])
def test_pages_fit_a_phone_and_serve_everybody(tab: Tab, books: Books, path: str) -> None:
    order_id, _other, _opened = made(books), made(books), made(books, status="open")
    page = tab.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{tab.base}orders/{order_id}{path}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
