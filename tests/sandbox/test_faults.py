"""Each fault of the table, over a real socket, and the scopes they share."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
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


def test_a_shop_may_not_know_the_last_change_or_pass_over_it(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(updated_at="2026-11-21T00:00:00+08:00"))
    window = {"date_from": "2026-11-20T00:00:00+08:00", "date_to": "2026-11-20T23:59:59+08:00"}
    asked = {"channel_id": 1, **window, "date_type": "updated"}
    assert shop.answer("GET", "orders", params=asked)["order_list"] == []
    shop.fault("updates_ignored")
    assert [row["order_id"] for row in shop.answer("GET", "orders", params=asked)["order_list"]] == [order_id]
    shop.fault("updates_unknown")
    assert shop.call("GET", "orders", params=asked).json() == {"code": "400", "message": "Unknown parameter date_type"}
    assert shop.answer("GET", "orders", params={"channel_id": 1, **window})["total"] == 1


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


def test_slow_drip_sends_the_right_answer_byte_by_byte(shop: Visitor) -> None:
    shop.fault("slow_drip", ms=4, times=1)
    begun = time.monotonic()
    with shop.call("GET", "channels", stream=True) as reply:
        first = reply.raw.read(1)
        first_after = time.monotonic() - begun
        rest = reply.raw.read()
    assert json.loads(first + rest)["response"] == {"channel_list": []}
    assert time.monotonic() - begun - first_after >= 0.004 * (len(rest) - 1)


def test_slow_drip_lets_go_of_a_caller_that_has_hung_up(shop: Visitor) -> None:
    shop.fault("slow_drip", ms=60_000, times=20)
    for _ in range(20):
        shop.call("GET", "channels", stream=True).close()
    assert statuses(shop, 1) == [200]


def test_oversized_fills_a_right_answer_up(shop: Visitor) -> None:
    shop.fault("oversized")
    reply = shop.call("GET", "channels")
    assert len(reply.content) == 5 * 1024 * 1024
    assert reply.json()["response"] == {"channel_list": []}


def paged(shop: Visitor) -> list[list[int]]:
    """The ids of the first four pages of two rows."""
    queries = [{"channel_id": 1, **WINDOW, "page": page, "limit": 2} for page in (1, 2, 3, 4)]
    pages = [shop.answer("GET", "orders", params=query)["order_list"] for query in queries]
    return [[row["order_id"] for row in page] for page in pages]


def test_row_repeated_begins_a_page_with_the_end_of_the_one_before(shop: Visitor) -> None:
    shop.add(*[an_order(order_id=number) for number in range(1, 6)])
    shop.fault("row_repeated")
    assert paged(shop) == [[1, 2], [2, 3], [4, 5], []]


def test_page_drift_leaves_rows_on_no_page(shop: Visitor) -> None:
    shop.add(*[an_order(order_id=number) for number in range(1, 6)])
    shop.fault("page_drift")
    assert paged(shop) == [[1, 2], [4, 5], [], []]


@pytest.mark.parametrize(("row", "dated"), [(1, [False, True]), (2, [True, False]), (0, [False, False])])
def test_missing_date_takes_the_creation_date_from_one_order_or_all(shop: Visitor, row: int, dated: list[bool]) -> None:
    ids = shop.add(an_order(), an_order())
    shop.fault("missing_date", row=row)
    found = shop.answer("POST", "order/multipleOrder", json={"order_id": ids})["order_list"]
    assert ["order_creation_date" in order for order in found] == dated
    assert shop.answer("GET", "orders", params={"channel_id": 1, **WINDOW})["order_list"][0]["created_at"]


def test_unknown_gateway_is_one_that_nobody_has_seen(shop: Visitor) -> None:
    ids = shop.add(an_order(), an_order())
    shop.fault("unknown_gateway", row=2)
    found = shop.answer("POST", "order/multipleOrder", json={"order_id": ids})["order_list"]
    assert [order["billing_method"] for order in found] == ["ShopeePay", "MysteryPay 神秘"]
    shop.steer("DELETE", "faults")
    assert shop.order(ids[1])["billing_method"] == "ShopeePay"


def test_stale_details_are_those_of_before_the_payment(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("stale_details")
    (row,) = shop.answer("GET", "orders", params={"channel_id": 1, **WINDOW})["order_list"]
    assert (row["order_status"], row["payment_status"]) == ("Completed", "Paid")
    sent = shop.order(order_id)
    assert (sent["order_status"], sent["payment_status"], sent["total"]) == ("Open", "Unpaid", "42.00")


def test_poisoned_order_spoils_every_call_that_asks_for_it(shop: Visitor) -> None:
    one, two, three = shop.add(an_order(), an_order(), an_order())
    shop.fault("poisoned_order", order=two)
    codes = [
        shop.call("POST", "order/multipleOrder", json={"order_id": asked}).status_code
        for asked in ([one, two, three], [one, three], [two])
    ]
    assert codes == [500, 200, 500]


def test_changing_order_is_listed_before_and_sent_after_its_change(shop: Visitor) -> None:
    one, two = shop.add(an_order(), an_order())
    shop.fault("changing_order", times=1)
    before = shop.answer("GET", "orders", params={"channel_id": 1, **WINDOW})["order_list"]
    found = shop.answer("POST", "order/multipleOrder", json={"order_id": [one, two]})["order_list"]
    after = shop.answer("GET", "orders", params={"channel_id": 1, **WINDOW})["order_list"]
    assert [order["total"] for order in found] == ["43.00", "42.00"]
    assert found[0]["updated_at"] == after[0]["updated_at"] > before[0]["updated_at"]
    assert after[1] == before[1]


@pytest.mark.parametrize(("skew", "time"), [({"ahead": 5}, "00:03:10"), ({"ahead": 0, "behind": 5}, "23:53:10")])
def test_clock_skew_moves_the_times_that_are_sent_and_asked_for(shop: Visitor, skew: dict[str, int], time: str) -> None:
    (order_id,) = shop.add(an_order())
    shop.fault("clock_skew", **skew)
    assert time in shop.order(order_id)["order_creation_date"]
    (row,) = shop.answer("GET", "orders", params={"channel_id": 1, **WINDOW})["order_list"]
    assert time in row["created_at"]
    until_then = {"date_from": WINDOW["date_from"], "date_to": row["created_at"]}
    before = {"date_from": WINDOW["date_from"], "date_to": row["created_at"].replace("10+08:00", "09+08:00")}
    assert shop.answer("GET", "orders", params={"channel_id": 1, **until_then})["total"] == 1
    assert shop.answer("GET", "orders", params={"channel_id": 1, **before})["total"] == 0


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


def test_every_fault_of_the_table_is_played_here() -> None:
    here = Path(__file__)
    source = here.read_text(encoding="utf-8") + here.with_name("test_webhooks.py").read_text(encoding="utf-8")
    assert [name for name in FAULTS if not re.search(rf'(shop|hooked)\.fault\("{name}"', source)] == []


def test_a_fault_can_be_named_in_the_body(shop: Visitor) -> None:
    shop.steer("POST", "faults", json={"name": "bad_token", "times": 1})
    assert statuses(shop, 2) == [403, 200]
