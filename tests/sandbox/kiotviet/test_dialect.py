"""Each switch where KiotViet's sources disagree: what the sandbox does by default, and what it does otherwise."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.sandbox.kiotviet.dialect import CHOICES
from tests.sandbox.kiotviet.visiting import BRANCH, OTHER_BRANCH, Visitor, a_line, a_product, an_order


@pytest.fixture
def tea(shop: Visitor) -> int:
    (made,) = shop.add("product", a_product(images=["a.jpg "]))
    return made


def order(shop: Visitor, tea: int, **fields: Any) -> Any:
    return shop.answer("POST", "orders", json=an_order(a_line(tea), **fields))


def test_empty_page(shop: Visitor) -> None:
    assert "data" not in shop.get("orders")
    shop.speak(empty_page="list")
    assert shop.get("orders")["data"] == []


def test_large_page(first_shop: Visitor, shop: Visitor) -> None:
    shop.add("product", *(a_product() for _ in range(120)))
    assert (shop.get("products", pageSize=500)["pageSize"], len(shop.ids("products", pageSize=500))) == (100, 100)
    shop.speak(large_page="all")
    assert (shop.get("products", pageSize=500)["pageSize"], len(shop.ids("products", pageSize=500))) == (500, 120)
    shop.speak(large_page="420")
    shop.refused("GET", "products?pageSize=101")
    assert len(shop.ids("products", pageSize=100)) == 100


@pytest.mark.parametrize("key", ["removedIds", "removeId", "removeIds", "removedId"])
def test_removed_key(shop: Visitor, key: str) -> None:
    shop.speak(removed_key=key)
    for path in ("products", "users", "suppliers"):
        assert shop.get(path, includeRemoveIds="true", lastModifiedFrom="2026-01-01")[key] == []


def test_created_date(shop: Visitor) -> None:
    at = {"branchId": BRANCH, "orderDetails": [], "status": 1}
    stamps = ("2026-11-01T08:00:00", "2026-11-01T23:59:59.999", "2026-11-02T00:00:00")
    ids = shop.add("order", *({**at, "createdDate": made} for made in stamps))
    assert shop.ids("orders", createdDate="2026-11-01T09:00:00") == ids[1:]
    shop.speak(created_date="day")
    assert shop.ids("orders", createdDate="2026-11-01") == ids[:2]


def test_never_edited(shop: Visitor, tea: int) -> None:
    assert shop.ids("products", lastModifiedFrom="2026-11-01") == [tea]
    shop.speak(never_edited="unseen")
    assert shop.ids("products", lastModifiedFrom="2026-11-01") == []
    shop.steer("PATCH", f"records/product/{tea}", json={"name": "Trà"})
    assert shop.ids("products", lastModifiedFrom="2026-11-01") == [tea]


def test_stock_edits(shop: Visitor, tea: int) -> None:
    order(shop, tea)
    assert "modifiedDate" not in shop.get(f"products/{tea}")
    shop.speak(stock_edits="yes")
    order(shop, tea)
    assert shop.ids("products", lastModifiedFrom=shop.get(f"products/{tea}")["modifiedDate"]) == [tea]


def test_customer_answer(shop: Visitor) -> None:
    assert shop.answer("POST", "customers", json={"name": "An"})["data"]["name"] == "An"
    shop.speak(customer_answer="flat")
    made = shop.answer("POST", "customers", json={"name": "An"})
    assert shop.answer("PUT", f"customers/{made['id']}", json={"email": "an@example.com"})["name"] == "An"


def test_webhook_answer(shop: Visitor) -> None:
    body = {"Webhook": {"Type": "order.update", "Url": "https://a.example/"}}
    assert shop.answer("POST", "webhooks", json=body)["type"] == "order.update"
    shop.speak(webhook_answer="wrapped")
    assert shop.answer("POST", "webhooks", json=body)["data"]["type"] == "order.update"


def test_delete_answer(shop: Visitor, tea: int) -> None:
    assert "message" in shop.answer("DELETE", f"orders/{order(shop, tea)['id']}")
    shop.speak(delete_answer="true")
    assert shop.answer("DELETE", f"orders/{order(shop, tea)['id']}") is True


def test_repeated_lines(shop: Visitor, tea: int) -> None:
    body = an_order(a_line(tea), a_line(tea, quantity=3))

    def quantities() -> list[int]:
        return [line["quantity"] for line in shop.answer("POST", "orders", json=body)["orderDetails"]]

    assert quantities() == [5]
    shop.speak(repeated_lines="kept")
    assert quantities() == [2, 3]
    shop.speak(repeated_lines="420")
    assert "bị trùng" in shop.refused("POST", "orders", json=body)[1]


def test_offset_dates(shop: Visitor, tea: int) -> None:
    at = (datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) - timedelta(hours=1)).isoformat()
    assert "Vượt quá" in shop.refused("POST", "orders", json=an_order(a_line(tea), purchaseDate=at))[1]
    shop.speak(offset_dates="digits")
    assert order(shop, tea, purchaseDate=at)["purchaseDate"][:23] == at[:23]


def test_missing_record(shop: Visitor) -> None:
    shop.refused("GET", "products/7", 420)
    shop.speak(missing_record="404")
    assert shop.refused("GET", "products/7", 404)[0] == "KvValidateProductException"


def test_wrong_shop(shop: Visitor) -> None:
    shop.refused("GET", "branches", 401, headers={"Retailer": "x"})
    shop.speak(wrong_shop="420")
    shop.refused("GET", "branches", 420, headers={"Retailer": "x"})


def test_error_place(shop: Visitor) -> None:
    body = shop.call("GET", "products/7").json()
    assert body["responseStatus"]["message"]
    shop.speak(error_place="message")
    assert shop.call("GET", "products/7").json() == {"message": body["responseStatus"]["message"]}


def test_images(shop: Visitor, tea: int) -> None:
    assert shop.rows("products")[0]["images"] == ["a.jpg "]
    shop.speak(images="objects")
    assert shop.rows("products")[0]["images"] == [{"Image": "a.jpg "}]
    assert shop.get(f"products/{tea}")["images"] == ["a.jpg "]


def test_stock_limits(shop: Visitor) -> None:
    stocks = [{"branchId": BRANCH, "onHand": 1, "minQuantity": 2, "maxQuantity": 3}]
    shop.add("product", a_product(inventories=stocks))
    assert shop.rows("products", includeInventory="true")[0]["inventories"] == stocks
    shop.speak(stock_limits="quality")
    (stock,) = shop.rows("products", includeInventory="true")[0]["inventories"]
    assert stock == {"branchId": BRANCH, "onHand": 1, "minQuality": 2, "maxQuality": 3}


def test_onhand_key(shop: Visitor, tea: int) -> None:
    assert "onhand" in shop.rows("productOnHands")[0]["inventories"][0]
    shop.speak(onhand_key="onHand")
    assert "onHand" in shop.rows("productOnHands")[0]["inventories"][0]


def test_sale_channel_key(shop: Visitor, tea: int) -> None:
    made = order(shop, tea, saleChannelId=2)
    assert made["saleChannelId"] == 2
    shop.speak(sale_channel_key="SaleChannelId")
    assert "saleChannelId" not in shop.rows("orders")[0]
    assert shop.rows("orders", saleChannelId=2)[0]["SaleChannelId"] == 2
    assert shop.rows("orders", SaleChannel="true")[0]["SaleChannel"]["Id"] == 2


def test_order_delivery(shop: Visitor, tea: int) -> None:
    made = order(shop, tea, orderDelivery={"receiver": "Lan"})
    assert made["orderDelivery"] == {"receiver": "Lan"}
    shop.speak(order_delivery="array")
    assert shop.get(f"orders/{made['id']}")["orderDelivery"] == [{"receiver": "Lan"}]


def test_retry_after(shop: Visitor) -> None:
    shop.steer("POST", "shops", json={"key": shop.key, "rate_limit": 0})
    assert int(shop.call("GET", "branches").headers["Retry-After"]) > 3500
    shop.speak(retry_after="absent")
    reply = shop.call("GET", "branches")
    assert (reply.status_code, "Retry-After" in reply.headers) == (429, False)


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        ("ordering", {}),
        ("delivery", {"orderDelivery": {"receiver": "Lan"}}),
        ("cod", {"orderDelivery": {"usingPriceCod": True}}),
        ("surcharges", {"surchages": [{"code": "THK000001"}]}),
        ("sale_time", {"purchaseDate": "2026-11-01T08:00:00"}),
        ("order_out_of_stock", {"orderDetails": [{"productId": 1_000_001, "quantity": 11}]}),
        ("sell_out_of_stock", {"orderDetails": [{"productId": 1_000_001, "quantity": 11}], "makeInvoice": True}),
    ],
)
def test_what_a_setting_switches_off_is_refused_by_name(
    shop: Visitor, tea: int, setting: str, fields: dict[str, Any]
) -> None:
    body = an_order(a_line(tea)) | fields
    assert shop.answer("POST", "orders", json=body)["id"]
    shop.steer("POST", "stock", json={"productId": tea, "branchId": BRANCH, "onHand": 100})
    shop.steer("POST", "stock", json={"productId": tea, "branchId": BRANCH, "onHand": 10})
    shop.speak(**{setting: "off"})
    assert "đang không được bật" in shop.refused("POST", "orders", json=body)[1]
    assert shop.get("orders")["total"] == 1


def test_customers_by_branch(shop: Visitor, tea: int) -> None:
    (lan,) = shop.add("customer", {"name": "Lan", "branchId": OTHER_BRANCH})
    assert order(shop, tea, customerId=lan)["customerName"] == "Lan"
    shop.speak(customers_by_branch="on")
    assert shop.get("settings")["ManagerCustomerByBranch"] is True
    assert "chi nhánh" in shop.refused("POST", "orders", json=an_order(a_line(tea), customerId=lan))[1]
    assert order(shop, tea, customerId=lan, branchId=OTHER_BRANCH)["customerName"] == "Lan"


def test_every_switch_is_turned_somewhere() -> None:
    here = Path(__file__)
    source = here.read_text(encoding="utf-8") + here.with_name("test_webhooks.py").read_text(encoding="utf-8")
    assert [
        name for name in CHOICES if not re.search(rf'speak\([^)]*{name}=|^        \("{name}", ', source, re.M)
    ] == []


def test_every_switch_is_listed_with_its_choices(shop: Visitor) -> None:
    listed = shop.steer("GET", "dialect")
    assert list(listed) == list(CHOICES)
    assert all(one["chosen"] == one["options"][0] for one in listed.values())


@pytest.mark.parametrize("choice", [{"no_such": "x"}, {"images": "paintings"}, {"images": "objects", "cod": 1}])
def test_a_senseless_choice_changes_nothing(shop: Visitor, choice: dict[str, Any]) -> None:
    assert shop.control("PUT", "dialect", json=choice).status_code == 400
    assert shop.steer("GET", "dialect")["images"]["chosen"] == "strings"


def test_the_dialect_of_one_shop_is_not_anothers(shop: Visitor, first_shop: Visitor) -> None:
    shop.speak(images="objects")
    assert first_shop.steer("GET", "dialect")["images"]["chosen"] == "strings"
