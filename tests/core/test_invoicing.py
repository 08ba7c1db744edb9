from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.invoicing import CannotBook, InvoiceDateRule, InvoiceDraft, LineKind, draft_invoice, foot, invoice_date
from app.core.plan import decide
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus, PaymentStatus, RemoteOrder
from tests.core.samples import NOON, RULES, bookable, footing_orders, remote_line, remote_order

KL = "Asia/Kuala_Lumpur"


def draft(order: RemoteOrder, date_rule: InvoiceDateRule = "created") -> InvoiceDraft:
    return draft_invoice(bookable(order), time_zone=KL, date_rule=date_rule)


def refusal(order: RemoteOrder, date_rule: InvoiceDateRule = "created") -> CannotBook:
    with pytest.raises(CannotBook) as caught:
        draft(order, date_rule)
    return caught.value


def add_up(invoice: InvoiceDraft) -> int:
    return sum(line.amount for line in invoice.lines) + (0 if invoice.tax_included else invoice.tax)


def test_plain_order_becomes_one_item_line() -> None:
    invoice = draft(remote_order())
    (line,) = invoice.lines
    assert (line.kind, line.sku, line.description) == (LineKind.ITEM, "A-1", "Kopi O 咖啡")
    assert (line.quantity, line.unit_price, line.discount, line.amount) == (Decimal(1), 2100, 0, 2100)
    assert (invoice.currency, invoice.total, invoice.subtotal, invoice.rounding) == ("MYR", 2100, 2100, 0)
    assert invoice.invoice_date == date(2026, 11, 20)


def test_each_part_of_the_total_has_its_own_line() -> None:
    order = remote_order(
        lines=(remote_line(1, quantity="2", discount=200, tax=240), remote_line(2, unit_price=500, tax=30)),
        shipping=800,
        discount=300,
        adjustment=-50,
        tax=300,
        total=5252,
    )
    invoice = draft(order)
    parts = [(line.kind.value, line.amount, line.tax) for line in invoice.lines]
    assert parts == [
        ("item", 4000, 240),
        ("item", 500, 30),
        ("shipping", 800, 0),
        ("discount", -300, 0),
        ("adjustment", -50, 0),
        ("rounding", 2, 0),
        ("tax", 0, 30),
    ]
    assert (invoice.subtotal, invoice.discount, invoice.shipping, invoice.adjustment) == (4500, 300, 800, -50)
    assert (invoice.tax, invoice.rounding, invoice.total) == (300, 2, 5252)
    assert add_up(invoice) == 5252


def test_included_tax_is_told_but_not_added() -> None:
    invoice = draft(remote_order(tax=119, tax_included=True, lines=(remote_line(tax=119),)))
    assert (invoice.total, invoice.tax, add_up(invoice)) == (2100, 119, 2100)
    assert [line.kind for line in invoice.lines] == [LineKind.ITEM]


def test_dong_has_no_cents() -> None:
    order = remote_order(currency="VND", lines=(remote_line(unit_price=350_000, quantity="3"),), total=1_050_000)
    invoice = draft(order)
    assert (invoice.currency, invoice.total, invoice.lines[0].amount) == ("VND", 1_050_000, 1_050_000)


def test_the_channels_amounts_are_booked_not_recalculated() -> None:
    line = remote_line(unit_price=333, quantity="3", gross=1000)
    invoice = draft(remote_order(lines=(line,), total=1000))
    assert (invoice.lines[0].amount, invoice.rounding) == (1000, 0)


