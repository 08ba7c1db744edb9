"""Odd orders: each is what it says on the wire, and an order can be sent otherwise than it is kept."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest

from app.sandbox.sitegiant.oddities import ODDITIES
from tests.sandbox.running import Visitor, an_order
from tests.sandbox.test_pages import press

TOO_DEEP = {"abyss"}  # for this test's own reader


def test_every_oddity_can_be_added_and_differs_in_what_it_says(shop: Visitor) -> None:
    listed = shop.steer("GET", "oddities")
    assert list(listed) == list(ODDITIES)
    for name, oddity in ODDITIES.items():
        order_id = shop.steer("POST", f"oddities/{name}")["order_id"]
        assert listed[name].endswith(".")
        body = {"order_id": [order_id]}
        if name in TOO_DEEP:
            assert shop.call("POST", "order/multipleOrder", json=body).text.count("[") > 10_000
            continue
        reply = shop.call("POST", "order/multipleOrder", json=body)
        (sent,) = reply.json(parse_int=Decimal)["response"]["order_list"]  # an int may have 4,300 digits at most
        spoiled: dict[str, Any] = json.loads(oddity.spoil or "{}", parse_int=Decimal)
        assert [field for field in spoiled if not same(sent[field], spoiled[field])] == []
        shown = {field: value for field, value in oddity.fields.items() if field not in ("currency", "order_items")}
        assert {field: sent[field] for field in shown} == shown


def same(one: Any, other: Any) -> bool:
    """Equal, or both no number."""
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def test_midnights_are_those_of_the_shop(shop: Visitor) -> None:
    made = [shop.order(shop.steer("POST", f"oddities/{when}_midnight")["order_id"]) for when in ("before", "after")]
    assert [order["order_creation_date"][11:] for order in made] == ["23:59:00+08:00", "00:01:00+08:00"]


def test_an_oddity_of_two_items_makes_both(shop: Visitor) -> None:
    shop.steer("POST", "oddities/same_sku_twice")
    items = shop.answer("GET", "items")["item_list"]
    assert [(item["isku"], item["product_sku"]) for item in items] == [("TWICE-RED", "TWICE"), ("TWICE-BLUE", "TWICE")]


def test_an_unknown_oddity_is_refused(shop: Visitor) -> None:
    assert shop.control("POST", "oddities/no_such").status_code == 404
    assert shop.steer("GET", "stats")["orders"] == 0


def test_an_order_is_sent_otherwise_until_it_is_healed(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    kept = shop.order(order_id)
    shop.steer("PUT", f"orders/{order_id}/spoil", data='{"total": NaN, "note": "odd"}')
    sent = shop.order(order_id)
    assert math.isnan(sent["total"])
    assert sent | {"total": kept["total"], "note": ""} == kept
    assert shop.steer("GET", f"orders/{order_id}") == kept
    shop.steer("PUT", f"orders/{order_id}/spoil", data="{}")
    assert shop.order(order_id) == kept


@pytest.mark.parametrize("fields", ["", "[]", "{", "no", '"{}"', "{}}", "null"])
def test_only_an_object_can_be_sent_instead(shop: Visitor, fields: str) -> None:
    (order_id,) = shop.add(an_order())
    assert shop.control("PUT", f"orders/{order_id}/spoil", data=fields).status_code == 400
    assert shop.steer("GET", f"orders/{order_id}/spoil") == {}


def test_an_order_that_is_not_there_cannot_be_spoiled(shop: Visitor) -> None:
    assert shop.control("PUT", "orders/5/spoil", data="{}").status_code == 404


def test_odd_orders_are_added_and_healed_on_the_page(shop: Visitor) -> None:
    assert "It has no total." in press(shop, "/oddities", name="missing_total")
    assert shop.order(1)["total"] is None
    assert "Saved." in press(shop, "/orders/1/spoil", fields="{}")
    assert shop.order(1)["total"] == "42.00"
    assert "Not done: The fields" in press(shop, "/orders/1/spoil", fields="[1]")
    assert "Not done: There is no oddity" in press(shop, "/oddities", name="no_such")
