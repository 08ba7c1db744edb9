"""Products, customers, invoices, categories and the rest: reading one, writing, and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.kiotviet.test_orders import stock
from tests.sandbox.kiotviet.visiting import BRANCH, Visitor, a_line, a_product, an_order


def test_a_code_with_spaces_letters_and_slashes_is_looked_up(shop: Visitor) -> None:
    for code in ("ÁO SƠ MI 01", "a/b//c", "50%"):
        (made,) = shop.add("product", a_product(code=code))
        assert shop.get(f"products/code/{quote(code, safe='')}")["id"] == made
        assert shop.get("products/code", Id=0, Code=code.lower())["id"] == made


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("products/7", "KvValidateProductException"),
        ("products/code/none", "KvValidateProductException"),
        ("customers/7", "KvValidateCustomerException"),
        ("customers/code/none", "KvValidateCustomerException"),
        ("invoices/7", "KvValidateInvoiceException"),
        ("purchaseorders/7", "KvValidatePurchaseOrderException"),
        ("orders/7", "KvException"),
        ("orders/code/none", "KvException"),
    ],
)
def test_a_missing_record_is_a_420_of_its_class(shop: Visitor, path: str, code: str) -> None:
    told, message = shop.refused("GET", path)
    assert told == code
    assert "không tồn tại hoặc đã bị xóa" in message


def test_a_product_is_made_changed_and_deleted(shop: Visitor) -> None:
    made = shop.answer(
        "POST",
        "products",
        json={
            "name": "Nón lá",
            "categoryId": 1_000_002,
            "basePrice": 45_000.5,
            "weight": 120,
            "attributes": [{"attributeName": "Cỡ", "attributeValue": "L"}],
            "inventories": [{"branchId": BRANCH, "onHand": 7, "cost": 20_000}],
        },
    )
    assert (made["code"], made["fullName"], made["categoryName"]) == ("SP000001", "Nón lá - L", "Đồ uống")
    assert (made["basePrice"], made["type"], made["isActive"], made["retailerId"] > 0) == (45_000.5, 2, True, True)
    assert stock(shop, made["id"]) == (7, 0)
    path = f"products/{made['id']}"
    changed = shop.answer("PUT", path, json={"basePrice": 50_000, "inventories": [{"branchId": BRANCH, "onHand": 9}]})
    assert (changed["basePrice"], changed["name"], stock(shop, made["id"])) == (50_000, "Nón lá", (9, 0))
    assert "message" in shop.answer("DELETE", path)
    shop.refused("DELETE", path)
    assert [write["action"] for write in shop.writes(kind="product")] == ["create", "update", "delete"]


@pytest.mark.parametrize("fields", [{"name": ""}, {"code": "sp000001"}, {"barCode": "1" * 17}, {"categoryId": 7}])
def test_a_product_that_cannot_be_is_refused(shop: Visitor, fields: dict[str, Any]) -> None:
    shop.add("product", a_product())
    shop.refused("POST", "products", json={"name": "Nón", **fields})
    assert shop.get("products")["total"] == 1


def test_many_products_are_made_or_changed_all_or_none(shop: Visitor) -> None:
    assert "message" in shop.answer("POST", "ListAddProducts", json={"listProducts": [{"name": "A"}, {"name": "B"}]})
    one, two = shop.ids("products")
    shop.refused("POST", "listaddproducts", json={"listProducts": [{"name": "C"}, {"name": ""}]})
    changes = [{"id": one, "basePrice": 5}, {"id": two, "basePrice": 6}]
    shop.answer("PUT", "listupdatedproducts", json={"listProducts": changes})
    assert [row["basePrice"] for row in shop.rows("products")] == [5, 6]


def test_stock_moves_show_in_the_list_of_stock_and_not_as_edits(shop: Visitor) -> None:
    (tea,) = shop.add("product", a_product())
    before = shop.get(f"products/{tea}").get("modifiedDate")
    shop.steer("POST", "stock", json={"productId": tea, "branchId": BRANCH, "onHand": 4})
    assert shop.get(f"products/{tea}").get("modifiedDate") == before
    assert shop.ids("products", lastModifiedFrom="2026-11-21") == []
    (row,) = shop.rows("productOnHands", lastModifiedFrom="2026-11-21")
    assert row["inventories"][0] == {"branchId": BRANCH, "onhand": 4, "reserved": 0}
    assert row["modifiedDate"] > "2026-11-21"


def test_variants_and_units_of_a_made_up_shop_refer_to_their_first(first_shop: Visitor) -> None:
    rows = [row for at in (0, 100, 200) for row in first_shop.rows("products", pageSize=100, currentItem=at)]
    by_id = {row["id"]: row for row in rows}
    variants = [row for row in rows if "masterProductId" in row and "masterUnitId" not in row]
    assert variants and all(by_id[row["masterProductId"]]["hasVariants"] for row in variants)
    units = [row for row in rows if "masterUnitId" in row]
    assert units and all(by_id[row["masterUnitId"]]["conversionValue"] == 1 for row in units)
    assert any("masterProductId" in row for row in units), "a unit of a variant has both"
    one = units[0]
    assert first_shop.ids("products", masterUnitId=one["masterUnitId"])[0] == one["id"]
    base = by_id[one["masterUnitId"]]
    assert {other["id"] for other in base["units"]} >= {one["id"]}
    assert {row["type"] for row in rows} == {1, 2, 3}
    assert any(row["isBatchExpireControl"] for row in rows) and any(row["isLotSerialControl"] for row in rows)
    assert any(" " in row["code"] for row in rows)


def test_attributes_come_as_a_bare_list(first_shop: Visitor) -> None:
    found = first_shop.get("attributes/allwithdistinctvalue")
    colours = next(one for one in found if one["name"] == "Màu")
    assert {value["value"] for value in colours["attributeValues"]} <= {"Đỏ", "Xanh", "Vàng", "Nâu"}


def test_price_books_tell_and_take_prices(shop: Visitor) -> None:
    (tea,) = shop.add("product", a_product())
    book = shop.ids("pricebooks")[0]
    assert shop.rows("pricebooks/0") == [{"productId": tea, "productCode": "SP000001", "price": 100_000}]
    assert shop.rows(f"pricebooks/{book}") == []
    told = shop.answer("POST", "pricebooks/detail", json={"pricebookId": book, "productId": tea, "price": 80_000})
    assert told["isSuccess"] is True
    assert shop.rows(f"pricebooks/{book}")[0]["price"] == 80_000
    shop.answer("POST", "pricebooks/detail", json={"pricebookId": 0, "productId": tea, "price": 90_000})
    assert shop.get(f"products/{tea}")["basePrice"] == 90_000
    shop.refused("GET", "pricebooks/7")


def test_customers_are_made_by_form_or_json_changed_and_deleted(shop: Visitor) -> None:
    form = {"name": "Mai", "contactNumber": "0901", "branchId": str(BRANCH), "gender": "false"}
    made = shop.answer("POST", "customers", data=form)["data"]
    assert (made["code"], made["branchId"], made["gender"]) == ("KH000001", BRANCH, False)
    twin = shop.answer("POST", "customers", json={"name": "Mai", "contactNumber": "0901"})["data"]
    assert twin["id"] != made["id"], "two may share a phone"
    shop.answer("PUT", f"customers/{made['id']}", json={"email": "mai@example.com"})
    assert shop.get("customers/code/kh000001")["email"] == "mai@example.com"
    shop.refused("POST", "customers", json={"name": "Lan", "code": "KH000001"})
    shop.refused("POST", "customers", json={"name": " "})
    assert "message" in shop.answer("DELETE", f"customers/{made['id']}", data={})
    assert shop.ids("customers") == [twin["id"]]


@pytest.mark.parametrize("path", ["listaddcutomers", "ListAddCustomers"])
def test_many_customers_come_under_either_spelling(shop: Visitor, path: str) -> None:
    shop.answer("POST", path, json={"listCustomers": [{"name": "A"}, {"name": "B"}]})
    rows = [{"id": one, "name": f"C{one}"} for one in shop.ids("customers")]
    shop.answer("PUT", "listupdatecustomers", json={"listCustomers": rows})
    assert [row["name"] for row in shop.rows("customers")] == [row["name"] for row in rows]


def test_an_invoice_lowers_the_stock_and_its_cancelling_gives_it_back(shop: Visitor) -> None:
    (tea,) = shop.add("product", a_product())
    body = {"branchId": BRANCH, "invoiceDetails": [a_line(tea, serialNumbers="A,B")], "totalPayment": 200_000}
    made = [shop.answer("POST", "invoices", json=body) for _ in range(3)]
    assert [one["status"] for one in made] == [1, 1, 1]
    assert made[0]["invoiceDetails"][0]["serialNumbers"] == "A,B"
    assert stock(shop, tea) == (4, 0)
    shop.answer("DELETE", "invoices", json={"id": made[0]["id"], "isVoidPayment": True})
    shop.answer("DELETE", f"invoices?Id={made[1]['id']}&isVoidPayment=true")
    shop.answer("DELETE", f"invoices/{made[2]['id']}")
    assert stock(shop, tea) == (10, 0)
    assert {row["status"] for row in shop.rows("invoices")} == {2}
    shop.refused("DELETE", "invoices", json={"id": made[0]["id"]})


def test_an_invoice_of_an_order_completes_it(shop: Visitor) -> None:
    (tea,) = shop.add("product", a_product())
    order = shop.answer("POST", "orders", json=an_order(a_line(tea)))
    delivery = {"receiver": "Lan", "status": 2, "usingPriceCod": True, "priceCodPayment": 5}
    body = {"orderId": order["id"], "invoiceDetails": [a_line(tea)], "deliveryDetail": delivery}
    made = shop.answer("POST", "invoices", json=body)
    assert (made["orderCode"], made["status"], made["branchId"]) == (order["code"], 3, BRANCH)
    assert made["invoiceDelivery"] == {**delivery, "statusValue": "Đang giao hàng"}
    assert (shop.get(f"orders/{order['id']}")["status"], stock(shop, tea)) == (3, (8, 0))
    path = f"invoices/{made['id']}"
    done = shop.answer("PUT", path, json={"status": 1, "deliveryDetail": {"status": 3}})
    assert (done["status"], done["invoiceDelivery"]["statusValue"]) == (1, "Giao thành công")
    paid = shop.answer("POST", "payments", json={"invoiceId": made["id"], "amount": 50_000, "method": "Cash"})
    assert paid["data"]["amount"] == shop.get(path)["totalPayment"] == 50_000


def test_categories_are_a_tree_of_three_levels(shop: Visitor) -> None:
    parent = shop.rows("categories")[0]["categoryId"]
    child = shop.answer("POST", "categories", json={"categoryName": "A", "parentId": parent})["data"]["categoryId"]
    leaf = shop.answer("POST", "categories", json={"categoryName": "B", "parentId": child})["data"]["categoryId"]
    shop.refused("POST", "categories", json={"categoryName": "C", "parentId": leaf})
    shop.refused("DELETE", f"categories/{child}")
    tree = shop.rows("categories", hierachicalData="true")
    top = next(one for one in tree if one["categoryId"] == parent)
    below = next(one for one in top["children"] if one["categoryId"] == child)
    assert [one["categoryId"] for one in below["children"]] == [leaf]
    assert shop.get(f"categories/{child}")["data"]["hasChild"] is True
    assert shop.answer("PUT", f"categories/{leaf}", json={"categoryName": "D"})["data"]["categoryName"] == "D"
    assert "message" in shop.answer("DELETE", f"categories/{leaf}")


def test_surcharges_are_spelt_as_they_are(shop: Visitor) -> None:
    made = shop.answer("POST", "surchages", json={"name": "Phí đóng gói", "value": 5_000})["data"]
    assert (made["surchargeName"], made["isActive"]) == ("Phí đóng gói", True)
    assert "createDate" in next(row for row in shop.rows("surchages") if row["id"] == made["id"])
    assert shop.answer("PUT", f"surchages/{made['id']}", json={"value": 6_000})["data"]["value"] == 6_000
    off = shop.answer("POST", f"surchages/{made['id']}/activesurchage", json={"isActive": False})
    assert off["data"]["isActive"] is False


def test_settings_have_capitals(shop: Visitor) -> None:
    assert shop.get("settings") == {
        "ManagerCustomerByBranch": False,
        "AllowOrderWhenOutStock": True,
        "AllowSellWhenOrderOutStock": True,
        "AllowSellWhenOutStock": True,
    }


@pytest.mark.parametrize("path", ["purchaseorders", "returns", "branches", "users", "salechannel"])
def test_what_is_read_only_takes_nothing(shop: Visitor, path: str) -> None:
    assert shop.call("POST", path, json={"name": "x"}).status_code == 404


def test_returns_and_purchases_are_read(first_shop: Visitor) -> None:
    one = first_shop.rows("returns")[0]
    assert first_shop.get(f"returns/{one['id']}")["invoiceId"] == one["invoiceId"]
    assert {row["status"] for row in first_shop.rows("purchaseorders", pageSize=100)} == {1, 2, 3}
