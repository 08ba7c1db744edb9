"""Product Sync of a channel with branches: units, variants, counts, and what cannot be linked, as people see them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.types import BranchStock, ListingObstacle, RemoteListing
from app.extensions import db
from app.mappings.listings import branches_of, store_listings
from tests.connectors.fake import a_listing
from tests.mappings.test_products import press, stands, url
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore

WORDS = {"combo": "put together of other products", "batch": "by batch", "serial": "serial numbers"}


def sell(books: Books, channel: SomeChannel, *listings: RemoteListing) -> list[int]:
    """What the channel's marketplaces count, which are branches here; the ids in the given order."""
    with books.scope():
        store_listings(channel.id, listings, branches_of(channel.id))
        db.session.commit()
    return books.listings(channel, *listings)


def branch(books: Books, channel: SomeChannel, name: str, remote_id: str, *, mapped: bool = False) -> None:
    marketplace_id = books.marketplace(channel, name)
    with books.scope():
        values = {"r": remote_id, "m": marketplace_id}
        db.session.execute(text("update marketplaces set remote_id = :r where id = :m"), values)
        if mapped:
            place = "location_id = (select min(id) from locations)"
            db.session.execute(text(f"update marketplaces set {place} where id = :m"), {"m": marketplace_id})
        db.session.commit()


def counted(hanoi: str, saigon: str) -> tuple[BranchStock, ...]:
    return BranchStock("h", Decimal(hanoi), Decimal(1)), BranchStock("s", Decimal(saigon), Decimal(0))


def test_units_variants_weight_and_branches_are_shown(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    branch(books, channel, "Hà Nội", "h", mapped=True)
    branch(books, channel, "Sài Gòn", "s")
    piece = a_listing("1", name="Kopi", variant="Red", unit="piece", family_id="1", weight=Decimal("0.25"))
    piece = replace(piece, branches=counted("3.5", "4"), stock=Decimal("7.5"))
    box = a_listing("3", name="Kopi", unit="box", conversion=Decimal(12), base_id="1", family_id="1")
    piece_id, other_id, box_id = sell(books, channel, piece, a_listing("2", name="Teh"), box)
    page = owner.get(url(store, channel)).text
    assert re.findall(r'id="listing-(\d+)"', page) == [str(one) for one in (piece_id, box_id, other_id)]
    assert "1 box = 12 piece" in page
    assert "Stock there 7.5 in 2 branches" in page
    assert "0.25 kg" in page
    family = owner.get(url(store, channel, "?family=1")).text
    assert re.findall(r'id="listing-(\d+)"', family) == [str(piece_id), str(box_id)]
    alone = owner.get(url(store, channel, f"/{piece_id}")).text
    table = re.sub(r"<[^>]+>|\s+", " ", alone.partition("Stock by branch")[2].partition("</table>")[0])
    assert re.findall(r"Hà Nội +(\S.*?) +3.5 +1 +Sài Gòn +– +4 +0 +Together +7.5 +1", table)


@pytest.mark.parametrize("obstacle", ListingObstacle)
def test_what_cannot_be_linked_says_why_has_its_own_filter_and_no_button(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, obstacle: ListingObstacle
) -> None:
    item_id = books.item("KOPI-O")
    (barred, _able) = sell(books, channel, a_listing("1", isku="KOPI-O", obstacle=obstacle), a_listing("2"))
    page = owner.get(url(store, channel, "?state=barred")).text
    assert re.findall(r'id="listing-(\d+)"', page) == [str(barred)]
    assert WORDS[obstacle] in page
    assert "Cannot be linked" in page
    assert "Choose an item" not in page
    refused = press(owner, books, channel, barred, "link", item_id=item_id)
    assert refused.status_code == 422
    assert WORDS[obstacle] in refused.text
    assert press(owner, books, channel, barred, "create").status_code == 422
    assert stands(books, barred) == ("barred", None, 0)


def test_a_file_cannot_link_what_cannot_be_linked(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    item_id = books.item("KOPI-O")
    (barred,) = sell(books, channel, a_listing("1", obstacle=ListingObstacle.COMBO))
    rows = io.BytesIO(b"remote_id,our_sku\n1,KOPI-O\n")
    told = owner.post(url(store, channel, "/import"), data={"file": (rows, "links.csv")}).text
    assert WORDS["combo"] in told
    saved = owner.post(url(store, channel, "/import"), data={"changes": f"{barred}.0.{item_id}"}, follow_redirects=True)
    assert "One cannot be linked any more and was left as it is." in saved.text
    assert stands(books, barred) == ("barred", None, 0)


def test_a_linked_product_that_cannot_be_linked_any_more_is_pointed_out(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = sell(books, channel, a_listing("1", isku="KOPI-O"))
    press(owner, books, channel, listing_id, "link", item_id=item_id)
    sell(books, channel, a_listing("1", isku="KOPI-O", obstacle=ListingObstacle.SERIAL))
    assert stands(books, listing_id)[:2] == ("linked", item_id)
    page = owner.get(url(store, channel, "?state=barred")).text
    assert "One linked product came to be what cannot be linked." in page
    assert "It was linked before that. Its orders still mean KOPI-O" in page
    press(owner, books, channel, listing_id, "unlink", version=1)
    assert stands(books, listing_id)[0] == "barred"


def test_two_products_that_are_counted_for_one_item_are_pointed_out(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    branch(books, channel, "Hà Nội", "h", mapped=True)
    with books.scope():
        db.session.execute(text("update channels set takes_stock = true"))
        db.session.commit()
    item_id = books.item("KOPI-O")
    pair = [a_listing(one, branches=(BranchStock("h", Decimal(5), Decimal(0)),)) for one in ("1", "2")]
    ids = sell(books, channel, *pair)
    for one in ids:
        press(owner, books, channel, one, "link", item_id=item_id)
    page = owner.get(url(store, channel)).text
    assert "Items that two products of this channel mean, counted in the same branch." in page
    assert page.count("means KOPI-O too and is counted in the same branch") == 2
    press(owner, books, channel, ids[0], "unlink", version=1)
    assert "counted in the same branch" not in owner.get(url(store, channel)).text
    shown = owner.get(store.url(f"/inventory/{item_id}")).text
    assert "Counted by a channel" in shown
    assert "SiteGiant counts what its products have in your warehouses." in shown, "adjusting it here does not last"
