"""A minimal client as others have written them, from the contract alone: only its two base addresses are ours."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.sandbox.kiotviet.visiting import BRANCH, Visitor, a_product


@dataclass
class Client:
    """Signs in when it must, once again after a 401, waits after a 429, and walks pages by what it received."""

    shop: str
    client_id: str
    client_secret: str
    id_address: str = "https://id.kiotviet.vn"
    address: str = "https://public.kiotapi.com"
    session: requests.Session = field(default_factory=requests.Session)
    token: str = ""
    good_until: float = 0
    signed_in: int = 0

    def request(self, method: str, path: str, **given: Any) -> Any:
        """One call; raises what the answer says went wrong."""
        for last in (False, True):
            reply = self.session.request(method, f"{self.address}{path}", headers=self._headers(), timeout=10, **given)
            if reply.status_code == 401 and not last:
                self.good_until = 0
                continue
            if reply.status_code == 429 and not last:
                time.sleep(float(reply.headers.get("Retry-After", 1)))
                continue
            break
        if not reply.ok:
            raise ValueError(reply.json()["responseStatus"]["message"])
        return reply.json()

    def every(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every record of a list."""
        place = 0
        while True:
            page = self.request("GET", path, params={"pageSize": 100, "currentItem": place, **query})
            rows = page.get("data") or []
            yield from rows
            place += len(rows)
            if not rows or place >= page["total"]:
                return

    def _headers(self) -> dict[str, str]:
        if time.time() >= self.good_until:
            self._sign_in()
        return {"Retailer": self.shop, "Authorization": f"Bearer {self.token}", "Partner": "KVSync"}

    def _sign_in(self) -> None:
        form = {
            "scopes": "PublicApi.Access",
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        reply = self.session.post(f"{self.id_address}/connect/token", data=form, timeout=10)
        if "error" in reply.json():
            raise ValueError(reply.json()["error"])
        self.token = reply.json()["access_token"]
        middle = self.token.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        if told["client_RetailerCode"] != self.shop:
            raise ValueError("this key belongs to another shop")
        self.good_until = min(told["exp"], time.time() + reply.json()["expires_in"]) - 0.2
        self.signed_in += 1


def client_of(visitor: Visitor, **fields: Any) -> Client:
    url = visitor.sandbox.url
    return Client(
        **{
            "shop": visitor.key,
            "client_id": visitor.client_id,
            "client_secret": visitor.client_secret,
            "id_address": url,
            "address": url,
            "session": visitor.session,
            **fields,
        }
    )


def test_it_connects_and_says_what_is_wrong_when_it_cannot(shop: Visitor) -> None:
    assert next(row["id"] for row in client_of(shop).every("/branches")) == BRANCH
    with pytest.raises(ValueError, match="invalid_client"):
        list(client_of(shop, client_secret="x").every("/branches"))
    with pytest.raises(ValueError, match="another shop"):
        list(client_of(shop, shop="elsewhere").every("/branches"))


def test_it_reads_a_whole_shop_with_one_token(first_shop: Visitor) -> None:
    client = client_of(first_shop)
    products = list(client.every("/Products", includeInventory="True", includePricebook=1))
    assert len({row["id"] for row in products}) == 300
    assert all(row["inventories"] for row in products if row["type"] != 3)
    orders = list(client.every("/orders", includePayment="true", orderBy="id", orderDirection="Desc"))
    assert [row["id"] for row in orders] == sorted((row["id"] for row in orders), reverse=True)
    assert len(orders) == 200
    assert len(list(client.every("/invoices"))) > 200
    assert client.signed_in == 1


def test_it_reads_only_what_changed_and_what_was_deleted(shop: Visitor) -> None:
    client = client_of(shop)
    kept, gone = shop.add("product", a_product(), a_product())
    since = client.request("GET", "/products")["timestamp"][:23]
    assert list(client.every("/products", lastModifiedFrom=since)) == []
    client.request("PUT", f"/products/{kept}", json={"basePrice": 5})
    client.request("DELETE", f"/products/{gone}", data={})
    page = client.request("GET", "/products", params={"lastModifiedFrom": since, "includeRemoveIds": "true"})
    assert ([row["id"] for row in page["data"]], page["removedIds"]) == ([kept], [gone])


def test_it_makes_an_order_for_a_new_customer_as_the_vendors_own_plugin_does(shop: Visitor) -> None:
    client = client_of(shop)
    (tea,) = shop.add("product", a_product())
    found = client.request("GET", "/products/code", params={"Id": 0, "Code": "SP000001"})
    answer = client.request("POST", "/customers", data={"name": "Lan", "contactNumber": "0901"})
    customer = answer["data"] if isinstance(answer.get("data"), dict) else answer
    order = client.request(
        "POST",
        "/orders",
        json={
            "branchId": BRANCH,
            "customerId": customer["id"],
            "description": "WC-55",
            "method": "CASH",
            "totalPayment": 0,
            "status": 0,
            "Extra": '{"PriceBookId":{"Id":0}}',
            "orderDetails": [{"productId": found["id"], "productCode": found["code"], "quantity": 1, "price": 99_000}],
            "surchages": [{"id": 1_000_001, "code": "THK000001", "price": 30_000}],
        },
    )
    assert (order["total"], order["customerName"], found["id"]) == (129_000, "Lan", tea)
    assert client.request("GET", f"/orders/code/{order['code']}")["id"] == order["id"]
    with pytest.raises(ValueError, match="không tồn tại"):
        client.request("GET", "/products/code/none")


def test_it_goes_on_after_its_token_expired_in_the_midst(first_shop: Visitor) -> None:
    client = client_of(first_shop)
    try:
        first_shop.fault("expired_token", skip=1, times=1)
        assert len(list(client.every("/products"))) == 300
    finally:
        first_shop.steer("DELETE", "faults")
    assert client.signed_in == 2


def test_it_goes_on_after_its_quota_was_spent(first_shop: Visitor) -> None:
    client = client_of(first_shop)
    try:
        first_shop.fault("quota_spent", skip=1, times=1, seconds=1)
        assert len(list(client.every("/products"))) == 300
    finally:
        first_shop.steer("DELETE", "faults")
    assert client.signed_in == 1
