"""What a channel is told of an order that was made here: it adds up there as it does here, whatever it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.giving import (
    LINES_NAMED,
    Copy,
    Offer,
    best_offer,
    is_called_off,
    is_told,
    names_of,
    order_write,
    unlinked,
)
from app.core.own_orders import OwnLine, OwnOrder, remote_order
from app.core.types import OrderStatus, OrderType, PaymentStatus, RemoteOrder

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
NEW = Copy("m", "", "", None, "")
LINE = OwnLine("KOPI-1", "Kopi", "", Decimal(2), 1690, 0)
PLAIN = OwnOrder(
    kind=OrderType.POS,
    number="SO00001",
    status=OrderStatus.OPEN,
    payment_status=PaymentStatus.PAID,
    payment_method="FPX",
    currency="MYR",
    placed_at=NOW,
    paid_at=NOW,
    shipped_at=None,
    buyer={"name": "Aminah", "city": ""},
    note="Ring twice",
    lines=(LINE,),
    shipping=600,
    discount=0,
    tax=0,
    tax_included=False,
)


def made(**changes: object) -> RemoteOrder:
    return remote_order(replace(PLAIN, **changes), updated_at=NOW, made_as="")  # type: ignore[arg-type]


@st.composite
def lines(draw: st.DrawFn) -> OwnLine:
    quantity = Decimal(draw(st.integers(1, 10**7))).scaleb(-draw(st.integers(0, 4)))
    whole = OwnLine(draw(st.sampled_from(["", "A-1", "B"])), "Kopi", "", quantity, draw(st.integers(0, 10**6)), 0)
    return replace(whole, discount=draw(st.integers(0, whole.gross)))


@st.composite
def orders(draw: st.DrawFn) -> RemoteOrder:
    some = tuple(draw(st.lists(lines(), min_size=1, max_size=6)))
    goods = sum(line.gross - line.discount for line in some)
    return made(
        lines=some,
        currency=draw(st.sampled_from(["VND", "MYR", "KWD"])),
        shipping=draw(st.integers(0, 10**6)),
        discount=draw(st.integers(0, goods)),
        tax=draw(st.integers(0, 10**5)),
        tax_included=draw(st.booleans()),
        payment_status=draw(st.sampled_from([PaymentStatus.PAID, PaymentStatus.UNPAID, PaymentStatus.REFUNDED])),
        status=draw(st.sampled_from([status for status in OrderStatus if status != OrderStatus.UNKNOWN])),
    )


@given(orders())
def test_every_order_adds_up_there_to_what_the_buyer_pays_here(order: RemoteOrder) -> None:
    products = [str(number) for number, _line in enumerate(order.lines)]
    write = order_write(order, products, NEW, "7")
    goods = sum(line.gross - line.discount for line in order.lines)
    assert goods + write.shipping - write.discount + write.tax == write.total == order.total
    assert [line.product_id for line in write.lines] == products
    assert [(line.quantity, line.unit_price, line.discount) for line in write.lines] == [
        (line.quantity, line.unit_price, line.discount) for line in order.lines
    ]
    assert write.paid == (order.total if order.payment_status is PaymentStatus.PAID else 0)
    assert (write.currency, write.status, write.branch_id) == (order.currency, order.status, "7")


def test_tax_inside_the_prices_is_not_added_there() -> None:
    assert order_write(made(tax=240, tax_included=True), ["9"], NEW, "1").tax == 0
    assert order_write(made(tax=240, tax_included=False), ["9"], NEW, "1").tax == 240


def test_an_order_that_does_not_add_up_is_not_told() -> None:
    with pytest.raises(ValueError, match="SO00001"):
        order_write(replace(made(), total=1), ["9"], NEW, "1")


def test_the_buyer_is_told_without_what_is_empty() -> None:
    write = order_write(made(), ["9"], NEW, "1")
    assert (write.buyer, write.note, write.number, write.payment_method) == (
        {"name": "Aminah"},
        "Ring twice",
        "SO00001",
        "FPX",
    )


def test_a_copy_is_told_until_it_knows_the_order_as_it_stands() -> None:
    order = made()
    known = Copy("m", "orders/1", "DH1", NOW, order.digest)
    assert is_told(order, known)
    assert not is_told(made(note="Ring once"), known)
    assert not is_told(order, NEW)


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.RETURNED])
def test_what_ended_before_it_was_ever_sent_is_not_made_there(status: OrderStatus) -> None:
    ended = made(status=status)
    assert is_told(ended, NEW)
    assert not is_told(ended, replace(NEW, tried_at=NOW))
    assert not is_told(ended, replace(NEW, remote_id="orders/1"))
    assert is_called_off(ended) is (status is OrderStatus.CANCELLED)


def test_of_several_units_the_base_is_named() -> None:
    box, piece, other = Offer("12", Decimal(24)), Offer("11", Decimal(1)), Offer("13", Decimal(1))
    assert best_offer([box, piece, other]) == "11"
    assert best_offer([box]) == "12"
    assert best_offer([]) == ""


def test_lines_without_a_product_are_named_once_each() -> None:
    order = made(lines=(LINE, replace(LINE, sku="TEH-2", name="Teh"), replace(LINE, quantity=Decimal(5))))
    assert names_of(unlinked(order.lines, ["", "", ""])) == "KOPI-1 Kopi, TEH-2 Teh"
    assert names_of(unlinked(order.lines, ["1", "", "1"])) == "TEH-2 Teh"
    many = made(lines=tuple(replace(LINE, sku=f"A{number}") for number in range(LINES_NAMED + 3)))
    assert names_of(many.lines).endswith("(+3)")
