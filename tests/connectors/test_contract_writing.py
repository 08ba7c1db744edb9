"""The contract of `app.connectors.base.Connector`: what is written there, and what is told of changed products.

Each test runs over the connectors that say that they can do it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from app.connectors.base import Capability, Connector
from app.core.errors import RateLimited, Unavailable
from app.core.types import (
    OrderStatus,
    OrderWrite,
    OrderWriteLine,
    PaymentStatus,
    RemoteListing,
    WriteOutcome,
)
from tests.connectors.contract import needs, numbered, place_id, read, walk, window
from tests.connectors.rigs import Article, Rig, Sale, Trouble

# ---- writing numbers


@needs(Capability.INVOICE_WRITEBACK)
def test_numbers_arrive_and_each_write_has_its_receipt(rig: Rig, channel: Connector) -> None:
    sales = [Sale(1001), Sale(1002), Sale(1003)]
    rig.place(*sales)
    writes = [numbered(rig, sale, f"INV{sale.number}") for sale in sales]
    receipts = channel.write_invoice_numbers(writes)
    assert [receipt.key for receipt in receipts] == [one.key for one in writes]
    assert [receipt.outcome for receipt in receipts] == [WriteOutcome.DONE] * 3
    assert [rig.standing(sale) for sale in sales] == ["INV1001", "INV1002", "INV1003"]


@needs(Capability.INVOICE_WRITEBACK)
def test_a_repeated_write_does_nothing(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    for _ in range(2):
        (receipt,) = channel.write_invoice_numbers([numbered(rig, sale, "INV1")])
        assert (receipt.outcome, receipt.found) == (WriteOutcome.DONE, "INV1")
    assert rig.writes() == [("1001", "INV1")]


@needs(Capability.INVOICE_WRITEBACK)
def test_a_foreign_number_is_never_overwritten(rig: Rig, channel: Connector) -> None:
    ours, theirs = Sale(1001), Sale(1002)
    rig.place(ours, theirs)
    rig.number_by_others(theirs, "THEIRS-9")
    receipts = channel.write_invoice_numbers([numbered(rig, ours, "INV1"), numbered(rig, theirs, "INV2")])
    assert [(receipt.outcome, receipt.found) for receipt in receipts] == [
        (WriteOutcome.DONE, "INV1"),
        (WriteOutcome.FOREIGN, "THEIRS-9"),
    ]
    assert rig.standing(theirs) == "THEIRS-9"


@needs(Capability.INVOICE_WRITEBACK)
def test_a_number_of_ours_may_be_replaced(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    rig.number_by_others(sale, "INV1")
    (receipt,) = channel.write_invoice_numbers([numbered(rig, sale, "INV2", "INV1")])
    assert receipt.outcome is WriteOutcome.DONE
    assert rig.standing(sale) == "INV2"


@needs(Capability.INVOICE_WRITEBACK)
def test_an_order_that_is_gone_is_missing_and_the_others_are_written(rig: Rig, channel: Connector) -> None:
    sale, gone = Sale(1001), Sale(999999)
    rig.place(sale)
    receipts = channel.write_invoice_numbers([numbered(rig, gone, "INV1"), numbered(rig, sale, "INV2")])
    assert [receipt.outcome for receipt in receipts] == [WriteOutcome.MISSING, WriteOutcome.DONE]
    assert rig.writes() == [("1001", "INV2")]


@needs(Capability.INVOICE_WRITEBACK)
def test_a_lost_answer_may_be_done_is_found_out_and_never_written_twice(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    rig.break_next(Trouble.ANSWER_LOST, "write")
    with pytest.raises(Unavailable) as caught:
        channel.write_invoice_numbers([numbered(rig, sale, "INV1")])
    assert caught.value.maybe_done
    assert rig.standing(sale) == "INV1"
    (receipt,) = channel.write_invoice_numbers([numbered(rig, sale, "INV1")])
    assert receipt.outcome is WriteOutcome.DONE
    assert rig.writes() == [("1001", "INV1")]


@needs(Capability.INVOICE_WRITEBACK)
def test_a_write_that_failed_can_be_repeated(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    rig.break_next(Trouble.DOWN, "write")
    with pytest.raises(Unavailable):
        channel.write_invoice_numbers([numbered(rig, sale, "INV1")])
    assert rig.standing(sale) == ""
    (receipt,) = channel.write_invoice_numbers([numbered(rig, sale, "INV1")])
    assert receipt.outcome is WriteOutcome.DONE


@needs(Capability.INVOICE_WRITEBACK)
def test_the_digest_follows_the_contents_but_not_our_own_write_back(rig: Rig, channel: Connector) -> None:
    sale = Sale(1001)
    rig.place(sale)
    (before,) = read(rig, channel, sale)
    channel.write_invoice_numbers([numbered(rig, sale, "INV0001")])
    (written,) = read(rig, channel, sale)
    assert written.invoice_no == "INV0001"
    assert written.digest == before.digest
    rig.cancel(sale)
    (cancelled,) = read(rig, channel, sale)
    assert cancelled.digest != before.digest


# ---- making orders of ours there


def ours(rig: Rig, channel: Connector, **changes: object) -> OrderWrite:
    """An order of ours over two pieces of one article, which the channel sells; `changes` replace fields."""
    rig.sell(Article(501))
    write = OrderWrite(
        key=uuid4().hex,
        remote_id="",
        tried_at=None,
        number="CB-1001",
        branch_id=place_id(rig, channel, "Shopee"),
        placed_at=datetime.now(UTC),
        status=OrderStatus.OPEN,
        buyer={"name": "Buyer One", "phone": "0900000001", "address": "1 Hàng Gai", "city": "Hà Nội"},
        note="Ring twice.",
        lines=(OrderWriteLine("501", "a-1", "Kopi O", Decimal(2), 2100, 200),),
        shipping=490,
        discount=100,
        tax=0,
        total=4390,
        paid=0,
        payment_method="",
        currency=rig.places["Shopee"][2],
    )
    return replace(write, **changes)  # type: ignore[arg-type]


def sent(write: OrderWrite) -> OrderWrite:
    """The same as it comes the next time, when its answer was lost."""
    return replace(write, tried_at=datetime.now(UTC))


@needs(Capability.ORDER_CREATION)
def test_an_order_of_ours_is_made_and_named(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel)
    receipt = channel.write_order(write)
    assert (receipt.key, receipt.outcome) == (write.key, WriteOutcome.DONE)
    assert receipt.remote_id
    assert receipt.number
    assert rig.made(write.key) == 1


@needs(Capability.ORDER_CREATION)
def test_an_order_whose_answer_was_lost_is_found_again_and_never_made_twice(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel)
    rig.break_next(Trouble.ANSWER_LOST, "order")
    with pytest.raises(Unavailable) as caught:
        channel.write_order(write)
    assert caught.value.maybe_done
    receipt = channel.write_order(sent(write))
    assert (receipt.outcome, bool(receipt.remote_id), bool(receipt.number)) == (WriteOutcome.DONE, True, True)
    assert rig.made(write.key) == 1


@needs(Capability.ORDER_CREATION)
def test_an_order_that_did_not_arrive_is_made_the_next_time(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel)
    rig.break_next(Trouble.DOWN, "order")
    with pytest.raises(Unavailable):
        channel.write_order(write)
    assert rig.made(write.key) == 0
    assert channel.write_order(sent(write)).outcome is WriteOutcome.DONE
    assert rig.made(write.key) == 1


@needs(Capability.ORDER_CREATION)
def test_an_order_that_is_refused_says_why_and_may_come_again(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel, shipping=0, total=3900)
    words = rig.refuse_order(write)
    receipt = channel.write_order(write)
    assert (receipt.outcome, receipt.remote_id) == (WriteOutcome.REJECTED, "")
    assert words in receipt.words
    assert rig.made(write.key) == 0


@needs(Capability.ORDER_CREATION)
def test_what_is_gone_there_is_missing_and_not_made_anew(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel, remote_id="orders/999999")
    assert channel.write_order(write).outcome is WriteOutcome.MISSING
    assert rig.made(write.key) == 0


@needs(Capability.ORDER_CREATION)
def test_an_order_cancelled_before_it_was_sent_is_never_made(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel, status=OrderStatus.CANCELLED)
    for one in (write, sent(write)):
        receipt = channel.write_order(one)
        assert (receipt.outcome, receipt.remote_id) == (WriteOutcome.DONE, "")
    assert rig.made(write.key) == 0


@needs(Capability.ORDER_CREATION)
def test_nothing_is_made_when_we_may_not_write_any_more(rig: Rig, channel: Connector) -> None:
    def stop() -> None:
        raise RateLimited("Another worker took over.", retry_after=1)

    write = ours(rig, channel)
    with pytest.raises(RateLimited):
        channel.write_order(write, stop)
    assert rig.made(write.key) == 0


@needs(Capability.ORDER_CREATION, Capability.BRANCHES)
def test_an_order_of_ours_stands_there_as_it_is_here_and_follows(rig: Rig, channel: Connector) -> None:
    write = ours(rig, channel)
    write = replace(write, remote_id=channel.write_order(write).remote_id)

    def standing() -> tuple[OrderStatus, PaymentStatus, int]:
        (order,) = channel.get_orders([write.remote_id], {})
        assert order.made_by == write.key  # type: ignore[union-attr]
        return order.status, order.payment_status, order.total  # type: ignore[union-attr]

    assert standing() == (OrderStatus.OPEN, PaymentStatus.UNPAID, 4390)
    (page,) = walk(channel, replace(window(rig, channel), until=datetime.now(UTC) + timedelta(minutes=1)))
    assert [(stub.remote_id, stub.made_by) for stub in page.stubs] == [(write.remote_id, write.key)]
    more = OrderWriteLine("501", "a-1", "Kopi O", Decimal(3), 2100, 200)
    write = replace(write, lines=(more,), total=6490, paid=6490, payment_method="Cash", status=OrderStatus.PROCESSING)
    assert channel.write_order(write).outcome is WriteOutcome.DONE
    assert standing() == (OrderStatus.PROCESSING, PaymentStatus.PAID, 6490)
    write = replace(write, status=OrderStatus.CANCELLED)
    for _time in range(2):
        assert channel.write_order(write).outcome is WriteOutcome.DONE
    assert standing()[0] is OrderStatus.CANCELLED
    assert rig.made(write.key) == 1


# ---- changed products


@needs(Capability.PRODUCTS_BY_UPDATE)
def test_changed_products_are_what_changed_what_was_removed_and_what_was_counted(rig: Rig, channel: Connector) -> None:
    kept, edited, gone = Article(501), Article(502, sku="b-2"), Article(503, sku="c-3")
    rig.sell(kept, edited, gone)
    began = datetime.now(UTC) - timedelta(minutes=1)
    assert channel.changed_products(began, 1).listings == ()
    rig.sell(replace(edited, name="Kopi O Kaw"))
    rig.unlist(gone)
    rig.restock(kept, 7)
    page = channel.changed_products(began, 1)
    assert [(one.remote_id, one.name) for one in page.listings if isinstance(one, RemoteListing)] == [
        ("502", "Kopi O Kaw")
    ]
    assert (page.removed, page.is_last) == (("503",), True)
    (counted,) = page.counted["501"]
    assert (counted.branch_id, counted.on_hand) == (place_id(rig, channel, "Shopee"), Decimal(7))


@needs(Capability.PRODUCTS_BY_UPDATE)
def test_single_products_are_as_the_list_has_them_and_unknown_ones_are_absent(rig: Rig, channel: Connector) -> None:
    rig.sell(Article(501), Article(502, sku="b-2"))
    found = channel.get_products(["502", "999999", "not-an-id", "501"])
    assert found == tuple(reversed(channel.list_products(1).listings))
    with pytest.raises(ValueError, match="at most"):
        channel.get_products([str(number) for number in range(channel.page_size + 1)])
