"""SiteGiant's JSON in our words: every quirk of the wire, and nothing guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.connectors.sitegiant.parse import order_digest, parse_marketplace, parse_order, parse_stub
from app.core.errors import BadPayload
from app.core.types import OrderStatus, OrderType, PaymentStatus, RemoteMarketplace, RemoteOrder, UnreadableOrder
from tests.connectors.wire import detail, item, stub

MYR = {"7": "MYR"}


def read(currencies: dict[str, str] | None = None, **changes: Any) -> RemoteOrder:
    order = parse_order(detail(**changes), MYR if currencies is None else currencies)
    assert isinstance(order, RemoteOrder), order
    return order


def problem(currencies: dict[str, str] | None = None, **changes: Any) -> str:
    order = parse_order(detail(**changes), MYR if currencies is None else currencies)
    assert isinstance(order, UnreadableOrder), order
    assert order.remote_id == "1001"
    assert order.raw == detail(**changes)
    return order.problem


def foots(order: RemoteOrder) -> bool:
    lines = sum(line.gross - line.discount for line in order.lines)
    tax = 0 if order.tax_included else order.tax
    return lines + order.shipping - order.discount + order.adjustment + tax == order.total


def test_a_whole_order_in_our_words() -> None:
    order = read()
    assert (order.remote_id, order.number, order.marketplace_id) == ("1001", "2611ABC", "7")
    assert (order.order_type, order.status, order.payment_status) == (
        OrderType.MARKETPLACE,
        OrderStatus.COMPLETED,
        PaymentStatus.PAID,
    )
    assert (order.status_text, order.payment_status_text, order.gateway) == ("Completed", "Paid", "ShopeePay")
    assert order.created_at == datetime(2026, 11, 20, 15, 58, 10, tzinfo=UTC)
    assert order.paid_at == datetime(2026, 11, 20, 15, 59, tzinfo=UTC)
    assert order.shipped_at is None
    assert order.buyer == {
        "name": "Nur Aisyah",
        "company": "",
        "phone": "+60120000000",
        "email": "",
        "address": "No. 1, Jalan Contoh",
        "city": "Ipoh",
        "state": "Perak",
        "postcode": "30000",
        "country": "MY",
    }
    (line,) = order.lines
    assert (line.sku, line.isku, line.name, line.quantity) == ("A-1", "A1", "Kopi", Decimal(2))
    assert (line.unit_price, line.gross, line.discount, line.tax) == (2100, 4200, 200, 0)
    assert (order.shipping, order.discount, order.total, order.currency) == (490, 500, 3990, "MYR")
    assert foots(order)


def test_what_is_kept_raw_can_be_stored_as_json() -> None:
    json.dumps(dict(read().raw), allow_nan=False)
    json.dumps(dict(read().buyer))


@pytest.mark.parametrize("sign", ["", "-"])
def test_discounts_are_subtracted_whatever_their_sign(sign: str) -> None:
    order = read(coupon_amount=f"{sign}5.00", order_items=[item(discount_amount=f"{sign}2.00")], refunded_amount="-1.0")
    assert (order.discount, order.lines[0].discount, order.refunded) == (500, 200, 100)
    assert foots(order)


def test_an_adjustment_keeps_its_sign() -> None:
    order = read(other_adjustment_total="-0.05", total="39.85")
    assert order.adjustment == -5
    assert foots(order)


@pytest.mark.parametrize(("told", "included"), [(0, False), (1, True), ("0", False), ("1", True), (True, True)])
def test_tax_is_inside_or_on_top(told: Any, included: bool) -> None:
    order = read(tax_inclusive=told, tax_total="2.40", total="39.90" if included else "42.30")
    assert order.tax_included is included
    assert foots(order)


def test_tax_without_a_word_about_inclusion_is_not_guessed() -> None:
    assert "does not say whether its prices include" in problem(tax_inclusive=..., tax_total="2.40")
    assert read(tax_inclusive=...).tax_included is False


def test_a_missing_tax_total_is_the_sum_of_the_lines() -> None:
    items = [item(tax_amount="1.20"), item(order_item_id=2, tax_amount="0.30")]
    assert read(tax_total=..., order_items=items).tax == 150


@pytest.mark.parametrize("amount", [39.9, "39.9", "39.90", "39.900", 3990])
def test_amounts_come_as_text_or_as_numbers(amount: Any) -> None:
    as_sent = json.loads(json.dumps(amount), parse_float=str)
    assert read(total=as_sent).total == (399000 if amount == 3990 else 3990)


@pytest.mark.parametrize("amount", ["39,90", "RM 39.90", "39.999", "NaN", "1e30", True, [], {}, "-", "1_000"])
def test_an_amount_that_cannot_be_read_is_named(amount: Any) -> None:
    assert problem(total=amount) == "We cannot read the amount in the field “total”."
    assert "product_price" in problem(order_items=[item(product_price=amount)])


@pytest.mark.parametrize("absent", [..., None, ""])
def test_an_order_needs_its_total_and_its_prices(absent: Any) -> None:
    assert problem(total=absent) == "The field “total” is missing."
    assert "product_price" in problem(order_items=[item(product_price=absent)])
    assert "product_quantity" in problem(order_items=[item(product_quantity=absent)])


@pytest.mark.parametrize("absent", [..., None, ""])
def test_amounts_that_may_be_absent_are_nothing(absent: Any) -> None:
    order = read(shipping_fee=absent, coupon_amount=absent, other_adjustment_total=absent, refunded_amount=absent)
    assert (order.shipping, order.discount, order.adjustment, order.refunded) == (0, 0, 0, 0)


def test_the_currency_of_the_marketplace_decides_the_minor_unit() -> None:
    assert read({"7": "VND"}, total="39", order_items=[], shipping_fee="0", coupon_amount="0").total == 39
    assert read({"7": "SGD"}).currency == "SGD"


def test_an_unknown_or_contradicted_currency_is_not_guessed() -> None:
    assert "currency of the place it was sold in (Shopee)" in problem({})
    assert "currency of the place" in problem({"7": "XXX"})
    assert problem(currency="SGD") == "The order is in SGD, but the place it was sold in has MYR."
    assert read(currency="myr").currency == "MYR"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("", OrderType.WEBSTORE),
        (None, OrderType.WEBSTORE),
        ("Webstore", OrderType.WEBSTORE),
        ("POS", OrderType.POS),
        ("LandingPage", OrderType.LANDING_PAGE),
        ("landing page", OrderType.LANDING_PAGE),
        ("Social Commerce", OrderType.SOCIAL_COMMERCE),
        ("Lazada", OrderType.MARKETPLACE),
        ("Something New", OrderType.MARKETPLACE),
    ],
)
def test_the_kind_of_sale(told: Any, kind: OrderType) -> None:
    assert read(marketplace=told).order_type is kind


def test_an_order_that_does_not_say_where_it_was_sold_is_not_a_webstore_order() -> None:
    assert problem(marketplace=...) == "The field “marketplace” is missing."
    assert problem(channel_id=...) == "The field “channel_id” is missing."


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("Open", OrderStatus.OPEN),
        ("Pending Process", OrderStatus.PROCESSING),
        ("pending_process", OrderStatus.PROCESSING),
        ("Processed", OrderStatus.PROCESSING),
        ("READY TO SHIP", OrderStatus.READY_TO_SHIP),
        ("ReadyToShip", OrderStatus.READY_TO_SHIP),
        (" shipped ", OrderStatus.SHIPPED),
        ("Completed", OrderStatus.COMPLETED),
        ("On Hold", OrderStatus.ON_HOLD),
        ("Canceled", OrderStatus.CANCELLED),
        ("Cancelled by buyer", OrderStatus.CANCELLED),
        ("Returned", OrderStatus.RETURNED),
        ("Partially Refunded", OrderStatus.UNKNOWN),
        ("Selesai", OrderStatus.UNKNOWN),
        ("", OrderStatus.UNKNOWN),
        (None, OrderStatus.UNKNOWN),
        (7, OrderStatus.UNKNOWN),
    ],
)
def test_order_statuses(told: Any, status: OrderStatus) -> None:
    order = read(order_status=told)
    assert order.status is status
    assert order.status_text == ("" if told is None else str(told).strip())


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("Paid", PaymentStatus.PAID),
        ("unpaid", PaymentStatus.UNPAID),
        ("Refunded", PaymentStatus.REFUNDED),
        ("Partially Refunded", PaymentStatus.PARTLY_REFUNDED),
        ("Pending", PaymentStatus.UNKNOWN),
        (..., PaymentStatus.UNKNOWN),
    ],
)
def test_payment_statuses(told: Any, status: PaymentStatus) -> None:
    assert read(payment_status=told).payment_status is status


@pytest.mark.parametrize("name", ["created_at", "order_time", "order_date", "create_time"])
def test_the_creation_date_goes_by_several_names(name: str) -> None:
    changes: dict[str, Any] = {"order_creation_date": ..., name: "2026-11-20T23:58:10+08:00"}
    order = read(**changes)
    assert order.created_at == datetime(2026, 11, 20, 15, 58, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-20T23:58:10+08:00",
        "2026-11-20T23:58:10+0800",
        "2026-11-20T15:58:10Z",
        "2026-11-20T15:58:10.000Z",
        "2026-11-20 23:58:10",
        "2026-11-20 23:58:10 +08:00",
        "2026-11-20T23:58:10",
        1795190290,
        "1795190290",
    ],
)
def test_times_come_in_three_notations(told: Any) -> None:
    assert read(order_creation_date=told).created_at == datetime(2026, 11, 20, 15, 58, 10, tzinfo=UTC)


@pytest.mark.parametrize("told", [None, "", ..., "0000-00-00 00:00:00", 0])
def test_an_order_without_a_creation_date_is_not_dated_by_another_field(told: Any) -> None:
    assert problem(order_creation_date=told) == "The order has no creation date."


@pytest.mark.parametrize(
    "told",
    [
        "46346.9987",
        "46346",
        "20/11/2026 23:58",
        "2026-11-20",
        "2026-02-30 10:00:00",
        "2026-11-20T25:00:00Z",
        "1970-01-01T00:00:00Z",
        "yesterday",
        1795190290000,
        -1,
        True,
        ["2026-11-20"],
        {"date": "2026-11-20"},
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_date_that_cannot_be_read_is_named_not_guessed(told: Any) -> None:
    assert problem(order_creation_date=told) == "We cannot read the field “order_creation_date”."
    assert problem(paid_time=told) == "We cannot read the field “paid_time”."


@pytest.mark.parametrize("name", ["sku", "product_sku", "item_sku", "variant_sku"])
def test_the_sku_goes_by_several_names(name: str) -> None:
    assert read(order_items=[item(**{"product_sku": ..., name: "B-2"})]).lines[0].sku == "B-2"


def test_a_line_may_have_a_blank_sku_but_not_none_at_all() -> None:
    assert read(order_items=[item(product_sku="", isku=None)]).lines[0].sku == ""
    assert problem(order_items=[item(product_sku=..., isku=...)]) == "The field “product_sku” is missing."


@pytest.mark.parametrize("name", ["quantity", "qty", "quantity_purchased"])
def test_the_quantity_goes_by_several_names(name: str) -> None:
    line = item(**{"product_quantity": ..., name: "1.5", "product_total": "31.50"})
    assert read(order_items=[line]).lines[0].quantity == Decimal("1.5")


@pytest.mark.parametrize("told", ["-1", -1, "two", True, "1e3", [], "NaN", "9999999999999"])
def test_a_quantity_that_cannot_be_read_is_named(told: Any) -> None:
    assert problem(order_items=[item(product_quantity=told)]) == "We cannot read the field “product_quantity”."


def test_a_line_total_that_is_not_sent_is_price_times_quantity() -> None:
    assert read(order_items=[item(product_total=...)]).lines[0].gross == 4200


@pytest.mark.parametrize("told", [..., None, "none", {}])
def test_an_order_without_a_list_of_items_cannot_be_read(told: Any) -> None:
    assert problem(order_items=told) == "The field “order_items” is missing."


def test_lines_keep_ids_of_their_own_even_when_the_channel_repeats_or_omits_them() -> None:
    items = [item(), item(), item(order_item_id=...), item(order_item_id=2)]
    assert [line.remote_id for line in read(order_items=items).lines] == ["1", "1-2", "3", "2"]


def test_the_order_number_falls_back_to_the_id() -> None:
    assert read(marketplace_order_id="").number == "1001"


def test_names_in_any_script_survive() -> None:
    order = read(billing_firstname="陈", billing_lastname="小明 🎉", order_items=[item(product_name="Cà phê sữa đá")])
    assert order.buyer["name"] == "陈 小明 🎉"
    assert order.lines[0].name == "Cà phê sữa đá"


def test_our_own_write_back_does_not_change_the_digest() -> None:
    before = detail()
    written = detail(invoice_no="INV0022", updated_at="2026-11-21T09:00:00+08:00")
    assert order_digest(before) == order_digest(written)
    assert order_digest(detail(order_status="Cancelled")) != order_digest(before)
    assert order_digest(detail(order_items=[item(product_quantity=3)])) != order_digest(before)


def test_a_number_that_comes_as_text_is_no_change() -> None:
    assert order_digest(detail()) == order_digest(detail(order_id="1001", tax_inclusive="0"))


def test_the_digest_does_not_depend_on_the_order_of_fields() -> None:
    assert order_digest(detail()) == order_digest(dict(reversed(detail().items())))


def test_a_stub_says_what_the_list_says() -> None:
    found = parse_stub(stub(1001), "7")
    assert (found.remote_id, found.marketplace_id, found.status, found.payment_status) == (
        "1001",
        "7",
        "Completed",
        "Paid",
    )
    assert found.created_at == datetime(2026, 11, 20, 15, 58, 10, tzinfo=UTC)


def test_a_stub_changes_its_digest_with_each_thing_the_list_tells() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"order_status": "Cancelled"},
        {"payment_status": "Unpaid"},
        {"updated_at": "2026-11-22T00:00:00+08:00"},
    ]
    digests = {parse_stub(stub(1001, **change), "7").digest for change in changes}
    assert len(digests) == 4
    assert parse_stub(stub(1001), "7").digest == parse_stub(stub(1001), "7").digest


def test_a_stub_without_an_update_time_must_be_read_in_full() -> None:
    assert parse_stub(stub(1001, updated_at=...), "7").digest is None
    assert parse_stub(stub(1001, created_at="garbage"), "7").created_at is None


@pytest.mark.parametrize("row", [{}, {"order_id": ""}, {"order_id": None}, {"order_id": []}, [], "x", None, 7])
def test_a_row_without_an_id_cannot_even_be_remembered(row: Any) -> None:
    with pytest.raises(BadPayload):
        parse_stub(row, "7")


def test_a_marketplace() -> None:
    row = {"id": 7, "name": "My Shop - Shopee", "type": "Shopee", "currency": "myr"}
    assert parse_marketplace(row) == RemoteMarketplace("7", "My Shop - Shopee", "Shopee", "MYR")
    assert parse_marketplace({"id": "7", "currency": "ringgit"}) == RemoteMarketplace("7", "7", "", "")
    with pytest.raises(BadPayload):
        parse_marketplace({"name": "My Shop"})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_a_payload_that_nobody_foresaw_spoils_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise KeyError("our bug")

    monkeypatch.setattr("app.connectors.sitegiant.parse._buyer", broken)
    assert "our mistake" in problem()


def assert_foreseen(order: RemoteOrder | UnreadableOrder) -> None:
    assert isinstance(order, RemoteOrder) or "our mistake" not in order.problem


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*detail(), "created_at", "currency"]), ANYTHING))
def test_no_payload_whatever_raises(changes: dict[str, Any]) -> None:
    row = {**detail(), **changes}
    assert_foreseen(parse_order(row, MYR))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*item(), "quantity", "sku"]), ANYTHING))
def test_no_line_whatever_raises(changes: dict[str, Any]) -> None:
    row = detail(order_items=[{**item(), **changes}])
    assert_foreseen(parse_order(row, MYR))
