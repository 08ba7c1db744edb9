"""SiteGiant's routes and their quirks, as the contract has them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from app.sandbox.sitegiant.orders import checked_order
from tests.sandbox.running import Running, Visitor, an_order

WINDOW = {"date_from": "2026-11-01T00:00:00+08:00", "date_to": "2026-11-30T00:00:00+08:00"}
TOKEN = "Access denied due to invalid token"


def a_list(shop: Visitor, channel_id: int = 1, **query: Any) -> Any:
    return shop.answer("GET", "orders", params={"channel_id": channel_id, **WINDOW, **query})


def listed(shop: Visitor, **query: Any) -> list[int]:
    return [row["order_id"] for row in a_list(shop, **query)["order_list"]]


def refused(shop: Visitor, method: str, path: str, **given: Any) -> str:
    """The message of a logical failure: HTTP 200 with code "400"."""
    reply = shop.call(method, path, **given)
    assert (reply.status_code, reply.json()["code"]) == (200, "400")
    return str(reply.json()["message"])


ROUTES = [
    ("GET", "channels"),
    ("GET", "orders"),
    ("POST", "order/multipleOrder"),
    ("PUT", "order/list"),
    ("GET", "items"),
]


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "nowhere")])
@pytest.mark.parametrize("headers", [{}, {"Access-Token": "guess"}])
def test_wrong_token_is_refused_on_every_route(
    sandbox: Running, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = requests.request(method, f"{sandbox.url}/api/v1/{path}", headers=headers, timeout=10)
    assert (reply.status_code, reply.json()) == (403, {"code": 403, "message": TOKEN})
    assert "X-RateLimit-Remaining" in reply.headers


def test_unknown_route_is_not_found(shop: Visitor) -> None:
    assert shop.call("DELETE", "orders").status_code == 404


def test_api_answers_without_the_prefix_too(sandbox: Running) -> None:
    reply = requests.get(f"{sandbox.root}/api/v1/channels", headers={"Access-Token": "sandbox-key"}, timeout=10)
    assert reply.json()["response"]["channel_list"]


def test_channels_name_their_type_and_currency(first_shop: Visitor) -> None:
    found = first_shop.answer("GET", "channels")["channel_list"]
    assert {"id": 6, "name": "Serai & Pandan - Shopee SG", "type": "Shopee", "currency": "SGD"} in found
    assert {channel["type"] for channel in found} >= {"Shopee", "Lazada", "TikTok", "Webstore", "POS", "LandingPage"}


def test_the_code_comes_as_number_and_as_string(shop: Visitor) -> None:
    codes = {repr(shop.call("GET", "channels").json()["code"]) for _ in range(2)}
    assert codes == {"200", "'200'"}


def test_list_pages_through_every_order_once_in_order_of_creation(first_shop: Visitor) -> None:
    first = a_list(first_shop, limit=7)
    rows, page = list(first["order_list"]), 1
    while True:
        page += 1
        more = a_list(first_shop, limit=7, page=page)
        assert "total" not in more
        if not more["order_list"]:
            break
        rows += more["order_list"]
    assert len(rows) == first["total"] > 7
    assert len({row["order_id"] for row in rows}) == len(rows)
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert set(rows[0]) == {"order_id", "order_status", "payment_status", "created_at", "updated_at"}


def test_list_window_holds_both_its_ends_and_looks_at_creation(shop: Visitor) -> None:
    times = [f"2026-11-{day:02d}T00:00:00+08:00" for day in (9, 10, 11, 12)]
    ids = shop.add(*(an_order(order_creation_date=at, updated_at="2026-11-20T00:00:00+08:00") for at in times))
    assert listed(shop, date_from=times[1], date_to=times[2]) == ids[1:3]
    assert listed(shop, date_from="2026-11-09T16:00:00Z", date_to="2026-11-10T16:00:00Z") == ids[1:3]


def test_list_may_look_at_the_last_change_instead(shop: Visitor) -> None:
    times = [f"2026-11-{day:02d}T00:00:00+08:00" for day in (12, 11, 10)]
    created = "2026-11-02T00:00:00+08:00"
    first, second, third = shop.add(*(an_order(order_creation_date=created, updated_at=at) for at in times))
    assert listed(shop, date_type="updated") == [third, second, first]
    assert listed(shop, date_type="updated", date_from=times[1], date_to=times[0]) == [second, first]
    assert a_list(shop, date_type="updated", date_from=times[1], date_to=times[0])["total"] == 2
    shop.steer("POST", f"orders/{third}/cancel")
    assert third not in listed(shop, date_type="updated", date_from=times[2], date_to=times[0])


def test_orders_of_one_moment_are_listed_by_id(shop: Visitor) -> None:
    shop.add(*(an_order(order_id=number) for number in (30, 10, 20)))
    assert listed(shop) == [10, 20, 30]


def test_list_holds_one_channel_of_one_shop(shop: Visitor) -> None:
    shopee, lazada = shop.add(an_order(), an_order(marketplace="Lazada"))
    assert listed(shop, channel_id=1) == [shopee]
    assert listed(shop, channel_id=2) == [lazada]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"date_to": "2026-12-02T00:00:01+08:00"}, "31 days"),
        ({"date_to": "2026-10-31T00:00:00+08:00"}, "31 days"),
        ({"date_from": "2026-11-01"}, "no offset"),
        ({"date_from": None}, "not a time"),
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"page": 0}, "page"),
        ({"channel_id": 99}, "Channel not found"),
        ({"date_type": "paid"}, "created or updated"),
        ({"channel_id": None}, "channel_id"),
    ],
)
def test_senseless_lists_fail_inside_http_200(shop: Visitor, query: dict[str, Any], says: str) -> None:
    shop.add(an_order())
    assert says in refused(shop, "GET", "orders", params={"channel_id": 1, **WINDOW, **query})


def test_a_window_of_exactly_31_days_is_taken(shop: Visitor) -> None:
    shop.add(an_order())
    assert listed(shop, date_to="2026-12-02T00:00:00+08:00")


def test_details_hold_the_whole_order_and_leave_out_unknown_ids(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order(note="谢谢 🎁"))
    found = shop.answer("POST", "order/multipleOrder", json={"order_id": [999_999, order_id, str(order_id)]})
    (detail,) = found["order_list"]
    assert detail == checked_order(an_order(order_id=order_id, channel_id=1, note="谢谢 🎁"))
    assert "currency" not in detail


def test_details_come_in_the_order_asked_for(shop: Visitor) -> None:
    ids = shop.add(an_order(), an_order(), an_order())[::-1]
    found = shop.answer("POST", "order/multipleOrder", json={"order_id": ids})["order_list"]
    assert [detail["order_id"] for detail in found] == ids


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"order_id":1}', b'{"order_id":["x"]}', b'{"order_id":[true]}'])
def test_senseless_detail_calls_fail_inside_http_200(shop: Visitor, body: bytes) -> None:
    assert refused(shop, "POST", "order/multipleOrder", data=body)


def test_more_than_100_at_once_are_refused(shop: Visitor) -> None:
    assert "100" in refused(shop, "POST", "order/multipleOrder", json={"order_id": list(range(1, 102))})
    rows = [{"order_id": number, "invoice_no": "X"} for number in range(1, 102)]
    assert "100" in refused(shop, "PUT", "order/list", json=rows)


def test_a_written_number_is_stored_logged_and_stamps_the_order(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    before = shop.order(order_id)["updated_at"]
    result = shop.answer("PUT", "order/list", json=[{"order_id": order_id, "invoice_no": "INV0022"}])
    assert result["order_list"] == [{"order_id": order_id, "code": 200, "message": "Updated"}]
    order = shop.order(order_id)
    assert order["invoice_no"] == "INV0022"
    assert order["updated_at"] > before
    assert [row["updated_at"] for row in a_list(shop)["order_list"]] == [order["updated_at"]]


def test_the_channel_is_naive_about_numbers(shop: Visitor) -> None:
    one, other = shop.add(an_order(), an_order())
    for order_id, number in ((one, "INV1"), (other, "INV1"), (one, "INV2"), (one, "INV2")):
        shop.answer("PUT", "order/list", json=[{"order_id": order_id, "invoice_no": number}])
    assert [(write["order_id"], write["previous"], write["invoice_no"]) for write in shop.writes()] == [
        (one, "", "INV1"),
        (other, "", "INV1"),
        (one, "INV1", "INV2"),
        (one, "INV2", "INV2"),
    ]


def test_rows_of_a_write_stand_or_fall_alone(shop: Visitor) -> None:
    (order_id,) = shop.add(an_order())
    rows = [
        {"order_id": 404_404, "invoice_no": "A"},
        {"order_id": order_id, "invoice_no": "B"},
        {"order_id": order_id},
        {"invoice_no": "C"},
        "row",
    ]
    results = shop.answer("PUT", "order/list", json=rows)["order_list"]
    assert [row["code"] for row in results] == [404, 200, 400, 400, 400]
    assert [write["invoice_no"] for write in shop.writes()] == ["B"]


def test_items_are_the_catalogue_that_orders_sell(first_shop: Visitor) -> None:
    pages = [first_shop.answer("GET", "items", params={"page": page, "limit": 30}) for page in (1, 2, 3)]
    rows = [row for page in pages for row in page["item_list"]]
    assert pages[2]["item_list"] == []
    assert pages[0]["total"] == len(rows) > 30
    sold = first_shop.steer("GET", "orders", params={"limit": 300})["orders"]
    skus = {line["isku"] for order in sold for line in order["order_items"] if line["isku"]}
    assert skus <= {row["isku"] for row in rows}


def test_every_answer_counts_down_the_shops_own_quota(shop: Visitor, first_shop: Visitor) -> None:
    left = [int(shop.call("GET", path).headers["X-RateLimit-Remaining"]) for path in ("channels", "nowhere", "items")]
    assert left == [499, 498, 497]
    assert first_shop.call("GET", "channels").headers["X-RateLimit-Limit"] == "3000"


def test_a_spent_quota_is_429_and_says_when_to_come_back(shop: Visitor) -> None:
    shop.steer("POST", "shops", json={"key": shop.key, "rate_limit": 2})
    replies = [shop.call("GET", "channels") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].json()["code"] == 429
    assert replies[2].headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(replies[2].headers["Retry-After"]) <= 60
    shop.fault("no_retry_after")
    silent = shop.call("GET", "channels")
    assert (silent.status_code, "Retry-After" in silent.headers) == (429, False)


def test_a_hundred_orders_take_milliseconds(sandbox: Running) -> None:
    with requests.Session() as session:
        big = Visitor(sandbox, "big-shop", session)
        big.steer(
            "POST", "shops", params={"key": "sandbox-key"}, json={"key": big.key, "count": 10_000, "rate_limit": 900}
        )
        window = {"date_from": "2026-10-25T00:00:00+08:00", "date_to": "2026-11-22T00:00:00+08:00"}
        for page in range(1, 11):
            ids = listed(big, page=page, **window)
            assert len(ids) == 100
            big.answer("POST", "order/multipleOrder", json={"order_id": ids})
        took = {route: sorted(call["ms"] for call in big.log(route)) for route in ("list", "detail")}
        big.steer("POST", "reset")
    # Typically 1 ms; the middle one of ten, generously, because the machine is shared.
    assert took["list"][5] < 25
    assert took["detail"][5] < 25


def test_items_come_in_pages_with_their_number_and_a_picture(shop: Visitor) -> None:
    shop.steer("POST", "items", json=[{"isku": f"A{n}", "name": "Kopi"} for n in range(5)])
    pages = [shop.answer("GET", "items", params={"page": page, "limit": 2}) for page in (1, 2, 3, 4)]
    assert {page["total"] for page in pages} == {5}
    assert [[row["isku"] for row in page["item_list"]] for page in pages] == [["A0", "A1"], ["A2", "A3"], ["A4"], []]


def test_items_are_changed_and_taken_away_and_drift_while_paging(shop: Visitor) -> None:
    ids = shop.steer("POST", "items", json=[{"isku": f"A{n}", "name": "Kopi"} for n in range(4)])["item_ids"]
    shop.steer("POST", "items", json=[{"item_id": ids[1], "isku": "B", "name": "Teh"}])
    shop.steer("DELETE", f"items/{ids[0]}")
    rows = shop.answer("GET", "items")["item_list"]
    assert [row["isku"] for row in rows] == ["B", "A2", "A3"]
    shop.fault("page_drift", route="items")
    second = shop.answer("GET", "items", params={"page": 2, "limit": 1})
    assert [row["isku"] for row in second["item_list"]] == ["A3"]


def test_made_up_items_have_what_a_shop_shows(first_shop: Visitor) -> None:
    row, *_ = first_shop.answer("GET", "items")["item_list"]
    assert all(row[name] for name in ("item_id", "isku", "name", "barcode", "price", "currency", "stock", "image"))
