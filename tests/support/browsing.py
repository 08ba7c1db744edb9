"""One Chromium and one served application for all browser tests. `tests/conftest.py` names this file as a plugin."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from werkzeug.serving import make_server

from tests.support.factories import SomeStore

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe about what else may go wrong when the theme alone changes."""


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """The browser: one for the whole run, since Playwright can be started once; as root without its own sandbox."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def base(app: Flask) -> Iterator[str]:
    """The address of the application, on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    app.extensions["live_hub"].stop()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Tab:
    """A page of the store's owner, with what its console complained about."""

    page: Page
    base: str
    complaints: list[str]


def press(button: Locator) -> None:
    """Press a button by keys, so that it has the focus when what it stands in is replaced."""
    button.focus()
    button.press("Enter")


def listen(page: Page) -> None:
    """Note what the page reads out from now on, for `heard`."""
    page.evaluate("""() => {
        window.heard = [];
        const voice = document.querySelector("#told");
        new MutationObserver(() => window.heard.push(voice.textContent)).observe(voice, {childList: true});
    }""")


def heard(page: Page) -> list[str]:
    """What the page read out since it was listened to."""
    said: list[str] = page.evaluate("window.heard")
    return said


@pytest.fixture
def tab(base: str, chromium: Browser, owner: FlaskClient, store: SomeStore) -> Iterator[Tab]:
    """A tab in which the store's owner is signed in."""
    context = chromium.new_context()
    cookie = owner.get_cookie("channelbook")
    assert cookie is not None
    context.add_cookies([{"name": "channelbook", "value": cookie.value, "url": base}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield Tab(page, base + store.url(), complaints)
    context.close()
