"""Codes by the clock, and browsers by their names: nothing here asks a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from app.accounts import recovery, totp
from app.accounts.agents import agent_of

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The key of the examples in RFC 6238."""
AT = datetime.fromtimestamp(1_111_111_109, UTC)
CODE = "081804"
COUNTER = 1_111_111_109 // 30


def test_codes_are_those_of_the_standard() -> None:
    assert totp.counter_of(RFC_SECRET, CODE, AT) == COUNTER


@pytest.mark.parametrize(("seconds", "counts"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_half_a_minute_wrong(seconds: int, counts: bool) -> None:
    found = totp.counter_of(RFC_SECRET, CODE, AT + timedelta(seconds=seconds))
    assert found == (COUNTER if counts else None)


@pytest.mark.parametrize(
    ("typed", "digits"),
    [("081 804", CODE), (" 081-804 ", CODE), ("08180", None), ("0818045", None), ("٠٨١٨٠٤", None), ("ABCDEF", None)],
)
def test_a_code_is_read_as_people_type_it(typed: str, digits: str | None) -> None:
    assert totp.digits_of(typed) == digits


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {totp.new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert all(len(secret) * 5 >= 160 for secret in secrets)


def test_picture_says_whose_code_it_is() -> None:
    parts = urlsplit(totp.uri(RFC_SECRET, "owner@demo.example"))
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Channelbook:owner%40demo.example")
    assert parse_qs(parts.query)["secret"] == [RFC_SECRET]
    assert parse_qs(parts.query)["issuer"] == ["Channelbook"]


def test_key_is_written_in_groups() -> None:
    assert totp.grouped(RFC_SECRET).split() == [RFC_SECRET[start : start + 4] for start in range(0, 32, 4)]


def test_recovery_code_is_read_in_any_spelling() -> None:
    assert recovery.letters_of(" abcd-efgh 2345 jklm") == "ABCDEFGH2345JKLM"


AGENTS = {
    "Chrome on Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Edge on Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Safari on iPhone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Chrome on iPhone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1",
    "Safari on Mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15",
    "Firefox on Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Samsung Internet on Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    "A browser we do not know": "curl/8.5.0",
}


@pytest.mark.parametrize("name", AGENTS)
def test_browsers_are_called_as_people_know_them(app: Flask, name: str) -> None:
    with app.test_request_context():
        assert agent_of(AGENTS[name]).name == name
