"""Each fault of the table, over a real socket, and the scopes they share."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from app.sandbox.sitegiant.faults import FAULTS
from tests.sandbox.running import Visitor, an_order
from tests.sandbox.test_wire import WINDOW

LOST = requests.ConnectionError


def write(shop: Visitor, *order_ids: int) -> requests.Response:
    rows = [{"order_id": order_id, "invoice_no": f"INV{order_id}"} for order_id in order_ids]
    return shop.call("PUT", "order/list", json=rows)


def statuses(shop: Visitor, calls: int, path: str = "channels") -> list[int]:
    return [shop.call("GET", path).status_code for _ in range(calls)]


def test_bad_token_refuses_the_right_key(shop: Visitor) -> None:
    shop.fault("bad_token")
    reply = shop.call("GET", "channels")
    assert (reply.status_code, reply.json()["message"]) == (403, "Access denied due to invalid token")


def test_rate_limited_answers_429_with_the_wait_it_was_given(shop: Visitor) -> None:
    shop.fault("rate_limited", retry_after=17, times=1)
    reply = shop.call("GET", "channels")
    assert reply.status_code == 429
    assert (reply.headers["Retry-After"], reply.headers["X-RateLimit-Remaining"]) == ("17", "0")
    assert shop.call("GET", "channels").status_code == 200


def test_no_retry_after_takes_the_wait_away(shop: Visitor) -> None:
    shop.fault("rate_limited")
    shop.fault("no_retry_after")
    reply = shop.call("GET", "channels")
    assert (reply.status_code, "Retry-After" in reply.headers) == (429, False)


def test_server_error_answers_with_its_status_and_nothing_is_written(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("server_error", status=503)
    assert write(shop, order_id).status_code == 503
    assert shop.writes() == []


def test_timeout_says_nothing_and_then_hangs_up(shop: Visitor) -> None:
    shop.fault("timeout", seconds=0.3)
    begun = time.monotonic()
    with pytest.raises(LOST):
        shop.call("GET", "channels")
    assert time.monotonic() - begun >= 0.3


def test_timeout_lets_go_of_a_caller_that_has_hung_up(shop: Visitor) -> None:
    shop.fault("timeout", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{shop.sandbox.url}/api/v1/channels", headers={"Access-Token": shop.key}, timeout=(5, 0.2))
    deadline = time.monotonic() + 5
    while shop.log()[-1]["ms"] is None and time.monotonic() < deadline:
        time.sleep(0.02)
    (call,) = shop.log()
    assert call["answered"] is False
    assert call["ms"] < 5000


def test_slow_delays_a_right_answer(shop: Visitor) -> None:
    shop.fault("slow", ms=200)
    begun = time.monotonic()
    assert shop.answer("GET", "channels") == {"channel_list": []}
    assert time.monotonic() - begun >= 0.2


def test_dropped_connection_closes_without_an_answer_or_an_effect(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("dropped_connection", times=1)
    with pytest.raises(LOST):
        write(shop, order_id)
    assert shop.writes() == []
    assert write(shop, order_id).status_code == 200


def test_answer_lost_takes_effect_all_the_same(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("answer_lost", times=1)
    with pytest.raises(LOST):
        write(shop, order_id)
    assert [entry["invoice_no"] for entry in shop.writes()] == [f"INV{order_id}"]
    (call,) = shop.log("write")
    assert (call["answered"], call["status"], call["fault"]) == (False, None, ["answer_lost"])
    assert shop.order(order_id)["invoice_no"] == f"INV{order_id}"


def test_logical_failure_hides_inside_http_200(shop: Visitor) -> None:
    shop.fault("logical_failure")
    reply = shop.call("GET", "channels")
    assert (reply.status_code, reply.json()["code"]) == (200, "400")


def test_code_as_string_never_sends_a_number(shop: Visitor) -> None:
    shop.fault("code_as_string")
    assert [shop.call("GET", "channels").json()["code"] for _ in range(4)] == ["200"] * 4


def test_bare_list_leaves_out_code_and_total(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("bare_list")
    body = shop.call("GET", "orders", params={"channel_id": 1, **WINDOW}).json()
    assert [row["order_id"] for row in body] == [order_id]
    assert shop.answer("GET", "channels")["channel_list"]


def test_html_error_is_a_page_of_a_proxy(shop: Visitor) -> None:
    shop.fault("html_error")
    reply = shop.call("GET", "channels")
    assert reply.status_code == 502
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "<h1>" in reply.text


def test_truncated_json_cannot_be_read(shop: Visitor) -> None:
    shop.fault("truncated_json")
    reply = shop.call("GET", "channels")
    assert reply.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        reply.json()


@pytest.mark.parametrize(("row", "codes"), [(1, [500, 200, 200]), (3, [200, 200, 500]), (0, [500, 500, 500])])
def test_row_write_failure_fails_that_row_alone(shop: Visitor, row: int, codes: list[int]) -> None:
    ids = shop.add(an_order(), an_order(), an_order())
    shop.fault("row_write_failure", row=row)
    results = write(shop, *ids).json()["response"]["order_list"]
    assert [result["code"] for result in results] == codes
    written = [order_id for order_id, code in zip(ids, codes, strict=True) if code == 200]
    assert [entry["order_id"] for entry in shop.writes()] == written


def test_a_fault_acts_on_its_route_alone(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("server_error", route="write")
    assert write(shop, order_id).status_code == 500
    assert shop.order(order_id)["invoice_no"] == ""
    assert statuses(shop, 1) == [200]


def test_times_end_a_fault_by_themselves(shop: Visitor) -> None:
    shop.fault("server_error", times=2)
    assert statuses(shop, 4) == [500, 500, 200, 200]
    on = shop.steer("GET", "faults")["server_error"]["on"]
    assert (on["acted"], on["times"]) == (2, 0)


def test_skip_lets_the_first_calls_of_its_route_pass(shop: Visitor) -> None:
    shop.add(an_order())
    shop.fault("server_error", route="list", skip=1, times=1)
    codes = []
    for page in (1, 2, 3):
        codes.append(shop.call("GET", "orders", params={"channel_id": 1, **WINDOW, "page": page}).status_code)
        shop.call("GET", "channels")
    assert codes == [200, 500, 200]


def test_probability_is_the_same_luck_each_time(shop: Visitor) -> None:
    runs = []
    for _ in range(2):
        shop.fault("server_error", probability=0.5)
        runs.append(statuses(shop, 20))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_faults_go_off_one_by_one_or_all_together(shop: Visitor) -> None:
    for name in ("server_error", "slow", "code_as_string"):
        shop.fault(name)
    shop.steer("DELETE", "faults/server_error")
    assert statuses(shop, 1) == [200]
    assert shop.steer("GET", "faults/slow")["on"]["params"] == {"ms": 500}
    assert shop.control("GET", "faults/no_such").status_code == 404
    shop.steer("DELETE", "faults")
    assert all(fault["on"] is None for fault in shop.steer("GET", "faults").values())


def test_faults_of_one_shop_leave_another_alone(shop: Visitor, first_shop: Visitor) -> None:
    shop.fault("server_error")
    assert statuses(first_shop, 1) == [200]


def test_faults_work_together(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("row_write_failure")
    shop.fault("answer_lost")
    with pytest.raises(LOST):
        write(shop, order_id, order_id)
    assert len(shop.writes()) == 1
    assert shop.log("write")[0]["fault"] == ["answer_lost", "row_write_failure"]


def test_the_table_is_listed_with_what_each_fault_does(shop: Visitor) -> None:
    listed = shop.steer("GET", "faults")
    assert list(listed) == list(FAULTS)
    assert all(fault["description"].endswith(".") for fault in listed.values())
    assert listed["row_write_failure"]["default_route"] == "write"
    assert listed["timeout"]["default_params"] == {"seconds": 60}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("no_such", {}),
        ("slow", {"seconds": 1}),
        ("slow", {"ms": "long"}),
        ("slow", {"ms": -1}),
        ("slow", {"route": "everywhere"}),
        ("slow", {"probability": 2}),
        ("slow", {"times": "often"}),
    ],
)
def test_a_senseless_switch_is_refused(shop: Visitor, name: str, settings: dict[str, Any]) -> None:
    reply = shop.control("POST", f"faults/{name}", json=settings)
    assert reply.status_code == 400
    assert reply.json()["error"]
    assert all(fault["on"] is None for fault in shop.steer("GET", "faults").values())


def test_a_fault_can_be_named_in_the_body(shop: Visitor) -> None:
    shop.steer("POST", "faults", json={"name": "bad_token", "times": 1})
    assert statuses(shop, 2) == [403, 200]
