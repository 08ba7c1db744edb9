"""The contract of `app.connectors.base.Connector`: the same tests for the fake and for SiteGiant over a real socket.

A new connector adds its rig to `RIGS` and must pass them all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
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
    InvoiceNumberWrite,
    OrderPage,
    OrderStatus,
    OrderStub,
    OrderWindow,
    PaymentStatus,
    RemoteListing,
    RemoteOrder,
    UnreadableListing,
    WindowAxis,
    WriteOutcome,
)
from tests.connectors.fake import open_shop
from tests.connectors.rigs import NOON, Article, FakeRig, Rig, Sale, SiteGiantRig, Trouble

HOUR = timedelta(hours=1)
PLACES = ("Shopee", "Shopee SG")


def fake_rig(_request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield FakeRig(open_shop())


def sitegiant_rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield SiteGiantRig(request.getfixturevalue("sandbox_shop"))


RIGS: dict[str, Callable[[pytest.FixtureRequest], Iterator[Rig]]] = {"fake": fake_rig, "sitegiant": sitegiant_rig}


@pytest.fixture(params=[*RIGS])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from RIGS[request.param](request)


@pytest.fixture
def channel(rig: Rig) -> Iterator[Connector]:
    connector = rig.connector()
    yield connector
    connector.close()


def currencies(channel: Connector) -> dict[str, str]:
    return {place.remote_id: place.currency for place in channel.check().marketplaces}


def place_id(channel: Connector, name: str) -> str:
    (found,) = (place.remote_id for place in channel.check().marketplaces if place.name.endswith(f" - {name}"))
    return found


def window(channel: Connector, name: str = "Shopee", *, hours: float = 24) -> OrderWindow:
    return OrderWindow(place_id(channel, name), NOON - timedelta(hours=hours), NOON + timedelta(hours=hours))


def walk(channel: Connector, within: OrderWindow) -> list[OrderPage]:
    pages: list[OrderPage] = []
    for number in range(1, 50):
        pages.append(channel.list_orders(within, number, {}))
        if pages[-1].is_last:
            return pages
    raise AssertionError("no page was the last")


def only_stub(channel: Connector) -> OrderStub:
    ((found,),) = (page.stubs for page in walk(channel, window(channel)))
    return found


def read(channel: Connector, *sales: Sale) -> list[RemoteOrder]:
    found = channel.get_orders([sale.remote_id for sale in sales], currencies(channel))
    orders = [order for order in found if isinstance(order, RemoteOrder)]
    assert len(orders) == len(found)
    return orders


def write(sale: Sale, invoice_no: str, *expected: str) -> InvoiceNumberWrite:
    return InvoiceNumberWrite(f"write-back:{sale.remote_id}", sale.remote_id, invoice_no, frozenset(expected))


# ---- connecting


def test_what_a_connector_says_of_itself(rig: Rig) -> None:
    kind = rig.kind
    assert kind.kind.isidentifier()
    assert str(kind.label)
    assert str(kind.description).endswith(".")
    assert {Capability.ORDERS, Capability.INVOICE_WRITEBACK} <= kind.capabilities
    assert all(str(field.label) and str(field.help).endswith(".") for field in kind.config_fields)
    assert [field.name for field in kind.config_fields] == list(rig.config)
    assert any(field.secret for field in kind.config_fields)


def test_check_tells_the_account_and_its_places(rig: Rig, channel: Connector) -> None:
    facts = channel.check()
    assert facts.account_name == "Kedai"
    told = {place.name: (place.kind, place.currency) for place in facts.marketplaces}
    assert told["Kedai - Shopee"] == ("Shopee", "MYR")
    assert told["Kedai - Shopee SG"][1] == "SGD"
    assert len({place.remote_id for place in facts.marketplaces}) == len(facts.marketplaces)


def test_a_wrong_key_is_refused_on_every_call(rig: Rig) -> None:
    sale = Sale(1001)
    rig.place(sale)
    stranger = rig.connector(api_key="not-the-key")
    calls: list[Callable[[], object]] = [
        stranger.check,
        lambda: stranger.list_orders(OrderWindow("1", NOON - HOUR, NOON + HOUR), 1, {}),
        lambda: stranger.get_orders([sale.remote_id], {}),
        lambda: stranger.write_invoice_numbers([write(sale, "INV1")]),
    ]
    for call in calls:
        with pytest.raises(AuthRejected):
            call()
    stranger.close()
    assert rig.standing(sale) == ""


def test_a_host_that_is_not_there_is_unreachable(rig: Rig) -> None:
    lost = rig.connector(domain="http://no-such-shop.invalid")
    with pytest.raises(Unreachable) as caught:
        lost.check()
    lost.close()
    assert caught.value.maybe_done is False
    assert "no-such-shop.invalid" in caught.value.user_message


@pytest.mark.parametrize("blank", ["domain", "api_key"])
def test_a_blank_field_is_refused_without_a_call(rig: Rig, blank: str) -> None:
    with pytest.raises(Misconfigured):
        rig.connector(**{blank: ""})


def test_errors_and_reprs_keep_the_key_to_themselves(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "a-key-nobody-may-see"
    stranger = rig.connector(api_key=key)
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
    pages = walk(channel, window(channel))
    assert [len(page.stubs) for page in pages] == [100, 100, 30]
    assert [page.number for page in pages] == [1, 2, 3]
    assert pages[0].total == 230
    stubs = [found for page in pages for found in page.stubs]
    assert [found.remote_id for found in stubs] == [sale.remote_id for sale in sales]
    created = [found.created_at for found in stubs if found.created_at is not None]
    assert all(earlier <= later for earlier, later in pairwise(created))


def test_a_full_last_page_is_found_out(rig: Rig, channel: Connector) -> None:
    rig.place(*[Sale(1000 + number) for number in range(100)])
    pages = walk(channel, window(channel))
    assert sum(len(page.stubs) for page in pages) == 100
    assert channel.list_orders(window(channel), 2, {}).stubs == ()


def test_a_window_includes_both_its_ends_and_nothing_beyond(rig: Rig, channel: Connector) -> None:
    second = timedelta(seconds=1)
    moments = [NOON - HOUR - second, NOON - HOUR, NOON + HOUR, NOON + HOUR + second]
    rig.place(*[Sale(1001 + place, created_at=at) for place, at in enumerate(moments)])
    (page,) = walk(channel, window(channel, hours=1))
    assert [found.remote_id for found in page.stubs] == ["1002", "1003"]


def test_a_window_shows_one_place_only(rig: Rig, channel: Connector) -> None:
    rig.place(Sale(1001), Sale(1002, place="Shopee SG"))
    shown = {name: [s.remote_id for p in walk(channel, window(channel, name)) for s in p.stubs] for name in PLACES}
    assert shown == {"Shopee": ["1001"], "Shopee SG": ["1002"]}


def test_an_empty_window_is_one_last_empty_page(rig: Rig, channel: Connector) -> None:
    (page,) = walk(channel, window(channel))
    assert page.stubs == ()
    assert page.total in (0, None)


def test_the_longest_window_is_accepted_and_a_longer_one_is_our_mistake(rig: Rig, channel: Connector) -> None:
    longest = OrderWindow(place_id(channel, "Shopee"), NOON - timedelta(days=channel.window_days), NOON)
    channel.list_orders(longest, 1, {})
    with pytest.raises(ValueError, match="window"):
        channel.list_orders(replace(longest, until=NOON + timedelta(seconds=1)), 1, {})


def test_a_window_over_the_last_change_shows_what_changed_in_it(rig: Rig, channel: Connector) -> None:
    assert Capability.ORDERS_BY_UPDATE in channel.capabilities
    moved, still = Sale(1001), Sale(1002, created_at=NOON + timedelta(seconds=1))
    rig.place(moved, still, Sale(1003, created_at=NOON - 2 * HOUR), Sale(1004, place="Shopee SG"))
    within = OrderWindow(place_id(channel, "Shopee"), NOON, NOON + timedelta(seconds=30), WindowAxis.UPDATED)
    (before,) = walk(channel, within)
    assert [found.remote_id for found in before.stubs] == ["1001", "1002"]
    assert before.total in (2, None)
    rig.cancel(moved)
    (after,) = walk(channel, within)
    assert [found.remote_id for found in after.stubs] == ["1002"]
    later = replace(within, since=NOON + timedelta(seconds=30), until=NOON + timedelta(days=30))
    (moved_on,) = walk(channel, later)
    assert [(found.remote_id, found.created_at) for found in moved_on.stubs] == [("1001", NOON)]


def test_all_pages_of_a_window_over_the_last_change_hold_every_order_once(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number, created_at=NOON + timedelta(minutes=number)) for number in range(130)]
    rig.place(*reversed(sales))
    pages = walk(channel, replace(window(channel), axis=WindowAxis.UPDATED))
    assert [len(page.stubs) for page in pages] == [100, 30]
    assert [found.remote_id for page in pages for found in page.stubs] == [sale.remote_id for sale in sales]


def test_a_stub_shows_whether_anything_changed(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    before = only_stub(channel)
    assert only_stub(channel) == before
    rig.cancel(sale)
    after = only_stub(channel)
    assert before.digest is None or after.digest != before.digest
    assert after.status != before.status


# ---- orders in full


def test_an_order_is_what_was_sold(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001, place="Shopee SG")
    rig.place(sale)
    (order,) = read(channel, sale)
    assert (order.remote_id, order.marketplace_id, order.currency) == ("1001", place_id(channel, "Shopee SG"), "SGD")
    assert (order.status, order.payment_status) == (OrderStatus.COMPLETED, PaymentStatus.PAID)
    assert (order.gateway, order.invoice_no) == ("ShopeePay", "")
    assert (order.created_at, order.paid_at) == (NOON, NOON + timedelta(minutes=1))
    assert (order.buyer["name"], order.buyer["city"]) == ("Buyer One", "Ipoh")
    (line,) = order.lines
    assert (line.sku, line.isku, line.quantity) == ("A-1", "A1", Decimal(2))
    assert (line.unit_price, line.gross, line.discount) == (2100, 4200, 200)
    assert (order.shipping, order.total) == (490, sale.total)
    assert line.gross - line.discount + order.shipping - order.discount + order.adjustment == order.total


def test_an_unpaid_order_says_so(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001, open_and_unpaid=True)
    rig.place(sale)
    (order,) = read(channel, sale)
    assert (order.status, order.payment_status, order.paid_at) == (OrderStatus.OPEN, PaymentStatus.UNPAID, None)


def test_orders_come_as_asked_and_unknown_ones_are_absent(rig: Rig, channel: Connector) -> None:
    one, two = Sale(1001), Sale(1002)
    rig.place(one, two)
    found = channel.get_orders(["1002", "999999", "1001"], currencies(channel))
    assert [order.remote_id for order in found] == ["1002", "1001"]
    assert channel.get_orders([], {}) == ()


def test_a_whole_page_of_orders_can_be_read_at_once_and_no_more(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number) for number in range(channel.page_size)]
    rig.place(*sales)
    assert len(read(channel, *sales)) == channel.page_size
    with pytest.raises(ValueError, match="at most"):
        channel.get_orders([str(number) for number in range(channel.page_size + 1)], {})


def test_the_digest_follows_the_contents_but_not_our_own_write_back(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    (before,) = read(channel, sale)
    channel.write_invoice_numbers([write(sale, "INV0001")])
    (written,) = read(channel, sale)
    assert written.invoice_no == "INV0001"
    assert written.digest == before.digest
    rig.cancel(sale)
    (cancelled,) = read(channel, sale)
    assert cancelled.digest != before.digest


# ---- writing numbers


def test_numbers_arrive_and_each_write_has_its_receipt(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1001), Sale(1002), Sale(1003)]
    rig.place(*sales)
    writes = [write(sale, f"INV{sale.number}") for sale in sales]
    receipts = channel.write_invoice_numbers(writes)
    assert [receipt.key for receipt in receipts] == [one.key for one in writes]
    assert [receipt.outcome for receipt in receipts] == [WriteOutcome.DONE] * 3
    assert [rig.standing(sale) for sale in sales] == ["INV1001", "INV1002", "INV1003"]


def test_a_repeated_write_does_nothing(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    for _ in range(2):
        (receipt,) = channel.write_invoice_numbers([write(sale, "INV1")])
        assert (receipt.outcome, receipt.found) == (WriteOutcome.DONE, "INV1")
    assert rig.writes() == [("1001", "INV1")]


def test_a_foreign_number_is_never_overwritten(rig: Rig, channel: Connector) -> None:
    ours, theirs = Sale(1001), Sale(1002)
    rig.place(ours, theirs)
    rig.number_by_others(theirs, "THEIRS-9")
    receipts = channel.write_invoice_numbers([write(ours, "INV1"), write(theirs, "INV2")])
    assert [(receipt.outcome, receipt.found) for receipt in receipts] == [
        (WriteOutcome.DONE, "INV1"),
        (WriteOutcome.FOREIGN, "THEIRS-9"),
    ]
    assert rig.standing(theirs) == "THEIRS-9"


def test_a_number_of_ours_may_be_replaced(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    rig.number_by_others(sale, "INV1")
    (receipt,) = channel.write_invoice_numbers([write(sale, "INV2", "INV1")])
    assert receipt.outcome is WriteOutcome.DONE
    assert rig.standing(sale) == "INV2"


def test_an_order_that_is_gone_is_missing_and_the_others_are_written(rig: Rig, channel: Connector) -> None:
    sale, gone = Sale(1001), Sale(999999)
    rig.place(sale)
    receipts = channel.write_invoice_numbers([write(gone, "INV1"), write(sale, "INV2")])
    assert [receipt.outcome for receipt in receipts] == [WriteOutcome.MISSING, WriteOutcome.DONE]
    assert rig.writes() == [("1001", "INV2")]


# ---- products


def only_listing(channel: Connector) -> RemoteListing:
    (found,) = channel.list_products(1).listings
    assert isinstance(found, RemoteListing), found
    return found


def test_a_listing_comes_whole(rig: Rig, channel: Connector) -> None:
    assert Capability.PRODUCTS in rig.kind.capabilities
    rig.sell(Article(501))
    found = only_listing(channel)
    assert (found.remote_id, found.sku, found.isku, found.barcode) == ("501", "a-1", "A1", "9551234567890")
    assert (found.name, found.variant, found.price, found.currency) == ("Kopi O", "", 2100, "MYR")
    assert found.stock == 5


def test_listings_come_in_pages_each_once(rig: Rig, channel: Connector) -> None:
    assert channel.list_products(1).is_last
    rig.sell(*[Article(501 + number, isku=f"A{number}") for number in range(250)])
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
    within = window(channel)
    rig.break_next(Trouble.DOWN, "list")
    with pytest.raises(Unavailable):
        channel.list_orders(within, 1, {})
    assert len(channel.list_orders(within, 1, {}).stubs) == 1


@pytest.mark.parametrize("route", ["list", "detail"])
def test_going_too_fast_says_when_to_come_back(rig: Rig, channel: Connector, route: str) -> None:
    within = window(channel)
    rig.break_next(Trouble.TOO_FAST, route)
    with pytest.raises(RateLimited) as caught:
        if route == "list":
            channel.list_orders(within, 1, {})
        else:
            channel.get_orders(["1001"], {})
    assert 0 < caught.value.retry_after <= 60


def test_a_lost_answer_may_be_done_is_found_out_and_never_written_twice(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    rig.break_next(Trouble.ANSWER_LOST, "write")
    with pytest.raises(Unavailable) as caught:
        channel.write_invoice_numbers([write(sale, "INV1")])
    assert caught.value.maybe_done
    assert rig.standing(sale) == "INV1"
    (receipt,) = channel.write_invoice_numbers([write(sale, "INV1")])
    assert receipt.outcome is WriteOutcome.DONE
    assert rig.writes() == [("1001", "INV1")]


def test_a_write_that_failed_can_be_repeated(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    rig.break_next(Trouble.DOWN, "write")
    with pytest.raises(Unavailable):
        channel.write_invoice_numbers([write(sale, "INV1")])
    assert rig.standing(sale) == ""
    (receipt,) = channel.write_invoice_numbers([write(sale, "INV1")])
    assert receipt.outcome is WriteOutcome.DONE


def test_several_threads_may_share_a_connector(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1000 + number) for number in range(250)]
    rig.place(*sales)
    within, known = window(channel), currencies(channel)
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda number: channel.list_orders(within, number, known), range(1, 4)))
        batches = list(pool.map(lambda page: channel.get_orders([s.remote_id for s in page.stubs], known), pages))
    assert [order.remote_id for batch in batches for order in batch] == [sale.remote_id for sale in sales]


def test_webhooks_are_registered_and_taken_away_or_not_promised(channel: Connector) -> None:
    address = "https://books.example/hooks/1"
    if Capability.WEBHOOKS not in channel.capabilities:
        with pytest.raises(NotImplementedError):
            channel.register_webhook(address, "secret")
        return
    first, second = (channel.register_webhook(address, "secret") for _time in range(2))
    assert first != second
    for remote_id in (first, first, second, "never-heard-of"):
        channel.remove_webhook(remote_id)
    for headers in ({}, {"Authorization": "secret"}, {"X-Hub-Signature": "sha1=00"}):
        with pytest.raises(BadSignature):
            channel.read_webhook(headers, b"{}", "secret")
