"""Which addresses may be reached, and that a name cannot change its mind between the check and the call."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from app.connectors.addresses import is_allowed, parse_base_url
from app.connectors.http import Door
from app.core.errors import AddressRefused, Unreachable
from tests.connectors.peers import Peer, answer

PUBLIC = ["8.8.8.8", "172.15.0.1", "172.32.0.1", "11.0.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "100.64.0.1"]
NEVER = [
    "0.0.0.0",
    "169.254.169.254",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "::ffff:169.254.169.254",
    "::ffff:224.0.0.1",
    "64:ff9b::a9fe:a9fe",
]
PRIVATE_IN_DISGUISE = ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE_IN_DISGUISE])
def test_private_addresses_are_for_sandboxes_only(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_multicast_and_reserved_addresses_are_never_reached(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("shop.example", "https://shop.example"),
        ("  Shop.Example  ", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("https://shop.example///", "https://shop.example"),
        ("https://shop.example./", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("HTTPS://shop.example/erp/", "https://shop.example/erp"),
        ("https://shop.example/erp?tab=1#top", "https://shop.example/erp"),
        ("bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_domain_is_tidied(typed: str, base: str) -> None:
    assert parse_base_url(typed, allow_sandboxes=False) == base


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "https://",
        "//",
        "my shop.example",
        "shop.example\\@evil.example",
        "shop.example\n.evil.example",
        "http://shop.example",
        "ftp://shop.example",
        "javascript://shop.example",
        "file:///etc/passwd",
        "https://user:pass@shop.example",
        "https://shop.example@127.0.0.1",
        "https://shop.example:22",
        "https://shop.example:99999",
        "https://shop.example:x",
        "127.0.0.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://127.1",
        "https://127.0.0.1.",
        "https://8.8.8.8",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]/",
        "https://[::1",
        "https://①②⑦.⓪.⓪.①",
    ],
)
def test_what_is_no_public_domain_is_refused_in_words(typed: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        parse_base_url(typed, allow_sandboxes=False)
    assert caught.value.user_message.endswith(".")
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("http://127.0.0.1:5501/sandbox/sitegiant/", "http://127.0.0.1:5501/sandbox/sitegiant"),
        ("http://[::1]:5501", "http://[::1]:5501"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_sandbox_may_be_plain_http_on_any_port(typed: str, base: str) -> None:
    assert parse_base_url(typed, allow_sandboxes=True) == base


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the resolver answer `shop.example` with each list in turn (the last one again and again)."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolver(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host != "shop.example":
            return real(host, port, *args, **more)
        addresses = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return asked


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.1.2.3"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]])
def test_a_public_name_that_leads_inside_is_refused(addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, addresses)
    door = Door("https://shop.example", label="SiteGiant", headers={})
    with pytest.raises(AddressRefused, match=r"shop\.example leads into a private network"):
        door.call("GET", "/")
    door.close()


def test_even_with_sandboxes_the_metadata_service_stays_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["169.254.169.254"])
    door = Door("http://shop.example", label="SiteGiant", headers={}, allow_sandboxes=True)
    with pytest.raises(AddressRefused):
        door.call("GET", "/")
    door.close()


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebinding name server answers publicly first and with loopback next; it is asked once, and once only."""
    asked = resolve_to(monkeypatch, ["192.0.2.1"], ["127.0.0.1"])
    monkeypatch.setattr("app.connectors.addresses.is_allowed", lambda address, *, allow_private: address == "192.0.2.1")
    dialled: list[Any] = []

    def dial(address: Any, *_args: Any, **_more: Any) -> socket.socket:
        dialled.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("app.connectors.addresses.create_connection", dial)
    door = Door("https://shop.example", label="SiteGiant", headers={})
    with pytest.raises(Unreachable):
        door.call("GET", "/")
    door.close()
    assert asked == ["shop.example"]
    assert dialled == [("192.0.2.1", 443)]


def test_each_new_connection_is_checked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    with Peer(answer(headers="Connection: close\r\n")) as peer:
        door = Door(f"http://shop.example:{peer.port}", label="SiteGiant", headers={}, allow_sandboxes=True)
        assert door.call("GET", "/").status == 200
        with pytest.raises(AddressRefused):
            door.call("GET", "/")
        door.close()
    assert len(peer.requests) == 1


def test_the_name_stays_in_the_host_header(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["127.0.0.1"])
    with Peer(answer()) as peer:
        door = Door(f"http://shop.example:{peer.port}", label="SiteGiant", headers={}, allow_sandboxes=True)
        door.call("GET", "/")
        door.close()
    assert f"Host: shop.example:{peer.port}".encode() in peer.requests[0]


def test_the_next_address_is_tried_when_one_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with Peer(answer()) as peer:
        door = Door(f"http://shop.example:{peer.port}", label="SiteGiant", headers={}, allow_sandboxes=True)
        assert door.call("GET", "/").status == 200
        door.close()
