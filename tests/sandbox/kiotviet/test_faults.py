"""Each fault of the table, over a real socket; scopes, times and luck are those of every sandbox."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import requests

from app.sandbox.kiotviet.faults import FAULTS
from tests.sandbox.kiotviet.visiting import Visitor, a_line, a_product, an_order, claims

LOST = requests.ConnectionError


@pytest.fixture
def tea(shop: Visitor) -> int:
    (made,) = shop.add("product", a_product(modifiedDate="2026-11-20T09:00:00"))
    return made


def place(shop: Visitor, tea: int) -> requests.Response:
    return shop.call("POST", "orders", json=an_order(a_line(tea)))


def statuses(shop: Visitor, calls: int, path: str = "branches") -> list[int]:
    return [shop.call("GET", path).status_code for _ in range(calls)]


def test_slow_delays_a_right_answer(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("slow", ms=200)
    begun = time.monotonic()
    assert shop.get("branches")["total"] == 3
    assert time.monotonic() - begun >= 0.2


def test_slow_drip_sends_the_right_answer_byte_by_byte(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("slow_drip", ms=2, times=1)
    begun = time.monotonic()
    with shop.call("GET", "settings", stream=True) as reply:
        body = reply.raw.read()
    assert json.loads(body)["AllowSellWhenOutStock"] is True
    assert time.monotonic() - begun >= 0.002 * (len(body) - 1)


def test_answer_lost_takes_effect_all_the_same_and_a_second_try_doubles(shop: Visitor, tea: int) -> None:
    shop.fault("answer_lost", times=1)
    with pytest.raises(LOST):
        place(shop, tea)
    (call,) = shop.log("orders.write")
    assert (call["answered"], call["status"], call["fault"]) == (False, None, ["answer_lost"])
    assert place(shop, tea).status_code == 200
    assert len(shop.writes(kind="order", action="create")) == shop.get("orders")["total"] == 2


def test_dropped_connection_has_no_effect(shop: Visitor, tea: int) -> None:
    shop.sign_in()
    shop.fault("dropped_connection", times=1)
    with pytest.raises(LOST):
        place(shop, tea)
    assert shop.writes() == []
    assert place(shop, tea).status_code == 200


def test_timeout_says_nothing_and_then_hangs_up(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("timeout", seconds=0.3)
    begun = time.monotonic()
    with pytest.raises(LOST):
        shop.call("GET", "branches")
    assert time.monotonic() - begun >= 0.3


def test_oversized_fills_a_right_answer_up(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("oversized")
    reply = shop.call("GET", "branches")
    assert (len(reply.content), reply.json()["total"]) == (5 * 1024 * 1024, 3)


def test_truncated_json_cannot_be_read(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("truncated_json")
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        shop.call("GET", "branches").json()


def test_html_error_is_a_page_of_a_proxy(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("html_error")
    reply = shop.call("GET", "branches")
    assert (reply.status_code, "<h1>" in reply.text) == (502, True)


def test_server_error_writes_nothing(shop: Visitor, tea: int) -> None:
    shop.fault("server_error", route="write", status=503)
    assert place(shop, tea).status_code == 503
    assert (shop.writes(), statuses(shop, 1)) == ([], [200])


def test_rate_limited_and_no_retry_after(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("rate_limited", retry_after=17)
    reply = shop.call("GET", "branches")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "17")
    shop.fault("no_retry_after")
    assert "Retry-After" not in shop.call("GET", "branches").headers


def test_expired_token_ends_one_token_in_the_midst_and_a_new_one_is_good(shop: Visitor) -> None:
    old = shop.sign_in()
    shop.fault("expired_token", skip=1, times=1)
    assert statuses(shop, 3) == [200, 401, 401]
    assert shop.refused("GET", "branches", 401)[0] == "TokenException"
    assert shop.sign_in() != old
    assert statuses(shop, 2) == [200, 200]


def test_bad_token_refuses_new_ones_too(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("bad_token")
    assert shop.refused("GET", "branches", 401)[0] == "TokenException"
    shop.sign_in()
    assert statuses(shop, 1) == [401]


def test_short_token_really_expires(shop: Visitor) -> None:
    shop.fault("short_token", seconds=1)
    told = claims(shop.sign_in())
    assert shop.ask_token().json()["expires_in"] == 1
    assert statuses(shop, 1) == [200]
    deadline = time.monotonic() + 5
    while statuses(shop, 1) == [200] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert statuses(shop, 1) == [401]
    assert told["exp"] <= time.time()


def test_client_refused_is_told_as_oauth_does(shop: Visitor) -> None:
    shop.fault("client_refused", times=1)
    assert (shop.ask_token().status_code, shop.ask_token().status_code) == (400, 200)


def test_faults_of_any_route_meet_the_token_too(shop: Visitor) -> None:
    shop.fault("server_error", route="token")
    assert shop.ask_token().status_code == 500
    shop.fault("html_error", route="token", times=1)
    assert shop.ask_token().status_code in (500, 502)


def test_wrong_shop_refuses_the_right_name(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("wrong_shop", times=1)
    assert shop.refused("GET", "branches", 401)[1] == "Shop's name is invalid"


def test_forbidden_is_a_403(shop: Visitor) -> None:
    shop.sign_in()
    shop.fault("forbidden", route="orders")
    assert (statuses(shop, 1, "orders"), statuses(shop, 1)) == ([403], [200])


def test_quota_spent_stops_reads_for_so_long_and_no_write(shop: Visitor, tea: int) -> None:
    shop.sign_in()
    shop.fault("quota_spent", times=1, seconds=2)
    begun = time.monotonic()
    reply = shop.call("GET", "branches")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "2")
    assert reply.json()["responseStatus"]["message"]
    assert place(shop, tea).status_code == 200
    while statuses(shop, 1) == [429]:
        assert time.monotonic() - begun < 6
        time.sleep(0.05)
    assert time.monotonic() - begun >= 1.9


def test_the_hours_reads_are_counted_down_and_writes_are_not(shop: Visitor, tea: int) -> None:
    shop.steer("POST", "shops", json={"key": shop.key, "rate_limit": 3})
    assert place(shop, tea).status_code == 200
    assert statuses(shop, 4) == [200, 200, 200, 429]
    assert place(shop, tea).status_code == 200


def test_refused_is_a_rule_of_the_business(shop: Visitor, tea: int) -> None:
    shop.fault("refused", times=1)
    assert [place(shop, tea).status_code for _ in range(2)] == [420, 200]
    assert len(shop.writes(action="create")) == 1


def test_row_repeated_page_drift_rows_move_and_wrong_total_change_pages(shop: Visitor) -> None:
    ids = shop.add("product", *(a_product() for _ in range(5)))

    def second(**query: str) -> list[int]:
        return shop.ids("products", pageSize=2, currentItem=2, **query)

    shop.fault("row_repeated")
    assert second() == ids[1:3]
    shop.steer("DELETE", "faults")
    shop.fault("page_drift")
    assert second() == ids[3:5]
    shop.steer("DELETE", "faults")
    shop.fault("rows_move")
    assert second() == ids[2:4]
    assert second(orderBy="modifiedDate") != ids[2:4]
    shop.steer("DELETE", "faults")
    shop.fault("wrong_total", total=3)
    assert shop.get("products")["total"] == 3
    assert second() == ids[2:4]


@pytest.mark.parametrize(("row", "dated"), [(1, [False, True]), (2, [True, False]), (0, [False, False])])
def test_missing_modified_date_takes_it_from_one_row_or_all(
    shop: Visitor, tea: int, row: int, dated: list[bool]
) -> None:
    shop.add("product", a_product(modifiedDate="2026-11-20T09:00:00"))
    shop.fault("missing_modified_date", row=row)
    assert ["modifiedDate" in one for one in shop.rows("products")] == dated
    assert "modifiedDate" in shop.get(f"products/{tea}")


def test_unknown_status_is_one_that_nobody_knows(shop: Visitor, tea: int) -> None:
    assert place(shop, tea).ok and place(shop, tea).ok
    shop.fault("unknown_status", row=2, status=42)
    assert [row["status"] for row in shop.rows("orders")] == [1, 42]
    shop.steer("DELETE", "faults")
    assert [row["status"] for row in shop.rows("orders")] == [1, 1]


def test_a_fault_acts_on_one_resource_or_one_way_of_calling(shop: Visitor, tea: int) -> None:
    shop.fault("server_error", route="products")
    assert (statuses(shop, 1, "products"), statuses(shop, 1, f"products/{tea}"), statuses(shop, 1)) == (
        [500],
        [500],
        [200],
    )
    shop.fault("server_error", route="detail")
    assert (statuses(shop, 1, "products"), statuses(shop, 1, f"products/{tea}")) == ([200], [500])
    shop.fault("server_error", route="list")
    assert (statuses(shop, 1, "products"), statuses(shop, 1, f"products/{tea}")) == ([500], [200])
    assert shop.control("POST", "faults/server_error", json={"route": "nowhere"}).status_code == 400


def test_faults_of_one_shop_leave_another_alone(shop: Visitor, first_shop: Visitor) -> None:
    shop.fault("bad_token")
    assert first_shop.get("branches")["total"] == 3


def test_every_fault_of_the_table_is_played_here() -> None:
    here = Path(__file__)
    names = ("test_faults.py", "test_webhooks.py")
    source = "".join(here.with_name(name).read_text(encoding="utf-8") for name in names)
    assert [name for name in FAULTS if not re.search(rf'(shop|hooked)\.fault\("{name}"', source)] == []


def test_the_table_is_listed_with_what_each_fault_does(shop: Visitor) -> None:
    listed = shop.steer("GET", "faults")
    assert list(listed) == list(FAULTS)
    assert all(fault["description"].endswith(".") for fault in listed.values())
