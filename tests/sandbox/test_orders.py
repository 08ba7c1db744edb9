"""Which orders the sandbox takes, and what an edit makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.sandbox.sitegiant.edits import patch, refund
from app.sandbox.sitegiant.orders import BadOrder, checked_order, footing, money
from tests.sandbox.running import an_order


def checked(**fields: Any) -> dict[str, Any]:
    return checked_order(an_order(order_id=1, **fields))


def test_left_out_fields_are_filled_as_the_wire_has_them() -> None:
    order = checked()
    assert order["tax_total"] == "0.00"
    assert order["updated_at"] == order["order_creation_date"]
    assert order["order_items"][0]["product_total"] == "42.00"
    assert order["order_items"][0]["order_item_id"] == 1


def test_extra_fields_are_kept() -> None:
    assert checked(voucher_amount="1.00")["voucher_amount"] == "1.00"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"total": None}, "total missing"),
        ({"order_status": ""}, "order_status missing"),
        ({"total": "12,50"}, "total '12,50' is not an amount"),
        ({"total": True}, "total True is not an amount"),
        ({"total": "1e400"}, "total '1e400' is not an amount"),
        ({"total": "1e-400"}, "total '1e-400' is not an amount"),
        ({"order_id": "9" * 5000}, "is not a positive whole number"),
        ({"shipping_fee": "NaN"}, "shipping_fee 'NaN' is not an amount"),
        ({"order_id": "A-1"}, "order_id 'A-1' is not a positive whole number"),
        ({"order_id": 2**53}, "is not a positive whole number"),
        ({"channel_id": 0}, "channel_id 0 is not a positive whole number"),
        ({"order_creation_date": "2026-11-20T10:00:00"}, "has no offset"),
        ({"order_creation_date": 45981}, "is not a time"),
        ({"paid_time": "yesterday"}, "paid_time 'yesterday' is not a time"),
        ({"marketplace": 7}, "marketplace 7 is not text"),
        ({"tax_inclusive": "yes"}, "tax_inclusive is 0 or 1"),
        ({"order_items": {}}, "order_items is not a list"),
        ({"order_items": ["Kopi"]}, "order_items[1] is not a JSON object"),
        ({"order_items": [{"product_price": "1.00"}]}, "order_items[1] product_quantity None is not an amount"),
    ],
)
def test_a_bad_order_is_refused_by_the_name_of_its_field(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadOrder) as refused:
        checked_order({**an_order(order_id=1), **fields})
    assert says in str(refused.value)


def test_an_order_adds_up_as_the_contract_says() -> None:
    line = {"product_price": "21.00", "product_quantity": 2, "discount_amount": "-2.00", "tax_amount": "3.20"}
    order = checked(
        order_items=[line], shipping_fee=4.9, coupon_amount="5.00", other_adjustment_total="-0.10", total="43.00"
    )
    assert order["tax_total"] == "3.20"
    assert footing(order) == Decimal("43.00")
    assert footing({**order, "tax_inclusive": 1}) == Decimal("39.80")


def test_amounts_are_written_with_two_decimals_or_more_where_needed() -> None:
    assert [money(Decimal(text)) for text in ("5", "5.5", "-0.05", "1.2345", "1000")] == [
        "5.00",
        "5.50",
        "-0.05",
        "1.2345",
        "1000.00",
    ]


def test_editing_the_sums_carries_the_total_along() -> None:
    assert patch(checked(), {"shipping_fee": "4.90"})["total"] == "46.90"


def test_naming_the_total_puts_an_order_out_of_balance_on_purpose() -> None:
    order = patch(checked(), {"shipping_fee": "4.90", "total": "42.00"})
    assert Decimal(order["total"]) - footing(order) == Decimal("-4.90")


def test_editing_other_fields_leaves_an_unbalanced_total_alone() -> None:
    assert patch(checked(total="50.00"), {"note": "hi"})["total"] == "50.00"


def test_an_order_keeps_its_id() -> None:
    with pytest.raises(BadOrder, match="order_id cannot be changed"):
        patch(checked(), {"order_id": 2})


def test_partial_refunds_end_in_refunded_only_when_nothing_is_left() -> None:
    part = refund(checked(), Decimal("2.00"))
    assert (part["refunded_amount"], part["payment_status"]) == ("2.00", "Paid")
    rest = refund(part)
    assert (rest["refunded_amount"], rest["payment_status"]) == ("42.00", "Refunded")


@pytest.mark.parametrize("back", ["0", "-1", "42.01"])
def test_more_than_was_paid_is_not_refunded(back: str) -> None:
    with pytest.raises(BadOrder):
        refund(checked(), Decimal(back))
