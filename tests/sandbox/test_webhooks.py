"""What the sandbox calls out by itself: to whom, how signed, how often, and how it goes wrong on purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.running import Visitor, an_order

SECRET = "only we two know"


class Listener:
    """An address that is called, and what it was told; `answers` are the statuses to answer with, then 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, Any], str]] = []
        self.answers: list[int] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = listener.answers.pop(0) if listener.answers else 200
                listener.heard.append((json.loads(body), self._spelling(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _spelling(self, body: bytes) -> str:
                mac = hmac.new(SECRET.encode(), body, hashlib.sha256)
                known = {mac.hexdigest(): "hex", base64.b64encode(mac.digest()).decode(): "base64"}
                return known.get(self.headers["Authorization"], "wrong")

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/here"

    @property
    def orders(self) -> list[int]:
        return [told["data"]["order_id"] for told, _spelling in self.heard]


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def hooked(shop: Visitor, listener: Listener) -> Visitor:
    body = {"topic": "order.status", "url": listener.url, "secret": SECRET}
    assert shop.answer("POST", "webhooks", json=body)["id"]
    return shop


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def all_is_sent(shop: Visitor) -> bool:
    return bool(shop.steer("GET", "webhooks")["waiting"] == 0)


def test_new_and_changed_orders_are_called_out_signed_in_both_spellings(hooked: Visitor, listener: Listener) -> None:
    hooked.add(an_order(order_id=1, payment_status="Unpaid"), an_order(order_id=2))
    hooked.steer("POST", "orders/1/pay")
    until(lambda: all_is_sent(hooked))
    assert listener.orders == [1, 2, 1]
    assert [told["data"]["payment_status"] for told, _ in listener.heard] == ["Unpaid", "Paid", "Paid"]
    assert {spelling for _, spelling in listener.heard} == {"hex", "base64"}
    assert len({told["id"] for told, _ in listener.heard}) == 3
    posts = hooked.steer("GET", "webhooks")["posts"]
    assert [(post["status"], post["fault"]) for post in posts] == [(200, "")] * 3
    page = hooked.session.get(f"{hooked.sandbox.url}/webhooks", params={"key": hooked.key}, timeout=10)
    assert page.status_code == 200
    assert listener.url in page.text


def test_a_number_that_was_written_is_not_called_out(hooked: Visitor, listener: Listener) -> None:
    hooked.add(an_order(order_id=1))
    hooked.answer("PUT", "order/list", json=[{"order_id": 1, "invoice_no": "INV1"}])
    until(lambda: all_is_sent(hooked))
    assert listener.orders == [1]


def test_what_was_taken_away_is_not_called_any_more(hooked: Visitor, listener: Listener) -> None:
    (hook,) = hooked.steer("GET", "webhooks")["webhooks"]
    assert hooked.call("DELETE", f"webhooks/{hook['id']}").status_code == 200
    assert hooked.call("DELETE", f"webhooks/{hook['id']}").status_code == 404
    assert hooked.call("DELETE", "webhooks/x").status_code == 404
    hooked.add(an_order(order_id=1))
    standing = hooked.steer("GET", "webhooks")
    assert (standing["webhooks"], standing["waiting"], listener.heard) == ([], 0, [])


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"topic": "stock", "url": "https://a.example", "secret": "x"},
        {"topic": "order.status", "url": "ftp://a.example", "secret": "x"},
        {"topic": "order.status", "url": "https://a.example", "secret": ""},
    ],
)
def test_a_registration_that_makes_no_sense_is_refused(shop: Visitor, body: Any) -> None:
    assert shop.call("POST", "webhooks", json=body).json()["code"] == "400"


def test_what_is_not_taken_is_tried_again(hooked: Visitor, listener: Listener) -> None:
    listener.answers = [500]
    hooked.add(an_order(order_id=1))
    until(lambda: len(listener.heard) == 2)
    until(lambda: all_is_sent(hooked))
    assert [post["status"] for post in hooked.steer("GET", "webhooks")["posts"]] == [500, 200]
    assert listener.heard[0] == listener.heard[1], "the same delivery under the same id"


def test_doubled(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_doubled")
    hooked.add(an_order(order_id=1))
    until(lambda: all_is_sent(hooked))
    assert listener.orders == [1, 1]
    assert listener.heard[0] == listener.heard[1]


def test_late(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_late", seconds=0.4, times=1)
    hooked.add(an_order(order_id=1, payment_status="Unpaid"))
    until(lambda: hooked.steer("GET", "faults/webhook_late")["on"]["acted"] == 1)
    hooked.steer("POST", "orders/1/pay")
    until(lambda: all_is_sent(hooked))
    assert [told["data"]["payment_status"] for told, _ in listener.heard] == ["Paid", "Unpaid"]


def test_out_of_order(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_out_of_order", times=1)
    hooked.add(*(an_order(order_id=number) for number in (1, 2, 3)))
    until(lambda: all_is_sent(hooked))
    assert listener.orders == [2, 1, 3]


def test_badly_signed(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_badly_signed", times=1)
    hooked.add(an_order(order_id=1), an_order(order_id=2))
    until(lambda: all_is_sent(hooked))
    assert [spelling == "wrong" for _, spelling in listener.heard] == [True, False]


def test_faults_of_calls_and_of_calling_out_keep_to_themselves(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("server_error")
    hooked.fault("webhook_doubled")
    hooked.add(an_order(order_id=1))
    until(lambda: all_is_sent(hooked))
    assert hooked.call("GET", "channels").status_code == 500
    faults = hooked.steer("GET", "faults")
    assert (faults["server_error"]["on"]["acted"], faults["webhook_doubled"]["on"]["acted"]) == (1, 1)
    for name, route in (("webhook_late", "any"), ("server_error", "webhook")):
        assert hooked.control("POST", f"faults/{name}", json={"route": route}).status_code == 400
