"""KiotViet's JSON, made by the tests' own hand: what each field means to us, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.base import ConnectorOptions
from app.connectors.kiotviet import KiotViet
from app.connectors.kiotviet.address import RECORDS, TOKENS, parse_place
from app.connectors.kiotviet.fields import ZONE, amount, dong, moment, wire_time
from app.connectors.kiotviet.products import parse_counted, parse_listing, removed_ids
from app.connectors.kiotviet.sales import PAPERS, parse_sale, parse_stub
from app.core.errors import BadPayload, Misconfigured
from app.core.types import (
    ListingObstacle,
    OrderStatus,
    OrderType,
    PaymentStatus,
    RemoteListing,
    RemoteOrder,
    UnreadableListing,
    UnreadableOrder,
)

ORDERS, INVOICES = PAPERS["orders"], PAPERS["invoices"]
KEY = "0123456789abcdef0123456789abcdef"


def row(**changes: Any) -> dict[str, Any]:
    """One order with a line of 200,000; `...` takes a member out."""
    body = {
        "id": 5,
        "code": "DH000005",
        "purchaseDate": "2026-11-20T08:00:00.013",
        "branchId": 10001,
        "status": 3,
        "statusValue": "Hoàn thành",
        "total": 200_000,
        "totalPayment": 200_000,
        "createdDate": "2026-11-20T08:01:00.0130000",
        "orderDetails": [{"productId": 9, "productCode": "SP9", "productName": "Trà", "quantity": 2, "price": 100_000}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def sold(**changes: Any) -> RemoteOrder:
    found = parse_sale(ORDERS, row(**changes))
    assert isinstance(found, RemoteOrder), found
    return found


def problem(**changes: Any) -> str:
    found = parse_sale(ORDERS, row(**changes))
    assert isinstance(found, UnreadableOrder)
    return found.problem


def foots(order: RemoteOrder) -> bool:
    worth = sum(line.gross - line.discount for line in order.lines)
    tax = 0 if order.tax_included else order.tax
    return worth + order.shipping - order.discount + order.adjustment + tax == order.total


def line(**changes: Any) -> dict[str, Any]:
    return {"productId": 9, "productCode": "SP9", "quantity": 1, "price": 100_000, **changes}


# ---- the shop


@pytest.mark.parametrize(
    "typed",
    ["cuahang", " CuaHang ", "cuahang.kiotviet.vn", "https://cuahang.kiotviet.vn/man/#/login", "CUAHANG.kiotviet.vn"],
)
@pytest.mark.parametrize("allow", [True, False])
def test_a_shop_is_known_by_its_name_and_by_its_address(typed: str, allow: bool) -> None:
    place = parse_place(typed, allow_sandboxes=allow)
    assert (place.shop, place.tokens, place.records) == ("cuahang", TOKENS, RECORDS)


def test_a_sandbox_is_an_address_that_ends_with_the_shop() -> None:
    place = parse_place("http://127.0.0.1:5502/sandbox/kiotviet/cuahang/", allow_sandboxes=True)
    assert (place.shop, place.tokens) == ("cuahang", "http://127.0.0.1:5502/sandbox/kiotviet")
    assert place.records == place.tokens


@pytest.mark.parametrize(
    ("typed", "allow"),
    [
        ("", True),
        ("cua hang", False),
        ("shop.example", False),
        ("https://shop.example/cuahang", False),
        ("http://127.0.0.1:5502/cuahang", False),
        ("http://127.0.0.1:5502", True),
        ("http://[::1/cuahang", True),
        ("cuahang.kiotviet.vn.evil.example", False),
        (".kiotviet.vn", True),
        ("a.b.kiotviet.vn", True),
    ],
)
def test_what_is_no_shop_is_refused(typed: str, allow: bool) -> None:
    with pytest.raises(Misconfigured):
        parse_place(typed, allow_sandboxes=allow)


def test_the_credentials_must_be_there() -> None:
    for config in ({"client_id": "a"}, {"client_secret": "a"}):
        with pytest.raises(Misconfigured):
            KiotViet({"retailer": "cuahang", **config}, ConnectorOptions())


# ---- times and amounts


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)).map(lambda at: at.replace(tzinfo=ZONE)),  # noqa: DTZ001
    st.integers(0, 7),
)
def test_a_time_of_any_fineness_is_vietnams_wall_clock(at: datetime, digits: int) -> None:
    fraction = f"{at.microsecond:06d}0"[:digits]
    told = at.replace(tzinfo=None).isoformat(timespec="seconds") + (f".{fraction}" if fraction else "")
    kept = int(fraction.ljust(6, "0")[:6])
    assert moment({"at": told}, "at") == at.replace(microsecond=kept).astimezone(UTC)
    assert datetime.fromisoformat(f"{wire_time(at)}+07:00") == at.replace(microsecond=0)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-11-20", datetime(2026, 11, 19, 17, tzinfo=UTC)),
        ("2026-11-20T08:00", datetime(2026, 11, 20, 1, tzinfo=UTC)),
        ("2026-11-20 08:00:00", datetime(2026, 11, 20, 1, tzinfo=UTC)),
        ("2026-11-20T08:00:00Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T08:00:00.5+07:00", datetime(2026, 11, 20, 1, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_they_are_written(told: str, expected: datetime) -> None:
    assert moment({"at": told}, "at") == expected


@pytest.mark.parametrize(
    "told", ["yesterday", "2026-13-01", "20/11/2026", 45000, "1999-01-01", "2026-11-20T25:00:00", True]
)
def test_what_is_no_time_is_unreadable(told: object) -> None:
    with pytest.raises(BadPayload, match="at"):
        moment({"at": told}, "at")


@given(st.decimals(-(10**12), 10**12, places=4))
def test_amounts_are_exact(value: Decimal) -> None:
    assert amount({"a": str(value)}, "a") == value
    assert abs(dong(value) - value) <= Decimal("0.5")


@pytest.mark.parametrize("told", ["1,000", "NaN", "Infinity", "1e99", True, [], {}, "9" * 40])
def test_what_is_no_amount_is_unreadable(told: object) -> None:
    with pytest.raises(BadPayload):
        amount({"a": told}, "a")


# ---- sales


@pytest.mark.parametrize(
    ("paper", "code", "expected"),
    [
        (ORDERS, 1, OrderStatus.OPEN),
        (ORDERS, 2, OrderStatus.SHIPPED),
        (ORDERS, 3, OrderStatus.COMPLETED),
        (ORDERS, 4, OrderStatus.CANCELLED),
        (ORDERS, 5, OrderStatus.PROCESSING),
        (ORDERS, 6, OrderStatus.UNKNOWN),
        (ORDERS, ..., OrderStatus.UNKNOWN),
        (INVOICES, 1, OrderStatus.COMPLETED),
        (INVOICES, 2, OrderStatus.CANCELLED),
        (INVOICES, 3, OrderStatus.PROCESSING),
        (INVOICES, 4, OrderStatus.UNKNOWN),
        (INVOICES, 5, OrderStatus.RETURNED),
    ],
)
def test_each_status_has_its_meaning(paper: Any, code: Any, expected: OrderStatus) -> None:
    found = parse_sale(paper, row(status=code, invoiceDetails=row()["orderDetails"]))
    assert isinstance(found, RemoteOrder)
    assert found.status is expected


@pytest.mark.parametrize(
    ("paid", "total", "expected"),
    [(199_999, 200_000, "unpaid"), (200_000, 200_000, "paid"), (300_000, 200_000, "paid"), (..., 0, "paid")],
)
def test_an_order_is_paid_when_its_total_is(paid: Any, total: int, expected: str) -> None:
    assert sold(totalPayment=paid, total=total).payment_status is PaymentStatus(expected)


def test_the_gateway_is_every_method_once_in_the_order_they_came() -> None:
    methods = [
        {"method": name, "transDate": f"2026-11-2{at}T08:00:00"} for at, name in enumerate(["Card", "Cash", "Card"])
    ]
    found = sold(payments=methods)
    assert (found.gateway, found.paid_at) == ("Card + Cash", datetime(2026, 11, 22, 1, tzinfo=UTC))
    assert (sold().gateway, sold().paid_at) == ("", sold().created_at)


def test_discounts_are_of_each_piece_and_ratios_of_the_price() -> None:
    lines = [line(quantity=3, discount=10_000), line(productId=10, quantity=2, discountRatio=10)]
    found = sold(orderDetails=lines, discountRatio=10, total=405_000)
    assert [one.discount for one in found.lines] == [30_000, 20_000]
    assert (found.discount, foots(found)) == (45_000, True)


def test_surcharges_are_added_and_what_the_courier_takes_is_not() -> None:
    charges = [{"price": 25_000}, {"surValue": 5_000}]
    found = sold(invoiceOrderSurcharges=charges, orderDelivery={"price": 30_000}, total=230_000)
    assert (found.adjustment, found.shipping, foots(found)) == (30_000, 0, True)


@pytest.mark.parametrize(("total", "included"), [(200_000, True), (216_000, False), (210_000, True)])
def test_the_total_shows_whether_prices_include_the_tax(total: int, included: bool) -> None:
    found = sold(totalTax=16_000, total=total)
    assert (found.tax, found.tax_included) == (16_000, included)
    assert foots(found) is (total != 210_000)


prices = st.decimals(0, 10**7, places=2)
goods = st.builds(
    lambda price, share, quantity: line(price=str(price), discount=str(price * share / 100), quantity=str(quantity)),
    prices,
    st.integers(0, 100),
    st.decimals("0.001", 1000, places=3),
)


@given(st.lists(goods, min_size=1, max_size=6), prices, prices)
def test_a_sale_that_foots_there_foots_here_whatever_its_fractions(
    lines: list[dict[str, Any]], discount: Decimal, charge: Decimal
) -> None:
    worth = sum(Decimal(one["quantity"]) * (Decimal(one["price"]) - Decimal(one["discount"])) for one in lines)
    found = sold(
        orderDetails=lines,
        discount=str(discount),
        invoiceOrderSurcharges=[{"price": str(charge)}],
        total=str(worth - discount + charge),
    )
    assert foots(found)


def test_a_list_and_a_detail_have_one_digest_and_a_change_another() -> None:
    noise = {"retailerId": 1, "SaleChannel": {}, "modifiedDate": "2026-11-21T08:00:00", "branchName": "A"}
    assert sold(**noise).digest == sold().digest == sold(total="200000.0").digest
    assert sold(statusValue="Khác").digest != sold().digest


def test_a_stub_tells_of_any_edit() -> None:
    def stub(**changes: Any) -> str | None:
        return parse_stub(ORDERS, row(**changes), parse_sale(ORDERS, row(**changes))).digest

    assert stub() == stub()
    assert stub(modifiedDate="2026-11-21T08:00:00") != stub()
    assert stub(total="many") != stub(total="more")


def test_our_mark_ends_the_description_of_an_order_and_of_nothing_else() -> None:
    told = f"CB-1 giao sáng [cb:{KEY}] "
    found = sold(description=told)
    assert (found.made_by, found.note) == (KEY, "CB-1 giao sáng")
    for changes in ({"description": f"[cb:{KEY}] xong"}, {"description": "[cb:123]"}, {}):
        assert sold(**changes).made_by == ""
    invoice = parse_sale(INVOICES, row(description=told, invoiceDetails=[]))
    assert isinstance(invoice, RemoteOrder)
    assert invoice.made_by == ""


def test_an_invoice_says_of_which_order_it_is() -> None:
    for changes, expected in (({"orderCode": "DH1", "orderId": 3}, "DH1"), ({"orderId": 3}, "3"), ({}, "")):
        body = row(invoiceDetails=[], **changes)
        assert parse_stub(INVOICES, body, parse_sale(INVOICES, body)).part_of == expected


@pytest.mark.parametrize("delivery", [dict, list])
def test_who_bought_stands_on_the_order_and_in_its_delivery(delivery: type) -> None:
    where = {
        "receiver": "Trần Bình",
        "contactNumber": "09",
        "address": "1 Hàng Gai",
        "wardName": "B",
        "locationName": "HN",
    }
    found = sold(customerName="Nguyễn An", orderDelivery=where if delivery is dict else [where])
    assert (found.buyer["name"], found.buyer["phone"], found.buyer["address"]) == ("Nguyễn An", "09", "1 Hàng Gai, B")
    assert sold(orderDelivery=where).buyer["name"] == "Trần Bình"
    assert sold().buyer["name"] == ""


def test_the_sale_channel_says_what_kind_of_sale_it_was() -> None:
    assert sold().order_type is OrderType.POS
    assert sold(SaleChannelName="Shopee").order_type is OrderType.MARKETPLACE
    assert sold(SaleChannel={"Name": "Facebook"}).order_type is OrderType.SOCIAL_COMMERCE


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"branchId": ...}, "branchId"),
        ({"total": ...}, "total"),
        ({"orderDetails": ...}, "orderDetails"),
        ({"orderDetails": ["x"]}, "orderDetails"),
        ({"orderDetails": [line(quantity=-1)]}, "quantity"),
        ({"orderDetails": [line(price=...)]}, "price"),
        ({"purchaseDate": "soon"}, "purchaseDate"),
        ({"purchaseDate": ..., "createdDate": ...}, "date"),
        ({"orderDetails": [line()] * 1001}, "lines"),
    ],
)
def test_what_cannot_be_read_is_named(changes: dict[str, Any], named: str) -> None:
    assert named in problem(**changes)


@given(
    st.dictionaries(
        st.sampled_from(list(row())), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
    )
)
def test_garbage_is_an_order_or_a_reason_and_never_an_error(changes: dict[str, Any]) -> None:
    assert isinstance(parse_sale(ORDERS, row(**changes)), RemoteOrder | UnreadableOrder)


def test_an_order_too_deep_or_too_large_to_be_kept_is_unreadable_and_shortened() -> None:
    deep: Any = []
    for _level in range(300):
        deep = [deep]
    assert "deeper" in problem(extra=deep)
    found = parse_sale(ORDERS, row(total="many", extra="x" * 200_000))
    assert isinstance(found, UnreadableOrder)
    assert len(str(found.raw)) < 10_000


# ---- products


def listing(weighed_in: str = "", **changes: Any) -> RemoteListing:
    found = parse_listing({"id": 9, "code": "SP9", "name": "Trà", "basePrice": 1000.4, **changes}, weighed_in)
    assert isinstance(found, RemoteListing), found
    return found


def test_nothing_weighs_anything_before_somebody_said_in_what_it_is_weighed() -> None:
    weighed = [listing(unit, weight=250).weight for unit in ("", "g", "kg", "lb")]
    assert weighed == [None, Decimal("0.250"), Decimal(250), None]


def test_units_and_variants_name_what_they_belong_to() -> None:
    carton = listing(masterUnitId=1, conversionValue=24, masterProductId=2, unit="Thùng")
    assert (carton.base_id, carton.conversion, carton.family_id, carton.unit) == ("1", Decimal(24), "2", "Thùng")
    first = listing(hasVariants=True, conversionValue=1)
    assert (first.base_id, first.conversion, first.family_id) == ("", Decimal(1), "9")
    assert (listing().family_id, listing().stock, listing().price) == ("", None, 1000)


def test_a_variant_is_its_attributes_but_for_those_that_were_deleted() -> None:
    told = [("Màu", "Đỏ"), ("Cỡ", "S"), ("Chất liệu{DEL}", "Cũ")]
    attributes = [{"attributeName": name, "attributeValue": value} for name, value in told]
    assert listing(attributes=attributes).variant == "Đỏ / S"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": 1}, ListingObstacle.COMBO),
        ({"type": 2, "isBatchExpireControl": True}, ListingObstacle.BATCH),
        ({"type": 2, "isLotSerialControl": True}, ListingObstacle.SERIAL),
        ({"type": 3}, None),
        ({}, None),
    ],
)
def test_what_cannot_be_represented_says_why(changes: dict[str, Any], expected: ListingObstacle | None) -> None:
    assert listing(**changes).obstacle is expected


def test_stock_is_counted_by_branch_however_it_is_spelt() -> None:
    told = [{"branchId": 1, "onHand": 2.5, "reserved": 1}, {"branchId": 2, "onhand": -1}, {"onHand": 9}, "x"]
    found = listing(inventories=told)
    one, other = found.branches
    assert (one.branch_id, one.on_hand, one.reserved) == ("1", Decimal("2.5"), Decimal(1))
    assert (other.branch_id, other.on_hand, other.reserved) == ("2", Decimal(-1), Decimal(0))
    assert found.stock == Decimal("1.5")
    assert parse_counted({"id": 9, "inventories": told}) == ("9", found.branches)
    assert parse_counted({"inventories": told}) is parse_counted("x") is None


@pytest.mark.parametrize("image", ["https://p.example/1.jpg ", {"Image": "https://p.example/1.jpg"}])
def test_pictures_are_texts_or_objects(image: Any) -> None:
    assert listing(images=[image]).picture == "https://p.example/1.jpg"
    assert [listing(images=one).picture for one in ([], ["javascript:x"], [7], "no", None)] == [""] * 5


def test_a_product_that_cannot_be_read_is_named_and_one_without_id_is_nobody() -> None:
    found = parse_listing({"id": 9, "code": "A", "name": "B", "basePrice": "dear"}, "")
    assert isinstance(found, UnreadableListing)
    assert "basePrice" in found.problem
    assert parse_listing({"code": "A"}, "") is parse_listing("x", "") is None


@pytest.mark.parametrize("key", ["removeId", "removeIds", "removedIds", "removedId"])
def test_removed_ids_come_under_four_names(key: str) -> None:
    assert removed_ids({key: [5, "6", None]}) == ("5", "6")


def test_an_old_order_is_not_taken_for_one_of_today() -> None:
    """A bare date is Vietnam's midnight: through UTC it would be the day before."""
    assert sold(purchaseDate="2026-11-20").created_at + timedelta(hours=7) == datetime(2026, 11, 20, tzinfo=UTC)
