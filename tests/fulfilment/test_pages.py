"""Packing and sending on the pages, without scripts: what is offered can be done, and what cannot be done says why."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.types import OrderStatus
from tests.fulfilment.making import BUYER, fulfilment, made, packed, status
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client

S = OrderStatus


class Desk:
    """An order's pages, as somebody who may do everything sees them."""

    def __init__(self, client: FlaskClient, store: SomeStore) -> None:
        self.client, self.store = client, store

    def url(self, order_id: int, path: str = "") -> str:
        return self.store.url(f"/orders/{order_id}{path}")

    def show(self, order_id: int) -> str:
        return unescape(self.client.get(self.url(order_id)).text)

    def ask(self, order_id: int, path: str) -> str:
        answer = self.client.get(self.url(order_id, path))
        assert answer.status_code == 200
        return unescape(answer.text)

    def press(self, order_id: int, path: str, /, **form: Any) -> TestResponse:
        return self.client.post(self.url(order_id, path), data=form)

    def told(self, order_id: int, path: str, /, **form: Any) -> str:
        """What the order's page says after a press."""
        assert self.press(order_id, path, **form).status_code == 303
        return self.show(order_id)


@pytest.fixture
def desk(owner: FlaskClient, store: SomeStore) -> Desk:
    return Desk(owner, store)


def offered(page: str) -> set[str]:
    """The statuses that the page offers."""
    return set(re.findall(r'/move/(\w+)"', page))


def test_the_page_offers_what_may_follow_and_nothing_else(desk: Desk, books: Books) -> None:
    order_id = made(books, status="open")
    assert offered(desk.show(order_id)) == {
        *("processing", "ready_to_ship", "shipped", "completed", "on_hold", "cancelled")
    }
    assert "It is on hold." in desk.told(order_id, "/move/on_hold")
    assert offered(desk.show(order_id)) == {"open", "processing", "ready_to_ship", "cancelled"}
    desk.told(order_id, "/move/processing")
    desk.told(order_id, "/move/completed")
    assert offered(desk.show(order_id)) == {"returned"}
    desk.told(order_id, "/move/returned")
    assert offered(desk.show(order_id)) == set()


def test_a_step_that_cannot_follow_is_told_with_those_that_can(desk: Desk, books: Books) -> None:
    order_id = made(books)
    desk.told(order_id, "/move/shipped")
    page = desk.told(order_id, "/move/on_hold")
    assert "The order is “Shipped”. From there it can go on to: Completed, Returned." in page
    assert status(books, order_id) == S.SHIPPED


def test_sending_asks_for_courier_and_tracking_number(desk: Desk, books: Books) -> None:
    order_id = made(books)
    assert "May be left empty" in desk.ask(order_id, "/move/shipped")
    refused = desk.press(order_id, "/move/shipped", courier="x" * 61)
    assert (refused.status_code, "Use at most 60 letters." in refused.text) == (422, True)
    page = desk.told(order_id, "/move/shipped", courier="Pos Laju", tracking_number="EM1")
    assert "Pos Laju" in page
    assert "EM1" in page
    assert 'value="Pos Laju"' in desk.ask(order_id, "/courier")
    page = desk.told(order_id, "/courier", package="PK00001", courier="DHL", tracking_number="EM2")
    assert "Courier of package PK00001 changed" in page
    other = made(books)
    assert '<option value="DHL">' in desk.ask(other, "/move/shipped"), "who carried the last ones is offered"
    assert "It was not sent yet." in desk.told(other, "/courier", courier="DHL")


def test_the_courier_of_an_order_that_came_as_sent_can_be_said(desk: Desk, books: Books) -> None:
    order_id = made(books, status="shipped")
    assert "Courier of order SO00001" in desk.ask(order_id, "/courier")
    desk.told(order_id, "/move/completed")
    assert packed(books, order_id) == []
    page = desk.told(order_id, "/courier", courier="DHL", tracking_number="1Z")
    assert "Courier of package PK00001 changed" in page
    assert [package.courier for package in fulfilment(books, order_id).packages] == ["DHL"]


def test_an_order_is_split_sent_in_parts_and_merged_back(desk: Desk, books: Books) -> None:
    order_id = made(books)
    assert f'name="take_{order_id}_1"' in desk.ask(order_id, "/split")
    desk.told(order_id, "/split", **{f"take_{order_id}_1": "1"})
    assert packed(books, order_id)[1] == {1: 1}
    page = desk.show(order_id)
    assert "Merge back into PK00001" in page
    assert "Ship all…" in page
    assert "Only this package leaves." in desk.ask(order_id, "/move/shipped?package=PK00002")
    desk.told(order_id, "/split", package="PK00001", **{f"take_{order_id}_2": "0.5"})
    page = desk.told(order_id, "/merge", package="PK00003")
    assert "It is merged back." in page
    page = desk.told(order_id, "/move/shipped", package="PK00002", courier="DHL")
    assert "Package PK00002 was sent." in page
    assert "A part of it was sent." in page
    assert "cancelled" not in offered(page)
    assert "There is no other package of this order" in desk.told(order_id, "/merge", package="PK00001")
    desk.told(order_id, "/move/shipped")
    assert status(books, order_id) == S.SHIPPED


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("3", "Type a number from 0 up to what is in this package."),
        ("-1", "Type a number from 0 up to what is in this package."),
        ("many", "Type a number from 0 up to what is in this package."),
        ("1.00001", "Type a number from 0 up to what is in this package."),
        ("", "Say how much goes into the new package."),
        ("0", "Say how much goes into the new package."),
    ],
)
def test_a_split_that_cannot_be_keeps_what_was_typed(desk: Desk, books: Books, typed: str, words: str) -> None:
    order_id = made(books)
    answer = desk.press(order_id, "/split", **{f"take_{order_id}_1": typed, f"take_{order_id}_2": "0"})
    assert (answer.status_code, words in answer.text) == (422, True)
    assert f'value="{typed or 0}"' in answer.text
    assert packed(books, order_id) == []


