"""Product Sync and Inventory as pages: proposed, accepted, refused, chosen, taken back, by one and by two."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from werkzeug.test import TestResponse

from app.core.roles import Role
from app.core.types import UnreadableListing
from app.extensions import db
from app.mappings.models import Listing
from app.orders.models import Order
from app.tenancy.models import Store
from app.web.ids import LARGEST
from tests.connectors.fake import a_listing
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}


def url(store: SomeStore, channel: SomeChannel, path: str = "") -> str:
    return store.url(f"/channels/{channel.id}/products{path}")


def listing(books: Books, listing_id: int) -> Listing:
    with books.scope():
        found = db.session.get_one(Listing, (books.store.id, listing_id))
        db.session.expunge(found)
    return found


def stands(books: Books, listing_id: int) -> tuple[str, int | None, int]:
    found = listing(books, listing_id)
    return found.state, found.item_id, found.version


def press(
    client: FlaskClient,
    books: Books,
    channel: SomeChannel,
    listing_id: int,
    act: str,
    *,
    htmx: bool = False,
    **data: Any,
) -> TestResponse:
    path = url(books.store, channel, f"/{listing_id}")
    return client.post(path, data={"act": act, "version": 0, **data}, headers=HTMX if htmx else {})


def hold(books: Books) -> None:
    with books.scope():
        db.session.execute(update(Store).values(unlinked_items="hold"))
        db.session.commit()


def orders(books: Books) -> list[tuple[str, str | None]]:
    with books.scope():
        rows = db.session.execute(select(Order.state, Order.reason).order_by(Order.id)).all()
    return [(row.state, row.reason) for row in rows]


def waiting_order(books: Books, channel: SomeChannel, isku: str) -> int:
    reason = {"state": "held", "reason": "SKU_NOT_FOUND", "reason_detail": {"skus": isku}}
    order_id = books.order(channel, **reason, shipping=0, discount=0, total=4000)
    books.line(order_id, isku=isku)
    return order_id


def test_the_page_shows_each_product_with_what_it_may_be_and_why(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.item("KOPI-O", barcode="9551234567890", name="Kopi O")
    books.item("TEH", name="Teh Tarik")
    picture = "https://pictures.example/1.jpg"
    books.listings(
        channel,
        a_listing("1", isku="X1", barcode="9551234567890", picture=picture),
        a_listing("2", isku="kopi o"),
        a_listing("3", isku="", sku="", name="Teh Tarik"),
        UnreadableListing("4", "No price.", {"item_id": 4}),
    )
    page = owner.get(url(store, channel)).text
    assert "Same barcode 9551234567890: certain" in page
    assert "SKU KOPI-O but for case, spaces or signs: likely" in page
    assert "Same name and variant: possible" in page
    assert "Its last row could not be read: No price." in page
    assert "RM\u00a021.00" in page
    assert "Stock there 5" in page
    assert f'href="{picture}" target="_blank" rel="noopener noreferrer nofollow"' in page
    assert "<img" not in page, "no foreign picture is loaded"
    assert "One proposal is certain." in page


def test_filters_and_search_survive_a_reload_and_a_page_is_a_few_statements(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.item("A1")
    books.listings(channel, *[a_listing(str(n), isku=f"A{n}", sku="", name=f"Kopi {n}") for n in range(1, 121)])
    page = owner.get(url(store, channel, "?state=proposed")).text
    assert page.count('id="listing-') == 1
    page = owner.get(url(store, channel, "?q=kopi+77")).text
    assert page.count('id="listing-') == 1
    assert 'value="kopi 77"' in page
    first = owner.get(url(store, channel)).text
    assert first.count('id="listing-') == 50
    (after,) = re.findall(r'href="([^"]*after=[^"]*)"', first)
    assert owner.get(after.replace("&amp;", "&")).text.count('id="listing-') == 50
    assert "No product matches" in owner.get(url(store, channel, "?q=nothing")).text
    with books.app.app_context(), statements() as seen:
        owner.get(url(store, channel))
    assert len([one for one in seen if "FROM listings" in one]) <= 6
    part = owner.get(url(store, channel), headers={**HTMX, "HX-Target": "listings"}).text
    assert part.strip().startswith('<div id="listings"')


def test_accepting_links_and_frees_the_orders_that_waited(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    hold(books)
    (listing_id,) = books.listings(channel, a_listing("1", isku="X1", barcode="9551234567890"))
    waiting_order(books, channel, "X1")
    waiting_order(books, channel, "Y1")
    item_id = books.item("KOPI-O", barcode="9551234567890")
    answer = press(owner, books, channel, listing_id, "link", item_id=item_id, next=url(store, channel, "?q=x1"))
    assert answer.status_code == 303
    assert answer.location == url(store, channel, f"?q=x1#listing-{listing_id}")
    assert stands(books, listing_id) == ("linked", item_id, 1)
    assert orders(books) == [("ready", None), ("held", "SKU_NOT_FOUND")]
    shown = owner.get(answer.location).text
    assert "Saved. One order is ready now." in shown
    with books.scope():
        freed = db.session.execute(text("select user_id from journal where kind = 'freed'")).all()
    assert freed == [(store.owner.id,)]


def test_with_htmx_the_row_comes_back_alone(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    answer = press(owner, books, channel, listing_id, "link", htmx=True, item_id=item_id)
    assert answer.status_code == 200
    assert f'id="listing-{listing_id}"' in answer.text
    assert "<html" not in answer.text
    assert "Unlink" in answer.text


def test_refusing_is_remembered_and_can_be_taken_back(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    assert stands(books, listing_id) == ("proposed", None, 0)
    press(owner, books, channel, listing_id, "refuse", item_id=item_id)
    assert stands(books, listing_id) == ("unlinked", None, 1)
    page = owner.get(url(books.store, channel)).text
    assert "Refused: KOPI-O" in page
    press(owner, books, channel, listing_id, "allow", version=1)
    assert stands(books, listing_id) == ("proposed", None, 2)


def test_unlinking_shows_the_proposal_again(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    press(owner, books, channel, listing_id, "link", item_id=item_id)
    press(owner, books, channel, listing_id, "unlink", version=1)
    assert stands(books, listing_id) == ("proposed", None, 2)


def test_another_item_is_chosen_by_search_without_javascript(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    books.item("KOPI-O", name="Kopi O")
    teh = books.item("TEH-1", name="Teh Tarik")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    page = owner.get(url(books.store, channel, f"/{listing_id}?q=tarik")).text
    chooser = page.partition("Choose its item")[2]
    assert "TEH-1 · Teh Tarik" in chooser
    assert "KOPI-O" not in chooser.partition("TEH-1")[2].partition("aria-label")[0]
    forms = re.findall(r'name="item_id" value="(\d+)"', chooser)
    assert forms == [str(teh)]
    press(owner, books, channel, listing_id, "link", item_id=teh)
    assert stands(books, listing_id)[1] == teh
    assert "No item of yours matches" in owner.get(url(books.store, channel, f"/{listing_id}?q=zzz")).text


def test_an_item_is_created_from_a_product_and_a_taken_sku_is_refused_with_the_way_out(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    first, second, nameless = books.listings(
        channel,
        a_listing("1", isku="KOPI-O", name="Kopi O", barcode="9551234567890"),
        a_listing("2", isku="kopi-o", sku=""),
        a_listing("3", isku="", sku=""),
    )
    press(owner, books, channel, first, "create")
    state, item_id, _version = stands(books, first)
    assert state == "linked"
    page = owner.get(books.store.url(f"/inventory/{item_id}")).text
    assert 'value="KOPI-O"' in page
    assert 'value="21.00"' in page
    refused = press(owner, books, channel, second, "create")
    assert refused.status_code == 422
    assert "An item with the SKU kopi-o exists already." in refused.text
    assert stands(books, second)[1] is None
    refused = press(owner, books, channel, nameless, "create")
    assert "The product has no SKU" in refused.text


@pytest.mark.parametrize("htmx", [False, True])
def test_the_second_of_two_who_save_is_shown_what_changed(
    owner: FlaskClient, books: Books, channel: SomeChannel, htmx: bool
) -> None:
    kopi, teh = books.item("KOPI-O"), books.item("TEH")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    make = Make(books.app)
    colleague = make.person("Siti")
    make.member(books.store, colleague, Role.OWNER)
    press(signed_in(new_client(books.app), colleague), books, channel, listing_id, "link", item_id=kopi)
    refused = press(owner, books, channel, listing_id, "link", htmx=htmx, item_id=teh)
    assert refused.status_code == 422
    assert "Siti set this to “KOPI-O” just now, while your page was open." in refused.text
    assert 'name="version" value="1"' in refused.text
    assert stands(books, listing_id) == ("linked", kopi, 1)
    again = press(owner, books, channel, listing_id, "link", version=1, item_id=teh)
    assert again.status_code == 303
    assert stands(books, listing_id) == ("linked", teh, 2)


def test_two_who_choose_the_same_do_not_disagree(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    for _press in range(2):
        assert press(owner, books, channel, listing_id, "link", item_id=item_id).status_code == 303
    assert stands(books, listing_id) == ("linked", item_id, 1)


def test_what_is_accepted_is_what_the_person_saw(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    """The proposal moved on while the page was open: the press still means the item beside the button."""
    old = books.item("kopi o")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    books.item("KOPI-O!")
    assert stands(books, listing_id)[0] == "unclear"
    press(owner, books, channel, listing_id, "link", item_id=old)
    assert stands(books, listing_id) == ("linked", old, 1)


@pytest.mark.parametrize("data", [{"act": "steal"}, {"act": "link", "version": "x"}, {"act": "link"}, {}])
def test_presses_that_no_button_sends_change_nothing(
    owner: FlaskClient, books: Books, channel: SomeChannel, data: dict[str, str]
) -> None:
    (listing_id,) = books.listings(channel, a_listing("1"))
    answer = owner.post(url(books.store, channel, f"/{listing_id}"), data={"version": "0", **data} if data else {})
    assert answer.status_code == 422
    assert stands(books, listing_id) == ("unlinked", None, 0)


def test_items_of_others_and_archived_ones_cannot_be_chosen(
    app: Flask, owner: FlaskClient, books: Books, channel: SomeChannel, other_store: SomeStore
) -> None:
    theirs = Books(app, other_store).item("KOPI-O")
    mine = books.item("OLD")
    owner.post(books.store.url(f"/inventory/{mine}/archive"))
    (listing_id,) = books.listings(channel, a_listing("1"))
    for item_id in (theirs, mine, 0, 10**18):
        refused = press(owner, books, channel, listing_id, "link", item_id=item_id)
        assert refused.status_code == 422
        assert "no longer in use" in refused.text
    assert stands(books, listing_id)[1] is None


def test_all_certain_ones_are_accepted_together_after_the_number_was_said_and_taken_back_together(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    hold(books)
    items = [books.item(f"A{n}") for n in range(3)]
    ids = books.listings(channel, *[a_listing(str(n + 1), isku=f"A{n}", sku="") for n in range(3)])
    books.item("B-7")
    (likely,) = books.listings(channel, a_listing("9", isku="b7", sku=""))
    asked = owner.get(url(books.store, channel, "/accept"))
    assert "3 products are linked." in asked.text
    refused = owner.post(url(books.store, channel, "/accept"), data={"count": "2"})
    assert refused.status_code == 409
    assert [stands(books, one)[0] for one in ids] == ["proposed"] * 3
    answer = owner.post(url(books.store, channel, "/accept"), data={"count": "3"})
    assert answer.status_code == 303
    assert [stands(books, one)[:2] for one in ids] == [("linked", item_id) for item_id in items]
    assert stands(books, likely)[0] == "proposed"
    page = owner.get(answer.location).text
    assert "3 products were linked." in page
    press(owner, books, channel, ids[0], "unlink", version=1)
    (undo,) = re.findall(r'href="([^"]*/undo\?batch=\w+)"', page)
    confirm = owner.get(undo).text
    assert "2 products are not linked any more" in confirm
    batch = undo.partition("batch=")[2]
    owner.post(url(books.store, channel, "/undo"), data={"batch": batch})
    assert [stands(books, one)[0] for one in ids] == ["proposed"] * 3
    again = owner.post(url(books.store, channel, "/undo"), data={"batch": batch})
    assert again.status_code == 303


def test_a_store_without_items_makes_them_of_its_products(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    ids = books.listings(
        channel,
        *[a_listing(str(n), isku=f"A{n}", sku="", name=f"Kopi {n}") for n in range(1, 4)],
        a_listing("8", isku="TWICE", sku=""),
        a_listing("9", isku="twice", sku=""),
        a_listing("10", isku="", sku=""),
    )
    page = owner.get(url(books.store, channel)).text
    assert "First time here?" in page
    asked = owner.get(url(books.store, channel, "/create")).text
    assert "5 products that nothing is proposed for become items" in asked
    answer = owner.post(url(books.store, channel, "/create"))
    shown = owner.get(answer.location).text
    assert "3 items were created. 3 products were left" in shown
    assert [stands(books, one)[0] for one in ids] == ["linked"] * 3 + ["unlinked"] * 3
    inventory = owner.get(books.store.url("/inventory/")).text
    assert "Kopi 1" in inventory


def test_making_items_proposes_them_to_the_other_channels(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    other = books.channel("Second shop")
    books.listings(channel, a_listing("1", isku="A1", sku=""))
    (theirs,) = books.listings(other, a_listing("77", isku="A1", sku=""))
    owner.post(url(books.store, channel, "/create"))
    assert stands(books, theirs)[0] == "proposed"


def test_a_reader_sees_everything_and_may_change_nothing(
    reader: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    page = reader.get(url(books.store, channel)).text
    assert "Same SKU KOPI-O: certain" in page
    assert "Accept" not in page
    assert press(reader, books, channel, listing_id, "link", item_id=item_id).status_code == 403
    assert reader.post(url(books.store, channel, "/accept"), data={"count": "1"}).status_code == 403
    assert reader.post(books.store.url("/inventory/add"), data={"sku": "X"}).status_code == 403
    assert stands(books, listing_id)[0] == "proposed"


def test_an_empty_list_follows_by_itself_and_is_never_called_old(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    page = owner.get(url(books.store, channel)).text
    assert f"seen={LARGEST}" in page
    books.listings(channel, a_listing("1"))
    assert f"seen={LARGEST}" not in owner.get(url(books.store, channel)).text


def test_the_live_part_says_when_the_list_is_older_than_the_products(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    books.listings(channel, a_listing("1"))
    with books.scope():
        made = (
            "insert into sync_jobs (store_id, channel_id, kind, state, finished_at) "
            "values (:s, :c, 'products', 'succeeded', now())"
        )
        db.session.execute(text(made), {"s": books.store.id, "c": channel.id})
        db.session.commit()
    head = url(books.store, channel, "/head")
    assert "read anew since" in owner.get(f"{head}?seen=0", headers=HTMX).text
    page = owner.get(url(books.store, channel)).text
    assert "read anew since" not in page
    assert "Refresh products" in page


# ---- inventory


def test_an_item_is_added_changed_archived_and_brought_back(owner: FlaskClient, books: Books) -> None:
    store = books.store
    answer = owner.post(
        store.url("/inventory/add"), data={"sku": " KOPI-O ", "name": "Kopi O", "price": "16.90", "barcode": "955"}
    )
    assert answer.status_code == 303
    item_url = answer.location
    page = owner.get(store.url("/inventory/?q=kopi")).text
    assert "RM\u00a016.90" in page
    saved = owner.post(item_url, data={"sku": "KOPI-O", "name": "Kopi O Kaw", "price": "", "version": "1"})
    assert saved.status_code == 303
    assert "Kopi O Kaw" in owner.get(item_url).text
    owner.post(f"{item_url}/archive")
    assert "Kopi O Kaw" not in owner.get(store.url("/inventory/")).text
    assert "Kopi O Kaw" in owner.get(store.url("/inventory/?archived=1")).text
    owner.post(f"{item_url}/archive", data={"back": "1"})
    assert "Kopi O Kaw" in owner.get(store.url("/inventory/")).text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"sku": ""}, "Give the item a SKU."),
        ({"sku": "  kopi-o "}, "Another item has this SKU already."),
        ({"sku": "X", "price": "1.005"}, "Type an amount"),
        ({"sku": "X", "price": "-1"}, "Type an amount"),
        ({"sku": "X", "price": "99999999999999"}, "Type an amount"),
        ({"sku": "X" * 101}, "at most 100 letters"),
        ({"sku": "X\u0007Y"}, "cannot be seen"),
    ],
)
def test_items_that_cannot_be_are_refused_in_words(
    owner: FlaskClient, books: Books, data: dict[str, str], words: str
) -> None:
    books.item("KOPI-O")
    answer = owner.post(books.store.url("/inventory/add"), data=data)
    assert answer.status_code == 422
    assert words in answer.text


def test_an_item_that_products_mean_is_not_archived(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    item_id = books.item("KOPI-O")
    (listing_id,) = books.listings(channel, a_listing("1", isku="KOPI-O", sku=""))
    press(owner, books, channel, listing_id, "link", item_id=item_id)
    answer = owner.post(books.store.url(f"/inventory/{item_id}/archive"))
    assert "One product is linked to KOPI-O. Unlink it first." in owner.get(answer.location).text
    page = owner.get(books.store.url(f"/inventory/{item_id}")).text
    assert "SiteGiant" in page.partition("Linked products")[2]


def test_the_second_who_saves_an_item_is_shown_what_changed(owner: FlaskClient, books: Books) -> None:
    item_id = books.item("KOPI-O")
    item_url = books.store.url(f"/inventory/{item_id}")
    owner.post(item_url, data={"sku": "KOPI-O", "name": "First", "version": "1"})
    refused = owner.post(item_url, data={"sku": "KOPI-O", "name": "Second", "version": "1"})
    assert refused.status_code == 422
    assert "First" in refused.text
    assert "while your page was open" in refused.text
    assert 'name="version" value="2"' in refused.text


def test_a_changed_sku_lets_its_orders_wait_again(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    hold(books)
    order_id = waiting_order(books, channel, "A1")
    item_id = books.item("A1")
    assert orders(books) == [("ready", None)]
    owner.post(books.store.url(f"/inventory/{item_id}"), data={"sku": "B1", "version": "1"})
    assert orders(books) == [("held", "SKU_NOT_FOUND")]
    assert order_id


# ---- the setting


def save_rule(owner: FlaskClient, store: SomeStore, rule: str | None) -> TestResponse:
    form = {"prefix": "INV", "padding": "5", "next_number": "1", "shown_number": "1", "invoice_date_rule": "created"}
    form |= {"unmapped_gateway": "cash", "auto_delivery_order": "none"}
    return owner.post(store.url("/settings/invoicing"), data=form | ({"unlinked_items": rule} if rule else {}))


def test_the_setting_holds_what_is_ready_and_lets_it_go_again(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    order_id = books.order(channel, shipping=0, discount=0, total=4000)
    books.line(order_id, isku="A1")
    assert save_rule(owner, books.store, "hold").status_code == 303
    assert orders(books) == [("held", "SKU_NOT_FOUND")]
    page = owner.get(books.store.url(f"/orders/{order_id}")).text
    assert "No item of yours is linked to A1." in page
    assert f'href="{url(books.store, channel, "?q=A1")}"' in page
    assert save_rule(owner, books.store, None).status_code == 303
    assert orders(books) == [("held", "SKU_NOT_FOUND")], "a page from before the setting does not decide about it"
    save_rule(owner, books.store, "book")
    assert orders(books) == [("ready", None)]
    assert save_rule(owner, books.store, "maybe").status_code == 422
