"""What KiotViet calls out: to whom, in what shape, how signed, how often, and how it goes wrong on purpose."""

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

from tests.sandbox.kiotviet.visiting import BRANCH, Visitor, a_line, a_product, an_order

SECRET = base64.b64encode(b"only we two know").decode()


class Listener:
    """An address that is called, and what it was told; `answers` are the statuses to answer with, then 200."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.signed: list[str] = []
        self.answers: list[int] = []
        self.thinks = threading.Event()
        self.thinks.set()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = listener.answers.pop(0) if listener.answers else 200
                listener.signed.append(spelling(body, self.headers.get("X-Hub-Signature")))
                listener.headers.append(dict(self.headers))
                listener.heard.append(json.loads(body))
                listener.thinks.wait(20)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/here"

    @property
    def told(self) -> list[tuple[str, Any]]:
        """What was told, as (action, what the rows are about)."""
        return [
            (
                told["Action"],
                [row if isinstance(row, int) else row.get("Id", row.get("ProductId")) for row in told["Data"]],
            )
            for heard in self.heard
            for told in heard["Notifications"]
        ]


def spelling(body: bytes, signature: str | None) -> str:
    """How a body was signed, with the text of the secret as it was registered."""
    digits = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    known = {None: "not", digits: "bare", f"sha1={digits}": "sha1=", f"sha256={digits}": "sha256="}
    return known.get(signature, "wrong")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.thinks.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def register(shop: Visitor, listener: Listener, type_: str, **fields: Any) -> int:
    body = {"Type": type_, "Url": listener.url, "IsActive": True, "Description": "ours", "Secret": SECRET, **fields}
    return int(shop.answer("POST", "webhooks", json={"Webhook": body})["id"])


@pytest.fixture
def hooked(shop: Visitor, listener: Listener) -> Visitor:
    """A shop that tells us of orders, products and stock."""
    for type_ in ("order.update", "product.update", "product.delete", "stock.update"):
        register(shop, listener, type_)
    return shop


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sent(shop: Visitor) -> None:
    """Wait until nothing waits to be sent."""
    until(lambda: bool(shop.steer("GET", "webhooks")["waiting"] == 0))


def test_a_registration_is_answered_flat_and_never_shows_its_secret(shop: Visitor, listener: Listener) -> None:
    hook = register(shop, listener, "order.update")
    again = register(shop, listener, "order.update")
    assert hook != again, "two of one type may stand beside each other"
    rows = shop.rows("webhooks")
    assert rows[0] == shop.get(f"webhooks/{hook}")
    assert {name: rows[0][name] for name in ("type", "url", "isActive", "description")} == {
        "type": "order.update",
        "url": listener.url,
        "isActive": True,
        "description": "ours",
    }
    assert SECRET not in json.dumps(rows)
    assert "message" in shop.answer("DELETE", f"webhooks/{hook}")
    shop.refused("DELETE", f"webhooks/{hook}")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Type": "order.update", "Url": "https://a.example"},
        {"Webhook": {"Type": "order.created", "Url": "https://a.example"}},
        {"Webhook": {"Type": "order.delete", "Url": "https://a.example"}},
        {"Webhook": {"Type": "order.update", "Url": "ftp://a.example"}},
        {"Webhook": {"Type": "order.update", "Url": "https://a.example", "Secret": "short"}},
    ],
)
def test_a_registration_that_makes_no_sense_is_refused(shop: Visitor, body: dict[str, Any]) -> None:
    shop.refused("POST", "webhooks", json=body)
    assert shop.get("webhooks")["total"] == 0


def test_an_order_and_its_stock_are_told_in_capitals_and_signed(hooked: Visitor, listener: Listener) -> None:
    (tea,) = hooked.add("product", a_product())
    made = hooked.answer("POST", "orders", json=an_order(a_line(tea)))
    hooked.answer("DELETE", f"orders/{made['id']}")
    sent(hooked)
    assert listener.told == [
        ("product.update", [tea]),
        ("stock.update", [tea]),
        ("order.update", [made["id"]]),
        ("stock.update", [tea]),
        ("order.update", [made["id"]]),
    ]
    assert set(listener.signed) == {"sha1="}
    stock, order, cancelled = (listener.heard[place]["Notifications"][0]["Data"][0] for place in (1, 2, 4))
    assert (stock["BranchId"], stock["OnHand"], stock["Reserved"], stock["ProductCode"]) == (BRANCH, 10, 2, "SP000001")
    assert (order["Code"], order["Status"], order["OrderDetails"][0]["ProductId"]) == (made["code"], 1, tea)
    assert (cancelled["Status"], cancelled["StatusValue"]) == (4, "Đã hủy")
    product = listener.heard[0]["Notifications"][0]["Data"][0]
    assert (product["FullName"], product["isActive"], product["Inventories"][0]["OnHand"]) == ("Trà sen", True, 10)
    assert {heard["Attempt"] for heard in listener.heard} == {1}
    assert len({heard["Id"] for heard in listener.heard}) == 5
    assert [headers["X-Webhook-Event"] for headers in listener.headers] == [action for action, _ in listener.told]
    assert listener.headers[0]["X-Webhook-Delivery"] == listener.heard[0]["Id"]


def test_many_rows_of_one_call_are_told_together(hooked: Visitor, listener: Listener) -> None:
    hooked.answer("POST", "listaddproducts", json={"listProducts": [{"name": f"A{n}"} for n in range(3)]})
    ids = hooked.add("product", a_product(), a_product())
    hooked.answer("POST", "orders", json=an_order(*(a_line(one) for one in ids)))
    sent(hooked)
    assert ("stock.update", ids) in listener.told


def test_without_a_secret_nothing_is_signed(shop: Visitor, listener: Listener) -> None:
    register(shop, listener, "category.update", Secret=None)
    shop.answer("POST", "categories", json={"categoryName": "A"})
    sent(shop)
    assert listener.signed == ["not"]


def test_nobody_is_told_of_what_was_not_asked_for(shop: Visitor, listener: Listener) -> None:
    register(shop, listener, "customer.update")
    register(shop, listener, "product.update", IsActive=False)
    shop.add("product", a_product())
    shop.answer("POST", "customers", json={"name": "An"})
    sent(shop)
    assert [action for action, _ in listener.told] == ["customer.update"]


def test_deletions_are_told_as_ids(hooked: Visitor, listener: Listener) -> None:
    (tea,) = hooked.add("product", a_product())
    hooked.answer("DELETE", f"products/{tea}")
    sent(hooked)
    assert listener.told[-1] == ("product.delete", [tea])


def test_deletions_may_be_told_bare(hooked: Visitor, listener: Listener) -> None:
    hooked.speak(delete_body="RemoveId")
    (tea,) = hooked.add("product", a_product())
    hooked.answer("DELETE", f"products/{tea}")
    sent(hooked)
    assert listener.heard[-1] == {"RemoveId": [tea]}
    assert set(listener.signed) == {"sha1="}


def test_actions_may_have_a_third_part(hooked: Visitor, listener: Listener) -> None:
    hooked.speak(action_suffix="retailer")
    (tea,) = hooked.add("product", a_product())
    hooked.answer("DELETE", f"products/{tea}")
    sent(hooked)
    assert [action.rpartition(".")[0] for action, _ in listener.told] == ["product.update", "product.delete"]
    assert all(action.rpartition(".")[2].isdigit() for action, _ in listener.told)


@pytest.mark.parametrize("prefix", ["bare", "sha256="])
def test_signatures_may_be_written_otherwise(hooked: Visitor, listener: Listener, prefix: str) -> None:
    hooked.speak(signature=prefix)
    hooked.add("product", a_product())
    sent(hooked)
    assert listener.signed == [prefix]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_refusal_stops_all_that_is_sent_to_that_address(hooked: Visitor, listener: Listener, status: int) -> None:
    listener.answers = [status]
    hooked.add("product", a_product())
    until(lambda: not any(row["isActive"] for row in hooked.rows("webhooks")))
    hooked.add("product", a_product())
    sent(hooked)
    assert len(listener.heard) == 1


@pytest.mark.parametrize("status", [422, 429])
def test_another_refusal_ends_that_delivery_alone(hooked: Visitor, listener: Listener, status: int) -> None:
    listener.answers = [status]
    ids = hooked.add("product", a_product(), a_product())
    sent(hooked)
    assert [rows for _, rows in listener.told] == [[one] for one in ids]
    assert all(row["isActive"] for row in hooked.rows("webhooks"))


def test_what_fails_is_tried_again_under_the_same_number_and_three_times_at_most(
    hooked: Visitor, listener: Listener
) -> None:
    listener.answers = [500, 503, 500, 200]
    ids = hooked.add("product", a_product(), a_product())
    until(lambda: len(listener.heard) == 4)
    sent(hooked)
    of_first = [heard for heard, (_, rows) in zip(listener.heard, listener.told, strict=True) if rows == [ids[0]]]
    of_other = [heard for heard, (_, rows) in zip(listener.heard, listener.told, strict=True) if rows == [ids[1]]]
    for heard in (of_first, of_other):
        assert [one["Attempt"] for one in heard] == list(range(1, len(heard) + 1))
        assert len({one["Id"] for one in heard}) == 1
    assert len(of_first) <= 3
    assert set(listener.signed) == {"sha1="}, "each attempt is signed anew"


def test_who_never_answers_well_is_given_up(hooked: Visitor, listener: Listener) -> None:
    listener.answers = [500] * 9
    hooked.add("product", a_product())
    until(lambda: bool(hooked.steer("GET", "webhooks")["given_up"] == 1))
    assert [post["status"] for post in hooked.steer("GET", "webhooks")["posts"]] == [500, 500, 500]
    assert all(row["isActive"] for row in hooked.rows("webhooks"))


def test_an_answer_that_takes_longer_than_five_seconds_is_none(hooked: Visitor, listener: Listener) -> None:
    listener.thinks.clear()
    begun = time.monotonic()
    hooked.add("product", a_product())
    until(lambda: len(listener.heard) == 2)
    assert time.monotonic() - begun >= 5
    listener.thinks.set()
    sent(hooked)
    first = hooked.steer("GET", "webhooks")["posts"][0]
    assert (first["status"], [heard["Attempt"] for heard in listener.heard]) == (None, [1, 2])
    assert all(row["isActive"] for row in hooked.rows("webhooks"))


def test_doubled(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_doubled")
    hooked.add("product", a_product())
    sent(hooked)
    assert len(listener.heard) == 2
    assert listener.heard[0] == listener.heard[1]


def test_late(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_late", seconds=0.4, times=1)
    (tea,) = hooked.add("product", a_product(basePrice=1))
    until(lambda: bool(hooked.steer("GET", "faults/webhook_late")["on"]["acted"] == 1))
    hooked.steer("PATCH", f"records/product/{tea}", json={"basePrice": 2})
    sent(hooked)
    assert [heard["Notifications"][0]["Data"][0]["BasePrice"] for heard in listener.heard] == [2, 1]


def test_out_of_order(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_out_of_order", times=1)
    one, two, three = hooked.add("product", a_product(), a_product(), a_product())
    sent(hooked)
    assert [rows for _, rows in listener.told] == [[two], [one], [three]]


def test_badly_signed(hooked: Visitor, listener: Listener) -> None:
    hooked.fault("webhook_badly_signed", times=1)
    hooked.add("product", a_product(), a_product())
    sent(hooked)
    assert listener.signed == ["wrong", "sha1="]
