"""What is printed foots to the cent, says what each part is, and leaves nothing empty."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.invoicing import LineKind
from app.core.money import from_minor
from app.core.states import InvoiceState
from app.invoices.detail import OtherInvoice
from app.invoices.printing import Paper, line_name, paper
from tests.invoices.sheets import drafted, invoice_of, order_line, order_of, some_invoice

pytestmark = pytest.mark.usefixtures("speaking")

AMOUNTS = st.integers(0, 10_000_000)
LINES = st.lists(st.tuples(AMOUNTS, AMOUNTS, st.integers(0, 9_999)), min_size=1, max_size=5)
EXTRAS = st.fixed_dictionaries(
    {
        "shipping": AMOUNTS,
        "discount": st.integers(-5_000, 5_000),
        "adjustment": st.integers(-5_000, 5_000),
        "tax": AMOUNTS,
        "tax_included": st.booleans(),
        "rounding": st.integers(-5, 5),
        "currency": st.sampled_from(["MYR", "VND", "KWD"]),
    }
)


def printed(text: str) -> Decimal:
    """A printed amount as a number."""
    return Decimal("".join(char for char in text.replace("−", "-") if char.isdigit() or char in "-."))


def sheet(**values: Any) -> Paper:
    return paper(some_invoice(**values))


@given(LINES, EXTRAS)
def test_printed_amounts_add_up_to_the_printed_total(goods: list[tuple[int, int, int]], extras: dict[str, Any]) -> None:
    lines = [
        order_line(number, unit_price=gross, gross=gross, discount=discount, tax=tax)
        for number, (gross, discount, tax) in enumerate(goods, start=1)
    ]
    order = order_of(lines, **extras)
    assume(order.total >= 0)
    invoice = invoice_of(drafted(order))
    it = paper(invoice)
    subtotal, *parts = (printed(entry.amount) for entry in it.sums)
    assert sum(printed(line.amount) for line in it.lines) == subtotal
    assert subtotal + sum(parts) == printed(it.total.amount) == from_minor(order.total, order.currency)
    sums = {entry.label: entry.amount for entry in it.sums}
    assert printed(it.tax_note.removesuffix(".") or sums["Tax"]) == from_minor(order.tax, order.currency)


def test_parts_that_are_zero_take_no_row_but_tax_is_always_told() -> None:
    it = paper(invoice_of(drafted(order_of([order_line()], shipping=0, discount=0))))
    assert [(entry.label, entry.amount) for entry in it.sums] == [("Subtotal", "40.00"), ("Tax", "0.00")]


def test_included_tax_is_a_note_and_not_added_again() -> None:
    it = paper(invoice_of(drafted(order_of([order_line(tax=240)], tax=240, tax_included=True))))
    assert "Tax" not in [entry.label for entry in it.sums]
    assert it.tax_note == "The total includes tax of RM\u00a02.40."
    assert it.total.amount == "RM\u00a039.90"


def test_added_tax_stands_among_the_sums() -> None:
    it = paper(invoice_of(drafted(order_of([order_line()], tax=240, tax_included=False))))
    assert ("Tax", "2.40") in [(entry.label, entry.amount) for entry in it.sums]
    assert not it.tax_note


def test_columns_that_would_only_hold_zeros_are_left_out() -> None:
    names = [column.name for column in sheet().columns]
    assert names == ["sku", "description", "quantity", "unit_price", "discount", "amount"]
    plain = invoice_of(drafted(order_of([order_line(gross=4000, discount=0, tax=100)], tax=100)))
    names = [column.name for column in paper(plain).columns]
    assert names == ["sku", "description", "quantity", "unit_price", "tax", "amount"]


def test_money_of_a_currency_without_cents_has_none() -> None:
    it = paper(invoice_of(drafted(order_of([order_line()], currency="VND"))))
    assert it.lines[0].amount == "4,000"
    assert it.columns[-1].heading == "Amount (VND)"


def test_address_is_written_as_on_an_envelope() -> None:
    assert sheet().buyer == (
        "陳麗華 Tan Lee Hwa",
        "Kedai Runcit Maju Sdn. Bhd.",
        "12, Jalan Burma",
        "Taman Indah",
        "10050 George Town, Pulau Pinang",
        "Malaysia",
        "+60 12-345 6789",
        "buyer@shop.example",
    )


def test_address_of_vietnam_has_no_postcode_and_its_country_a_name() -> None:
    buyer = {
        "name": "Nguyễn Văn An",
        "address": "12 Lê Lợi\nPhường Bến Nghé",
        "city": "TP. Hồ Chí Minh",
        "country": "VN",
    }
    lines = ("Nguyễn Văn An", "12 Lê Lợi", "Phường Bến Nghé", "TP. Hồ Chí Minh", "Vietnam")
    assert sheet(buyer=buyer).buyer == lines


@pytest.mark.parametrize("buyer", [{}, {"name": "", "company": "  "}])
def test_buyer_without_a_name_is_said_to_have_none(buyer: dict[str, str]) -> None:
    assert sheet(buyer=buyer).buyer == ("No name",)


def test_unknown_facts_take_no_line() -> None:
    it = sheet(salesperson="", paid_at=None)
    assert [label for label, _value in it.facts] == ["Date", "Order", "Sold on", "Payment method"]
    assert it.paid == "RM\u00a039.90 paid by Cash."


def test_parts_of_the_total_are_called_by_what_they_are() -> None:
    extras = order_of([order_line(tax=40)], rounding=2, adjustment=-100, tax=100)
    names = {line.kind: line_name(line) for line in invoice_of(drafted(extras)).lines}
    assert names == {
        LineKind.ITEM: "Kopi-O cap Ipoh",
        LineKind.SHIPPING: "Shipping",
        LineKind.DISCOUNT: "Discount",
        LineKind.ADJUSTMENT: "Adjustment",
        LineKind.ROUNDING: "Rounding",
        LineKind.TAX: "Tax",
    }


def test_item_without_a_name_is_called_by_its_sku() -> None:
    it = paper(invoice_of(drafted(order_of([order_line(description="", sku="K-1")]))))
    assert it.lines[0].description == "K-1"


def test_credited_invoice_says_so_and_names_what_replaces_it() -> None:
    assert sheet().credited == ""
    assert sheet(state=InvoiceState.CREDITED).credited == "Credited: this invoice no longer counts."
    others = (OtherInvoice(9, "INV00031", "posted"), OtherInvoice(8, "INV00030", "credited"))
    assert sheet(state=InvoiceState.CREDITED, others=others).credited.endswith("INV00031 replaces it.")
    assert sheet(others=others[1:]).credited == ""
