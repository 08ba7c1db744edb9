"""Without a granted link nothing of the sub-store shows or changes: every route, export, search, key, job is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import text

from app import embedded
from app.api.keys import Scope, make_key
from app.connectors.base import Peer, always
from app.core.errors import AuthRejected
from app.core.types import MoveWrite, News, OrderStatus, OrderWindow, StockWrite
from app.extensions import db
from app.links import services
from app.links.peer import LinkedPeer
from app.sync import live
from app.sync.tick import tick_once
from tests.links.pairs import Pair
from tests.orders.factories import NOON, Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import HTMX, IN_STORE, ROUTES, RULES, Visit, methods_of, samples

SECRET = "ZQXJV"
"""Stands in whatever the sub-store holds, and nowhere else."""


def pending(pair: Pair) -> None:
    pair.pending()


def denied(pair: Pair) -> None:
    link_id = pair.pending()
    with pair.as_sub():
        services.deny(link_id, "Somebody", "")


def withdrawn(pair: Pair) -> None:
    link_id = pair.pending()
    with pair.as_main():
        services.withdraw(link_id, "Somebody")


def ended(pair: Pair) -> None:
    link_id = pair.connected()
    with pair.as_sub():
        services.end(link_id, "Somebody", "keep")


STATES = [pending, denied, withdrawn, ended]

SEARCHES = (
    *("orders.index", "orders.find", "orders.export", "orders.failed", "invoices.index", "invoices.export"),
    *("invoices.credit_notes", "inventory.index", "inventory.export_items", "inventory.movements"),
)
"""Lists and exports that look for words."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """Two stores whose link is not granted, or is over, and ids of what the sub-store holds."""

    pair: Pair
    theirs: dict[str, Any]

    @property
    def main(self) -> SomeStore:
        return self.pair.main

    @property
    def sub(self) -> SomeStore:
        return self.pair.sub


@pytest.fixture(params=STATES, ids=lambda state: state.__name__)
def strangers(request: pytest.FixtureRequest, app: Flask, pair: Pair) -> Strangers:
    """Two stores in each of these states."""
    request.param(pair)
    theirs = fill_with_secrets(app, pair.sub)
    with pair.as_sub():
        theirs["link_id"] = db.session.scalar(text("select max(id) from links"))
    with app.app_context():
        tick_once()
    return Strangers(pair, theirs)


def fill_with_secrets(app: Flask, store: SomeStore) -> dict[str, Any]:
    """Orders, an invoice and items that a main store would like to read; their ids as URLs name them."""
    books = Books(app, store)
    channel = books.channel(f"{SECRET} shop", f"{SECRET} market")
    buyer = {"name": f"{SECRET} buyer", "phone": "012", "email": f"{SECRET}@buyer.example"}
    known = {
        "order_type": "webstore",
        "buyer": buyer,
        "note": SECRET,
        "search": f"{SECRET} {SECRET}-1 9551234567891".casefold(),
    }
    first, second = (books.order(channel, number=f"{SECRET}-{one}", **known) for one in (1, 2))
    for order_id in (first, second):
        books.line(order_id, sku=f"{SECRET}-1", name=f"{SECRET} kopi")
    return {
        "channel_id": channel.id,
        "marketplace_id": channel.marketplace_id,
        "order_id": first,
        "own_order_id": first,
        "linked_order_id": first,
        "invoice_id": books.invoice(second, order_number=f"{SECRET}-2", buyer=buyer),
        "mapping_id": books.gateway(channel, f"{SECRET} Pay", f"{SECRET} Wallet"),
        "item_id": books.item(f"{SECRET}-1", name=f"{SECRET} kopi", barcode="9551234567891"),
    }


@pytest.fixture
def rows_of(servers: tuple[embedded.Postgres, embedded.Valkey]) -> Callable[[SomeStore], dict[str, str]]:
    """What every table holds of a store, as the database's owner reads it."""
    postgres = servers[0]
    url = postgres.url(embedded.postgres.SUPERUSER, postgres.folder.secrets().superuser_password)
    owned = (
        "select table_name from information_schema.columns where column_name = 'store_id' and table_schema = 'public'"
    )

    def rows(store: SomeStore) -> dict[str, str]:
        with psycopg.connect(url) as admin:
            tables = [row[0] for row in admin.execute(owned)]
            digest = "select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {} t where store_id = %s"
            return {
                table: str(admin.execute(sql.SQL(digest).format(sql.Identifier(table)), [store.id]).fetchone())
                for table in tables
            }

    return rows


