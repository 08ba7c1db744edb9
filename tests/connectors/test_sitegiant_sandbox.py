"""SiteGiant over a real socket with everything that its sandbox can do wrong, and with orders it made up itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.connectors import connect
from app.connectors.base import Connector, ConnectorOptions
from app.core.errors import AuthRejected, ChannelError, NotThisSystem, RateLimited, Rejected, Unavailable, Unsupported
from app.core.types import (
    InvoiceNumberWrite,
    OrderStatus,
    OrderWindow,
    RemoteOrder,
    UnreadableOrder,
    WindowAxis,
    WriteOutcome,
)
from tests.sandbox.running import Visitor, an_order

MADE_AT = datetime(2026, 11, 20, 15, 58, 10, tzinfo=UTC)


@pytest.fixture
def channel(sandbox_shop: Visitor) -> Iterator[Connector]:
    config = {"domain": sandbox_shop.sandbox.url, "api_key": sandbox_shop.key}
    connector = connect("sitegiant", config, ConnectorOptions(allow_sandboxes=True))
    yield connector
    connector.close()


def currencies(channel: Connector) -> dict[str, str]:
    return {place.remote_id: place.currency for place in channel.check().marketplaces}


def everything(channel: Connector, until: datetime, windows: int = 1) -> list[RemoteOrder]:
    """All orders of all places in some windows of 30 days before `until`, read as a sync reads them."""
    known = currencies(channel)
    found: list[RemoteOrder | UnreadableOrder] = []
    for place in known:
        for back in range(windows):
            end = until - back * timedelta(days=30)
            within = OrderWindow(place, end - timedelta(days=30) + timedelta(seconds=1), end)
            page, is_last = 0, False
            while not is_last:
                page += 1
                listed = channel.list_orders(within, page, known)
                is_last = listed.is_last
                found += channel.get_orders([stub.remote_id for stub in listed.stubs], known)
    orders = [order for order in found if isinstance(order, RemoteOrder)]
    assert len(orders) == len(found)
    return orders


def foots(order: RemoteOrder) -> bool:
    lines = sum(line.gross - line.discount for line in order.lines)
    tax = 0 if order.tax_included else order.tax
    return lines + order.shipping - order.discount + order.adjustment + tax == order.total


def test_every_order_that_the_sandbox_makes_up_is_understood(sandbox_shop: Visitor, channel: Connector) -> None:
    made = sandbox_shop.steer("POST", "orders", json={"count": 600, "seed": 11})["order_ids"]
    orders = everything(channel, datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1), windows=8)
    assert sorted(order.remote_id for order in orders) == sorted(str(order_id) for order_id in made)
    assert sum(not foots(order) for order in orders) == sandbox_shop.steer("GET", "stats")["not_footing"]
    assert {order.currency for order in orders} <= {"MYR", "SGD"}
    assert all(order.lines and order.gateway is not None for order in orders)
    unknown = {order.status_text for order in orders if order.status is OrderStatus.UNKNOWN}
    assert not unknown & {"Open", "Pending Process", "Processed", "Ready To Ship", "Shipped", "Completed", "Cancelled"}


def test_a_code_that_comes_as_text_changes_nothing(sandbox_shop: Visitor, channel: Connector) -> None:
    sandbox_shop.add(an_order(order_id=1001))
    plain = everything(channel, MADE_AT)
    sandbox_shop.fault("code_as_string")
    assert everything(channel, MADE_AT) == plain
    assert len(plain) == 1


def test_a_bare_list_is_walked_to_its_end(sandbox_shop: Visitor, channel: Connector) -> None:
    sandbox_shop.add(*[an_order(order_id=1000 + number) for number in range(200)])
    sandbox_shop.fault("bare_list")
    assert len(everything(channel, MADE_AT)) == 200


FAULTS: list[tuple[str, dict[str, Any], type[ChannelError]]] = [
    ("bad_token", {}, AuthRejected),
    ("rate_limited", {"retry_after": 7}, RateLimited),
    ("server_error", {"status": 500}, Unavailable),
    ("server_error", {"status": 503}, Unavailable),
    ("html_error", {}, Unavailable),
    ("logical_failure", {}, Rejected),
    ("truncated_json", {}, Unavailable),
    ("dropped_connection", {}, Unavailable),
    ("timeout", {"seconds": 0.2}, Unavailable),
]


@pytest.mark.parametrize("case", FAULTS)
@pytest.mark.parametrize("route", ["list", "detail"])
def test_a_read_that_goes_wrong_is_an_error_and_can_be_repeated(
    sandbox_shop: Visitor, channel: Connector, route: str, case: tuple[str, dict[str, Any], type[ChannelError]]
) -> None:
    fault, settings, kind = case
    sandbox_shop.add(an_order(order_id=1001))
    known = currencies(channel)
    within = OrderWindow(next(iter(known)), MADE_AT - timedelta(days=1), MADE_AT)
    sandbox_shop.fault(fault, route=route, times=1, **settings)

    def read() -> int:
        if route == "list":
            return len(channel.list_orders(within, 1, known).stubs)
        return len(channel.get_orders(["1001"], known))

    with pytest.raises(kind) as caught:
        read()
    if isinstance(caught.value, Unavailable):
        assert not caught.value.maybe_done
    if not isinstance(caught.value, RateLimited):
        assert read() == 1


@pytest.mark.parametrize("fault", ["answer_lost", "truncated_json", "html_error", "server_error", "dropped_connection"])
def test_a_write_that_goes_wrong_may_have_been_done(sandbox_shop: Visitor, channel: Connector, fault: str) -> None:
    sandbox_shop.add(an_order(order_id=1001))
    sandbox_shop.fault(fault, route="write", times=1)
    wanted = InvoiceNumberWrite("k", "1001", "INV1")
    with pytest.raises(Unavailable) as caught:
        channel.write_invoice_numbers([wanted])
    assert caught.value.maybe_done
    (receipt,) = channel.write_invoice_numbers([wanted])
    assert receipt.outcome is WriteOutcome.DONE
    assert [write["invoice_no"] for write in sandbox_shop.writes()] == ["INV1"]


def test_a_row_that_failed_is_not_done_and_the_others_are(sandbox_shop: Visitor, channel: Connector) -> None:
    sandbox_shop.add(*[an_order(order_id=number) for number in (1001, 1002, 1003)])
    sandbox_shop.fault("row_write_failure", row=2)
    writes = [InvoiceNumberWrite(f"k{number}", str(number), f"INV{number}") for number in (1001, 1002, 1003)]
    receipts = channel.write_invoice_numbers(writes)
    done, unsent = WriteOutcome.DONE, WriteOutcome.UNSENT
    assert [receipt.outcome for receipt in receipts] == [done, unsent, done]
    assert [write["order_id"] for write in sandbox_shop.writes()] == [1001, 1003]


def test_a_hundred_numbers_go_in_two_calls(sandbox_shop: Visitor, channel: Connector) -> None:
    sandbox_shop.add(*[an_order(order_id=1000 + number) for number in range(100)])
    writes = [InvoiceNumberWrite(f"k{number}", str(1000 + number), f"INV{number}") for number in range(100)]
    receipts = channel.write_invoice_numbers(writes)
    assert {receipt.outcome for receipt in receipts} == {WriteOutcome.DONE}
    assert [call["route"] for call in sandbox_shop.log()] == ["detail", "write"]


def test_the_real_rate_limit_stops_us_before_it_bites(sandbox_shop: Visitor, channel: Connector) -> None:
    sandbox_shop.steer("POST", "shops", params={"key": "sandbox-key"}, json={"key": sandbox_shop.key, "rate_limit": 20})
    calls = 0
    with pytest.raises(RateLimited) as caught:
        for _ in range(30):
            channel.check()
            calls += 1
    assert calls >= 14
    assert caught.value.retry_after == 10
    assert all(call["status"] == 200 for call in sandbox_shop.log())


@pytest.mark.parametrize("fault", ["updates_unknown", "updates_ignored"])
def test_a_shop_that_cannot_list_by_the_last_change_is_found_out(
    sandbox_shop: Visitor, channel: Connector, fault: str
) -> None:
    sandbox_shop.add(an_order(order_id=1001, updated_at="2026-11-21T12:00:00+08:00"))
    (place,) = (place.remote_id for place in channel.check().marketplaces)
    day = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
    by_update = OrderWindow(place, day, day + timedelta(days=0.99), WindowAxis.UPDATED)
    sandbox_shop.fault(fault)
    with pytest.raises(Unsupported):
        channel.list_orders(by_update, 1, {})
    assert len(channel.list_orders(replace(by_update, axis=WindowAxis.CREATED), 1, {}).stubs) == 1


def test_a_429_without_a_word_on_when_to_come_back(sandbox_shop: Visitor, channel: Connector) -> None:
    sandbox_shop.fault("rate_limited", times=1)
    sandbox_shop.fault("no_retry_after")
    with pytest.raises(RateLimited) as caught:
        channel.check()
    assert caught.value.retry_after == 30


def test_another_part_of_the_same_host_is_not_sitegiant(sandbox_shop: Visitor) -> None:
    config = {"domain": f"{sandbox_shop.sandbox.root}/control", "api_key": sandbox_shop.key}
    connector = connect("sitegiant", config, ConnectorOptions(allow_sandboxes=True))
    with pytest.raises(NotThisSystem):
        connector.check()
    connector.close()
