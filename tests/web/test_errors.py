"""Errors as a page, and as a sentence for htmx."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_limiter import Limiter, RateLimitExceeded

from app.web import errors
from tests.web.conftest import HTMX_REQUEST

CODES = [400, 403, 404, 405, 409, 413, 422, 429, 500, 503]


@pytest.mark.parametrize("code", CODES)
def test_error_is_a_page(browser: FlaskClient, code: int) -> None:
    answer = browser.get(f"/penang/code/{code}")
    assert answer.status_code == code
    assert "<!doctype html>" in answer.text
    assert str(errors.WORDS[code].title) in answer.text


@pytest.mark.parametrize("code", CODES)
def test_error_is_a_sentence_for_htmx(browser: FlaskClient, code: int) -> None:
    answer = browser.get(f"/penang/code/{code}", headers=HTMX_REQUEST)
    assert answer.status_code == code
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#flash", "innerHTML")
    assert "<!doctype html>" not in answer.text
    assert str(errors.WORDS[code].title) in answer.text


def test_error_inside_a_store_keeps_the_frame(browser: FlaskClient) -> None:
    assert 'class="sidebar"' in browser.get("/penang/code/404").text
    assert 'class="sidebar"' not in browser.get("/nowhere").text


def test_error_of_no_own_kind_is_worded_like_its_family(browser: FlaskClient) -> None:
    assert str(errors.WORDS[400].title) in browser.get("/penang/code/415").text


def test_route_may_say_it_in_its_own_words(browser: FlaskClient) -> None:
    assert "INV0022 was issued meanwhile." in browser.get("/taken").text


def test_our_mistake_shows_a_reference_and_no_detail(browser: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = browser.get("/boom")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    shown = re.search(r"<code>([0-9a-f]{8})</code>", answer.text)
    assert shown
    (record,) = [record for record in caplog.records if shown[1] in record.getMessage()]
    assert record.exc_info
    assert "the secret of the inside" in str(record.exc_info[1])


def test_our_mistake_is_raised_while_testing(site: Flask) -> None:
    site.config.update(PROPAGATE_EXCEPTIONS=None, TESTING=True)
    with pytest.raises(RuntimeError, match="inside"):
        site.test_client().get("/boom")


def test_our_mistake_does_not_need_the_frame(site: Flask) -> None:
    def broken() -> int:
        raise RuntimeError("counting failed")

    site.extensions["channelbook.nav_badges"]["orders.failed"] = broken
    answer = site.test_client().get("/penang/")
    assert answer.status_code == 500
    assert str(errors.WORDS[500].title) in answer.text


def test_wrong_method_says_which_are_allowed(browser: FlaskClient) -> None:
    answer = browser.post("/penang/orders")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.content_type == "text/html; charset=utf-8"


def test_too_many_tries_says_when_to_try_again(browser: FlaskClient) -> None:
    answer = browser.get("/slow")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "180"
    assert "Try again <time" in answer.text
    assert ">in 3 minutes</time>" in answer.text


def test_limit_says_when_it_ends(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter(key_func=lambda: "somebody", storage_uri="memory://")
    limiter.init_app(site)
    monkeypatch.setattr(errors, "limiter", limiter)
    site.add_url_rule("/limited", "limited", limiter.limit("1/hour")(lambda: "fine"))
    browser = site.test_client()
    assert browser.get("/limited").status_code == 200
    answer = browser.get("/limited")
    assert answer.status_code == 429
    assert re.search(r"Try again <time [^>]*>in (1 hour|\d+ minutes)</time>", answer.text)
    assert "1 per 1 hour" not in answer.text


def test_limit_without_a_known_end_still_answers(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "limiter", SimpleNamespace(current_limit=None))
    limit = SimpleNamespace(error_message=None, limit="5 per 1 minute")
    site.add_url_rule("/limited", "limited", lambda: _raise(RateLimitExceeded(limit)))  # type: ignore[arg-type]
    assert "Wait a little, then try again." in site.test_client().get("/limited").text


def _raise(error: Exception) -> str:
    raise error
