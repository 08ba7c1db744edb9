"""Product Sync in a browser: a row is accepted in place, and the counts follow."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from playwright.sync_api import TimeoutError, expect

from app.core.types import ListingObstacle
from app.sync.nudge import nudge
from tests.connectors.fake import a_listing
from tests.mappings.test_products_of_branches import branch, counted, sell
from tests.orders.factories import Books, SomeChannel
from tests.support.browsing import Tab, press

pytestmark = pytest.mark.browser


@pytest.fixture
def shelf(books: Books, channel: SomeChannel) -> list[int]:
    """Products of every standing."""
    for sku, name in (("KOPI-O", "Kopi O Kaw"), ("TEH-3IN1", "Teh Tarik"), ("MUG", "Enamel mug")):
        books.item(sku, name=name, barcode="9551234567890" if sku == "MUG" else "")
    return books.listings(
        channel,
        a_listing("1", isku="KOPI-O", sku="kopi-o", name="Kopi O Kaw 20 sachets", picture="https://pictures.example/1"),
        a_listing("2", isku="M-1", sku="", name="Mug Kopitiam", variant="White", barcode="9551234567890"),
        a_listing("3", isku="teh 3in1", sku="", name="Teh Tarik 拉茶", stock=None),
        a_listing("4", isku="", sku="", name="Gift wrapping", price=None, currency=""),
        a_listing("5", isku="X", sku="KOPI-O", name="Kopi O (copy of a listing with a very long name indeed)"),
        a_listing("6", isku="NEW-1", sku="", name="Batik sarong", variant="Indigo"),
    )


def test_a_row_is_accepted_in_place_and_the_counts_follow(tab: Tab, channel: SomeChannel, shelf: list[int]) -> None:
    page = tab.page
    page.goto(f"{tab.base}channels/{channel.id}/products")
    row = page.locator(f"#listing-{shelf[1]}")
    press(row.get_by_role("button", name="Accept"))
    row.get_by_text("Linked").wait_for()
    expect(row.locator(":focus")).to_have_count(1)
    page.locator("#products-head a.chip", has_text="Linked").filter(has_text="1").wait_for()
    assert page.url.endswith("/products")
    row.get_by_role("button", name="Unlink").click()
    row.get_by_text("Same barcode 9551234567890: certain").wait_for()
    press(row.get_by_role("button", name="Refuse"))
    row.get_by_text("Refused: MUG").wait_for()
    expect(row.locator(":focus")).to_have_count(1)
    assert tab.complaints == []


def test_open_pages_follow_what_the_channel_counts(tab: Tab, books: Books, channel: SomeChannel) -> None:
    branch(books, channel, "Hà Nội", "h")
    branch(books, channel, "Sài Gòn", "s")

    def counts(number: int) -> int:
        pieces = a_listing("1", unit="piece", branches=counted(str(number), "2"), stock=Decimal(number + 2))
        box = a_listing("2", unit="box", base_id="1", conversion=Decimal(12), weight=Decimal("3.6"))
        combo = a_listing("3", name="Kopi and mug", obstacle=ListingObstacle.COMBO)
        return sell(books, channel, pieces, box, combo)[0]

    listing_id = counts(5)
    page = tab.page
    for path, number in (("products", 40), (f"products/{listing_id}", 70)):
        page.goto(f"{tab.base}channels/{channel.id}/{path}")
        counts(number)
        shown = page.get_by_text(f"Stock there {number + 2} in 2 branches")
        for _again in range(60):  # a page that was just opened may not listen yet
            with books.scope():
                nudge(books.store.id, "stock")
            with suppress(TimeoutError):
                shown.wait_for(timeout=1000)
                break
        assert shown.is_visible()
    assert page.get_by_role("row", name="Hà Nội").inner_text().split()[-2:] == ["70", "1"]
    assert tab.complaints == []
