"""Whatever is sent, the sandbox answers as the channel would: its own mistakes would be HTTP 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sandbox.kiotviet.wire import HANDLERS
from tests.sandbox.kiotviet.visiting import BRANCH, Visitor, a_line, a_product

WRITES = sorted((method, path) for method, path in HANDLERS if method != "GET")
READS = sorted(path for method, path in HANDLERS if method == "GET")
FINE = {200, 400, 404, 420}
NAMES = (
    "id", "name", "code", "branchId", "orderDetails", "invoiceDetails", "customer", "customerId", "productId",
    "quantity", "price", "discount", "discountRatio", "surchages", "orderDelivery", "deliveryDetail", "purchaseDate",
    "totalPayment", "method", "accountId", "status", "makeInvoice", "inventories", "attributes", "listProducts",
    "listCustomers", "categoryName", "parentId", "Webhook", "Type", "Url", "Secret", "amount", "invoiceId", "orderId",
    "pricebookId", "barCode", "Extra", "soldById", "saleChannelId", "onHand", "partnerDelivery", "value",
)  # fmt: skip
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1,
        1_000_001,
        BRANCH,
        2**70,
        1.5,
        1e300,
        "",
        "x",
        "1",
        "NaN",
        "２",
        "2026-11-01",
        "\ud800",
        [],
        {},
    ]
)
OBJECTS = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(kiotviet: Any) -> Visitor:
    """One shop for all the garbage, with something in it to be hit."""
    visitor = Visitor(kiotviet, "garbage", "client-of-garbage", "secret-of-garbage")
    visitor.steer("POST", "shops", params={"key": "cuahangsen"}, json={"key": "garbage", "rate_limit": 10_000_000})
    visitor.add("product", a_product())
    visitor.answer("POST", "orders", json={"branchId": BRANCH, "orderDetails": [a_line(1_000_001)]})
    return visitor


@pytest.mark.parametrize(("method", "path"), WRITES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(NAMES), OBJECTS, max_size=8))
def test_no_body_is_too_odd(shop: Visitor, method: str, path: str, body: dict[str, Any]) -> None:
    wanted = path.replace("#", "1000001")
    reply = shop.call(method, wanted, data=json.dumps(body), headers={"Content-Type": "application/json"})
    assert reply.status_code in FINE, (body, reply.text)


@pytest.mark.parametrize("path", READS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(
            ["pageSize", "currentItem", "orderBy", "lastModifiedFrom", "toDate", "createdDate", "status", "name",
             "branchIds", "categoryId", "isActive", "code", "customerCode", "masterUnitId", "BranchIds[]"]
        ),
        st.sampled_from(["", "0", "-1", "1", "x", "99999999999999999999999", "2026-11-01", "0001-01-01", "9999-12-31",
                         "true", "'", "%", "\x00", "1,2", ",", "1e3", "id; DROP TABLE records"]),
        max_size=5,
    )
)  # fmt: skip
def test_no_query_is_too_odd(shop: Visitor, path: str, query: dict[str, str]) -> None:
    wanted = path.replace("#", "1000001").replace("*", "SP000001")
    reply = shop.call("GET", wanted, params=query)
    assert reply.status_code in FINE, (query, reply.text)
