"""Calls that SiteGiant makes by itself: only what is signed is read, and what is read names orders and nothing more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from app.connectors.sitegiant import SiteGiant
from app.connectors.sitegiant.webhooks import MOST_ORDERS
from app.core.errors import BadSignature
from app.core.types import Announcement

SECRET = "only we two know"
BODY = b'{"id":"d1","topic":"order.status","data":{"order_id":1001,"order_status":"Completed"}}'


def mac(body: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def read(body: bytes) -> Announcement:
    return SiteGiant.read_webhook({"Authorization": mac(body).hex()}, body, SECRET)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize(
    "spelled",
    [
        mac(BODY).hex(),
        mac(BODY).hex().upper(),
        base64.b64encode(mac(BODY)).decode(),
        f"sha256={mac(BODY).hex()}",
        f"HMAC {base64.b64encode(mac(BODY)).decode()}",
    ],
)
def test_both_spellings_of_the_signature_are_taken(name: str, spelled: str) -> None:
    assert SiteGiant.read_webhook({name: spelled}, BODY, SECRET) == Announcement("d1", "order.status", ("1001",))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": mac(BODY, "another secret").hex()},
        {"Authorization": mac(BODY + b" ").hex()},
        {"Authorization": mac(BODY).hex()[:-1]},
        {"Authorization": "é" * 64},
        {"X-Signature": mac(BODY).hex()},
        {"Authorization": hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        SiteGiant.read_webhook(headers, BODY, SECRET)


@pytest.mark.parametrize(
    ("said", "order_ids"),
    [
        ({"order_id": 7}, ("7",)),
        ({"order_id": ["7", 8, 7]}, ("7", "8")),
        ({"id": 7}, ("7",)),
        ({"id": "d", "order_id": "7"}, ("7",)),
        ({"id": "d", "orders": [{"id": 1}, {"order_id": 2}, "x"]}, ("1", "2")),
        ({"id": "d", "data": {"id": 5}}, ("5",)),
        ({"order_id": {"a": 1}}, ()),
        ({"order_id": "9" * 5_000}, ()),
        ({"order_id": True}, ()),
        ({"order_id": 1.5}, ()),
        ({"topic": 5, "data": None}, ()),
        ({"id": "\ud800", "topic": "\ud800", "order_id": ["\ud800", 3]}, ("3",)),
        ([1, 2], ()),
        ("text", ()),
    ],
)
def test_orders_are_found_where_they_may_stand(said: Any, order_ids: tuple[str, ...]) -> None:
    found = read(json.dumps(said).encode())
    assert found.order_ids == order_ids
    assert (found.key + found.topic).isprintable()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"order_id":' + b"9" * 50_000 + b"}"])
def test_what_is_signed_and_cannot_be_read_announces_nothing(body: bytes) -> None:
    found = read(body)
    assert (found.topic, found.order_ids) == ("", ())
    assert found.key == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_without_an_id_of_its_own_a_call_is_known_by_its_body() -> None:
    one, same, other = (read(body) for body in (b'{"order_id":1}', b'{"order_id":1}', b'{"order_id": 1}'))
    assert one == same
    assert one.key != other.key


def test_of_very_many_orders_the_first_are_looked_at() -> None:
    assert len(read(json.dumps({"order_id": list(range(1, 2_000))}).encode()).order_ids) == MOST_ORDERS
