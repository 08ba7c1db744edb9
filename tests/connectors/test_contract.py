"""The contract of `app.connectors.base.Connector`: connecting, reading orders and products, and when things go wrong.

The same tests for the fake and for real connectors over a socket; `contract.RIGS` names them all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from app.connectors.base import Capability, Connector
from app.core.errors import (
    AuthRejected,
    BadSignature,
    ChannelError,
    Misconfigured,
    RateLimited,
    Unavailable,
    Unreachable,
)
from app.core.types import (
    OrderStatus,
    PaymentStatus,
    RemoteListing,
    RemoteOrder,
    UnreadableListing,
    WindowAxis,
)
from tests.connectors.contract import (
    HOUR,
    PLACES,
    currencies,
    listed,
    numbered,
    only_stub,
    place_id,
    read,
    walk,
    window,
)
from tests.connectors.rigs import NOON, Article, Rig, Sale, Trouble

# ---- connecting


def test_what_a_connector_says_of_itself(rig: Rig) -> None:
    kind = rig.kind
    assert kind.kind.isidentifier()
    assert str(kind.label)
    assert str(kind.description).endswith(".")
    assert {Capability.ORDERS, Capability.ORDERS_BY_UPDATE, Capability.PRODUCTS} <= kind.capabilities
    assert all(str(field.label) and str(field.help).endswith(".") for field in kind.config_fields)
    assert [field.name for field in kind.config_fields] == list(rig.config)
    assert any(field.secret for field in kind.config_fields)


def test_check_tells_the_account_and_its_places(rig: Rig, channel: Connector) -> None:
    facts = channel.check()
    assert facts.account_name == rig.account_name
    told = {(place.name, place.kind, place.currency) for place in facts.marketplaces}
    assert told >= set(rig.places.values())
    assert len({place.remote_id for place in facts.marketplaces}) == len(facts.marketplaces)


def secret(rig: Rig) -> str:
    """The name of the field that nobody may see."""
    return next(field.name for field in rig.kind.config_fields if field.secret)


def test_a_wrong_key_is_refused_on_every_call(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    within = window(rig, channel)
    stranger = rig.connector(**{secret(rig): "not-the-key"})
    calls: list[Callable[[], object]] = [
        stranger.check,
        lambda: stranger.list_orders(within, 1, {}),
        lambda: stranger.get_orders([rig.remote_id(sale)], {}),
        lambda: stranger.list_products(1),
    ]
    if Capability.INVOICE_WRITEBACK in rig.kind.capabilities:
        calls.append(lambda: stranger.write_invoice_numbers([numbered(rig, sale, "INV1")]))
    for call in calls:
        with pytest.raises(AuthRejected):
            call()
    stranger.close()
    assert rig.writes() == []


def test_a_host_that_is_not_there_is_unreachable(rig: Rig) -> None:
    lost = rig.connector(**rig.elsewhere)
    with pytest.raises(Unreachable) as caught:
        lost.check()
    lost.close()
    assert caught.value.maybe_done is False
    assert "no-such-shop.invalid" in caught.value.user_message


def test_a_blank_field_is_refused_without_a_call(rig: Rig) -> None:
    for field in rig.kind.config_fields:
        with pytest.raises(Misconfigured):
            rig.connector(**{field.name: ""})


def test_errors_and_reprs_keep_the_key_to_themselves(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "a-key-nobody-may-see"
    stranger = rig.connector(**{secret(rig): key})
    with pytest.raises(ChannelError) as caught:
        stranger.check()
    stranger.close()
    for told in (str(caught.value), repr(caught.value), caught.value.detail, repr(stranger), caplog.text):
        assert key not in told


def test_closing_twice_is_fine(channel: Connector) -> None:
    channel.check()
    channel.close()
    channel.close()


# ---- the list


def test_all_pages_together_hold_every_order_once_oldest_first(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number, created_at=NOON + timedelta(minutes=number)) for number in range(230)]
    rig.place(*reversed(sales))
    pages = walk(channel, window(rig, channel))
    assert [len(page.stubs) for page in pages] == [100, 100, 30]
    assert [page.number for page in pages] == [1, 2, 3]
    assert pages[0].total == 230
    stubs = [found for page in pages for found in page.stubs]
    assert [found.remote_id for found in stubs] == [rig.remote_id(sale) for sale in sales]
    created = [found.created_at for found in stubs if found.created_at is not None]
    assert all(earlier <= later for earlier, later in pairwise(created))


def test_a_full_last_page_is_found_out(rig: Rig, channel: Connector) -> None:
    rig.place(*[Sale(1000 + number) for number in range(100)])
    pages = walk(channel, window(rig, channel))
    assert sum(len(page.stubs) for page in pages) == 100
    assert channel.list_orders(window(rig, channel), 2, {}).stubs == ()


def test_a_window_includes_both_its_ends_and_nothing_beyond(rig: Rig, channel: Connector) -> None:
    second = timedelta(seconds=1)
    moments = [NOON - HOUR - second, NOON - HOUR, NOON + HOUR, NOON + HOUR + second]
    rig.place(*[Sale(1001 + place, created_at=at) for place, at in enumerate(moments)])
    shown = listed(rig, channel, window(rig, channel, hours=1))
    before, first, last, after = (rig.remote_id(Sale(1001 + place)) for place in range(4))
    assert before not in shown
    assert shown == [first, last, *([after] if channel.window_axis is WindowAxis.UPDATED and after in shown else [])]


def test_each_order_is_listed_with_its_place(rig: Rig, channel: Connector) -> None:
    one, other = Sale(1001), Sale(1002, place="Shopee SG")
    rig.place(one, other)
    shown = {name: listed(rig, channel, window(rig, channel, name), name) for name in PLACES}
    assert shown == {"Shopee": [rig.remote_id(one)], "Shopee SG": [rig.remote_id(other)]}


def test_a_list_that_says_everything_says_what_a_single_order_does(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    (page,) = walk(channel, window(rig, channel))
    if page.orders is not None:
        (order,) = read(rig, channel, sale)
        told = page.orders[order.remote_id]
        assert isinstance(told, RemoteOrder)
        assert replace(told, raw={}) == replace(order, raw={})


def test_an_empty_window_is_one_last_empty_page(rig: Rig, channel: Connector) -> None:
    (page,) = walk(channel, window(rig, channel))
    assert page.stubs == ()
    assert page.total in (0, None)


def test_the_longest_window_is_accepted_and_a_longer_one_is_our_mistake(rig: Rig, channel: Connector) -> None:
    span = timedelta(days=channel.window_days)
    longest = replace(window(rig, channel), since=NOON - span, until=NOON)
    channel.list_orders(longest, 1, {})
    with pytest.raises(ValueError, match="window"):
        channel.list_orders(replace(longest, until=NOON + timedelta(seconds=1)), 1, {})


def test_a_window_over_the_last_change_shows_what_changed_in_it(rig: Rig, channel: Connector) -> None:
    moved, still = Sale(1001), Sale(1002, created_at=NOON + timedelta(seconds=1))
    rig.place(moved, still, Sale(1003, created_at=NOON - 2 * HOUR), Sale(1004, place="Shopee SG"))
    within = replace(window(rig, channel), since=NOON, until=NOON + timedelta(seconds=30), axis=WindowAxis.UPDATED)
    assert listed(rig, channel, within) == [rig.remote_id(moved), rig.remote_id(still)]
    rig.cancel(moved)
    after = listed(rig, channel, within)
    if channel.window_axis is WindowAxis.UPDATED:  # what changed after its end may be among it
        after = [one for one in after if one != rig.remote_id(moved)]
    assert after == [rig.remote_id(still)]
    later = replace(within, since=NOON + timedelta(seconds=30), until=NOON + timedelta(days=30))
    (moved_on,) = walk(channel, later)
    assert [(found.remote_id, found.created_at) for found in moved_on.stubs] == [(rig.remote_id(moved), NOON)]


def test_all_pages_of_a_window_over_the_last_change_hold_every_order_once(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number, created_at=NOON + timedelta(minutes=number)) for number in range(130)]
    rig.place(*reversed(sales))
    pages = walk(channel, window(rig, channel, axis=WindowAxis.UPDATED))
    assert [len(page.stubs) for page in pages] == [100, 30]
    assert [found.remote_id for page in pages for found in page.stubs] == [rig.remote_id(sale) for sale in sales]


def test_a_stub_shows_whether_anything_changed(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    before = only_stub(rig, channel)
    assert only_stub(rig, channel) == before
    rig.cancel(sale)
    after = only_stub(rig, channel)
    assert before.digest is None or after.digest != before.digest
    assert after.status != before.status


# ---- orders in full


def test_an_order_is_what_was_sold(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001, place="Shopee SG")
    rig.place(sale)
    (order,) = read(rig, channel, sale)
    place = "Shopee SG"
    assert (order.remote_id, order.marketplace_id) == (rig.remote_id(sale), place_id(rig, channel, place))
    assert order.currency == rig.places[place][2]
    assert (order.status, order.payment_status) == (OrderStatus.COMPLETED, PaymentStatus.PAID)
    assert (order.gateway, order.invoice_no) == (rig.gateway, "")
    assert (order.created_at, order.paid_at) == (NOON, NOON + timedelta(minutes=1))
    assert (order.buyer["name"], order.buyer["city"]) == ("Buyer One", "Ipoh")
    (line,) = order.lines
    assert (line.sku, line.isku, line.quantity) == ("A-1", rig.isku, Decimal(2))
    assert (line.unit_price, line.gross, line.discount) == (2100, 4200, 200)
    assert (order.shipping + order.adjustment, order.total) == (490, sale.total)
    assert line.gross - line.discount + order.shipping - order.discount + order.adjustment == order.total


def test_an_unpaid_order_says_so(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001, open_and_unpaid=True)
    rig.place(sale)
    (order,) = read(rig, channel, sale)
    assert (order.status, order.payment_status, order.paid_at) == (OrderStatus.OPEN, PaymentStatus.UNPAID, None)


def test_orders_come_as_asked_and_unknown_ones_are_absent(rig: Rig, channel: Connector) -> None:
    one, two = Sale(1001), Sale(1002)
    rig.place(one, two)
    asked = [rig.remote_id(two), rig.remote_id(Sale(999999)), rig.remote_id(one)]
    found = channel.get_orders(asked, currencies(channel))
    assert [order.remote_id for order in found] == [rig.remote_id(two), rig.remote_id(one)]
    assert channel.get_orders([], {}) == ()


def test_a_whole_page_of_orders_can_be_read_at_once_and_no_more(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number) for number in range(channel.page_size)]
    rig.place(*sales)
    assert len(read(rig, channel, *sales)) == channel.page_size
    with pytest.raises(ValueError, match="at most"):
        channel.get_orders([str(number) for number in range(channel.page_size + 1)], {})


# ---- products


def only_listing(channel: Connector) -> RemoteListing:
    (found,) = channel.list_products(1).listings
    assert isinstance(found, RemoteListing), found
    return found


def test_a_listing_comes_whole(rig: Rig, channel: Connector) -> None:
    rig.sell(Article(501))
    found = only_listing(channel)
    assert (found.remote_id, found.sku, found.isku, found.barcode) == ("501", "a-1", rig.isku, "9551234567890")
    assert (found.name, found.variant, found.price) == ("Kopi O", "", 2100)
    assert found.currency == rig.places["Shopee"][2]
    assert found.stock == 5


def test_listings_come_in_pages_each_once(rig: Rig, channel: Connector) -> None:
    assert channel.list_products(1).is_last
    rig.sell(*[Article(501 + number, sku=f"a-{number}", isku=f"A{number}") for number in range(250)])
    pages = [channel.list_products(number) for number in (1, 2, 3)]
    assert [(len(page.listings), page.is_last) for page in pages] == [(100, False), (100, False), (50, True)]
    assert [listing.remote_id for page in pages for listing in page.listings] == [str(501 + n) for n in range(250)]
    assert pages[0].total == 250
    assert channel.list_products(4).is_last


def test_a_listing_has_a_new_digest_when_and_only_when_it_changed(rig: Rig, channel: Connector) -> None:
    rig.sell(Article(501))
    first = only_listing(channel).digest
    assert only_listing(channel).digest == first
    rig.sell(Article(501, name="Kopi O Kaw"))
    assert only_listing(channel).digest != first
    rig.unlist(Article(501))
    assert channel.list_products(1).listings == ()


def test_a_row_that_cannot_be_read_leaves_the_others_alone(rig: Rig, channel: Connector) -> None:
    rig.sell(Article(501, readable=False), Article(502))
    unreadable, readable = channel.list_products(1).listings
    assert isinstance(unreadable, UnreadableListing)
    assert unreadable.problem
    assert isinstance(readable, RemoteListing)


def test_a_failed_page_of_products_raises_and_the_next_try_works(rig: Rig, channel: Connector) -> None:
    rig.sell(Article(501))
    rig.break_next(Trouble.DOWN, "items")
    with pytest.raises(Unavailable):
        channel.list_products(1)
    assert only_listing(channel).remote_id == "501"


# ---- when things go wrong


def test_a_failed_page_raises_and_the_next_try_works(rig: Rig, channel: Connector) -> None:
    rig.place(Sale(1001))
    within = window(rig, channel)
    rig.break_next(Trouble.DOWN, "list")
    with pytest.raises(Unavailable):
        channel.list_orders(within, 1, {})
    assert len(channel.list_orders(within, 1, {}).stubs) == 1


@pytest.mark.parametrize("route", ["list", "detail"])
def test_going_too_fast_says_when_to_come_back(rig: Rig, channel: Connector, route: str) -> None:
    within = window(rig, channel)
    rig.break_next(Trouble.TOO_FAST, route)
    with pytest.raises(RateLimited) as caught:
        if route == "list":
            channel.list_orders(within, 1, {})
        else:
            channel.get_orders([rig.remote_id(Sale(1001))], {})
    assert 0 < caught.value.retry_after <= 60


def test_several_threads_may_share_a_connector(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number) for number in range(250)]
    rig.place(*sales)
    within, known = window(rig, channel), currencies(channel)
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda number: channel.list_orders(within, number, known), range(1, 4)))
        batches = list(pool.map(lambda page: channel.get_orders([s.remote_id for s in page.stubs], known), pages))
    assert [order.remote_id for batch in batches for order in batch] == [rig.remote_id(sale) for sale in sales]


def test_webhooks_are_registered_and_taken_away_or_not_promised(channel: Connector) -> None:
    address = "https://books.example/hooks/1"
    if Capability.WEBHOOKS not in channel.capabilities:
        with pytest.raises(NotImplementedError):
            channel.register_webhook(address, "secret")
        return
    first, second = (channel.register_webhook(address, "secret") for _time in range(2))
    assert first != second
    assert channel.keeps_webhook(first)
    assert channel.keeps_webhook(second)
    for remote_id in (first, first, second, "never-heard-of"):
        channel.remove_webhook(remote_id)
    for headers in ({}, {"Authorization": "secret"}, {"X-Hub-Signature": "sha1=00"}):
        with pytest.raises(BadSignature):
            channel.read_webhook(headers, b"{}", "secret")
