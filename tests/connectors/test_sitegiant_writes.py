"""Invoice numbers onto SiteGiant: the fence around a write, one row at a time, and answers that were lost."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import responses

from app.connectors.base import Connector
from app.core.errors import AuthRejected, ChannelError, RateLimited, Rejected, Unavailable
from app.core.types import InvoiceNumberWrite, WriteOutcome
from tests.connectors.wire import BASE, detail, envelope, orders, sent


def standing(web: responses.RequestsMock, numbers: dict[int, Any]) -> None:
    rows = [detail(order_id=order_id, invoice_no=number) for order_id, number in numbers.items()]
    web.post(f"{BASE}/order/multipleOrder", json=orders(rows))


def write(order_id: int, number: str, *expected: str) -> InvoiceNumberWrite:
    return InvoiceNumberWrite(f"write-back:{order_id}:{number}", str(order_id), number, frozenset(expected))


def results(*rows: dict[str, Any]) -> dict[str, Any]:
    return envelope({"order_list": list(rows)})


def outcomes(shop: Connector, *writes: InvoiceNumberWrite) -> list[tuple[WriteOutcome, str]]:
    receipts = shop.write_invoice_numbers(writes)
    assert [receipt.key for receipt in receipts] == [one.key for one in writes]
    return [(receipt.outcome, receipt.found) for receipt in receipts]


def test_numbers_are_written_in_one_call_and_only_where_they_may(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, {1: "", 2: "INV2", 3: "THEIRS-9", 4: "INV3", 5: None})
    web.put(f"{BASE}/order/list", json=results(*({"order_id": number, "code": "200"} for number in (1, 4, 5))))
    writes = (write(1, "INV1"), write(2, "INV2"), write(3, "INV3"), write(4, "INV4", "INV3"), write(5, "INV5"))
    assert outcomes(shop, *writes, write(6, "INV6")) == [
        (WriteOutcome.DONE, "INV1"),
        (WriteOutcome.DONE, "INV2"),
        (WriteOutcome.FOREIGN, "THEIRS-9"),
        (WriteOutcome.DONE, "INV4"),
        (WriteOutcome.DONE, "INV5"),
        (WriteOutcome.MISSING, ""),
    ]
    assert len(web.calls) == 2
    assert sent(web) == [
        {"order_id": 1, "invoice_no": "INV1"},
        {"order_id": 4, "invoice_no": "INV4"},
        {"order_id": 5, "invoice_no": "INV5"},
    ]


def test_when_all_is_there_already_nothing_is_written(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, {1: "INV1", 2: " INV2 "})
    assert outcomes(shop, write(1, "INV1"), write(2, "INV2")) == [
        (WriteOutcome.DONE, "INV1"),
        (WriteOutcome.DONE, "INV2"),
    ]
    assert len(web.calls) == 1


def test_an_order_that_hides_its_number_is_not_overwritten(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, {1: ...})
    assert outcomes(shop, write(1, "INV1")) == [(WriteOutcome.REJECTED, "")]


def test_two_numbers_for_one_order_are_not_sent_together(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, {1: ""})
    web.put(f"{BASE}/order/list", json=results({"order_id": 1, "code": 200}))
    assert outcomes(shop, write(1, "INV1"), write(1, "INV2")) == [
        (WriteOutcome.DONE, "INV1"),
        (WriteOutcome.UNSENT, ""),
    ]
    assert sent(web) == [{"order_id": 1, "invoice_no": "INV1"}]


def test_each_row_of_the_answer_decides_for_itself(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, dict.fromkeys((1, 2, 3, 4), ""))
    rows = (
        {"order_id": "1", "code": 200, "message": "Updated"},
        {"order_id": 2, "code": "404", "message": "Order not found"},
        {"order_id": 3, "code": 400, "message": "Invoice number too long"},
        {"order_id": 4, "code": 429, "message": "Slow down"},
    )
    web.put(f"{BASE}/order/list", json=results(*rows))
    receipts = shop.write_invoice_numbers([write(number, f"INV{number}") for number in (1, 2, 3, 4)])
    assert [(receipt.outcome, receipt.words) for receipt in receipts] == [
        (WriteOutcome.DONE, "Updated"),
        (WriteOutcome.MISSING, "Order not found"),
        (WriteOutcome.REJECTED, "Invoice number too long"),
        (WriteOutcome.UNSENT, "Slow down"),
    ]


def test_rows_that_the_answer_leaves_open_are_looked_up(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, {1: "", 2: "", 3: "", 4: ""})
    web.put(f"{BASE}/order/list", json=results({"order_id": 1, "code": 200}, {"order_id": 3, "code": 500}, {"x": 1}))
    standing(web, {2: "INV2", 3: "", 4: "THEIRS"})
    writes = [write(number, f"INV{number}") for number in (1, 2, 3, 4)]
    assert outcomes(shop, *writes) == [
        (WriteOutcome.DONE, "INV1"),
        (WriteOutcome.DONE, "INV2"),
        (WriteOutcome.UNSENT, ""),
        (WriteOutcome.FOREIGN, "THEIRS"),
    ]
    assert sent(web) == {"order_id": [2, 3, 4]}


def test_when_the_look_up_fails_too_the_answer_counts_as_lost(web: responses.RequestsMock, shop: Connector) -> None:
    standing(web, {1: ""})
    web.put(f"{BASE}/order/list", json=results())
    web.post(f"{BASE}/order/multipleOrder", status=500)
    with pytest.raises(Unavailable) as caught:
        shop.write_invoice_numbers([write(1, "INV1")])
    assert caught.value.maybe_done


@pytest.mark.parametrize(
    "reply",
    [
        {"body": requests.exceptions.ReadTimeout()},
        {"body": requests.exceptions.ConnectionError("reset")},
        {"status": 500},
        {"json": {"code": "500", "message": "oops"}},
        {"body": "<html>"},
        {"json": {"code": 200, "response": {}}},
        {"json": {"code": 200}},
    ],
)
def test_a_lost_answer_to_a_write_may_have_been_done(
    web: responses.RequestsMock, shop: Connector, reply: dict[str, Any]
) -> None:
    standing(web, {1: ""})
    web.put(f"{BASE}/order/list", **reply)
    with pytest.raises(Unavailable) as caught:
        shop.write_invoice_numbers([write(1, "INV1")])
    assert caught.value.maybe_done


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"status": 429}, RateLimited),
        ({"json": {"code": 403}, "status": 403}, AuthRejected),
        ({"json": {"code": 400, "message": "no"}}, Rejected),
    ],
)
def test_a_write_that_was_refused_as_a_whole_has_done_nothing(
    web: responses.RequestsMock, shop: Connector, reply: dict[str, Any], kind: type[ChannelError]
) -> None:
    standing(web, {1: ""})
    web.put(f"{BASE}/order/list", **reply)
    with pytest.raises(kind):
        shop.write_invoice_numbers([write(1, "INV1")])


def test_when_the_fence_cannot_be_read_nothing_is_written(web: responses.RequestsMock, shop: Connector) -> None:
    web.post(f"{BASE}/order/multipleOrder", status=500)
    with pytest.raises(Unavailable) as caught:
        shop.write_invoice_numbers([write(1, "INV1")])
    assert not caught.value.maybe_done
    assert len(web.calls) == 1
