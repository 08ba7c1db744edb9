"""Garbage into every form of the application: it is refused with words, nothing of it is kept, nothing breaks."""

from __future__ import annotations

import importlib
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse
from wtforms.fields.core import UnboundField

from app.catalog.queries import ItemFilter
from app.catalog.stock_queries import MovementFilter
from app.extensions import Base, db, limiter
from app.invoices.filters import InvoiceFilter
from app.orders.filters import OrderFilter
from app.reports.marketplace_channels import Choice
from app.sync import live
from app.tenancy.models import StoreOwned
from app.tenancy.scope import store_scope
from app.web.forms import Form
from app.web.pagination import Keyset
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import ROUTES, RULES, Furnished, furnish, furnish_as_asked

NO_SAMPLES: Mapping[str, Any] = {}
ROOM = Path(__file__).parents[2] / "app"
ENCODED = "application/x-www-form-urlencoded"
POSTED = sorted(name for name in RULES.keys() & ROUTES.keys() if ROUTES[name].post is not None)
IN_STORE = [name for name in POSTED if "store" in RULES[name][0].arguments]
SHOWN = sorted(name for name in RULES.keys() & ROUTES.keys() if ROUTES[name].get is not None)
OUTSIDE = [name for name in POSTED if name not in IN_STORE]

NEVER_RIGHT = {
    "nul": "a%00b",
    "escape": "a%1B%5B2J%07",
    "turned": "a%E2%80%AEb",
    "long": "x" * 50_000,
    "digits": "9" * 5_000,
}
"""Values, encoded for a form, that no field of any form takes."""
RARELY_RIGHT = {
    "empty": "",
    "no_utf8": "a%FF%FEb",
    "half_surrogate": "a%ED%A0%80b",
    "blank": "%20%0A%20",
    "beyond_64_bits": str(2**63),
    "beyond_32_bits": str(2**31),
    "negative": "-1",
    "fraction": "1.5",
    "exponent": "1e9",
    "no_number": "NaN",
    "other_digits": quote("٣"),
    "underscore": "1_0",
    "first_day": "0001-01-01",
    "last_day": "9999-12-31",
    "no_day": "2026-02-30",
    "markup": quote("<script>alert(1)</script>{{ 7 * 7 }}%s%(x)s"),
    "quotes": quote("'; drop table orders; --"),
    "scripts": quote("Kopi 咖啡 قهوة 👩‍👩‍👧 é"),
}
"""Values that some field may take, a name for one."""
ACTS = {
    "accounts.password_strength",
    "accounts.renew_recovery_codes",
    "accounts.sign_out_device",
    "accounts.sign_out_others",
    "accounts.signout",
    "accounts.start_two_step",
    "channels.check",
    "channels.create_items",
    "channels.pause",
    "channels.refresh",
    "channels.refresh_now",
    "channels.refresh_products",
    "channels.remove",
    "channels.resume",
    "completeness.start",
    "inventory.archive",
    "links.ask_again",
    "links.deny",
    "links.end",
    "links.grant",
    "links.rotate",
    "links.withdraw",
    "orders.failed_retry",
    "orders.mark",
    "orders.move",
    "orders.say",
    "orders.understood",
    "settings.act_on_name",
    "settings.leave",
    "settings.remove_member",
    "settings.release_two_step",
    "settings.require_two_step",
    "notices.open_devices",
    "notices.open_one",
    "notices.read_all",
    "notices.read_one",
    "notices.stop",
    "settings.pause_webhook",
    "settings.redeliver",
    "settings.remove_webhook",
    "settings.resume_webhook",
    "settings.revoke_api_key",
    "settings.test_webhook",
    "settings.webhook_secret",
    "settings.send_invitation_again",
    "settings.withdraw_invitation",
    "sync.cancel",
    "sync.change_drop",
    "sync.change_retry",
    "sync.no_delivery_orders",
    "sync.retry",
    "sync.sync_now",
    "web.choose_theme",
    "accounts.choose_language",
}
"""Buttons: what they do depends on no field, so garbage does not keep them from it."""


