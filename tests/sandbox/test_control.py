"""The control API: what a test uses to steer the channel and to ask what reached it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.sandbox.running import Running, Visitor, an_order
from tests.sandbox.test_wire import a_list


def found(shop: Visitor, **query: Any) -> list[int]:
    orders = shop.steer("GET", "orders", params=query)["orders"]
    return [order["order_id"] for order in orders]


def test_generated_orders_are_new_and_take_set_fields(shop: Visitor) -> None:
    made = shop.steer("POST", "orders", json={"count": 3, "seed": 5, "set": {"billing_method": "Boost"}})
    orders = [shop.order(order_id) for order_id in made["order_ids"]]
    assert len(orders) == 3
    assert {order["billing_method"] for order in orders} == {"Boost"}
    again = shop.steer("POST", "orders", json={"count": 1})
    assert again["order_ids"] == [max(made["order_ids"]) + 1]


def test_generated_orders_find_the_channels_a_shop_has(shop: Visitor) -> None:
    shop.add(an_order(marketplace="lazada "))
    shop.steer("POST", "orders", json={"count": 60})
    channels = shop.answer("GET", "channels")["channel_list"]
    assert sum(channel["type"] == "Lazada" for channel in channels) == 1
    assert {channel["currency"] for channel in channels} == {"MYR", "SGD"}


def test_wire_orders_get_the_next_id_and_a_channel_per_marketplace(shop: Visitor) -> None:
    shop.add(an_order(order_id=500))
    ids = shop.add(an_order(), an_order(marketplace="", currency="SGD"), an_order(marketplace="Shopee", channel_id=7))
    assert ids == [501, 502, 503]
    assert [(c["id"], c["type"], c["currency"]) for c in shop.answer("GET", "channels")["channel_list"]] == [
        (1, "Shopee", "MYR"),
        (2, "Webstore", "SGD"),
        (7, "Shopee", "MYR"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        an_order(order_id=1),
        an_order(total="lots"),
        an_order(currency="ringgit"),
        an_order(currency="SGD"),
        an_order(note="\ud800"),
        an_order(note=float("nan")),
        "order",
    ],
)
def test_bad_orders_are_refused_and_none_of_the_batch_is_kept(shop: Visitor, bad: Any) -> None:
    shop.add(an_order(order_id=1, currency="MYR"))
    reply = shop.control("POST", "orders", data=json.dumps([an_order(), bad]))
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("order 2: ")
    assert found(shop) == [1]


def test_a_shop_with_bad_orders_is_not_made(shop: Visitor) -> None:
    reply = shop.control("POST", "shops", json={"key": "half-made", "orders": [an_order(total="x")]})
    assert reply.status_code == 400
    assert "half-made" not in [known["key"] for known in shop.steer("GET", "shops")["shops"]]


def test_search_finds_by_any_word_and_filters(shop: Visitor) -> None:
    one, two, three = shop.add(
        an_order(billing_firstname="Phạm Thuỳ", total="41.00"),
        an_order(order_status="Open", payment_status="Unpaid"),
        an_order(invoice_no="INV77", marketplace_order_id="2611ABC"),
    )
    assert found(shop) == [three, two, one]
    assert found(shop, q="PHẠM") == [one]
    assert found(shop, q="2611abc") == found(shop, q="inv77") == found(shop, invoiced="1") == [three]
    assert found(shop, payment_status="Unpaid") == found(shop, order_status="Open") == [two]
    assert found(shop, foots="0") == [one]
    assert found(shop, limit=1, offset=1) == [two]
    assert shop.steer("GET", "orders", params={"limit": 1})["total"] == 3


def test_pay_moves_an_open_order_on(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(order_status="Open", payment_status="Unpaid"))
    paid = shop.steer("POST", f"orders/{order_id}/pay")
    assert (paid["order_status"], paid["payment_status"]) == ("Pending Process", "Paid")
    assert paid["paid_time"]
    (row,) = a_list(shop)["order_list"]
    assert (row["payment_status"], row["updated_at"]) == ("Paid", paid["updated_at"])


def test_pay_leaves_a_shipped_cash_order_shipped(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(order_status="Shipped", payment_status="Unpaid"))
    assert shop.steer("POST", f"orders/{order_id}/pay")["order_status"] == "Shipped"


def test_cancel_keeps_the_payment(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    cancelled = shop.steer("POST", f"orders/{order_id}/cancel")
    assert (cancelled["order_status"], cancelled["payment_status"]) == ("Cancelled", "Paid")


def test_refund_gives_back_a_part_or_the_rest(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    part = shop.steer("POST", f"orders/{order_id}/refund", json={"amount": "2.00"})
    assert (part["refunded_amount"], part["payment_status"]) == ("2.00", "Paid")
    rest = shop.steer("POST", f"orders/{order_id}/refund")
    assert (rest["refunded_amount"], rest["payment_status"]) == ("42.00", "Refunded")
    assert shop.control("POST", f"orders/{order_id}/refund").status_code == 400


def test_each_edit_moves_the_time_of_change_on(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    stamps = [shop.steer("PATCH", f"orders/{order_id}", json={"note": str(n)})["updated_at"] for n in range(3)]
    assert stamps == sorted(set(stamps))
    exact = "2026-11-25T00:00:00+08:00"
    assert shop.steer("PATCH", f"orders/{order_id}", json={"updated_at": exact})["updated_at"] == exact


def test_an_edit_can_put_an_order_out_of_balance(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    assert shop.steer("PATCH", f"orders/{order_id}", json={"shipping_fee": "4.90"})["total"] == "46.90"
    assert shop.steer("GET", "stats")["not_footing"] == 0
    shop.steer("PATCH", f"orders/{order_id}", json={"total": "46.00"})
    assert shop.steer("GET", "stats")["not_footing"] == 1


def test_an_edit_moves_an_order_in_the_list(shop: Visitor) -> None:
    first, second = shop.add(an_order(), an_order(marketplace="Lazada"))
    shop.steer("PATCH", f"orders/{second}", json={"channel_id": 1, "order_creation_date": "2026-11-02T00:00:00Z"})
    assert [row["order_id"] for row in a_list(shop)["order_list"]] == [second, first]


@pytest.mark.parametrize("fields", [{"total": None}, {"order_id": 5}, {"channel_id": 99}, {"order_items": 1}, [1]])
def test_a_senseless_edit_changes_nothing(shop: Visitor, fields: Any) -> None:
    (order_id,) = shop.add(an_order())
    before = shop.steer("GET", f"orders/{order_id}")
    assert shop.control("PATCH", f"orders/{order_id}", json=fields).status_code == 400
    assert shop.steer("GET", f"orders/{order_id}") == before


@pytest.mark.parametrize(("method", "path"), [("GET", "9"), ("PATCH", "9"), ("POST", "9/pay")])
def test_an_unknown_order_is_not_found(shop: Visitor, method: str, path: str) -> None:
    reply = shop.control(method, f"orders/{path}", json={})
    assert (reply.status_code, reply.json()["error"]) == (404, "There is no order 9.")


def test_the_log_holds_what_was_asked_and_what_was_answered(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.call("PUT", "order/list?x=1", json=[{"order_id": order_id, "invoice_no": "INV9"}])
    (call,) = shop.log()
    assert (call["method"], call["path"], call["route"], call["query"]) == ("PUT", "/order/list", "write", {"x": "1"})
    assert '"INV9"' in call["request"]
    assert (call["status"], call["fault"]) == (200, [])
    assert '"Updated"' in call["answer"]
    assert shop.writes()[0] | {"at": ""} == {
        "write_id": shop.writes()[0]["write_id"],
        "call_id": call["call_id"],
        "order_id": order_id,
        "invoice_no": "INV9",
        "previous": "",
        "at": "",
    }


def test_the_log_is_bounded_filtered_and_can_be_emptied(shop: Visitor) -> None:
    shop.call("POST", "order/multipleOrder", data="x" * 50_000)
    shop.call("GET", "channels")
    long, short = shop.log()
    assert len(long["request"]) < 17_000
    assert long["request"].endswith("(50000 characters in all)")
    assert shop.log("channels") == [short]
    assert shop.steer("GET", "log", params={"after": long["call_id"]})["calls"] == [short]
    shop.steer("DELETE", "log")
    assert shop.log() == []


def test_a_wrong_key_shows_in_the_log(shop: Visitor) -> None:
    shop.call("GET", "channels", headers={"Access-Token": "guess"})
    assert shop.log()[-1]["status"] == 403


def test_writes_are_told_by_order_and_since(shop: Visitor) -> None:
    one, two = shop.add(an_order(), an_order())
    for order_id in (one, two, one):
        shop.answer("PUT", "order/list", json=[{"order_id": order_id, "invoice_no": "N"}])
    first = shop.writes()[0]["write_id"]
    assert len(shop.steer("GET", "writes", params={"order_id": one})["writes"]) == 2
    assert len(shop.steer("GET", "writes", params={"after": first})["writes"]) == 2


def test_stats_count_what_is_there(first_shop: Visitor) -> None:
    stats = first_shop.steer("GET", "stats")
    assert (stats["orders"], stats["not_footing"]) == (300, 5)
    assert sum(stats["payment_status"].values()) == sum(stats["order_status"].values()) == 300
    assert sum(channel["orders"] for channel in stats["channels"]) == 300


def test_reset_empties_and_refills_and_heals(shop: Visitor) -> None:
    shop.add(an_order())
    shop.fault("server_error")
    shop.call("GET", "channels")
    stats = shop.steer("POST", "reset", json={"count": 20, "seed": 3})
    assert (stats["orders"], stats["calls_kept"], stats["writes"]) == (20, 0, 0)
    assert shop.call("GET", "channels").status_code == 200
    assert shop.steer("POST", "reset", json={"orders": [an_order()]})["orders"] == 1


def test_shops_are_strangers_to_each_other(shop: Visitor, first_shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(order_id=1001))
    assert first_shop.order(1001)["billing_firstname"] != "" and shop.order(order_id)["billing_firstname"] == "Nur"
    assert shop.key in [known["key"] for known in first_shop.steer("GET", "shops")["shops"]]


def test_a_call_without_a_key_means_the_first_shop(sandbox: Running) -> None:
    stats = requests.get(f"{sandbox.root}/control/stats", timeout=10).json()
    assert stats["key"] == "sandbox-key"


def test_an_unknown_key_is_not_found(sandbox: Running) -> None:
    reply = requests.get(f"{sandbox.root}/control/stats?key=guess", timeout=10)
    assert (reply.status_code, reply.json()) == (404, {"error": "No shop has this key."})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("shops", {}),
        ("shops", {"key": ""}),
        ("reset", {"count": -1}),
        ("reset", {"orders": 1}),
        ("orders", {"count": "x"}),
    ],
)
def test_senseless_control_calls_are_refused(shop: Visitor, path: str, body: dict[str, Any]) -> None:
    assert shop.control("POST", path, json=body).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/control/reset", "/sandbox/sitegiant/orders"])
def test_another_web_site_cannot_steer(shop: Visitor, path: str, headers: dict[str, str]) -> None:
    shop.add(an_order())
    reply = requests.post(f"{shop.sandbox.root}{path}?key={shop.key}", headers=headers, timeout=10)
    assert reply.status_code == 403
    assert len(found(shop)) == 1


def test_health_is_told(sandbox: Running) -> None:
    assert requests.get(f"{sandbox.root}/healthz", timeout=10).json() == {"status": "ok"}


def test_an_order_can_be_taken_away(shop: Visitor) -> None:
    stays, goes = shop.add(an_order(), an_order())
    shop.steer("DELETE", f"orders/{goes}")
    found = shop.answer("POST", "order/multipleOrder", json={"order_id": [stays, goes]})["order_list"]
    assert [order["order_id"] for order in found] == [stays]
    assert shop.control("DELETE", f"orders/{goes}").status_code == 404
