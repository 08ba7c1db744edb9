"""The document of an order that is made here: what it says, and every mistake with its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.invoicing import foot, not_a_sale, wrong_total
from app.core.own_orders import (
    KINDS,
    Mistakes,
    Wrong,
    digest_of,
    document_of,
    moved,
    read_order,
    remote_order,
    with_moments,
)
from app.core.types import OrderStatus, PaymentStatus

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
LINE: dict[str, Any] = {"sku": "A", "name": "Kopi", "quantity": "2", "unit_price": "16.90", "discount": "0.80"}
ORDER: dict[str, Any] = {"kind": "pos", "lines": [LINE], "shipping": 6, "discount": "1.5", "tax": "2.00"}


def read(**other: Any) -> Any:
    return read_order({**ORDER, **other}, currency="MYR", now=NOW)


def mistakes(document: Any, currency: str = "MYR") -> list[tuple[str, Wrong]]:
    with pytest.raises(Mistakes) as refused:
        read_order(document, currency=currency, now=NOW)
    return [(one.pointer, one.wrong) for one in refused.value.found]


def test_amounts_are_minor_units_and_foot() -> None:
    order = with_moments(replace(read(payment_status="paid", tax_included=False), number="X"), NOW)
    remote = remote_order(order, updated_at=NOW, made_as="")
    assert (order.items, order.total) == (3300, 3300 + 600 - 150 + 200)
    assert foot(remote) == remote.total
    assert wrong_total(remote, 0) is None
    assert not_a_sale(remote) is None
    assert (remote.created_at, remote.paid_at, remote.shipped_at) == (NOW, NOW, None)


def test_tax_within_the_prices_is_not_added() -> None:
    assert read(tax_included=True).total == read(tax="0").total


@pytest.mark.parametrize(
    ("other", "pointer", "wrong"),
    [
        ({"kind": "marketplace"}, "/kind", Wrong.NOT_ONE_OF),
        ({"kind": ""}, "/kind", Wrong.MISSING),
        ({"kind": ["pos"]}, "/kind", Wrong.NOT_ONE_OF),
        ({"lines": []}, "/lines", Wrong.MISSING),
        ({"lines": {}}, "/lines", Wrong.NOT_A_LIST),
        ({"lines": [LINE] * 201}, "/lines", Wrong.TOO_MANY),
        ({"lines": ["x"]}, "/lines/0", Wrong.NOT_AN_OBJECT),
        ({"lines": [LINE, LINE | {"quantity": "0"}]}, "/lines/1/quantity", Wrong.NOT_A_QUANTITY),
        ({"lines": [LINE | {"quantity": "0.00001"}]}, "/lines/0/quantity", Wrong.NOT_A_QUANTITY),
        ({"lines": [LINE | {"quantity": 1.5}]}, "/lines/0/quantity", Wrong.NOT_A_QUANTITY),
        ({"lines": [LINE | {"unit_price": "1.001"}]}, "/lines/0/unit_price", Wrong.NOT_AN_AMOUNT),
        ({"lines": [LINE | {"unit_price": "-1"}]}, "/lines/0/unit_price", Wrong.NOT_AN_AMOUNT),
        ({"lines": [LINE | {"unit_price": True}]}, "/lines/0/unit_price", Wrong.NOT_AN_AMOUNT),
        ({"lines": [LINE | {"unit_price": None}]}, "/lines/0/unit_price", Wrong.MISSING),
        ({"lines": [LINE | {"discount": "34"}]}, "/lines/0/discount", Wrong.TOO_MUCH_OFF),
        ({"lines": [LINE | {"sku": "", "name": " "}]}, "/lines/0/name", Wrong.MISSING),
        ({"lines": [LINE | {"price": "1"}]}, "/lines/0/price", Wrong.UNKNOWN),
        ({"lines": [LINE | {"unit_price": "9" * 10, "quantity": 10**5}]}, "/lines/0/unit_price", Wrong.TOO_LARGE),
        ({"discount": "100"}, "/discount", Wrong.TOO_MUCH_OFF),
        ({"total": "40"}, "/total", Wrong.TOTAL_DIFFERS),
        ({"currency": "SGD"}, "/currency", Wrong.OTHER_CURRENCY),
        ({"placed_at": "2026-11-20T10:00:00"}, "/placed_at", Wrong.NOT_A_MOMENT),
        ({"placed_at": "yesterday"}, "/placed_at", Wrong.NOT_A_MOMENT),
        ({"placed_at": "2026-11-29T10:00:00Z"}, "/placed_at", Wrong.NOT_YET),
        ({"note": "a\0b"}, "/note", Wrong.UNSEEN),
        ({"note": "\ud800"}, "/note", Wrong.UNSEEN),
        ({"number": "x" * 61}, "/number", Wrong.TOO_LONG),
        ({"number": 7}, "/number", Wrong.NOT_TEXT),
        ({"buyer": {"mobile/1": "x"}}, "/buyer/mobile~11", Wrong.UNKNOWN),
        ({"tax_included": "yes"}, "/tax_included", Wrong.NOT_A_SWITCH),
    ],
)
def test_each_mistake_names_its_place(other: dict[str, Any], pointer: str, wrong: Wrong) -> None:
    assert mistakes({**ORDER, **other}) == [(pointer, wrong)]


def test_a_total_that_differs_says_by_how_much() -> None:
    with pytest.raises(Mistakes) as refused:
        read(total="39.00")
    (one,) = refused.value.found
    assert one.facts == {"currency": "MYR", "told": 3900, "added_up": 3950, "difference": -50}
    assert read(total="39.50").total == 3950


def test_a_currency_without_cents_takes_none() -> None:
    assert ("/lines/0/unit_price", Wrong.NOT_AN_AMOUNT) in mistakes(ORDER, "VND")


@pytest.mark.parametrize("document", [None, [], "x", 7])
def test_what_is_no_object_is_no_order(document: Any) -> None:
    assert mistakes(document) == [("", Wrong.NOT_AN_OBJECT)]


@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**7)), min_size=1, max_size=4),
    st.integers(0, 10**6),
)
def test_a_document_is_read_as_the_order_it_was_made_of(kind: Any, lines: Any, shipping: int) -> None:
    told = [
        {"name": "x", "quantity": Decimal(quantity).scaleb(-4), "unit_price": Decimal(price).scaleb(-2)}
        for quantity, price in lines
    ]
    order = read_order({"kind": kind, "lines": told, "shipping": Decimal(shipping).scaleb(-2)}, currency="MYR", now=NOW)
    again = read_order(document_of(order), currency="MYR", now=NOW)
    assert again == replace(order, buyer=again.buyer)
    assert digest_of(again) == digest_of(order)


def test_an_ended_order_does_not_go_on() -> None:
    paid = moved(with_moments(read(), NOW), now=NOW + timedelta(hours=1), payment_status=PaymentStatus.PAID)
    assert paid.paid_at == NOW + timedelta(hours=1)
    for ended, on in (
        ({"status": OrderStatus.CANCELLED}, {"status": OrderStatus.OPEN}),
        ({"payment_status": PaymentStatus.REFUNDED}, {"payment_status": PaymentStatus.PAID}),
    ):
        with pytest.raises(Mistakes):
            moved(moved(paid, now=NOW, **ended), now=NOW, **on)
