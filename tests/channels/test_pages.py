"""What is connected and how well, and the places of a channel."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.channels.models import Channel
from app.extensions import db
from app.sync.models import SyncJob
from app.sync.of_channel import active_job_ids
from tests.channels.paths import connect
from tests.connectors.fake import FakeShop
from tests.orders.factories import NOON, Books, SomeChannel, statements
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}
PLACES = ("orders", "payments", "marketplaces", "failed", "products", "settings")


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    """The store's rows."""
    return Books(app, store)


@pytest.fixture
def channel(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> SomeChannel:
    """A connected channel."""
    return SomeChannel(connect(owner, store, shop), "Kedai Penang", marketplace_id=0)


def test_without_a_channel_the_page_says_what_to_do_first(
    owner: FlaskClient, reader: FlaskClient, store: SomeStore
) -> None:
    page = owner.get(store.url("/channels/")).text
    assert "Nothing is connected yet" in page
    assert store.url("/channels/add") in page
    assert store.url("/channels/add") not in reader.get(store.url("/channels/")).text


def test_a_channel_has_six_places(owner: FlaskClient, store: SomeStore, channel: SomeChannel) -> None:
    page = owner.get(store.url(f"/channels/{channel.id}/settings")).text
    tabs = page.partition('class="tabs"')[2].partition("</nav>")[0]
    names = [re.sub(r"<[^>]+>", "", name) for name in re.findall(r"<a [^>]*>(.*?)</a>", tabs, re.S)]
    assert names == ["Order Sync", "Payment Methods", "Channels", "Failed Sync", "Product Sync", "Settings"]


@pytest.mark.parametrize("place", PLACES)
def test_each_place_opens_for_owner_and_reader_and_for_no_stranger(
    reader: FlaskClient, store: SomeStore, other_store: SomeStore, channel: SomeChannel, place: str
) -> None:
    url = store.url(f"/channels/{channel.id}/{place}")
    for member in (signed_in(new_client(reader.application), store.owner), reader):
        assert member.get(url).status_code == 200
    stranger = signed_in(new_client(reader.application), other_store.owner)
    assert stranger.get(url).status_code == 404
    assert stranger.get(other_store.url(f"/channels/{channel.id}/{place}")).status_code == 404


def test_a_channel_opens_on_the_orders_that_are_not_booked_yet(
    owner: FlaskClient, store: SomeStore, books: Books
) -> None:
    channel = books.channel()
    ready, booked = books.order(channel, number="READY-1"), books.order(channel, number="BOOKED-1")
    books.invoice(booked)
    page = owner.get(store.url(f"/channels/{channel.id}"), follow_redirects=True).text
    assert "READY-1" in page
    assert "BOOKED-1" not in page
    assert f'value="{ready}"' in page
    everything = owner.get(store.url(f"/channels/{channel.id}/orders")).text
    assert "BOOKED-1" in everything


def test_orders_of_other_channels_do_not_show(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    channel, other = books.channel("One"), books.channel("Two")
    books.order(other, number="THEIRS-1")
    page = owner.get(store.url(f"/channels/{channel.id}/orders?channel={other.id}")).text
    assert "THEIRS-1" not in page
    assert "No order is in yet" in page


def test_filtering_swaps_the_table_alone(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    channel = books.channel()
    books.order(channel)
    part = owner.get(store.url(f"/channels/{channel.id}/orders?state=ready"), headers=HTMX | {"HX-Target": "orders"})
    assert part.text.strip().startswith('<div id="orders"')


def test_the_empty_list_asks_again_by_itself_until_orders_are_in(
    owner: FlaskClient, store: SomeStore, books: Books
) -> None:
    channel = books.channel()
    url = store.url(f"/channels/{channel.id}/orders?state=ready")
    empty = owner.get(url, headers=HTMX | {"HX-Target": "no-orders"}).text
    assert "No order is in yet" in empty
    assert 'hx-trigger="sse:orders, every 15s"' in empty
    books.order(channel, number="FIRST-1")
    filled = owner.get(url, headers=HTMX | {"HX-Target": "no-orders"}).text
    assert "FIRST-1" in filled
    assert "no-orders" not in filled


def test_a_list_says_how_many_orders_came_in_since_it_was_made(
    owner: FlaskClient, store: SomeStore, books: Books
) -> None:
    channel = books.channel()
    books.order(channel)
    page = owner.get(store.url(f"/channels/{channel.id}/orders")).text
    news = re.search(r'id="orders-news" hx-get="([^"]+)"', page)
    assert news is not None
    url = news[1].replace("&amp;", "&")
    assert "came in since" not in owner.get(url, headers=HTMX).text
    books.orders(channel, [{}, {}])
    told = owner.get(url, headers=HTMX).text
    assert "2 orders came in since this list was made." in told
    assert f'href="{store.url(f"/channels/{channel.id}/orders")}"' in told
    assert owner.get(url).location.endswith(f"/channels/{channel.id}/orders")


def test_check_pressed_twice_shows_the_job_that_runs(
    app: Flask, owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    url = store.url(f"/channels/{channel.id}/check")
    first, second = (owner.post(url, follow_redirects=True).text for _press in range(2))
    assert "Checking for updates." in first
    assert "It is being checked already" in second
    with books.scope():
        (job_id,) = active_job_ids(channel.id)
    assert store.url(f"/jobs/{job_id}") in second


def test_a_reader_may_not_check(reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    assert reader.post(store.url(f"/channels/{channel.id}/check")).status_code == 403
    with books.scope():
        assert active_job_ids(channel.id) == []


@pytest.mark.parametrize("act", ["check", "auto-sync", "pause", "resume", "settings", "reconnect", "remove"])
def test_a_reader_changes_nothing(reader: FlaskClient, store: SomeStore, channel: SomeChannel, act: str) -> None:
    assert reader.post(store.url(f"/channels/{channel.id}/{act}")).status_code == 403


def test_a_reader_sees_no_buttons_that_change_anything(
    reader: FlaskClient, store: SomeStore, channel: SomeChannel
) -> None:
    for path in ("/channels/", *(f"/channels/{channel.id}/{place}" for place in PLACES)):
        main = reader.get(store.url(path)).text.partition("<main")[2].partition("</main>")[0]
        assert 'method="post"' not in main, path


def test_a_card_names_what_waits_and_links_to_what_mends_it(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    channel = books.channel()
    books.gateway(channel, "ShopeePay")
    books.orders(channel, [{"state": "held", "reason": "TOTAL_MISMATCH"}] * 2)
    page = owner.get(store.url("/channels/")).text
    assert "One gateway has no payment method yet." in page
    assert store.url(f"/channels/{channel.id}/payments") in page
    assert "2 orders need attention." in page
    assert store.url(f"/channels/{channel.id}/failed") in page


def test_a_card_says_up_to_when_everything_is_in(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    channel = books.channel()
    assert "It was not checked for orders yet." in owner.get(store.url("/channels/")).text
    with books.scope():
        db.session.get_one(Channel, (store.id, channel.id)).checked_at = NOON
        db.session.commit()
    assert "All orders up to 20 Nov 2026" in owner.get(store.url("/channels/")).text


def test_the_live_part_is_fetched_alone_and_opened_directly_leads_to_its_page(
    owner: FlaskClient, store: SomeStore, channel: SomeChannel
) -> None:
    url = store.url(f"/channels/{channel.id}/status")
    part = owner.get(url, headers=HTMX).text
    assert part.strip().startswith(f'<div id="channel-status-{channel.id}"')
    assert "<form" not in part
    assert f"sse:channel-{channel.id}" in part
    assert owner.get(url).location.endswith(store.url("/channels/"))


def test_the_tabs_are_fetched_alone_with_their_counts(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.gateway(channel, "ShopeePay")
    url = store.url(f"/channels/{channel.id}/tabs?place=failed")
    part = owner.get(url, headers=HTMX).text
    assert part.strip().startswith('<div id="channel-tabs"')
    assert 'Payment Methods<span class="count">1</span>' in part
    assert re.search(r'/failed" aria-current="page"', part)
    assert f"/channels/{channel.id}/orders" in owner.get(url).location


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"listed": 1240}, "counts 1,240 orders in what was read, and gave all of them."),
        ({"listed": 1240, "short": 3}, "counts 1,243 orders and gave 1,240 of them"),
    ],
)
def test_order_sync_holds_what_is_in_against_the_channels_own_count(
    owner: FlaskClient, books: Books, channel: SomeChannel, counts: dict[str, int], words: str
) -> None:
    with books.scope():
        job = SyncJob(store_id=books.store.id, channel_id=channel.id, kind="check", state="succeeded", counts=counts)
        job.started_at = job.finished_at = NOON
        db.session.add(job)
        db.session.commit()
    assert words in owner.get(books.store.url(f"/channels/{channel.id}/orders")).text


def test_switching_auto_sync_swaps_its_part_alone(owner: FlaskClient, store: SomeStore, channel: SomeChannel) -> None:
    answer = owner.post(store.url(f"/channels/{channel.id}/auto-sync"), data={"on": "1", "minutes": "15"}, headers=HTMX)
    assert answer.text.strip().startswith('<div id="auto-sync">')
    assert "Auto Sync is on." in answer.text


def test_failed_sync_shows_the_causes_of_this_channel_alone(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    channel, other = books.channel("One"), books.channel("Two")
    books.order(channel, state="held", reason="TOTAL_MISMATCH")
    books.order(other, state="held", reason="CURRENCY_UNSUPPORTED", currency="SGD")
    page = owner.get(store.url(f"/channels/{channel.id}/failed")).text
    assert "Total differs from its lines" in page
    assert "Currency not invoiced" not in page


def test_product_sync_says_what_to_press_first_and_that_orders_do_not_wait(
    owner: FlaskClient, store: SomeStore, channel: SomeChannel
) -> None:
    page = owner.get(store.url(f"/channels/{channel.id}/products")).text
    assert "No product was read yet" in page
    assert f'action="{store.url(f"/channels/{channel.id}/products/refresh")}"' in page
    assert "Orders do not wait for it: what is not linked is booked by the channel's words." in page


def test_removing_names_how_many_orders_and_invoices_stay(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    channel = books.channel()
    books.invoice(books.order(channel))
    books.orders(channel, [{}, {"state": "held", "reason": "TOTAL_MISMATCH"}])
    page = owner.get(store.url(f"/channels/{channel.id}/remove")).text
    assert "One invoice stays in your books." in page
    assert "2 orders that are not booked stay listed" in page


def test_the_list_costs_the_same_however_many_channels_there_are(
    app: Flask, owner: FlaskClient, store: SomeStore, books: Books
) -> None:
    books.channel("One")
    with app.app_context(), statements() as few:
        owner.get(store.url("/channels/"))
    for number in range(4):
        books.channel(f"Channel {number}")
    with app.app_context(), statements() as many:
        owner.get(store.url("/channels/"))
    assert len(many) == len(few)
