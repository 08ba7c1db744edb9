"""What all lists have in common: paging by offset, sorting, filters, changes, deletions, and how rows are sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.kiotviet.visiting import BRANCH, OTHER_BRANCH, Visitor, a_product

LISTS = (
    "products", "categories", "branches", "customers", "orders", "invoices", "users", "BankAccounts", "salechannel",
    "surchages", "purchaseorders", "returns", "productOnHands", "customers/group", "pricebooks", "trademark",
    "suppliers", "transfers", "cashflow", "locations", "vouchercampaign", "webhooks",
)  # fmt: skip
WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?")


def some(shop: Visitor, number: int) -> list[int]:
    """So many products, one a minute."""
    bodies = [a_product(createdDate=f"2026-11-20T08:{place:02d}:00") for place in range(number)]
    return shop.add("product", *bodies)


@pytest.mark.parametrize("path", LISTS)
def test_every_list_counts_pages_and_is_stamped_with_the_only_offset(first_shop: Visitor, path: str) -> None:
    page = first_shop.get(path, pageSize=2)
    assert page["pageSize"] == 2
    assert page["total"] >= len(page.get("data", [])) <= 2
    assert re.fullmatch(WALL.pattern + r"\+07:00", page["timestamp"])
    assert ("data" in page) == (page["total"] > 0)


@pytest.mark.parametrize("path", LISTS)
def test_no_row_has_a_null_or_a_date_with_an_offset(first_shop: Visitor, path: str) -> None:
    def look(value: Any) -> None:
        assert value is not None
        if isinstance(value, dict):
            for name, member in value.items():
                look(member)
                if name.lower().endswith("date"):
                    assert WALL.fullmatch(member), (name, member)
        for member in value if isinstance(value, list) else []:
            look(member)

    look(first_shop.rows(path, pageSize=100))


def test_a_page_is_twenty_rows_from_the_first_unless_told_otherwise(shop: Visitor) -> None:
    ids = some(shop, 25)
    assert shop.ids("products") == ids[:20]
    assert shop.get("products")["pageSize"] == 20
    assert shop.ids("products", currentItem=20) == ids[20:]
    assert shop.ids("products", currentItem=3, pageSize=4) == ids[3:7]
    assert shop.ids("products", currentItem=25) == []


def test_no_page_is_larger_than_a_hundred_and_it_says_so(first_shop: Visitor) -> None:
    page = first_shop.get("products", pageSize=1000)
    assert (page["pageSize"], len(page["data"]), page["total"]) == (100, 100, 300)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 140), start=st.integers(0, 320))
def test_any_page_is_that_stretch_of_the_whole(first_shop: Visitor, size: int, start: int) -> None:
    whole = [1_000_001 + place for place in range(300)]
    page = first_shop.get("products", pageSize=size, currentItem=start)
    assert [row["id"] for row in page.get("data", [])] == whole[start : start + min(size, 100)]
    assert page["total"] == 300


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(17, 100), direction=st.sampled_from(["Asc", "desc", ""]), by=st.sampled_from(
    ["", "id", "createdDate", "modifiedDate", "NAME", "basePrice", "nonsense"]))  # fmt: skip
def test_all_pages_hold_every_row_once_however_sorted(first_shop: Visitor, size: int, direction: str, by: str) -> None:
    found = first_shop.walked("products", size, orderBy=by, orderDirection=direction)
    assert sorted(found) == [1_000_001 + place for place in range(300)]


@pytest.mark.parametrize("field", ["id", "code", "basePrice", "createdDate", "name"])
def test_rows_are_sorted_by_a_field_in_either_direction(first_shop: Visitor, field: str) -> None:
    def key(row: dict[str, Any]) -> Any:
        value = row["fullName"] if field == "name" else row[field]
        return value.casefold() if field in ("code", "name") else value

    rows = first_shop.rows("products", orderBy=field, pageSize=100)
    assert [key(row) for row in rows] == sorted(key(row) for row in rows)
    down = first_shop.rows("products", orderBy=field.upper(), orderDirection="DESC", pageSize=100)
    assert [key(row) for row in down] == sorted((key(row) for row in down), reverse=True)
    assert key(down[0]) > key(rows[0])


def test_paths_and_names_are_read_in_any_case_and_unknown_ones_passed_over(shop: Visitor) -> None:
    ids = some(shop, 3)
    for path in ("products", "Products", "PRODUCTS"):
        assert shop.ids(path, PAGESIZE=2, CurrentItem=1, isMykiot="true", sort="x") == ids[1:]
    assert shop.get("bankaccounts") | {"timestamp": ""} == shop.get("BankAccounts") | {"timestamp": ""}
    assert shop.get(f"PRODUCTS/{ids[0]}")["id"] == ids[0]


@pytest.mark.parametrize("yes", ["true", "True", "1"])
def test_truth_is_spelt_in_three_ways(shop: Visitor, yes: str) -> None:
    some(shop, 1)
    assert "inventories" in shop.rows("products", includeInventory=yes)[0]
    assert "inventories" not in shop.rows("products", includeInventory="false")[0]
    assert "inventories" not in shop.rows("products")[0]


@pytest.mark.parametrize(
    "query", ["status=1,4", "status=1&status=4", "status[]=1&status[]=4", "status[0]=1&status[1]=4"]
)
def test_arrays_come_joined_repeated_or_in_brackets(first_shop: Visitor, query: str) -> None:
    rows = first_shop.answer("GET", f"orders?pageSize=100&{query}")["data"]
    assert {row["status"] for row in rows} == {1, 4}


@pytest.mark.parametrize("query", [{"pageSize": "x"}, {"currentItem": "x"}, {"lastModifiedFrom": "x"}, {"status": "x"}])
def test_what_cannot_be_read_is_a_malformed_request(shop: Visitor, query: dict[str, str]) -> None:
    assert shop.call("GET", "orders", params=query).status_code == 400


def edited(shop: Visitor) -> tuple[int, int, int]:
    """Three products: one edited last at eight, one at nine, one never, made at seven."""
    return tuple(  # type: ignore[return-value]
        shop.add(
            "product",
            a_product(createdDate="2026-11-01T00:00:00", modifiedDate="2026-11-20T08:00:00.5"),
            a_product(createdDate="2026-11-01T00:00:00", modifiedDate="2026-11-20T09:00:00.1234567"),
            a_product(createdDate="2026-11-20T07:00:00"),
        )
    )


def test_changes_are_read_from_a_moment_on_which_is_the_shops_wall_clock(shop: Visitor) -> None:
    eight, nine, seven = edited(shop)
    for since, wanted in (
        ("2026-11-20", [eight, nine, seven]),
        ("2026-11-20T07:00:00", [eight, nine, seven]),
        ("2026-11-20T07:00:00.001", [eight, nine]),
        ("2026-11-20T08:00:00.5", [eight, nine]),
        ("2026-11-20T08:00:00.5000001", [eight, nine]),  # the seventh digit is beyond what is compared
        ("2026-11-20T08:00:00.500001", [nine]),
        ("2026-11-20T08:30:00Z", [nine]),
        ("2026-11-20T08:30:00+07:00", [nine]),
        ("2026-11-21", []),
    ):
        assert shop.ids("products", lastModifiedFrom=since) == wanted, since
    assert shop.get("products", lastModifiedFrom="2026-11-20T08:30:00")["total"] == 1


def test_an_edit_shows_as_a_change_and_moves_its_stamp_on(shop: Visitor) -> None:
    eight, _, _ = edited(shop)
    stamps = [shop.steer("PATCH", f"records/product/{eight}", json={"name": name})["modifiedDate"] for name in "ab"]
    assert stamps[0] < stamps[1]
    assert shop.ids("products", lastModifiedFrom=stamps[1]) == [eight]
    assert shop.get(f"products/{eight}")["modifiedDate"] == stamps[1]


def test_orders_are_bounded_above_by_their_change_and_picked_by_their_creation(shop: Visitor) -> None:
    at = {"branchId": BRANCH, "orderDetails": [], "status": 1}
    early, late = shop.add(
        "order",
        {**at, "createdDate": "2026-11-01T10:00:00", "modifiedDate": "2026-11-10T10:00:00"},
        {**at, "createdDate": "2026-11-02T10:00:00", "modifiedDate": "2026-11-12T10:00:00"},
    )
    assert shop.ids("orders", toDate="2026-11-11") == [early]
    assert shop.ids("orders", lastModifiedFrom="2026-11-11", toDate="2026-11-13") == [late]
    assert shop.ids("orders", createdDate="2026-11-01T11:00:00") == [late]
    assert shop.ids("orders", createdDate="2026-11-01") == [early, late]


def test_filters_pick_rows(first_shop: Visitor) -> None:
    for path, query, field, wanted in (
        ("products", {"productType": 1}, "type", {1}),
        ("products", {"productType": 3}, "type", {3}),
        ("products", {"isActive": "false"}, "isActive", {False}),
        ("products", {"categoryId": 1_000_002}, "categoryId", {1_000_002}),
        ("orders", {"branchIds": OTHER_BRANCH}, "branchId", {OTHER_BRANCH}),
        ("orders", {"saleChannelId": 2}, "saleChannelId", {2}),
        ("invoices", {"status": 2}, "status", {2}),
        ("purchaseorders", {"status": 3}, "status", {3}),
    ):
        rows = first_shop.rows(path, pageSize=100, **query)
        assert {row[field] for row in rows} == wanted, (path, query)
        assert first_shop.get(path, **query)["total"] < first_shop.get(path)["total"]


def test_filters_by_customer_and_order(first_shop: Visitor) -> None:
    order = next(row for row in first_shop.rows("orders", status=3, pageSize=100) if "customerId" in row)
    mine = first_shop.rows("orders", customerIds=order["customerId"], pageSize=100)
    assert {row["customerCode"] for row in mine} == {order["customerCode"]}
    assert [row["id"] for row in mine] == first_shop.ids("orders", customerCode=order["customerCode"], pageSize=100)
    (invoice,) = first_shop.rows("invoices", orderId=order["id"])
    assert (invoice["orderId"], invoice["orderCode"], invoice["total"]) == (order["id"], order["code"], order["total"])
    assert not first_shop.rows("invoices", orderId=order["id"], fromPurchaseDate="2026-11-21")
    assert first_shop.rows("invoices", orderId=order["id"], toPurchaseDate="2026-11-21")


def test_names_are_found_by_a_part_in_any_case(shop: Visitor) -> None:
    found, _ = shop.add("product", a_product(fullName="Áo Lụa ĐỎ"), a_product(fullName="Quần"))
    assert shop.ids("products", name="lụa đ") == [found]
    phone, _ = shop.add("customer", {"name": "An", "contactNumber": "0901"}, {"name": "Bình", "contactNumber": "0902"})
    assert shop.ids("customers", contactNumber="0901") == [phone] == shop.ids("customers", name="AN")


def test_a_list_of_products_has_only_what_is_asked_for_and_one_product_has_all(first_shop: Visitor) -> None:
    parts = {
        "inventories": "includeInventory",
        "priceBooks": "includePricebook",
        "productSerials": "IncludeSerials",
        "productBatchExpires": "IncludeBatchExpires",
        "productFormulas": "includeMaterial",
        "minQuantity": "includeQuantity",
    }
    bare = first_shop.rows("products", pageSize=100)
    assert not set(parts) & {name for row in bare for name in row}
    for name, flag in parts.items():
        rows = [row for row in first_shop.rows("products", pageSize=100, **{flag: "true"}) if name in row]
        assert rows, name
        assert first_shop.get(f"products/{rows[0]['id']}")[name] == rows[0][name]


def test_stock_is_of_the_branches_asked_for(first_shop: Visitor) -> None:
    for path in ("products", "productOnHands"):
        rows = first_shop.rows(path, includeInventory="true", BranchIds=OTHER_BRANCH)
        stocks = [stock["branchId"] for row in rows for stock in row.get("inventories", [])]
        assert set(stocks) == {OTHER_BRANCH}


def test_payments_and_deliveries_come_when_they_are_asked_for(first_shop: Visitor) -> None:
    asked = {"includePayment": "true", "includeOrderDelivery": "true", "pageSize": 100}
    names = {name for row in first_shop.rows("orders", **asked) for name in row}
    assert {"payments", "orderDelivery"} <= names
    assert not {"payments", "orderDelivery"} & {name for row in first_shop.rows("orders", pageSize=100) for name in row}
    assert "invoiceDelivery" in {
        name for row in first_shop.rows("invoices", includeInvoiceDelivery="1", pageSize=100) for name in row
    }


def test_deleted_attributes_come_unless_they_are_declined(first_shop: Visitor) -> None:
    def names(**query: str) -> set[str]:
        rows = first_shop.rows("products", pageSize=100, **query)
        return {one["attributeName"] for row in rows for one in row.get("attributes", [])}

    assert any(name.endswith("{DEL}") for name in names())
    assert names(includeSoftDeletedAttribute="false") == {"Màu", "Cỡ"}


def test_deleted_numbers_are_told_who_asks_for_them_from_a_moment_on(shop: Visitor) -> None:
    ids = some(shop, 3)
    shop.answer("DELETE", f"products/{ids[1]}")
    since = {"lastModifiedFrom": "2026-11-20", "includeRemoveIds": "true"}
    assert shop.get("products", **since)["removedIds"] == [ids[1]]
    assert shop.ids("products") == [ids[0], ids[2]]
    assert "removedIds" not in shop.get("products", lastModifiedFrom="2026-11-20")
    assert "removedIds" not in shop.get("products", includeRemoveIds="true")
    assert shop.get("products", lastModifiedFrom="2199-01-01", includeRemoveIds="1")["removedIds"] == []
    shop.refused("GET", f"products/{ids[1]}")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("customers", "removeId"),
        ("users", "removeIds"),
        ("BankAccounts", "removeIds"),
        ("categories", "removedIds"),
        ("branches", "removedIds"),
        ("suppliers", "removedId"),
    ],
)
def test_each_resource_spells_its_deleted_numbers_its_own_way(shop: Visitor, path: str, key: str) -> None:
    page = shop.get(path, lastModifiedFrom="2026-11-20", includeRemoveIds="true")
    assert page[key] == []


def test_a_number_is_never_given_twice(shop: Visitor) -> None:
    ids = some(shop, 2)
    shop.answer("DELETE", f"products/{ids[1]}")
    assert some(shop, 1) == [ids[1] + 1]


def test_answers_are_json_in_utf_8(shop: Visitor) -> None:
    shop.add("product", a_product(fullName="Trà 茶 🍵"))
    reply = shop.call("GET", "products")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Trà 茶 🍵" in reply.content.decode()
    assert isinstance(json.loads(reply.content)["data"][0]["basePrice"], int)
