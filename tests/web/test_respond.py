"""Each action works for htmx and for a plain browser."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.web.conftest import HTMX_REQUEST

RESTORE = {**HTMX_REQUEST, "HX-History-Restore-Request": "true"}


def test_browser_gets_the_page(browser: FlaskClient) -> None:
    answer = browser.get("/shop")
    assert "<!doctype html>" in answer.text
    assert 'id="shop"' in answer.text
    assert "HX-Request" in answer.vary


def test_htmx_gets_the_fragment(browser: FlaskClient) -> None:
    answer = browser.get("/shop", headers=HTMX_REQUEST)
    assert "<!doctype html>" not in answer.text
    assert 'id="shop"' in answer.text
    assert "HX-Request" in answer.vary


def test_restoring_history_needs_the_page(browser: FlaskClient) -> None:
    assert "<!doctype html>" in browser.get("/shop", headers=RESTORE).text


def test_done_sends_a_browser_to_the_page_with_the_message(browser: FlaskClient) -> None:
    answer = browser.post("/save", data={"name": "Kopi"})
    assert (answer.status_code, answer.location) == (303, "/penang/")
    assert "Saved." in browser.get("/penang/").text
    assert "Saved." not in browser.get("/penang/").text


def test_done_gives_htmx_the_fragment_and_the_message_once(browser: FlaskClient) -> None:
    answer = browser.post("/save", data={"name": "Kopi"}, headers=HTMX_REQUEST)
    assert answer.status_code == 200
    assert 'value="Kopi"' in answer.text
    assert '<div id="flash" hx-swap-oob="innerHTML">' in answer.text
    assert answer.text.count("Saved.") == 1
    assert "Saved." not in browser.get("/penang/").text


def test_done_without_fragment_redirects_htmx(browser: FlaskClient) -> None:
    answer = browser.post("/leave", headers=HTMX_REQUEST)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/penang/")
    assert "Saved." in browser.get("/penang/").text


def test_invalid_keeps_values_and_names_the_mistake(browser: FlaskClient) -> None:
    for headers in ({}, HTMX_REQUEST):
        answer = browser.post("/save", data={"name": " "}, headers=headers)
        assert answer.status_code == 422
        assert "Say how the shop is called." in answer.text
        assert 'aria-describedby="name-error name-hint"' in answer.text
        assert ("<!doctype html>" in answer.text) is (not headers)
