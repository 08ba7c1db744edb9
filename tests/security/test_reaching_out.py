"""Where a merchant can make us call: the domain of a channel, and the address of a webhook. Inside is out of reach."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.connectors.addresses import is_allowed
from app.connectors.http import Door
from app.core.errors import AddressRefused
from app.hooks.addresses import parse_url
from tests.connectors.peers import Peer, answer
from tests.support.factories import SomeStore, signed_in

TYPED = (
    "http://shop.example",
    "https://127.0.0.1",
    "https://localhost:8000",
    "https://0.0.0.0",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://127.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]",
    "https://[2002:7f00:1::]",
    "https://[64:ff9b::a9fe:a9fe]",
    "https://[fd00:ec2::254]",
    "https://169.254.169.254/latest/meta-data/",
    "https://user:pass@shop.example",
    "https://shop.example@127.0.0.1",
    "https://shop.example:6379",
    "https://shop.example\\@127.0.0.1",
    "https://①②⑦.⓪.⓪.①",
    "ftp://shop.example",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "dict://127.0.0.1:6379/",
    "javascript:alert(1)",
)
LEADING_INSIDE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.9.9",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "fd12::1",
    "fe80::1",
    "::ffff:127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "fd00:ec2::254",
)
METADATA = ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")


@pytest.fixture
def dialled(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The portal as it stands on a real server, where no sandboxes are allowed; and whom it tried to call."""
    calls: list[Any] = []

    def dial(address: Any, *_more: Any, **_options: Any) -> NoReturn:
        calls.append(address)
        raise ConnectionRefusedError

    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], allow_sandboxes=False))
    monkeypatch.setattr("app.connectors.addresses.create_connection", dial)
    yield calls


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolver(host: str, port: int, *_more: Any, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)


@pytest.mark.parametrize("address", METADATA)
def test_no_cloud_tells_us_its_secrets(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)


def test_domain_of_a_channel_is_refused_before_anybody_is_called(
    client: FlaskClient, store: SomeStore, dialled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "8.8.8.8")
    monkeypatch.setattr("app.extensions.limiter.enabled", False)
    signed_in(client, store.owner)
    for typed in TYPED:
        form = {"domain": typed, "api_key": "sk-0001-0001-0001"}
        answered = client.post(store.url("/channels/add/sitegiant"), data=form)
        assert answered.status_code == 422, typed
    assert dialled == []


def test_name_that_leads_inside_is_refused_and_nobody_called(
    client: FlaskClient, store: SomeStore, dialled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extensions.limiter.enabled", False)
    signed_in(client, store.owner)
    form = {"domain": "shop.example", "api_key": "sk-0001-0001-0001"}
    for inside in LEADING_INSIDE:
        resolve_to(monkeypatch, "8.8.8.8", inside)
        answered = client.post(store.url("/channels/add/sitegiant"), data=form)
        assert answered.status_code == 422, inside
        assert "leads into a private network" in answered.text
    assert dialled == []


def test_name_that_is_public_is_called_by_the_number_that_was_checked(
    client: FlaskClient, store: SomeStore, dialled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "8.8.8.8")
    signed_in(client, store.owner)
    client.post(store.url("/channels/add/sitegiant"), data={"domain": "shop.example", "api_key": "sk-0001-0001-0001"})
    assert set(dialled) == {("8.8.8.8", 443)}


@pytest.mark.parametrize("typed", TYPED)
def test_address_of_a_webhook_is_refused(app: Flask, typed: str) -> None:
    with app.test_request_context("/"), pytest.raises(AddressRefused):
        parse_url(typed, allow_sandboxes=False)


@pytest.mark.parametrize("inside", LEADING_INSIDE)
def test_webhook_to_a_name_that_leads_inside_is_not_sent(
    dialled: list[Any], monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    resolve_to(monkeypatch, inside)
    door = Door("https://hooks.example/in", label="hooks.example", headers={})
    with pytest.raises(AddressRefused):
        door.post(b"{}", {}, keep=100)
    door.close()
    assert dialled == []


def test_webhook_follows_nobody_to_another_address() -> None:
    moved = answer(b"", status="307 Temporary Redirect", headers="Location: http://169.254.169.254/\r\n")
    with Peer(moved) as peer:
        door = Door(peer.url, label="hooks.example", headers={}, allow_sandboxes=True)
        reply = door.post(b"{}", {}, keep=100)
        door.close()
    assert reply.status == 307
    assert len(peer.requests) == 1
