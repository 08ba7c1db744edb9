"""The SiteGiant connector against answers chosen one by one: envelopes, paging, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from flask_babel import Babel

from app.connectors import REGISTRY, connect
from app.connectors.base import Connector, ConnectorOptions
from app.core.errors import (
    AddressRefused,
    AuthRejected,
    ChannelError,
    FailedThere,
    Misconfigured,
    NotThisSystem,
    RateLimited,
    Rejected,
    Unavailable,
    Unreachable,
)
from app.core.types import (
    OrderWindow,
    RemoteMarketplace,
    RemoteOrder,
    UnreadableOrder,
)
from tests.connectors.wire import BASE, detail, envelope, orders, sent, stub

MYR = {"7": "MYR"}
WINDOW = OrderWindow("7", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))


# ---- connecting


def test_the_registry_has_sitegiant_with_a_secret_key() -> None:
    assert [(field.name, field.secret) for field in REGISTRY["sitegiant"].config_fields] == [
        ("domain", False),
        ("api_key", True),
    ]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({}, Misconfigured),
        ({"domain": "shop.example"}, Misconfigured),
        ({"domain": "shop.example", "api_key": "  "}, Misconfigured),
        ({"domain": "shop.example", "api_key": "two\nlines"}, Misconfigured),
        ({"domain": "", "api_key": "k"}, Misconfigured),
        ({"domain": "http://shop.example", "api_key": "k"}, AddressRefused),
        ({"domain": "127.0.0.1", "api_key": "k"}, AddressRefused),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(config: dict[str, str], kind: type[Misconfigured]) -> None:
    with pytest.raises(kind):
        connect("sitegiant", config, ConnectorOptions())


@pytest.mark.parametrize(
    ("domain", "url"),
    [
        ("shop.example", f"{BASE}/channels"),
        ("https://shop.example/api/v1/", f"{BASE}/channels"),
        ("https://shop.example/erp", "https://shop.example/erp/api/v1/channels"),
    ],
)
def test_the_base_url_from_what_was_typed(web: responses.RequestsMock, domain: str, url: str) -> None:
    web.get(url, json=envelope({"channel_list": []}))
    connector = connect("sitegiant", {"domain": domain, "api_key": " sk-1 "}, ConnectorOptions())
    assert connector.check().account_name == "shop.example"
    assert web.calls[0].request.headers["Access-Token"] == "sk-1"
    connector.close()


@pytest.mark.parametrize("code", [200, "200", " 200 ", 201])
def test_check_says_whose_account_it_is(web: responses.RequestsMock, shop: Connector, code: Any) -> None:
    rows = [
        {"id": 7, "name": "My Shop - Shopee", "type": "Shopee", "currency": "MYR"},
        {"id": "8", "name": "My Shop - Webstore", "type": "Webstore", "currency": "SGD"},
    ]
    web.get(f"{BASE}/channels", json=envelope({"channel_list": rows}, code))
    facts = shop.check()
    assert facts.account_name == "My Shop"
    assert facts.marketplaces == (
        RemoteMarketplace("7", "My Shop - Shopee", "Shopee", "MYR"),
        RemoteMarketplace("8", "My Shop - Webstore", "Webstore", "SGD"),
    )


def test_shops_of_different_names_are_called_by_their_host(web: responses.RequestsMock, shop: Connector) -> None:
    rows = [{"id": 1, "name": "Kopi - Shopee"}, {"id": 2, "name": "Teh - Shopee"}, {"id": 3, "name": "Plain"}]
    web.get(f"{BASE}/channels", json=envelope(rows))
    assert shop.check().account_name == "shop.example"


NOT_SITEGIANT: list[dict[str, Any]] = [
    {"body": "<html>Welcome to my blog</html>", "content_type": "text/html"},
    {"body": "", "content_type": "text/plain"},
    {"json": {"hello": "world"}},
    {"json": {"code": 200}},
    {"json": {"code": 200, "response": {"something": []}}},
    {"json": {"code": 200, "response": None}},
    {"json": {"code": "ok", "response": {"channel_list": []}}},
    {"json": {"code": True, "response": {"channel_list": []}}},
    {"json": {"code": 200, "response": {"channel_list": [{"name": "no id"}]}}},
    {"json": {"code": 200, "response": {"channel_list": ["x"]}}},
    {"json": {"code": 404, "message": "no such route"}},
    {"json": "text"},
    {"json": 7},
    {"body": "<html>Not found</html>", "status": 404},
    {"json": {"message": "Not found"}, "status": 404},
    {"body": "<html>Forbidden</html>", "status": 403},
    {"body": "<html>Sign in</html>", "status": 401},
]


@pytest.mark.parametrize("reply", NOT_SITEGIANT)
def test_what_answers_differently_is_not_sitegiant(
    web: responses.RequestsMock, shop: Connector, reply: dict[str, Any]
) -> None:
    web.get(f"{BASE}/channels", **reply)
    with pytest.raises(NotThisSystem) as caught:
        shop.check()
    assert "There is a website at shop.example, but it does not answer as SiteGiant does" in caught.value.user_message


def test_a_failure_of_sitegiant_is_not_another_system(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/channels", json={"code": "400", "message": "Shop is suspended"})
    with pytest.raises(Rejected, match="Shop is suspended"):
        shop.check()


DENIED = "Access denied due to invalid token"


@pytest.mark.parametrize(
    "reply",
    [
        {"json": {"code": 403, "message": DENIED}, "status": 403},
        {"json": {"code": "403", "message": DENIED}, "status": 200},
        {"json": {"code": 401, "message": DENIED}, "status": 401},
    ],
)
def test_a_wrong_key_says_so(web: responses.RequestsMock, shop: Connector, reply: dict[str, Any]) -> None:
    web.get(f"{BASE}/channels", **reply)
    with pytest.raises(AuthRejected) as caught:
        shop.check()
    assert "does not accept this key" in caught.value.user_message
    assert DENIED in caught.value.detail


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("inside", [False, True])
def test_trouble_over_there_is_not_a_wrong_system(
    web: responses.RequestsMock, shop: Connector, status: int, inside: bool
) -> None:
    if inside:
        web.get(f"{BASE}/channels", json={"code": str(status), "message": "oops"})
    else:
        web.get(f"{BASE}/channels", body="<html>oops</html>", status=status)
    with pytest.raises(Unavailable) as caught:
        shop.check()
    assert type(caught.value) is FailedThere
    assert f"error {status}" in caught.value.user_message


def test_each_mistake_has_a_sentence_of_its_own(web: responses.RequestsMock, shop: Connector) -> None:
    replies: list[dict[str, Any]] = [
        {"json": {"code": 403}, "status": 403},
        {"body": "<html>"},
        {"status": 500},
        {"body": requests.exceptions.ReadTimeout()},
        {"body": requests.exceptions.ChunkedEncodingError()},
        {"status": 302, "headers": {"Location": "https://www.shop.example/"}},
        {"status": 429},
    ]
    sentences: set[str] = set()
    for reply in replies:
        web.upsert(responses.GET, f"{BASE}/channels", **reply)
        with pytest.raises(ChannelError) as caught:
            shop.check()
        sentences.add(caught.value.user_message)
    assert len(sentences) == len(replies)
    assert all(sentence.endswith(".") for sentence in sentences)


# ---- reading the list


def test_a_page_of_the_list(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/orders", json=orders([stub(1), stub(2)], total="2"))
    page = shop.list_orders(WINDOW, 1, MYR)
    assert [found.remote_id for found in page.stubs] == ["1", "2"]
    assert (page.number, page.total, page.is_last, page.window) == (1, 2, True, WINDOW)
    assert all(found.marketplace_id == "7" for found in page.stubs)
    assert web.calls[0].request.params == {  # type: ignore[attr-defined]
        "channel_id": "7",
        "date_from": "2026-11-01T08:00:00+08:00",
        "date_to": "2026-11-22T08:00:00+08:00",
        "page": "1",
        "limit": "100",
    }


LAST_PAGES: list[tuple[int, int, int | None, bool]] = [
    # page, rows on it, total told, is it the last?
    (1, 100, 250, False),
    (2, 100, None, False),
    (3, 50, None, True),
    (3, 0, None, True),
    (1, 100, 100, True),
    (2, 100, 200, True),
    (1, 0, 0, True),
    (1, 0, 30, True),
    # A channel that gives fewer a page than it was asked for still has more to give.
    (1, 50, 80, False),
]


@pytest.mark.parametrize("case", LAST_PAGES)
def test_which_page_is_the_last(
    web: responses.RequestsMock, shop: Connector, case: tuple[int, int, int | None, bool]
) -> None:
    page, rows, total, is_last = case
    web.get(f"{BASE}/orders", json=orders([stub(number) for number in range(1, rows + 1)], total))
    read = shop.list_orders(WINDOW, page, MYR)
    assert (read.is_last, read.total, len(read.stubs)) == (is_last, total, rows)


@pytest.mark.parametrize(("rows", "is_last"), [(100, False), (99, True), (0, True)])
def test_a_bare_list_tells_no_total(web: responses.RequestsMock, shop: Connector, rows: int, is_last: bool) -> None:
    web.get(f"{BASE}/orders", json=[stub(number) for number in range(1, rows + 1)])
    read = shop.list_orders(WINDOW, 1, MYR)
    assert (read.is_last, read.total, len(read.stubs)) == (is_last, None, rows)


def test_a_list_inside_the_envelope_is_read_too(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/orders", json=envelope([stub(1)]))
    assert [found.remote_id for found in shop.list_orders(WINDOW, 1, MYR).stubs] == ["1"]


FAILED_PAGES: list[dict[str, Any]] = [
    {"body": "<html>maintenance</html>"},
    {"body": ""},
    {"json": {}},
    {"json": {"code": 200}},
    {"json": {"code": 200, "response": {}}},
    {"json": {"code": 200, "response": None}},
    {"json": {"code": 200, "response": {"order_list": None}}},
    {"json": {"code": 200, "response": {"order_list": {"1": {}}}}},
    {"json": {"response": {"order_list": []}}},
    {"json": {"code": 200, "response": {"order_list": [{"order_status": "Open"}]}}},
    {"json": {"code": 200, "response": {"order_list": ["x"]}}},
    {"json": {"code": "500", "message": "oops"}},
    {"status": 502},
    {"body": requests.exceptions.ConnectionError("reset")},
]


@pytest.mark.parametrize("reply", FAILED_PAGES)
def test_a_failed_page_is_an_error_never_an_empty_page(
    web: responses.RequestsMock, shop: Connector, reply: dict[str, Any]
) -> None:
    web.get(f"{BASE}/orders", **reply)
    with pytest.raises(Unavailable) as caught:
        shop.list_orders(WINDOW, 1, MYR)
    assert not caught.value.maybe_done


def test_a_failure_inside_a_good_answer_is_a_refusal(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/orders", json={"code": "400", "message": "Date range is more than 31 days"})
    with pytest.raises(Rejected, match="Date range is more than 31 days"):
        shop.list_orders(WINDOW, 1, MYR)


def test_going_too_fast_inside_a_good_answer(web: responses.RequestsMock, shop: Connector) -> None:
    web.get(f"{BASE}/orders", json={"code": "429", "message": "slow"}, headers={"Retry-After": "12"})
    with pytest.raises(RateLimited) as caught:
        shop.list_orders(WINDOW, 1, MYR)
    assert caught.value.retry_after == 12


def test_a_window_that_is_too_long_is_our_mistake(shop: Connector) -> None:
    with pytest.raises(ValueError, match="31 days"):
        shop.list_orders(OrderWindow("7", WINDOW.until - timedelta(days=31, seconds=1), WINDOW.until), 1, MYR)


# ---- reading orders in full


def test_orders_come_in_the_order_asked_for_and_unknown_ones_are_absent(
    web: responses.RequestsMock, shop: Connector
) -> None:
    web.post(f"{BASE}/order/multipleOrder", json=orders([detail(order_id=2), detail(order_id="1"), detail(order_id=9)]))
    found = shop.get_orders(["1", "2", "3", "A-4", "007"], MYR)
    assert [order.remote_id for order in found] == ["1", "2"]
    assert sent(web) == {"order_id": [1, 2, 3, "A-4", "007"]}


def test_one_bad_order_does_not_spoil_the_rest(web: responses.RequestsMock, shop: Connector) -> None:
    rows = [detail(order_id=1), detail(order_id=2, order_creation_date=None), detail(order_id=3)]
    web.post(f"{BASE}/order/multipleOrder", json=orders(rows))
    one, two, three = shop.get_orders(["1", "2", "3"], MYR)
    assert isinstance(one, RemoteOrder)
    assert isinstance(two, UnreadableOrder)
    assert (two.remote_id, two.problem) == ("2", "The order has no creation date.")
    assert isinstance(three, RemoteOrder)


@pytest.mark.parametrize("nameless", [{"order_status": "Open"}, detail(order_id=None), "x", None, []])
def test_an_order_without_its_number_is_not_taken_for_unknown(
    web: responses.RequestsMock, shop: Connector, nameless: Any
) -> None:
    web.post(f"{BASE}/order/multipleOrder", json=orders([detail(order_id=1), nameless]))
    one, two = shop.get_orders(["1", "2"], MYR)
    assert isinstance(one, RemoteOrder)
    assert isinstance(two, UnreadableOrder)
    assert two.remote_id == "2"


def test_a_bare_list_of_orders_is_read_too(web: responses.RequestsMock, shop: Connector) -> None:
    web.post(f"{BASE}/order/multipleOrder", json=[detail(order_id=1)])
    assert [order.remote_id for order in shop.get_orders(["1"], MYR)] == ["1"]


def test_nothing_asked_nothing_sent(web: responses.RequestsMock, shop: Connector) -> None:
    assert shop.get_orders([], MYR) == ()
    assert shop.write_invoice_numbers([]) == ()
    assert len(web.calls) == 0


def test_more_than_a_page_at_once_is_our_mistake(shop: Connector) -> None:
    with pytest.raises(ValueError, match="at most 100"):
        shop.get_orders([str(number) for number in range(101)], MYR)


def test_a_lost_answer_to_a_read_has_done_nothing(web: responses.RequestsMock, shop: Connector) -> None:
    web.post(f"{BASE}/order/multipleOrder", body=requests.exceptions.ReadTimeout())
    with pytest.raises(Unavailable) as caught:
        shop.get_orders(["1"], MYR)
    assert not caught.value.maybe_done


# ---- words


def test_sentences_are_in_the_readers_language_and_english_without_a_request(tmp_path: Path) -> None:
    english, malay = "Enter the store's domain, like shop.example.", "Masukkan domain kedai."
    catalogue = Catalog(locale="ms")
    catalogue.add(english, malay)
    folder = tmp_path / "ms" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    app = Flask(__name__)
    app.config.update(BABEL_TRANSLATION_DIRECTORIES=str(tmp_path), BABEL_DEFAULT_LOCALE="ms")
    Babel(app)

    def refusal() -> str:
        with pytest.raises(Misconfigured) as caught:
            connect("sitegiant", {}, ConnectorOptions())
        return caught.value.user_message

    with app.test_request_context():
        assert refusal() == malay
    assert refusal() == english


def test_unreachable_is_also_unavailable() -> None:
    assert issubclass(Unreachable, Unavailable)