def test_fully_discounted_order_is_an_invoice_of_zero() -> None:
    invoice = draft(remote_order(discount=2100, total=0))
    assert (invoice.total, add_up(invoice)) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": OrderStatus.CANCELLED}, Reason.CANCELLED),
        ({"status": OrderStatus.RETURNED, "payment_status": PaymentStatus.UNPAID}, Reason.RETURNED),
        ({"status": OrderStatus.ON_HOLD}, Reason.ON_HOLD),
        ({"status": OrderStatus.UNKNOWN}, Reason.STATUS_UNKNOWN),
        ({"payment_status": PaymentStatus.UNPAID}, Reason.UNPAID),
        ({"payment_status": PaymentStatus.REFUNDED, "refunded": 2100}, Reason.REFUNDED),
        ({"payment_status": PaymentStatus.UNKNOWN}, Reason.PAYMENT_STATUS_UNKNOWN),
        ({"payment_status": PaymentStatus.PARTLY_REFUNDED}, Reason.PARTLY_REFUNDED),
        ({"refunded": 1}, Reason.PARTLY_REFUNDED),
        ({"lines": (), "total": 0}, Reason.NO_LINES),
        ({"total": 2106}, Reason.TOTAL_MISMATCH),
        ({"discount": 2200, "total": -100}, Reason.BAD_PAYLOAD),
    ],
)
def test_what_is_no_paid_sale_in_full_never_becomes_an_invoice(changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(remote_order(**changes)).reason is reason


def test_refusal_without_a_date_names_the_rule() -> None:
    caught = refusal(remote_order(shipped_at=None), "shipped")
    assert (caught.reason, caught.detail) == (Reason.DATE_MISSING, {"rule": "shipped"})


def test_mismatch_tells_both_sums_and_the_signed_difference() -> None:
    detail = refusal(remote_order(total=2000)).detail
    assert detail == {"currency": "MYR", "charged": 2000, "added_up": 2100, "difference": -100}


@pytest.mark.parametrize(("total", "rounding"), [(2105, 5), (2095, -5), (2100, 0)])
def test_rounding_line_stays_within_tolerance(total: int, rounding: int) -> None:
    invoice = draft(remote_order(total=total))
    assert invoice.rounding == rounding
    assert sum(line.amount for line in invoice.lines if line.kind is LineKind.ROUNDING) == rounding


@given(footing_orders(off_by=5))
def test_orders_that_foot_always_book_and_sum_to_what_was_charged(order: RemoteOrder) -> None:
    assert decide(order, RULES).state is OrderState.READY
    invoice = draft(order)
    assert add_up(invoice) == invoice.total == order.total
    assert sum(line.tax for line in invoice.lines) == invoice.tax == order.tax
    header = invoice.subtotal - invoice.discount + invoice.shipping + invoice.adjustment + invoice.rounding
    assert header + (0 if invoice.tax_included else invoice.tax) == invoice.total
    assert abs(invoice.rounding) <= 5
    assert len([line for line in invoice.lines if line.kind is LineKind.ITEM]) == len(order.lines)


@given(footing_orders(), st.integers(6, 10**6), st.booleans(), st.data())
def test_any_change_beyond_tolerance_is_held_with_the_exact_difference(
    order: RemoteOrder, by: int, more: bool, data: st.DataObject
) -> None:
    by = by if more else -by
    part = data.draw(st.sampled_from(["total", "shipping", "discount", "adjustment", "tax", "gross", "line discount"]))
    assume(part != "tax" or not order.tax_included)
    if part in {"gross", "line discount"}:
        first, *rest = order.lines
        name = "gross" if part == "gross" else "discount"
        mutated = replace(order, lines=(first._replace(**{name: getattr(first, name) + by}), *rest))
    else:
        mutated = replace(order, **{part: getattr(order, part) + by})
    expected = by if part in {"total", "discount", "line discount"} else -by

    decision = decide(mutated, RULES)
    assert (decision.state, decision.reason) == (OrderState.HELD, Reason.TOTAL_MISMATCH)
    assert decision.detail["difference"] == expected
    caught = refusal(mutated)
    assert (caught.reason, caught.detail) == (Reason.TOTAL_MISMATCH, decision.detail)


@given(footing_orders())
def test_stored_order_foots_exactly_as_the_received_one(order: RemoteOrder) -> None:
    assert foot(order) == foot(bookable(order)) == order.total


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 11, 20, 15, 59, tzinfo=UTC), KL, date(2026, 11, 20)),
        (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), KL, date(2026, 11, 21)),
        (datetime.fromisoformat("2026-11-20T23:58:10+08:00"), KL, date(2026, 11, 20)),
        (datetime.fromisoformat("2026-11-21T00:01:00+08:00"), KL, date(2026, 11, 21)),
        (datetime.fromisoformat("2026-11-20T23:58:10+08:00"), "Asia/Ho_Chi_Minh", date(2026, 11, 20)),
        (datetime.fromisoformat("2026-11-21T00:01:00+08:00"), "Asia/Ho_Chi_Minh", date(2026, 11, 20)),
        (datetime(2026, 12, 31, 16, 30, tzinfo=UTC), KL, date(2027, 1, 1)),
        (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 30)),
    ],
)
def test_the_stores_midnight_decides_the_day(moment: datetime, zone: str, day: date) -> None:
    assert invoice_date("created", moment, None, None, zone) == day


def test_rule_names_the_event_and_no_other_stands_in() -> None:
    paid, shipped = NOON.replace(day=21), NOON.replace(day=22)
    days = [invoice_date(rule, NOON, paid, shipped, KL) for rule in ("created", "paid", "shipped")]
    assert days == [date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)]
    assert invoice_date("paid", NOON, None, shipped, KL) is None
    assert invoice_date("shipped", NOON, paid, None, KL) is None


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        invoice_date("created", datetime(2026, 11, 20), None, None, KL)  # noqa: DTZ001


def test_fractions_of_a_unit_keep_their_quantity() -> None:
    order = remote_order(lines=(remote_line(unit_price=1999, quantity="0.750"),), total=1499)
    (line,) = draft(order).lines
    assert (line.quantity, line.amount) == (Decimal("0.750"), 1499)
