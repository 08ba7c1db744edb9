"""The control page, by plain forms."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
import requests

from tests.sandbox.running import Visitor, an_order


def page(shop: Visitor, path: str = "") -> str:
    reply = shop.session.get(f"{shop.sandbox.url}{path}", params={"key": shop.key}, timeout=10)
    assert reply.status_code == 200
    return reply.text


def press(shop: Visitor, path: str, **fields: Any) -> str:
    """Send a form as a browser does, follow it to its page, and return that page."""
    reply = shop.session.post(
        f"{shop.sandbox.url}{path}",
        params={"key": shop.key},
        data=fields,
        headers={"Origin": shop.sandbox.root, "Sec-Fetch-Site": "same-origin"},
        timeout=10,
    )
    assert [step.status_code for step in reply.history] == [303]
    assert reply.status_code == 200
    return html.unescape(reply.text)


def test_the_page_says_what_to_connect(shop: Visitor) -> None:
    text = page(shop)
    assert f"<code>{shop.sandbox.url}</code>" in text
    assert f"<code>{shop.key}</code>" in text


@pytest.mark.parametrize("path", ["/", "/sandbox/sitegiant", "/sandbox/sitegiant/"])
def test_the_page_stands_at_the_front_too(shop: Visitor, path: str) -> None:
    reply = requests.get(f"{shop.sandbox.root}{path}", timeout=10)
    assert "Store domain to enter" in reply.text
    assert "style-src 'self'" in reply.headers["Content-Security-Policy"]
    assert requests.get(f"{shop.sandbox.url}/static/sandbox.css", timeout=10).status_code == 200


def test_orders_are_searched_on_the_page(shop: Visitor) -> None:
    one, two = shop.add(an_order(billing_firstname="Kavitha"), an_order(billing_method="Boost"))
    text = shop.session.get(shop.sandbox.url, params={"key": shop.key, "q": "kavitha"}, timeout=10).text
    assert f">{one}</a>" in text
    assert f">{two}</a>" not in text


def test_an_order_is_paid_cancelled_and_refunded_by_buttons(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(order_status="Open", payment_status="Unpaid"))
    assert "Paid." in press(shop, f"/orders/{order_id}/pay")
    assert "Not done: amount 99.00" in press(shop, f"/orders/{order_id}/refund", amount="99")
    assert "Refunded." in press(shop, f"/orders/{order_id}/refund", amount="")
    assert "Cancelled." in press(shop, f"/orders/{order_id}/cancel")
    order = shop.order(order_id)
    assert (order["order_status"], order["payment_status"]) == ("Cancelled", "Refunded")


def test_an_order_is_edited_as_json(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    edited = shop.order(order_id) | {"shipping_fee": "4.90", "note": "<b>"}
    assert "Saved." in press(shop, f"/orders/{order_id}", json=json.dumps(edited))
    assert (shop.order(order_id)["total"], shop.order(order_id)["note"]) == ("46.90", "<b>")
    assert "<b>" not in page(shop, f"/orders/{order_id}").split("<textarea")[1]
    assert "this is not JSON" in press(shop, f"/orders/{order_id}", json="{")
    assert "Not done" in press(shop, f"/orders/{order_id}", json="[]")


def test_orders_are_added_made_up_or_pasted(shop: Visitor) -> None:
    assert "Added 4 orders." in press(shop, "/orders", count="4")
    lines = "\n".join(json.dumps(an_order()) for _ in range(2))
    assert "Added 2 orders." in press(shop, "/orders", json=lines)
    assert "Added 1 orders." in press(shop, "/orders", json=json.dumps([an_order()]))
    assert "Not done: order 1: total" in press(shop, "/orders", json=json.dumps(an_order(total="x")))
    assert shop.steer("GET", "stats")["orders"] == 7


def test_faults_are_switched_on_the_page(shop: Visitor) -> None:
    assert "server_error is on." in press(
        shop, "/faults/server_error", on="1", route="channels", times="2", status="503"
    )
    assert shop.call("GET", "channels").status_code == 503
    assert "acted 1 times, 1 left" in page(shop)
    assert "server_error is off." in press(shop, "/faults/server_error", off="1")
    assert shop.call("GET", "channels").status_code == 200
    assert "Not done: probability" in press(shop, "/faults/slow", on="1", route="any", probability="7")
    assert "Not done: the settings" in press(shop, "/faults/slow", on="1", route="any", ms="soon")


def test_the_log_shows_calls_and_is_emptied(shop: Visitor) -> None:
    shop.fault("logical_failure")
    shop.call("GET", "channels")
    text = page(shop, "/log")
    assert "GET /channels" in text
    assert "<mark>logical_failure</mark>" in text
    assert "Nobody has called yet." in press(shop, "/log/clear")


def test_written_numbers_show_on_the_order(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(invoice_no="OLD1"))
    shop.answer("PUT", "order/list", json=[{"order_id": order_id, "invoice_no": "INV3"}])
    text = page(shop, f"/orders/{order_id}")
    assert "<td>INV3</td><td>OLD1</td>" in text


def test_an_unknown_order_has_no_page(shop: Visitor) -> None:
    assert requests.get(f"{shop.sandbox.url}/orders/9?key={shop.key}", timeout=10).status_code == 404
