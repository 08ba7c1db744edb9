"""The orders' list as people use it: filters, bulk Sync, live rows; with and without JavaScript, and read-only."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.orders.models import Order
from app.sync.models import SyncJob
from app.tenancy.models import Store
from tests.orders.conftest import HTMX
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client


def state_of(books: Books, order_id: int) -> str:
    with books.scope():
        return db.session.scalars(select(Order.state).where(Order.id == order_id)).one()


def hidden(page: str, name: str) -> str:
    """The value of the first hidden field of that name, as a browser would send it."""
    match = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert match
    return match[1].replace("&amp;", "&")


@pytest.mark.parametrize("path", ["/orders", "/orders.csv", "/orders/1", "/orders/rows", "/failed"])
def test_stranger_gets_404(stranger: FlaskClient, store: SomeStore, path: str) -> None:
    assert stranger.get(store.url(path)).status_code == 404


@pytest.mark.parametrize("path", ["/orders", "/orders.csv", "/orders/1", "/orders/rows", "/failed"])
def test_signed_out_is_sent_to_sign_in(client: FlaskClient, store: SomeStore, path: str) -> None:
    answer = client.get(store.url(path))
    assert answer.status_code == 303
    assert "/signin" in answer.location


def test_empty_list_says_what_to_do_first(owner: FlaskClient, store: SomeStore) -> None:
    page = owner.get(store.url("/orders")).text
    assert "No orders yet" in page


def test_list_shows_the_order_and_where_it_stands(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel, number="2611ABC", remote_id="1001", total=1234567)
    page = owner.get(store.url("/orders")).text
    for words in ("2611ABC", "1001", "Nur Aisyah", "Shopee", "12,345.67", "Ready to sync", "Completed", "Paid"):
        assert words in page


def test_htmx_gets_the_table_alone_and_the_clean_address(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel, number="2611ABC")
    answer = owner.get(store.url("/orders?q=2611abc&channel=&marketplace="), headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="orders"')
    assert "<html" not in answer.text
    assert "2611ABC" in answer.text
    assert answer.headers["HX-Push-Url"] == store.url("/orders?q=2611abc")
    assert "HX-Request" in answer.headers["Vary"]


def test_filters_survive_in_the_form(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.gateway(channel, "GrabPay")
    books.order(channel, gateway="GrabPay", state="held", reason="GATEWAY_UNMAPPED")
    query = "q=nur&gateway=grabpay&state=held&date_from=2026-11-01&unmapped=1&reason=GATEWAY_UNMAPPED"
    page = owner.get(store.url(f"/orders?{query}")).text
    assert 'name="q" value="nur"' in page
    assert '<option value="grabpay" selected>GrabPay</option>' in page
    assert '<input type="hidden" name="state" value="held">' in page
    assert 'value="2026-11-01"' in page
    assert 'name="unmapped" value="1" checked' in page
    assert '<option value="GATEWAY_UNMAPPED" selected>' in page
    assert 'class="more-filters" open' in page


def test_filter_that_finds_nothing_says_so(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel)
    page = owner.get(store.url("/orders?q=nobody")).text
    assert "No order matches" in page


def test_paging_keeps_the_filter(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.orders(channel, [{"state": "held", "reason": "NO_LINES"}] * 3)
    page = owner.get(store.url("/orders?state=held&limit=2")).text
    older = re.search(r'href="([^"]*after=[^"]*)"', page)
    assert older
    assert "state=held" in older[1]


def test_unmapped_gateway_is_red_and_leads_to_its_row(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    mapping = books.gateway(channel, "GrabPay")
    books.order(channel, gateway="GrabPay")
    page = owner.get(store.url("/orders")).text
    link = store.url(f"/channels/{channel.id}/payments#gateway-{mapping}")
    assert f'<a class="needs-mapping" href="{link}"' in page
    assert "(default)" in page


def test_mapped_gateway_is_not_red(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.gateway(channel, "ShopeePay", "Shopee wallet")
    books.order(channel)
    page = owner.get(store.url("/orders")).text
    assert "needs-mapping" not in page
    assert "Shopee wallet" in page


def test_held_order_says_why_and_leads_to_the_mend(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    mapping = books.gateway(channel, "GrabPay")
    detail = {"gateway": "GrabPay", "gateway_key": "grabpay"}
    books.order(channel, gateway="GrabPay", state="held", reason="GATEWAY_UNMAPPED", reason_detail=detail)
    page = owner.get(store.url("/orders")).text
    assert "Payment method missing" in page
    assert "no payment method yet" in page
    assert page.count(f"#gateway-{mapping}") == 2


def test_alert_of_an_invoiced_order_is_shown(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    books.invoice(order)
    books.set(order, alert="CANCELLED")
    assert "Cancelled on SiteGiant after it was invoiced" in owner.get(store.url("/orders")).text


def test_names_from_outside_are_escaped(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    evil = "<script>alert(1)</script>"
    books.gateway(channel, evil)
    books.order(channel, buyer={"name": evil}, gateway=evil, status_text=evil, payment_status_text=evil, number=evil)
    for path in ("/orders", "/orders?q=%3Cscript%3Ealert", f"/orders?gateway={evil}"):
        page = owner.get(store.url(path)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_read_only_member_sees_orders_and_no_buttons(
    reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel, number="2611ABC")
    page = reader.get(store.url("/orders")).text
    assert "2611ABC" in page
    assert 'name="order_id"' not in page
    assert "Sync ticked" not in page
    assert "Sync all" not in page


def test_read_only_member_cannot_sync(
    reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    assert reader.post(store.url("/orders/sync"), data={"order_id": order}).status_code == 403
    assert state_of(books, order) == "ready"


def test_stranger_cannot_sync(stranger: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    assert stranger.post(store.url("/orders/sync"), data={"order_id": order}).status_code == 404
    assert state_of(books, order) == "ready"


def test_ticked_orders_of_another_store_are_not_touched(
    app: Flask, owner: FlaskClient, store: SomeStore, other_store: SomeStore
) -> None:
    theirs = Books(app, other_store)
    order = theirs.order(theirs.channel())
    answer = owner.post(store.url("/orders/sync"), data={"order_id": order}, follow_redirects=True)
    assert "No order matches any more" in answer.text
    assert state_of(theirs, order) == "ready"


def test_sync_ticked_without_javascript(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    ready, unpaid, other = books.orders(channel, [{}, {"state": "waiting", "reason": "UNPAID"}, {}])
    page = owner.get(store.url("/orders?q=nur&limit=20")).text
    back = hidden(page, "back")
    data = {"order_id": [ready, unpaid], "filter": hidden(page, "filter"), "back": back}
    answer = owner.post(store.url("/orders/sync"), data=data)
    assert answer.status_code == 303
    assert answer.location == back == store.url("/orders?q=nur")
    shown = owner.get(answer.location).text
    assert "1 order queued" in shown
    assert "1 not paid yet" in shown
    assert [state_of(books, order) for order in (ready, unpaid, other)] == ["queued", "waiting", "ready"]


def test_sync_ticked_with_htmx_answers_the_table_and_the_words(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    ready, booked = books.orders(channel, [{}, {}])
    books.invoice(booked)
    data = {"order_id": [ready, booked], "filter": "", "back": store.url("/orders")}
    answer = owner.post(store.url("/orders/sync"), data=data, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="orders"')
    assert 'id="flash" hx-swap-oob' in answer.text
    assert "1 order queued" in answer.text
    assert "1 already invoiced" in answer.text
    assert "Sync requested" in answer.text


def test_sync_all_covers_every_page_of_the_filter_and_no_more(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    matching = books.orders(channel, [{"gateway": "GrabPay"}] * 60)
    other = books.order(channel, gateway="ShopeePay")
    page = owner.get(store.url("/orders?gateway=grabpay")).text
    assert "Sync all 60 that match" in page
    form = page[page.index("<form action") :]
    data = {"all": "1", "filter": hidden(form, "filter"), "back": hidden(form, "back")}
    shown = owner.post(store.url("/orders/sync"), data=data, follow_redirects=True).text
    assert "60 orders queued" in shown
    assert {state_of(books, order) for order in (matching[0], matching[59])} == {"queued"}
    assert state_of(books, other) == "ready"
    assert "that match" not in owner.get(store.url("/orders?state=queued")).text


def test_sync_all_says_how_many_of_those_that_match_are_ready(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.orders(channel, [{}, {}, {"state": "held", "reason": "NO_LINES"}])
    assert "Sync the 2 ready of 3 that match" in owner.get(store.url("/orders")).text
    assert "Sync all 2 that match" in owner.get(store.url("/orders?state=ready")).text
    assert "that match" not in owner.get(store.url("/orders?state=held")).text


def test_order_that_will_wait_for_a_payment_method_does_not_promise_the_default(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.gateway(channel, "GrabPay")
    order = books.order(channel, gateway="GrabPay", state="waiting", reason="UNPAID")
    pages = [store.url("/orders"), store.url(f"/orders/{order}")]
    assert all("(default)" in owner.get(page).text for page in pages)
    with books.scope():
        db.session.execute(update(Store).where(Store.id == store.id).values(unmapped_gateway="hold"))
        db.session.commit()
    assert not any("(default)" in owner.get(page).text for page in pages)


def test_sync_all_ready_keeps_the_list_that_was_shown(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.orders(channel, [{}, {"state": "held", "reason": "NO_LINES"}])
    page = owner.get(store.url("/orders?state=held")).text
    notice = page[page.index('<div id="orders-summary"') :]
    data = {"all": "1", "filter": hidden(notice, "filter"), "back": hidden(notice, "back")}
    answer = owner.post(store.url("/orders/sync"), data=data)
    assert answer.location == store.url("/orders?state=held")
    shown = owner.get(answer.location).text
    assert "1 order queued" in shown
    assert "no items" not in shown, "the held order was not asked for"


def test_sync_links_to_its_job(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    shown = owner.post(store.url("/orders/sync"), data={"order_id": order}, follow_redirects=True).text
    with books.scope():
        job_id = db.session.scalars(select(SyncJob.id)).one()
    assert f'href="{store.url(f"/jobs/{job_id}")}"' in shown


def test_sync_on_a_channels_tab_stays_there_and_within_its_channel(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    second = books.channel("Second")
    here, there = books.order(channel), books.order(second)
    tab = store.url(f"/channels/{channel.id}/orders")
    form = owner.get(tab).text
    form = form[form.index('<form action="' + store.url("/orders/sync")) :]
    data = {"all": "1", "filter": hidden(form, "filter"), "back": hidden(form, "back")}
    answer = owner.post(store.url("/orders/sync"), data=data, headers=HTMX)
    assert f"order-row-{here}" in answer.text
    assert f"order-row-{there}" not in answer.text
    assert f'href="{tab}?state=held"' in answer.text
    assert (state_of(books, here), state_of(books, there)) == ("queued", "ready")


def test_nothing_ticked_does_nothing_and_says_so(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    shown = owner.post(store.url("/orders/sync"), data={"filter": ""}, follow_redirects=True).text
    assert "Nothing was ticked" in shown
    assert state_of(books, order) == "ready"


@pytest.mark.parametrize("nonsense", ["x", "-1", "9" * 30, "１"])
def test_nonsense_for_an_id_does_nothing(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, nonsense: str
) -> None:
    order = books.order(channel)
    shown = owner.post(store.url("/orders/sync"), data={"order_id": nonsense}, follow_redirects=True).text
    assert "Nothing was ticked" in shown
    assert state_of(books, order) == "ready"


def test_back_never_leads_to_another_site(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    data = {"order_id": books.order(channel), "back": "https://evil.example/orders"}
    assert owner.post(store.url("/orders/sync"), data=data).location == store.url("/orders")


def test_automatic_delivery_orders_refuse_with_the_advice(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel)
    with books.scope():
        db.session.execute(update(Store).where(Store.id == store.id).values(auto_delivery_order="on_save"))
        db.session.commit()
    shown = owner.post(store.url("/orders/sync"), data={"order_id": order}, follow_redirects=True).text
    assert "Set Auto-generate D.O. to None" in shown
    assert state_of(books, order) == "ready"


def test_page_asks_again_while_an_order_is_queued(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    queued, ready = books.orders(channel, [{"state": "queued"}, {}])
    watch = re.search(r'<div id="orders-watch"[^>]*>', owner.get(store.url("/orders")).text)
    assert watch
    assert 'hx-trigger="sse:orders, every 5s"' in watch[0]
    assert f"id={queued}" in watch[0]
    assert f"id={ready}" not in watch[0]


def test_list_that_was_emptied_by_syncing_keeps_its_counts_up_to_date(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel, state="queued")
    page = owner.get(store.url("/orders?state=ready")).text
    assert "No order is here now" in page
    match = re.search(r'id="orders-watch" hx-get="([^"]+)"', page)
    assert match
    url = match[1].replace("&amp;", "&")
    assert "every 5s" in owner.get(url, headers=HTMX).text
    books.invoice(order)
    resting = owner.get(url, headers=HTMX).text
    assert "every 5s" not in resting
    assert '<div id="orders-summary" hx-swap-oob="true">' in resting


def test_page_at_rest_asks_only_when_it_is_nudged(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.orders(channel, [{}, {"state": "waiting", "reason": "UNPAID"}, {"state": "closed", "reason": "CANCELLED"}])
    watch = re.search(r'<div id="orders-watch"[^>]*>', owner.get(store.url("/orders")).text)
    assert watch
    assert 'hx-trigger="sse:orders"' in watch[0]


@pytest.mark.parametrize("state", ["planned", "sending"])
def test_write_back_on_its_way_moves_too(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, state: str
) -> None:
    order = books.order(channel)
    books.change(order, books.invoice(order), state)
    assert f"id={order}" in owner.get(store.url("/orders"), headers=HTMX).text


@pytest.mark.parametrize("state", ["done", "blocked", "dropped"])
def test_write_back_at_rest_does_not(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel, state: str
) -> None:
    order = books.order(channel)
    books.change(order, books.invoice(order), state)
    watch = re.search(r'<div id="orders-watch"[^>]*>', owner.get(store.url("/orders"), headers=HTMX).text)
    assert watch
    assert f"id={order}" not in watch[0]
    assert "every 5s" not in watch[0]


def test_live_rows_come_out_of_band_until_they_rest(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    order = books.order(channel, state="queued")
    page = owner.get(store.url("/orders")).text
    match = re.search(r'id="orders-watch" hx-get="([^"]+)"', page)
    assert match
    url = match[1].replace("&amp;", "&")
    moving = owner.get(url, headers=HTMX).text
    assert f'<template><tr id="order-row-{order}" hx-swap-oob="true">' in moving.replace("\n", "")
    assert "every 5s" in moving
    books.invoice(order, number_text="INV-LIVE")
    resting = owner.get(url, headers=HTMX).text
    assert "INV-LIVE" in resting
    assert "every 5s" not in resting
    assert '<div id="orders-summary" hx-swap-oob="true">' in resting


def test_a_nudged_page_gets_the_rows_that_changed_and_no_others(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    held, other = books.orders(channel, [{"state": "held", "reason": "GATEWAY_UNMAPPED"}, {}])
    match = re.search(r'id="orders-watch" hx-get="([^"]+)"', owner.get(store.url("/orders")).text)
    assert match
    url = match[1].replace("&amp;", "&")
    assert "<tr" not in owner.get(url, headers=HTMX).text
    books.set(held, state="ready", reason=None)
    nudged = owner.get(url, headers=HTMX).text
    assert f"order-row-{held}" in nudged
    assert f"order-row-{other}" not in nudged


def test_live_rows_opened_directly_lead_to_their_page(owner: FlaskClient, store: SomeStore) -> None:
    answer = owner.get(store.url("/orders/rows?id=1"))
    assert (answer.status_code, answer.location) == (303, store.url("/orders"))


def test_live_rows_of_another_store_stay_there(
    app: Flask, owner: FlaskClient, store: SomeStore, other_store: SomeStore
) -> None:
    theirs = Books(app, other_store)
    order = theirs.order(theirs.channel(), state="queued")
    assert f"order-row-{order}" not in owner.get(store.url(f"/orders/rows?id={order}"), headers=HTMX).text


def test_page_of_fifty_costs_as_many_statements_as_a_page_of_one(
    app: Flask, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    browser = signed_in(new_client(app), store.owner)
    books.orders(channel, [{}])

    def cost() -> int:
        with app.app_context(), statements() as found:
            assert browser.get(store.url("/orders")).status_code == 200
        return len(found)

    cost()
    one = cost()
    orders = books.orders(channel, [{"gateway": f"Gateway {number}"} for number in range(60)])
    for order in orders[:5]:
        books.change(order, books.invoice(order), "planned")
    assert cost() == one
    assert one <= 20


def test_what_would_be_booked_under_the_default_is_said_before_the_press(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.gateway(channel, "ShopeePay", "Bank")
    books.gateway(channel, "GrabPay")
    books.order(channel, state="ready", gateway="ShopeePay", gateway_key="shopeepay")
    page = owner.get(store.url("/orders")).text
    assert "has no payment method yet" not in page
    books.order(channel, state="ready", gateway="GrabPay", gateway_key="grabpay")
    page = owner.get(store.url("/orders")).text
    assert "1 of them came by a gateway that has no payment method yet" in page
    assert "See them and choose" in page
