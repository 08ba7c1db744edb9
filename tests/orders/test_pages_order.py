"""One order's page: every cent, every event, and the button that mends what stops it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.orders.detail import order_detail
from tests.orders.conftest import HTMX
from tests.orders.factories import NOON, Books, SomeChannel, statements
from tests.support.factories import SomeStore

NBSP = "\u00a0"


def page_of(browser: FlaskClient, store: SomeStore, order_id: int) -> str:
    answer = browser.get(store.url(f"/orders/{order_id}"))
    assert answer.status_code == 200
    return answer.text.replace(NBSP, " ")


@pytest.mark.parametrize("number", ["999999999", "9" * 25])
def test_unknown_order_is_404(owner: FlaskClient, store: SomeStore, number: str) -> None:
    assert owner.get(store.url(f"/orders/{number}")).status_code == 404


def test_order_of_another_store_is_404(
    app: Flask, owner: FlaskClient, store: SomeStore, other_store: SomeStore
) -> None:
    theirs = Books(app, other_store)
    order = theirs.order(theirs.channel())
    assert owner.get(store.url(f"/orders/{order}")).status_code == 404


def test_sum_foots_to_the_cent(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    order = books.order(channel, shipping=490, discount=500, adjustment=-10, tax=240, total=4220)
    books.line(order, quantity=2, unit_price=2100, gross=4200, discount=200)
    page = page_of(owner, store, order)
    for amount in ("RM 40.00", "+RM 4.90", "−RM 5.00", "−RM 0.10", "+RM 2.40", "RM 42.20"):
        assert amount in page
    assert "The amounts above add up to it." in page
    assert "Difference" not in page


def test_included_tax_is_told_and_not_added(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel, tax=300, tax_included=True, total=3990)
    books.line(order)
    page = page_of(owner, store, order)
    assert "(RM 3.00)" in page
    assert "The amounts above add up to it." in page


def test_difference_is_shown_with_its_sign(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    detail = {"currency": "MYR", "charged": 4100, "added_up": 3990, "difference": 110}
    order = books.order(channel, total=4100, state="held", reason="TOTAL_MISMATCH", reason_detail=detail)
    books.line(order)
    page = page_of(owner, store, order)
    assert "Adds up to" in page
    assert "+RM 1.10" in page
    assert "The lines add up to RM 39.90, but SiteGiant charged RM 41.00: a difference of +RM 1.10." in page


def test_detail_and_booking_add_up_alike(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel, shipping=490, discount=500, adjustment=7, tax=100, total=4097)
    books.line(order)
    with books.scope():
        detail = order_detail(order)
    assert detail is not None
    assert detail.items == 4000
    assert (detail.added_up, detail.difference) == (4097, 0)


def test_ready_order_has_the_sync_button(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    page = page_of(owner, store, order)
    assert f'<input type="hidden" name="order_id" value="{order}">' in page
    data = {"order_id": order, "back": store.url(f"/orders/{order}")}
    answer = owner.post(store.url("/orders/sync"), data=data)
    assert answer.location == store.url(f"/orders/{order}")
    shown = owner.get(answer.location).text
    assert "1 order queued" in shown
    assert "this page follows by itself" in shown


@pytest.mark.parametrize("state", ["waiting", "queued", "booked", "held", "closed"])
def test_no_other_state_has_it(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, state: str
) -> None:
    order = books.order(channel, state=state, reason="NO_LINES" if state == "held" else None)
    assert 'name="order_id"' not in page_of(owner, store, order)


def test_read_only_member_reads_the_story_and_has_no_buttons(
    reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    books.change(order, books.invoice(order), "blocked", reason="FOREIGN_NUMBER", reason_detail={"found": "AC-1"})
    page = page_of(reader, store, order)
    assert "AC-1" in page
    assert '<form class="inline-form"' not in page[page.index("<main") :]


def test_held_order_has_its_sentence_and_its_button(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    mapping = books.gateway(channel, "GrabPay")
    detail = {"gateway": "GrabPay", "gateway_key": "grabpay"}
    order = books.order(channel, gateway="GrabPay", state="held", reason="GATEWAY_UNMAPPED", reason_detail=detail)
    page = page_of(owner, store, order)
    assert "“GrabPay” has no payment method yet." in page
    link = store.url(f"/channels/{channel.id}/payments#gateway-{mapping}")
    assert re.search(rf'<a class="btn btn-primary" href="{re.escape(link)}">Choose a payment method</a>', page)


def test_invoices_live_and_former_are_listed(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    books.invoice(order, state="credited", number_text="INV-FORMER")
    books.invoice(order, number_text="INV-LIVE", payment_method="Shopee wallet", salesperson="Mei")
    page = page_of(owner, store, order)
    assert page.index("INV-LIVE") < page.index("INV-FORMER")
    assert "Credited" in page
    assert "Mei" in page
    assert "Shopee wallet" in page


def test_conflict_shows_both_numbers_and_both_ways_out(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    invoice = books.invoice(order, number_text="INV-OURS")
    detail = {"number": "INV-OURS", "found": "AC-2201", "reason": "FOREIGN_NUMBER", "words": ""}
    change = books.change(order, invoice, "blocked", reason="FOREIGN_NUMBER", reason_detail=detail)
    page = page_of(owner, store, order)
    card = page[page.index("Invoice number on SiteGiant") :]
    assert "INV-OURS" in card
    assert "AC-2201" in card
    assert "Nothing was overwritten" in card
    assert store.url(f"/changes/{change}/retry") in card
    assert store.url(f"/changes/{change}/drop") in card


def test_number_on_the_channel_is_shown_when_written(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel, remote_invoice_no="INV-OURS")
    books.change(order, books.invoice(order, number_text="INV-OURS"), "done", done_at=NOON)
    page = page_of(owner, store, order)
    assert page[page.index("Invoice number on SiteGiant") :].count("INV-OURS") >= 2
    assert "Written back" in page


def test_write_back_that_waits_says_why_and_when(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    books.change(order, books.invoice(order), "planned", reason="SOURCE_DOWN", not_before=NOON)
    page = page_of(owner, store, order)
    assert "SiteGiant did not answer." in page
    assert "Next try" in page


def test_story_names_what_happened_and_who_did_it(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    books.note("imported", order, state="ready", reason=None)
    books.note("changed", order, status=["open", "shipped"], total=[3990, 4100], alert=[None, "CANCELLED"])
    books.note("queued", order, user_id=store.owner.id)
    books.note("booked", order, number="INV00007", default_method=True)
    books.note("written_back", order, number="INV00007")
    books.note("something_newer", order)
    page = page_of(owner, store, order)
    wanted = (
        "Read from SiteGiant for the first time",
        "Status: Open → Shipped",
        "Total: RM 39.90 → RM 41.00",
        "Since it was invoiced: none → Cancelled on SiteGiant after it was invoiced",
        "Sync requested",
        store.owner.name,
        "Invoice INV00007 issued",
        "Its gateway had no payment method",
        "INV00007 written to SiteGiant",
        "Something newer",
    )
    story = page[page.index(">What happened<") :]
    places = [story.index(words) for words in wanted]
    assert places == sorted(places)


def test_payload_is_there_for_support_and_escaped(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    books.raw(order, {"billing_firstname": "</pre><script>alert(1)</script>", "note": "Ünïcode 陳"})
    page = page_of(owner, store, order)
    assert "What SiteGiant sent" in page
    assert "<script>alert" not in page
    assert "陳" in page


def test_story_asks_again_while_the_order_moves_and_then_rests(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel, state="queued")
    url = store.url(f"/orders/{order}")
    moving = owner.get(url, headers=HTMX).text
    assert moving.lstrip().startswith(f'<div id="order-story-{order}"')
    assert 'hx-trigger="sse:orders, every 5s"' in moving
    books.invoice(order)
    assert "every 5s" not in owner.get(url, headers=HTMX).text


def test_long_story_costs_no_more_statements(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    books.line(order)
    for _ in range(12):
        books.note("changed", order, total=[1, 2])
    invoice = books.invoice(order)
    books.change(order, invoice)
    with books.scope(), statements() as seen:
        detail = order_detail(order)
    assert detail is not None
    assert len(detail.story) == 12
    assert len([statement for statement in seen if "set_config" not in statement]) == 7
