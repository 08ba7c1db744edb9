"""The made-up shop: repeatable, to the cent, and with everything in it that a real one throws at a connector."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from app.sandbox.sitegiant.generator import generated_orders
from app.sandbox.sitegiant.markets import MARKETS
from app.sandbox.sitegiant.orders import Order, footing, off_by

UNTIL = datetime.fromisoformat("2026-11-20T12:00:00+08:00")


@pytest.fixture(scope="module")
def orders() -> list[Order]:
    return list(generated_orders(7, 1000, UNTIL))


def created(order: Order) -> datetime:
    return datetime.fromisoformat(order["order_creation_date"])


def test_same_seed_gives_the_same_orders(orders: list[Order]) -> None:
    assert list(generated_orders(7, 1000, UNTIL)) == orders
    assert list(generated_orders(8, 1000, UNTIL)) != orders


def test_every_total_foots_except_the_five_meant_to_be_off(orders: list[Order]) -> None:
    off = [off_by(order) for order in orders if off_by(order)]
    assert sorted(off) == [Decimal("-10.00"), Decimal("-0.05"), Decimal("0.01"), Decimal("0.33"), Decimal("3.00")]


def test_line_totals_and_tax_totals_are_the_sums_they_claim_to_be(orders: list[Order]) -> None:
    for order in orders:
        for line in order["order_items"]:
            assert Decimal(line["product_total"]) == Decimal(line["product_price"]) * line["product_quantity"]
        assert Decimal(order["tax_total"]) == sum(Decimal(line["tax_amount"]) for line in order["order_items"])


def test_orders_spread_over_sixty_days_and_the_newest_is_minutes_old(orders: list[Order]) -> None:
    times = sorted(created(order) for order in orders)
    assert timedelta(minutes=0) < UNTIL - times[-1] < timedelta(minutes=10)
    assert timedelta(days=59) < UNTIL - times[0] < timedelta(days=61)
    assert len({at.date() for at in times}) >= 60


def test_no_time_lies_in_the_future_or_before_creation(orders: list[Order]) -> None:
    for order in orders:
        later = [order[name] for name in ("paid_time", "shipped_time", "updated_at") if order[name]]
        assert all(created(order) <= datetime.fromisoformat(at) <= UNTIL for at in later)
        assert order["updated_at"] == max(later)


def test_fifty_orders_show_every_status_but_the_rare_ones() -> None:
    seen = {(order["order_status"], order["payment_status"]) for order in generated_orders(3, 50, UNTIL)}
    assert seen >= {
        ("Open", "Unpaid"),
        ("Open", "Paid"),
        ("Pending Process", "Paid"),
        ("Processed", "Unpaid"),
        ("Ready To Ship", "Paid"),
        ("Shipped", "Unpaid"),
        ("Completed", "Paid"),
        ("Cancelled", "Unpaid"),
        ("Cancelled", "Refunded"),
        ("Returned", "Refunded"),
    }


def test_unusual_statuses_turn_up_now_and_then(orders: list[Order]) -> None:
    seen = Counter(order["order_status"] for order in orders)
    assert seen["On Hold"] == seen["Partially Refunded"] == 10


def test_all_marketplaces_and_gateways_turn_up(orders: list[Order]) -> None:
    assert {order["marketplace"] for order in orders} == {market.marketplace for market in MARKETS}
    assert len({order["billing_method"].strip().casefold() for order in orders}) >= 10


def test_cash_on_delivery_is_paid_late_or_not_yet(orders: list[Order]) -> None:
    cod = [order for order in orders if order["billing_method"].strip().casefold() in ("cod", "cash on delivery")]
    assert {order["payment_status"] for order in cod} == {"Paid", "Unpaid"}
    for order in cod:
        assert (order["paid_time"] is None) == (order["payment_status"] == "Unpaid")


def test_discounts_carry_both_signs_and_coupons_too(orders: list[Order]) -> None:
    signs = {
        (name, Decimal(value) > 0)
        for order in orders
        for name, value in [
            ("coupon", order["coupon_amount"]),
            *(("line", line["discount_amount"]) for line in order["order_items"]),
        ]
        if Decimal(value)
    }
    assert signs == {("coupon", True), ("coupon", False), ("line", True), ("line", False)}


def test_tax_comes_inside_and_on_top_of_prices(orders: list[Order]) -> None:
    taxed = [order for order in orders if Decimal(order["tax_total"])]
    assert {order["tax_inclusive"] for order in taxed} == {0, 1}
    inclusive = next(order for order in taxed if order["tax_inclusive"])
    exclusive = next(order for order in taxed if not order["tax_inclusive"])
    assert footing({**inclusive, "tax_total": "0.00"}) == footing(inclusive)
    assert footing({**exclusive, "tax_total": "0.00"}) == footing(exclusive) - Decimal(exclusive["tax_total"])


def test_refunds_are_full_or_partial_and_fit_the_payment_status(orders: list[Order]) -> None:
    kinds = set()
    for order in orders:
        refunded, total = Decimal(order["refunded_amount"]), Decimal(order["total"])
        assert 0 <= refunded <= total
        assert (order["payment_status"] == "Refunded") == (refunded == total)
        kinds.add("full" if refunded == total else "part" if refunded else "none")
    assert kinds == {"none", "part", "full"}


def test_some_orders_stand_on_either_side_of_local_midnight(orders: list[Order]) -> None:
    minutes = Counter(f"{created(order):%H:%M}" for order in orders)
    assert minutes["23:59"] >= 20
    assert minutes["00:00"] >= 20


def test_names_come_in_every_script(orders: list[Order]) -> None:
    names = "".join(order["billing_firstname"] + order["billing_lastname"] for order in orders)
    for sample in ("陳", "க", "Phạm", "binti", "🌷"):
        assert sample in names


def test_orders_without_a_sku_of_the_channel_still_have_one(orders: list[Order]) -> None:
    lines = [line for order in orders for line in order["order_items"]]
    assert all(line["isku"] or line["product_sku"] for line in lines)
    assert any(not line["isku"] for line in lines)
    assert any(not line["product_sku"] for line in lines)