def field_names() -> list[str]:
    """Every name that a form of the application sends."""
    for path in sorted(ROOM.glob("*/forms.py")):
        importlib.import_module(f"app.{path.parent.name}.forms")
    kinds, names = [Form], {"domain", "api_key"}
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        names |= {name for name in dir(kind) if isinstance(getattr(kind, name), UnboundField)}
    for path in ROOM.glob("*/*.py"):
        names |= set(re.findall(r'\bform\.get(?:list)?\("(\w+)"', path.read_text(encoding="utf-8")))
        names |= set(re.findall(r'"(\w+)" in request\.form', path.read_text(encoding="utf-8")))
    return sorted(names)


def query_names() -> list[str]:
    """Every name that a page reads from its address."""
    names: set[str] = set()
    for path in ROOM.glob("*/*.py"):
        names |= set(re.findall(r'\bargs\.get(?:list)?\("(\w+)"', path.read_text(encoding="utf-8")))
    for kind in (OrderFilter, InvoiceFilter, Choice, ItemFilter, MovementFilter, Keyset):
        names |= {field.name for field in fields(kind)}
    return sorted(names)


FIELDS = field_names()
QUERIES = query_names()


@pytest.fixture(autouse=True)
def _nothing_else_refuses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No limit stands in the way of the forms, and no name leads anywhere."""

    def nowhere(*_arguments: Any, **_options: Any) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    monkeypatch.setattr(limiter, "enabled", False)
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0.0)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    yield


@pytest.fixture(scope="module")
def untouched(app: Flask) -> Furnished:
    """A store for all that must change nothing, or is refused before it could."""
    return furnish(app)


def url_of(app: Flask, endpoint: str, values: Mapping[str, Any], samples: Mapping[str, Any] = NO_SAMPLES) -> str:
    names = RULES[endpoint][0].arguments
    given = {name: (values if name in values else samples)[name] for name in names}
    return app.url_map.bind("localhost").build(endpoint, given)


def everything_of(app: Flask, store: SomeStore) -> str:
    """A digest of all that the store has; in the order of the tables, since a parallel plan reads them in any."""
    tables = sorted(
        {str(mapper.local_table) for mapper in Base.registry.mappers if issubclass(mapper.class_, StoreOwned)}
    )
    parts = [
        f"select '{table}' as name, md5(string_agg(t::text, '|' order by t::text)) as m from {table} t"
        for table in tables
    ]
    parts.append("select 'stores', md5(t::text) from stores t where id = :store")
    whole = f"select md5(string_agg(m, '|' order by name)) from ({' union all '.join(parts)}) parts(name, m)"
    with app.app_context(), store_scope(store.id):
        return str(db.session.scalar(text(whole), {"store": store.id}))


def body_of(value: str, kept: Mapping[str, Any] | None = None) -> str:
    """A form whose fields all hold the value, except for those that are kept as they should be."""
    return "&".join([*(f"{name}={value}" for name in FIELDS if name not in (kept or {})), urlencode(kept or {})])


def says_something(answer: TestResponse) -> bool:
    """There is a sentence for the person: at a field, above the form, or on a page of its own."""
    words = re.sub(r"<[^>]+>|\s+", " ", re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", answer.text))
    return len(words.split()) >= 5


@pytest.mark.parametrize("endpoint", IN_STORE)
def test_garbage_in_a_store(app: Flask, endpoint: str) -> None:
    furnished = furnish_as_asked(app)
    store = furnished.store
    values = {"store": store.slug, **ROUTES[endpoint].values}
    url, client = url_of(app, endpoint, values, furnished.values), signed_in(new_client(app), store.owner)
    before = everything_of(app, store)
    answers = {}
    for name, value in {"missing": None, **NEVER_RIGHT}.items():
        answer = client.post(url, data="" if value is None else body_of(value), content_type=ENCODED)
        assert answer.status_code < 500, name
        assert endpoint in ACTS or answer.status_code == 303 or says_something(answer), name
        answers[name] = (answer.status_code, answer.location)
    assert endpoint in ACTS or everything_of(app, store) == before, f"something was kept: {answers}"
    for name, value in RARELY_RIGHT.items():
        for kept in ({}, ROUTES[endpoint].form) if ROUTES[endpoint].form else ({},):
            answer = client.post(url, data=body_of(value, kept), content_type=ENCODED)
            assert answer.status_code < 500, name
            assert answer.status_code < 400 or says_something(answer), name


@pytest.mark.parametrize("endpoint", OUTSIDE)
def test_garbage_outside_of_stores(app: Flask, make: Make, endpoint: str) -> None:
    url = url_of(app, endpoint, dict(ROUTES[endpoint].values))
    for name, value in {"missing": None, **NEVER_RIGHT, **RARELY_RIGHT}.items():
        for client in (new_client(app), signed_in(new_client(app), make.person())):
            answer = client.post(url, data="" if value is None else body_of(value), content_type=ENCODED)
            assert answer.status_code < 500, name
            if name in NEVER_RIGHT and endpoint not in ACTS:
                assert answer.status_code == 303 or says_something(answer), name


@pytest.mark.parametrize("endpoint", SHOWN)
def test_garbage_in_the_address(app: Flask, untouched: Furnished, endpoint: str) -> None:
    store = untouched.store
    values = {**untouched.values, "store": store.slug, **ROUTES[endpoint].values}
    url, client = url_of(app, endpoint, values), signed_in(new_client(app), store.owner)
    everything = {**NEVER_RIGHT, **RARELY_RIGHT}
    for name in ("nul", "turned", "long", "digits", "beyond_64_bits", "negative", "other_digits", "last_day", "no_day"):
        value = everything[name]
        query = "&".join(f"{field}={value[:5_000]}" for field in QUERIES)
        for headers in ({}, {"HX-Request": "true"}):
            answer = client.get(f"{url}?{query}", headers=headers, buffered=True)
            assert answer.status_code < 500 or answer.status_code in ROUTES[endpoint].also, name


@pytest.mark.parametrize("endpoint", POSTED)
def test_bodies_that_are_no_form(app: Flask, untouched: Furnished, endpoint: str) -> None:
    furnished = furnish(app) if endpoint in ACTS else untouched
    store = furnished.store
    values = {**furnished.values, "store": store.slug, **ROUTES[endpoint].values}
    url, client = url_of(app, endpoint, values), signed_in(new_client(app), store.owner)
    before = everything_of(app, store)
    bodies: list[tuple[bytes, str]] = [
        (b"[1, 2", "application/json"),
        (b'{"name": "x"}', "application/json"),
        (b"\xff\xfe\x00", "text/plain"),
        (b"--nothing", "multipart/form-data"),
        (b"--x\r\nno header", "multipart/form-data; boundary=x"),
        (b"a=%ZZ&%=&=&&name", ENCODED),
        (b"&".join(b"a%d=1" % number for number in range(20_000)), ENCODED),
    ]
    for body, kind in bodies:
        answer = client.post(url, data=body, content_type=kind)
        assert answer.status_code < 500, (kind, body[:20])
    assert endpoint in ACTS or everything_of(app, store) == before


@pytest.mark.parametrize("endpoint", POSTED)
def test_a_form_that_is_too_large_is_refused_with_words(app: Flask, untouched: Furnished, endpoint: str) -> None:
    store = untouched.store
    values = {**untouched.values, "store": store.slug, **ROUTES[endpoint].values}
    url, client = url_of(app, endpoint, values), signed_in(new_client(app), store.owner)
    before = everything_of(app, store)
    answer = client.post(url, data=b"name=" + b"x" * 3_000_000, content_type=ENCODED)
    assert answer.status_code == 413
    assert "That is too large" in answer.text
    assert everything_of(app, store) == before


@pytest.mark.parametrize("endpoint", sorted(name for name in RULES if name in ROUTES and "int" in RULES[name][0].rule))
def test_ids_that_name_nothing(app: Flask, untouched: Furnished, endpoint: str) -> None:
    store = untouched.store
    values = {**untouched.values, "store": store.slug, **ROUTES[endpoint].values}
    client = signed_in(new_client(app), store.owner)
    right = url_of(app, endpoint, values)
    ids = [
        str(value) for name, value in values.items() if name.endswith("_id") and name in RULES[endpoint][0].arguments
    ]
    methods = [name for name, who in (("GET", ROUTES[endpoint].get), ("POST", ROUTES[endpoint].post)) if who]
    for known in ids:
        for garbage in ("0", str(2**31 + 7), str(2**63), "9" * 400, "-1", "1.5", "a", "%00", "٣", "1e3"):
            url = re.sub(rf"/{known}(?=[/.]|$)", f"/{garbage}", right)
            for method in methods:
                form, follow = ROUTES[endpoint].form, method == "GET"
                answer = client.open(url, method=method, data=form, buffered=True, follow_redirects=follow)
                assert answer.status_code in (404, 405), (method, url[:80], answer.status_code)
