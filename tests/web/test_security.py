"""What every answer carries, and which writes are refused."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient


def test_policy_allows_nothing_inline(browser: FlaskClient) -> None:
    policy = browser.get("/shop").headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )


@pytest.mark.parametrize("path", ["/shop", "/nowhere", "/boom", "/static/app.css"])
def test_headers_are_on_every_answer(browser: FlaskClient, path: str) -> None:
    with browser.get(path) as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_pages_are_not_kept(browser: FlaskClient) -> None:
    assert browser.get("/shop").headers["Cache-Control"] == "no-store"


def test_https_alone_is_remembered(browser: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in browser.get("/shop").headers
    answer = browser.get("/shop", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "http://["},
        {"Referer": "https://evil.example/localhost"},
    ],
)
def test_write_from_elsewhere_is_refused(browser: FlaskClient, headers: dict[str, str]) -> None:
    assert browser.post("/save", data={"name": "Kopi"}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost:443"},
        {"Referer": "http://localhost/penang/"},
        {},
    ],
)
def test_write_from_here_passes(browser: FlaskClient, headers: dict[str, str]) -> None:
    assert browser.post("/save", data={"name": "Kopi"}, headers=headers).status_code == 303


def test_reading_from_elsewhere_passes(browser: FlaskClient) -> None:
    assert browser.get("/shop", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