def test_something_must_stay_in_a_package(desk: Desk, books: Books) -> None:
    order_id = made(books)
    answer = desk.press(order_id, "/split", **{f"take_{order_id}_1": "2", f"take_{order_id}_2": "0.5"})
    assert "Something must stay in this package." in answer.text


def test_orders_of_one_buyer_are_combined_and_the_others_say_why_not(desk: Desk, books: Books) -> None:
    one, other, opened = made(books), made(books), made(books, status="open")
    elsewhere = made(books, buyer=BUYER | {"address": "1, jalan besar"})
    stranger = made(books, buyer={"name": "Aisyah", "address": BUYER["address"]})
    page = desk.ask(one, "/combine")
    assert "The address is not the same to the letter; spaces and capitals count." in page
    assert "It is still Open. Start processing it first." in page
    assert f'value="{stranger}"' not in page
    disabled = re.findall(r'name="order_id" value="(\d+)" disabled', page)
    assert {int(one) for one in disabled} == {opened, elsewhere}
    refused = desk.press(one, "/combine", order_id=[str(elsewhere)])
    assert (refused.status_code, "Order SO00004: The address is not the same" in refused.text) == (422, True)
    assert "Tick at least one other order." in desk.press(one, "/combine").text
    page = desk.told(one, "/combine", order_id=[str(other)])
    assert "They are in one package now." in page
    assert f'/orders/{other}">order SO00002</a>' in page
    assert "In the same package, and sent with it: SO00001." in desk.ask(other, "/move/shipped")
    assert "shares with SO00001" in desk.ask(other, "/move/cancelled")
    page = desk.told(other, "/separate", package="PK00001")
    assert "It is packed by itself again." in page
    assert packed(books, one) == packed(books, other) == []


def test_what_is_packed_is_not_edited(desk: Desk, books: Books) -> None:
    order_id = made(books)
    desk.told(order_id, "/split", **{f"take_{order_id}_1": "1"})
    typed = {"save": "1", "kind": "webstore", "paid": "y", "payment_method": "FPX", "line_name": ["Kopi"]}
    more = {f"buyer_{name}": BUYER[name] for name in ("name", "phone", "address")}
    answer = desk.press(order_id, "/edit", **typed, **more, line_quantity=["1"], line_unit_price=["16.90"])
    assert (answer.status_code, "It is packed or sent already, so its items stay" in answer.text) == (422, True)
    assert len(packed(books, order_id)) == 2


def test_an_order_that_is_cancelled_or_came_back_is_asked_about(desk: Desk, books: Books) -> None:
    order_id = made(books)
    assert "Cancel order SO00001?" in desk.ask(order_id, "/move/cancelled")
    desk.told(order_id, "/move/shipped")
    assert "A finished order does not open again." in desk.ask(made(books), "/move/completed")
    assert "Order SO00001 came back?" in desk.ask(order_id, "/move/returned")
    assert "It came back." in desk.told(order_id, "/move/returned")
    assert status(books, order_id) == S.RETURNED


def test_orders_of_channels_are_not_packed_here(desk: Desk, books: Books) -> None:
    order_id = books.order(books.channel())
    assert "Packages" not in desk.show(order_id)
    for path in ("/move/shipped", "/move/on_hold", "/split", "/combine", "/courier", "/merge", "/separate"):
        assert desk.press(order_id, path).status_code == 404, path


def test_a_package_of_another_order_is_none(desk: Desk, books: Books) -> None:
    mine, other = made(books), made(books)
    desk.told(other, "/split", **{f"take_{other}_1": "1"})
    for path in ("/split", "/courier", "/move/shipped"):
        assert desk.press(mine, path, package="PK00001").status_code == 404, path
    assert "There is no such package any more." in desk.told(mine, "/merge", package="PK00001")
    assert fulfilment(books, mine).version == 0


def test_orders_of_another_store_are_not_combined(desk: Desk, books: Books, make: Make, app: Flask) -> None:
    mine, theirs = made(books), made(Books(app, make.store()))
    assert desk.press(mine, "/combine", order_id=[str(theirs)]).status_code == 404
    assert desk.press(theirs, "/split").status_code == 404
    assert packed(books, mine) == []


def test_a_colleague_who_only_reads_sees_packages_and_no_buttons(desk: Desk, store: SomeStore, books: Books) -> None:
    order_id = made(books)
    desk.told(order_id, "/split", **{f"take_{order_id}_1": "1"})
    reader = Desk(signed_in(new_client(desk.client.application), store.reader), store)
    page = reader.show(order_id)
    assert "Package PK00002" in page
    assert offered(page) == set()
    assert "/split" not in page
    assert reader.press(order_id, "/move/shipped").status_code == 403


def test_the_list_is_filtered_by_status(desk: Desk, books: Books, store: SomeStore) -> None:
    made(books)
    made(books, status="open")
    page = desk.client.get(store.url("/orders"), query_string={"status": "processing"}).text
    assert "SO00001" in page
    assert "SO00002" not in page