@contextmanager
def unchanged(rows: Callable[[SomeStore], dict[str, str]], store: SomeStore) -> Iterator[None]:
    """Nothing of the store is another after this."""
    before = rows(store)
    assert len(before) > 30, "the tables were found"
    yield
    after = rows(store)
    assert {table for table in before if before[table] != after[table]} == set()


@pytest.fixture(autouse=True)
def _streams_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0.0)


def test_no_page_shows_and_no_press_changes_anything_of_the_sub_store(
    app: Flask, strangers: Strangers, rows_of: Callable[[SomeStore], dict[str, str]]
) -> None:
    main, sub = strangers.main, strangers.sub
    own = samples(app, main)
    leaks = []
    with unchanged(rows_of, sub):
        for endpoint in IN_STORE:
            names_theirs = RULES[endpoint][0].arguments & strangers.theirs.keys()
            for values in (own, own | strangers.theirs) if names_theirs else (own,):
                visit = Visit(app, endpoint, {**values, **ROUTES[endpoint].values})
                for method in methods_of(endpoint):
                    for headers in ({}, HTMX):
                        answer = visit.open(signed_in(new_client(app), main.owner), method, main.slug, headers)
                        if SECRET.lower().encode() in answer.get_data().lower():
                            leaks.append(f"{method} {endpoint} {values is own}")
    assert leaks == []


def test_no_search_finds_anything_of_the_sub_store(app: Flask, strangers: Strangers) -> None:
    there = signed_in(new_client(app), strangers.sub.owner).get(f"/{strangers.sub.slug}/orders?q={SECRET}-1")
    assert f"{SECRET} buyer" in there.text, "there is something to be found"
    client, addresses = signed_in(new_client(app), strangers.main.owner), app.url_map.bind("localhost")
    for endpoint in SEARCHES:
        url = addresses.build(endpoint, {"store": strangers.main.slug})
        for words in (SECRET, f"{SECRET}-1", "9551234567891"):
            answer = client.get(url, query_string={"q": words})
            assert answer.status_code == 200, endpoint
            assert f"{SECRET} " not in answer.text, endpoint


def test_no_key_of_the_main_store_opens_the_sub_store(
    app: Flask, strangers: Strangers, rows_of: Callable[[SomeStore], dict[str, str]]
) -> None:
    with strangers.pair.as_main():
        key = make_key("Our webshop", [Scope.READ, Scope.WRITE], strangers.main.owner.id)
    client, headers = new_client(app), {"Authorization": f"Bearer {key}"}
    with unchanged(rows_of, strangers.sub):
        for number in (f"{SECRET}-1", f"{SECRET}-2"):
            found = client.get("/api/v1/orders", query_string={"number": number}, headers=headers)
            assert found.get_json() == {"orders": []}
        address = f"/api/v1/orders/{strangers.theirs['order_id']}"
        assert client.get(address, headers=headers).status_code == 404
        assert client.patch(address, headers=headers, json={"status": "cancelled"}).status_code == 404


CALLS: dict[str, Callable[[Peer], Any]] = {
    "facts": lambda peer: peer.facts(),
    "order_page": lambda peer: peer.order_page(
        OrderWindow("webstore", NOON - timedelta(days=30), NOON + timedelta(days=30)), 1, 100
    ),
    "orders": lambda peer: peer.orders([str(number) for number in range(1, 500)]),
    "product_page": lambda peer: peer.product_page(1, 100),
    "set_stock": lambda peer: peer.set_stock([StockWrite(str(number), 9) for number in range(1, 500)], always),
    "apply_moves": lambda peer: peer.apply_moves(
        [MoveWrite("key", "1", OrderStatus.CANCELLED, "", "", "", NOON, 0, "Somebody")], always
    ),
    "news": lambda peer: peer.news(100),
    "heard": lambda peer: peer.heard(News(("1",), (1,), is_last=True)),
}
"""What a job of the main store can ask of a peer."""


def test_every_call_of_a_peer_is_tried() -> None:
    assert set(CALLS) == {name for name in vars(Peer) if not name.startswith("_")}
    assert set(CALLS) == {name for name in vars(LinkedPeer) if not name.startswith("_")}


def test_no_job_of_the_main_store_reaches_the_sub_store(
    app: Flask, strangers: Strangers, rows_of: Callable[[SomeStore], dict[str, str]]
) -> None:
    peer = LinkedPeer(app, strangers.main.id, strangers.sub.id)
    with unchanged(rows_of, strangers.sub), app.app_context():
        for name, call in CALLS.items():
            with pytest.raises(AuthRejected):
                call(peer)
                pytest.fail(f"{name} was answered")
