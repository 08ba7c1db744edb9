"""Orders: made, changed, cancelled, and made twice by who sends twice; what they reserve, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.kiotviet.visiting import BRANCH, OTHER_BRANCH, Visitor, a_line, a_product, an_order

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture
def tea(shop: Visitor) -> int:
    """A product of which there are ten pieces in each branch."""
    (made,) = shop.add("product", a_product())
    return made


def stock(shop: Visitor, product_id: int, branch_id: int = BRANCH) -> tuple[float, float]:
    """What is on hand and what is reserved."""
    rows = shop.get(f"products/{product_id}")["inventories"]
    return next((row["onHand"], row["reserved"]) for row in rows if row["branchId"] == branch_id)


def test_an_order_is_answered_flat_with_its_number_and_code(shop: Visitor, tea: int) -> None:
    made = shop.answer("POST", "orders", json=an_order(a_line(tea), description="DH-77", status=0))
    assert (made["status"], made["statusValue"], made["total"]) == (1, "Phiếu tạm", 200_000)
    assert (made["branchName"], made["description"]) == ("Chi nhánh trung tâm", "DH-77")
    assert made["code"].startswith("DH")
    assert made == shop.get(f"orders/{made['id']}") == shop.get(f"orders/code/{made['code'].lower()}")
    (line,) = made["orderDetails"]
    assert (line["productCode"], line["productName"], line["quantity"]) == ("SP000001", "Trà sen", 2)


def test_the_same_order_sent_twice_is_two(shop: Visitor, tea: int) -> None:
    body = an_order(a_line(tea), description="ours 7")
    ids = {shop.answer("POST", "orders", json=body)["id"] for _ in range(2)}
    assert len(ids) == shop.get("orders")["total"] == 2
    written = shop.writes(kind="order", action="create")
    assert {write["record_id"] for write in written} == ids
    assert len({write["call_id"] for write in written}) == 2
    assert [write["description"] for write in written] == ["ours 7", "ours 7"]


def test_names_of_a_body_are_read_in_any_case_and_a_product_by_its_code(shop: Visitor, tea: int) -> None:
    body = {"BranchId": BRANCH, "OrderDetails": [{"ProductCode": "sp000001", "Quantity": 1.5, "Price": 3}]}
    assert shop.answer("POST", "Orders", json=body)["total"] == 4.5


def test_money_adds_up_from_lines_discounts_and_surcharges(shop: Visitor, tea: int) -> None:
    (other,) = shop.add("product", a_product(basePrice=50_000))
    made = shop.answer(
        "POST",
        "orders",
        json=an_order(
            a_line(tea, discount=10_000),
            {"productId": other, "quantity": 1, "discountRatio": 10},
            discount=5_000,
            surchages=[{"code": "THK000001", "price": 30_000}, {"id": 1_000_002}],
            totalPayment=100_000,
            method="TRANSFER",
            accountId=1_000_001,
        ),
    )
    assert [line.get("discount") for line in made["orderDetails"]] == [10_000, 5_000]
    assert [one["price"] for one in made["invoiceOrderSurcharges"]] == [30_000, 10_000]
    assert made["total"] == 2 * 90_000 + 45_000 - 5_000 + 40_000
    (payment,) = made["payments"]
    assert (payment["amount"], payment["method"], payment["bankAccount"]) == (100_000, "Transfer", "VCB 0011")
    assert "payments" not in shop.rows("orders")[0]


def test_an_order_reserves_and_its_cancelling_releases(shop: Visitor, tea: int) -> None:
    made = shop.answer("POST", "orders", json=an_order(a_line(tea)))
    assert (stock(shop, tea), stock(shop, tea, OTHER_BRANCH)) == ((10, 2), (10, 0))
    assert "message" in shop.answer("DELETE", f"orders/{made['id']}?IsVoidPayment=true", data={})
    gone = shop.get(f"orders/{made['id']}")
    assert (gone["status"], gone["statusValue"], stock(shop, tea)) == (4, "Đã hủy", (10, 0))
    shop.refused("DELETE", f"orders/{made['id']}")
    shop.refused("PUT", f"orders/{made['id']}", json={"description": "late"})


def test_an_order_is_changed_in_part_and_its_reservation_follows(shop: Visitor, tea: int) -> None:
    made = shop.answer("POST", "orders", json=an_order(a_line(tea), description="one", totalPayment=5))
    path = f"orders/{made['id']}"
    after = shop.answer("PUT", path, json={"status": 5})
    assert (after["status"], after["description"], after["total"]) == (5, "one", 200_000)
    after = shop.answer("PUT", path, json={"orderDetails": [a_line(tea, quantity=3)], "description": "two"})
    assert (after["total"], after["description"], after["totalPayment"]) == (300_000, "two", 5)
    assert stock(shop, tea) == (10, 3)
    assert shop.answer("PUT", path, json={"status": 3})["statusValue"] == "Hoàn thành"
    assert stock(shop, tea) == (10, 0)
    assert [write["action"] for write in shop.writes(kind="order")] == ["create", "update", "update", "update"]


def test_an_order_with_its_invoice_is_done_and_lowers_the_stock(shop: Visitor, tea: int) -> None:
    made = shop.answer("POST", "orders", json=an_order(a_line(tea), makeInvoice=True, totalPayment=200_000))
    assert (made["status"], stock(shop, tea)) == (3, (8, 0))
    (invoice,) = shop.rows("invoices", orderId=made["id"], includePayment="true")
    assert (invoice["orderCode"], invoice["total"], invoice["status"]) == (made["code"], 200_000, 1)
    assert [payment["amount"] for payment in invoice["payments"]] == [200_000]


def test_a_customer_is_named_by_number_or_code_or_made(shop: Visitor, tea: int) -> None:
    (known,) = shop.add("customer", {"name": "Lan", "code": "KH77"})
    asked: list[dict[str, Any]] = [
        {"customerId": known},
        {"customer": {"id": known, "name": "Other"}},
        {"customer": {"code": "kh77"}},
        {"customer": {"name": "Mai", "contactNumber": "0901"}},
        {"customer": {"name": "Mai", "contactNumber": "0901"}},
        {},
    ]
    names = [shop.answer("POST", "orders", json=an_order(a_line(tea), **one)).get("customerName", "") for one in asked]
    assert names == ["Lan", "Lan", "Lan", "Mai", "Mai", ""]
    assert shop.get("customers")["total"] == 3, "the one who was sent twice is two"


def test_a_delivery_and_a_channel_stand_on_the_order(shop: Visitor, tea: int) -> None:
    delivery = {"receiver": "Lan", "contactNumber": "0901", "address": "1 Hàng Gai", "partnerDelivery": {"code": "GHN"}}
    made = shop.answer("POST", "orders", json=an_order(a_line(tea), orderDelivery=delivery, saleChannelId=2))
    assert made["orderDelivery"] == delivery
    assert made["saleChannelId"] == 2
    (row,) = shop.rows("orders", SaleChannel="true")
    assert row["SaleChannel"]["Name"] == "Facebook"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"branchId": None}, "KvException"),
        ({"branchId": 5}, "KvException"),
        ({"orderDetails": []}, "KvException"),
        ({"orderDetails": [{"productId": 5, "quantity": 1}]}, "KvValidateProductException"),
        ({"orderDetails": [{"productCode": "none", "quantity": 1}]}, "KvValidateProductException"),
        ({"orderDetails": [{"productId": 1_000_001, "quantity": 0}]}, "KvException"),
        ({"orderDetails": [{"productId": 1_000_001, "quantity": -1}]}, "KvException"),
        ({"orderDetails": [{"productId": 1_000_001}]}, "KvException"),
        ({"customerId": 5}, "KvValidateCustomerException"),
        ({"customer": {"code": "none"}}, "KvValidateCustomerException"),
        ({"soldById": 5}, "KvValidateUserException"),
        ({"saleChannelId": 99}, "KvValidateSaleChannelException"),
        ({"saleChannelId": 5}, "KvValidateSaleChannelException"),
        ({"surchages": [{"code": "none"}]}, "KvException"),
        ({"accountId": 5, "totalPayment": 1}, "KvException"),
    ],
)
def test_what_the_business_forbids_is_refused_and_leaves_nothing(
    shop: Visitor, tea: int, fields: dict[str, Any], code: str
) -> None:
    assert shop.refused("POST", "orders", json=an_order(a_line(tea)) | fields)[0] == code
    assert (shop.get("orders")["total"], shop.writes(), stock(shop, tea)) == (0, [], (10, 0))


def test_a_refused_order_does_not_leave_its_customer(shop: Visitor) -> None:
    shop.refused("POST", "orders", json=an_order(a_line(5), customer={"name": "Mai"}))
    assert shop.get("customers")["total"] == 0


def test_goods_no_longer_traded_and_customers_gone_are_refused(shop: Visitor, tea: int) -> None:
    (lan,) = shop.add("customer", {"name": "Lan"})
    shop.answer("DELETE", f"customers/{lan}")
    shop.refused("POST", "orders", json=an_order(a_line(tea), customerId=lan))
    shop.steer("PATCH", f"records/product/{tea}", json={"isActive": False})
    assert "ngừng kinh doanh" in shop.refused("POST", "orders", json=an_order(a_line(tea)))[1]


@pytest.mark.parametrize("body", ["", "[1]", "{", '"x"', '{"branchId":"x"}', '{"branchId":10001,"orderDetails":{}}'])
def test_a_body_that_makes_no_sense_is_no_order(shop: Visitor, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert shop.call("POST", "orders", data=body, headers=headers).status_code in (400, 420)
    assert shop.get("orders")["total"] == 0


def at(hours: float, zone: bool = False) -> str:
    moment = datetime.now(HANOI) + timedelta(hours=hours)
    return (moment if zone else moment.replace(tzinfo=None)).isoformat()


def test_a_sale_may_lie_in_the_past_but_not_in_the_future(shop: Visitor, tea: int) -> None:
    made = shop.answer("POST", "orders", json=an_order(a_line(tea), purchaseDate=at(-5)))
    assert made["purchaseDate"][:19] == at(-5)[:19] or made["purchaseDate"] < made["createdDate"]
    assert "Vượt quá" in shop.refused("POST", "orders", json=an_order(a_line(tea), purchaseDate=at(1)))[1]
    assert shop.call("POST", "orders", json=an_order(a_line(tea), purchaseDate="soon")).status_code == 400


def test_stock_of_a_unit_is_that_of_its_base(shop: Visitor) -> None:
    empty = {"inventories": [{"branchId": BRANCH, "onHand": 0, "reserved": 0}]}
    can, box = shop.add(
        "product",
        a_product(id=1_000_001, code="LON", unit="Lon", conversionValue=1, units=[{"id": 1_000_002}], **empty),
        a_product(id=1_000_002, code="THUNG", unit="Thùng", conversionValue=4, masterUnitId=1_000_001, **empty),
    )
    shop.steer("POST", "stock", json={"productId": box, "branchId": BRANCH, "onHand": 2.5})
    assert (stock(shop, can)[0], stock(shop, box)[0]) == (10, 2.5)
    shop.answer("POST", "orders", json=an_order(a_line(box, quantity=1)))
    assert (stock(shop, can), stock(shop, box)) == ((10, 4), (2.5, 1))
    shop.answer("POST", "orders", json=an_order(a_line(can, quantity=2)))
    assert (stock(shop, can), stock(shop, box)) == ((10, 6), (2.5, 1.5))


def test_a_combo_reserves_its_parts_and_a_service_nothing(shop: Visitor, tea: int) -> None:
    parts = [{"materialId": tea, "materialCode": "SP000001", "quantity": 3}]
    combo, work = shop.add(
        "product",
        a_product(type=1, productFormulas=parts),
        {"name": "Công", "fullName": "Công", "type": 3, "isActive": True, "basePrice": 5},
    )
    shop.answer("POST", "orders", json=an_order(a_line(combo), a_line(work)))
    assert stock(shop, tea) == (10, 6)
    assert stock(shop, combo) == (10, 0)
