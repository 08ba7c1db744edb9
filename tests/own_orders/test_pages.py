"""Making and changing orders on the pages, with and without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.channels.models import Channel
from app.core.states import OrderState, Reason
from app.extensions import db
from app.orders.models import JournalEntry, Order, OrderLine, SeenOrder
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

PRESS = "press-number-one-of-this-test"
TYPED: dict[str, Any] = {
    "press": PRESS,
    "save": "1",
    "kind": "pos",
    "payment_method": "Cash",
    "paid": "y",
    "buyer_name": "Mei Ling",
    "buyer_phone": "012-345 6789",
    "shipping": "6.00",
    "discount": "1.50",
    "note": "Leave it at the counter",
    "line_sku": ["KOPI-1", ""],
    "line_name": ["Kopi", "Gift wrap"],
    "line_variant": ["500 g", ""],
    "line_quantity": ["2", "0.5"],
    "line_unit_price": ["16.90", "3.00"],
    "line_discount": ["0.80", ""],
}
TOTAL = 2 * 1690 - 80 + 150 + 600 - 150


def make(client: FlaskClient, store: SomeStore, **other: Any) -> TestResponse:
    return client.post(store.url("/orders/new"), data=TYPED | other)


def only_order(books: Books) -> Order:
    with books.scope():
        return db.session.scalars(select(Order)).one()


def order_url(store: SomeStore, order: Order, path: str = "") -> str:
    return store.url(f"/orders/{order.id}{path}")


def test_what_was_typed_becomes_an_order_that_is_ready(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    answer = make(owner, store)
    order = only_order(books)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"/orders/{order.id}")
    assert (order.number, order.state, order.order_type, order.total) == ("SO00001", OrderState.READY, "pos", TOTAL)
    with books.scope():
        lines = db.session.scalars(select(OrderLine).order_by(OrderLine.line_no)).all()
        assert [(line.sku, line.gross, line.discount) for line in lines] == [("KOPI-1", 3380, 80), ("", 150, 0)]
        assert db.session.scalars(select(SeenOrder.state)).all() == ["imported"]
        entry = db.session.scalars(select(JournalEntry)).one()
        assert (entry.kind, entry.user_id) == ("imported", store.owner.id)
    page = owner.get(answer.headers["Location"]).text
    assert "Order SO00001" in page
    assert "Mei Ling" in page
    assert "writes the number" not in page


def test_an_unpaid_order_waits_and_is_ready_once_marked(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    make(owner, store, paid="")
    order = only_order(books)
    assert (order.state, order.paid_at) == (OrderState.WAITING, None)
    assert "Mark as paid" in owner.get(order_url(store, order)).text
    assert owner.post(order_url(store, order, "/mark/paid")).status_code == 303
    after = only_order(books)
    assert after.state == OrderState.READY
    assert after.paid_at is not None


def test_pressing_twice_makes_one_order(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    first, second = make(owner, store), make(owner, store)
    assert first.headers["Location"] == second.headers["Location"]
    third = make(owner, store, note="Something else")
    assert third.headers["Location"] == first.headers["Location"]
    assert "saved before" in owner.get(third.headers["Location"]).text
    only_order(books)


def test_a_number_is_given_to_one_order(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    make(owner, store, number="A-1")
    again = make(owner, store, number="A-1", press="another-press-number", shipping="7.00")
    assert again.status_code == 422
    assert "Another order has this number already." in again.text
    assert order_url(store, only_order(books)) in again.text


def test_a_typed_number_is_passed_over_by_the_series(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    make(owner, store, number="SO00001")
    make(owner, store, press="another-press-number")
    with books.scope():
        assert db.session.scalars(select(Order.number).order_by(Order.id)).all() == ["SO00001", "SO00002"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"line_unit_price": ["16,90", "3"]}, "Type an amount in MYR"),
        ({"line_quantity": ["0", "1"]}, "Type a quantity above zero"),
        ({"line_discount": ["99", ""]}, "The discount is larger"),
        ({"discount": "1000"}, "The discount is larger"),
        ({"placed_at": "2126-01-01T10:00"}, "still to come"),
        ({"kind": "marketplace"}, "This must be one of"),
        ({"buyer_name": "x" * 301}, "at most 300"),
    ],
)
def test_a_mistake_stands_beside_its_field_and_nothing_is_stored(
    owner: FlaskClient, store: SomeStore, books: Books, typed: dict[str, Any], words: str
) -> None:
    answer = make(owner, store, **typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Leave it at the counter" in answer.text
    with books.scope():
        assert db.session.scalar(select(func.count()).select_from(Order)) == 0


def test_numbers_are_typed_as_the_pages_language_writes_them(
    owner: FlaskClient, store: SomeStore, books: Books
) -> None:
    owner.post("/language", data={"language": "vi"})
    vietnamese = {"line_quantity": ["2", "0,5"], "line_unit_price": ["16,90", "3"], "line_discount": ["0,80", ""]}
    rest = {"shipping": "6,00", "discount": "1,50"}
    refused = make(owner, store, **vietnamese | {"line_unit_price": ["16.90", "3"]}, **rest)
    assert refused.status_code == 422
    assert "16,90" in refused.text, "the example"
    assert make(owner, store, **vietnamese, **rest).status_code == 303
    order = only_order(books)
    assert order.total == TOTAL
    form = owner.get(order_url(store, order, "/edit")).text
    assert all(f'value="{value}"' in form for value in ("16,90", "0,5", "6,00"))


def test_an_order_without_lines_is_refused(owner: FlaskClient, store: SomeStore) -> None:
    blank = {name: "" for name in TYPED if name.startswith("line_")}
    assert "Add at least one item." in make(owner, store, **blank).text


def test_lines_come_and_go_without_scripts(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    item_id = books.item("TEH-9", name="Teh Tarik", price=1250, currency="MYR")
    typed = {name: value for name, value in TYPED.items() if name != "save"}
    found = owner.post(store.url("/orders/new"), data=typed | {"find": "1", "q": "teh"})
    assert f'name="pick" value="{item_id}"' in found.text
    picked = owner.post(store.url("/orders/new"), data=typed | {"pick": str(item_id)})
    assert re.findall(r'name="line_sku" value="([^"]*)"', picked.text) == ["KOPI-1", "", "TEH-9"]
    assert 'name="line_unit_price" value="12.50"' in picked.text
    added = owner.post(store.url("/orders/new"), data=typed | {"add": "1"})
    assert len(re.findall(r'name="line_sku"', added.text)) == 3
    removed = owner.post(store.url("/orders/new"), data=typed | {"remove": "0"})
    assert re.findall(r'name="line_name" value="([^"]*)"', removed.text) == ["Gift wrap"]


def test_the_total_follows_what_is_typed(owner: FlaskClient, store: SomeStore) -> None:
    typed = {name: value for name, value in TYPED.items() if name != "save"} | {"kind": ""}
    answer = owner.post(store.url("/orders/new"), data=typed | {"total": "1"}, headers={"HX-Request": "true"})
    assert "RM\u00a039.00" in answer.text
    assert "<form" not in answer.text


def test_lines_are_edited_until_it_is_booked(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    make(owner, store, placed_at="2026-10-05T10:30")
    order = only_order(books)
    assert 'value="2026-10-05T10:30"' in owner.get(order_url(store, order, "/edit")).text
    answer = owner.post(order_url(store, order, "/edit"), data=TYPED | {"shipping": "8.00"})
    assert answer.status_code == 303
    after = only_order(books)
    assert (after.total, after.number, after.placed_at) == (TOTAL + 200, order.number, order.placed_at)
    with books.scope():
        db.session.get_one(Order, (store.id, order.id)).state = OrderState.BOOKED
        db.session.commit()
    owner.post(order_url(store, order, "/edit"), data=TYPED | {"shipping": "9.00"})
    assert only_order(books).total == TOTAL + 200


def test_a_cancelled_order_is_closed_and_stays(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    make(owner, store)
    order = only_order(books)
    assert "Cancel order SO00001?" in owner.get(order_url(store, order, "/move/cancelled")).text
    owner.post(order_url(store, order, "/move/cancelled"))
    after = only_order(books)
    assert (after.state, after.reason) == (OrderState.CLOSED, Reason.CANCELLED)
    owner.post(order_url(store, order, "/move/shipped"))
    assert only_order(books).status == "cancelled"


def test_an_order_of_a_channel_is_not_changed_here(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    order_id = books.order(books.channel())
    for path in ("/edit", "/mark/paid"):
        assert owner.get(store.url(f"/orders/{order_id}{path}")).status_code == 404
        assert owner.post(store.url(f"/orders/{order_id}{path}")).status_code == 404


def test_the_own_channel_offers_only_what_it_can_do(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    assert "This store" not in owner.get(store.url("/channels/add")).text
    make(owner, store)
    with books.scope():
        channel = db.session.scalars(select(Channel)).one()
    for path in ("/channels/", f"/channels/{channel.id}/orders", f"/channels/{channel.id}/settings"):
        page = owner.get(store.url(path), query_string={"state": "ready"})
        assert page.status_code == 200, path
        for button in ("Check for updates", "Product Sync", "Reconnect", "Remove this channel", "Pause"):
            assert button not in page.text, (path, button)
    for path in ("check", "reconnect", "remove", "verify"):
        assert owner.post(store.url(f"/channels/{channel.id}/{path}")).status_code == 404
    assert "This store" not in owner.get(store.url("/verify")).text
    assert "Ask This store" not in owner.get(store.url("/orders/find"), query_string={"q": "nothing"}).text


def test_a_colleague_who_only_reads_makes_none(store: SomeStore, client: FlaskClient, books: Books) -> None:
    reader = signed_in(new_client(client.application), store.reader)
    assert make(reader, store).status_code == 403
    assert "New order" not in reader.get(store.url("/orders")).text
