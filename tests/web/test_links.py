"""Links that keep filters and stay in the store and on the site."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g, url_for
from werkzeug.routing import BuildError, IntegerConverter

from app.core.states import OrderState
from app.web.ids import LARGEST
from app.web.links import has_page, is_active, safe_next, url_if, url_to, url_with, web_address
from tests.web.conftest import make_site


@pytest.mark.parametrize("url", ["/", "/penang/orders?state=held&q=a%20b", "/penang/#top", "/a:b"])
def test_path_on_this_site_is_safe(url: str) -> None:
    assert safe_next(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "orders",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\\/evil.example",
        "javascript:alert(1)",
        " /penang",
        "/penang\x7f",
    ],
)
def test_anything_else_is_not(url: str | None) -> None:
    assert safe_next(url) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://img.example/a.png?w=1", "https://img.example/a.png?w=1"),
        ("http://img.example/a.png", "http://img.example/a.png"),
        ("javascript:alert(1)", ""),
        ("data:text/html,hello", ""),
        ("//img.example/a.png", ""),
        ("https:/a.png", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_only_an_address_of_the_web_is_a_link(url: str, shown: str) -> None:
    assert web_address(url) == shown


def test_changed_filter_keeps_the_others_and_forgets_the_place() -> None:
    with make_site().test_request_context("/penang/orders?state=held&q=a+b&tag=x&tag=y&after=abc"):
        assert url_with(state="booked") == "/penang/orders?state=booked&q=a+b&tag=x&tag=y"
        assert url_with(state=None, q="") == "/penang/orders?tag=x&tag=y"
        assert url_with(after="def") == "/penang/orders?state=held&q=a+b&tag=x&tag=y&after=def"
        assert url_with(tag=["z", None]) == "/penang/orders?state=held&q=a+b&tag=z"
        assert url_with(state=None, q=None, tag=None) == "/penang/orders"


def test_links_stay_in_the_store(site: Flask) -> None:
    with site.test_request_context("/penang/"):
        g.store = type("Store", (), {"slug": "penang"})
        assert url_for("orders.index") == "/penang/orders"
        assert url_for("orders.index", store="ipoh") == "/ipoh/orders"
        assert url_for("shop") == "/shop"


def test_a_link_of_a_template_is_what_flask_says(app: Flask) -> None:
    queries: list[dict[str, Any]] = [
        {},
        {"q": "Kopi & “teh” ünï a+b/c:?=%", "page": 3, "none": None},
        {"state": OrderState.HELD, "open": True, "tags": ["a", "b"]},
        {"_anchor": "top of ünï"},
        {"q": "a", "_anchor": "top"},
    ]
    with app.test_request_context("/penang/", base_url="http://localhost/under"):
        g.store = type("Store", (), {"slug": "penang"})
        for rule in app.url_map.iter_rules():
            numbers = [name for name in rule.arguments if isinstance(rule._converters[name], IntegerConverter)]
            words = {"store": "penang", "act": "default", "to": "paid", "what": "days", "kind": "salespeople"}
            named = {name: words.get(name, "salespeople") for name in rule.arguments if name not in numbers}
            for ids in range(7, 10), range(1, 4), (LARGEST, LARGEST - 1, LARGEST):
                for query in queries:
                    values = dict(zip(numbers, ids, strict=False)) | named | query
                    values = {name: value for name, value in values.items() if name != "store"}
                    try:
                        wanted = url_for(rule.endpoint, **values)
                    except (BuildError, ValueError):
                        continue
                    assert url_to(rule.endpoint, **values) == wanted


def test_page_that_is_not_there_has_no_link(site: Flask) -> None:
    with site.test_request_context("/penang/"):
        assert url_if("invoices.index") is None
        assert url_if("shop") == "/shop"
        assert not has_page("invoices.index")


def test_current_part_is_known_by_its_endpoint(site: Flask) -> None:
    with site.test_request_context("/penang/jobs"):
        assert is_active("sync.job")
        assert not is_active("orders.", "reports.")
