"""Connecting SiteGiant over a real socket: each mistake in the shop's words, and nothing stored before it works."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.channels.paths import OPTIONS, channels_of
from tests.connectors.peers import Peer, answer
from tests.sandbox.running import Running, running
from tests.support.factories import SomeStore

ADD = "/channels/add/sitegiant"
KEY = "sandbox-key"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """A sandbox with a shop whose key is `sandbox-key`."""
    with running("--count", "20", "--seed", "3") as started:
        yield started


def try_it(app: Flask, owner: FlaskClient, store: SomeStore, domain: str, key: str = KEY) -> tuple[str, str]:
    """What the page says at the address and at the key; nothing may be stored."""
    page = owner.post(store.url(ADD), data={"domain": domain, "api_key": key})
    assert page.status_code == 422, page.text
    assert channels_of(app, store) == []
    assert key not in page.text
    said = [page.text.partition(f'id="{name}-error"')[2].partition("</p>")[0] for name in ("domain", "api_key")]
    return said[0], said[1]


def test_the_sandbox_is_connected(app: Flask, owner: FlaskClient, store: SomeStore, sandbox: Running) -> None:
    tested = owner.post(store.url(ADD), data={"domain": sandbox.url, "api_key": f" {KEY}\n"})
    assert tested.status_code == 303
    assert "The connection works: this is" in owner.get(tested.location).text
    connected = owner.post(tested.location, data=OPTIONS)
    done = owner.get(connected.location).text
    assert "marketplaces found" in done
    assert "Shopee SG" in done
    assert "Orders in SGD are held" in done
    (channel,) = channels_of(app, store)
    assert channel.kind == "sitegiant"


def test_a_wrong_key(app: Flask, owner: FlaskClient, store: SomeStore, sandbox: Running) -> None:
    assert "SiteGiant does not accept this key." in try_it(app, owner, store, sandbox.url, "wrong-key-77")[1]


def test_a_website_that_is_not_sitegiant(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    with Peer(answer(b"<h1>A bakery</h1>", headers="Content-Type: text/html\r\n")) as bakery:
        assert "it does not answer as SiteGiant does" in try_it(app, owner, store, bakery.url)[0]


def test_an_address_where_nobody_answers(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "cannot be reached" in try_it(app, owner, store, f"http://127.0.0.1:{port}")[0]


def test_a_domain_that_does_not_exist(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    said = try_it(app, owner, store, "no-such-shop.invalid")[0]
    assert "There is no website at no-such-shop.invalid" in said or "could not be looked up just now" in said


def test_an_address_without_a_secure_connection(
    app: Flask, owner: FlaskClient, store: SomeStore, sandbox: Running
) -> None:
    said = try_it(app, owner, store, sandbox.url.replace("http://", "https://"))[0]
    assert "does not offer a secure connection" in said


def test_what_is_no_address(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    assert "This is not a web address." in try_it(app, owner, store, "my shop")[0]


def test_a_key_that_cannot_be_one(app: Flask, owner: FlaskClient, store: SomeStore, sandbox: Running) -> None:
    assert "characters that no key has" in try_it(app, owner, store, sandbox.url, "ключ-77")[1]
