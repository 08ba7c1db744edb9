"""No page keeps anybody out: axe, a narrow screen and wide-set letters, and keys alone, in a real browser.

Each page is seen in one of the languages and sizes, by turns, and must fit a phone; every few pages are walked by keys.
`make eyes` looks at all of them in all states and sizes: at a store with one of each in all languages, else in one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from app.accounts.languages import CODES, COOKIE
from app.core.roles import Role
from tests.pages.keys import menu_complaints, walk_complaints
from tests.pages.states import State, prepare
from tests.pages.walking import Page, getting, walk_as, walk_outside
from tests.support.browsing import COLOURS
from tests.support.factories import Make, signed_in
from tests.support.fixtures import new_client

EVERYTHING: Final = os.environ.get("EYES") == "all"
_STATES: Final = tuple(State) if EVERYTHING else (State.ONE,)
_DESK: Final = 1280
_PHONE: Final = 390
_NARROW: Final = (320, _PHONE, 768)
_LOOKING: Final = (Path(__file__).parent / "looking.js").read_text()

pytestmark = [pytest.mark.browser, pytest.mark.timeout(7200 if EVERYTHING else 900)]

Place = tuple[FlaskClient, list[Page]]
"""Somebody's browser, and the pages that it can open."""


@pytest.fixture(scope="module")
def places(app: Flask) -> list[Place]:
    """Every page outside of stores, signed in and not, and of a store in each state."""
    found = []
    for who in (None, Make(app).person()):
        client = signed_in(new_client(app), who) if who else new_client(app)
        found.append((client, [page for page in walk_outside(app, who) if page.html]))
    for state in _STATES:
        prepared = prepare(app, state)
        walked = walk_as(app, prepared, Role.OWNER, getting(in_store=True))
        pages = [page for _endpoint, page in walked if page.html]
        found.append((signed_in(new_client(app), prepared.staff[Role.OWNER]), pages))
    return found


@pytest.fixture
def tabs(chromium: Browser, base: str) -> Iterator[Callable[[FlaskClient, str], Tab]]:
    """Opens a tab for a client that speaks a language, with what it has signed in as; the same one when asked again."""
    opened: dict[tuple[int, str], Tab] = {}

    def tab(client: FlaskClient, language: str) -> Tab:
        if (id(client), language) not in opened:
            opened[id(client), language] = _tab(chromium, base, client, language)
        return opened[id(client), language]

    yield tab
    for one in opened.values():
        one.context.close()


@pytest.mark.parametrize("language", CODES if EVERYTHING else ("by turns",))
def test_nothing_keeps_anybody_out_of_any_page(
    places: list[Place], tabs: Callable[[FlaskClient, str], Tab], base: str, language: str
) -> None:
    found: dict[str, str] = {}
    for client, pages in places:
        for number, page in enumerate(pages):
            turn = CODES[number % len(CODES)]
            spoken = language if EVERYTHING and _is_usual(page) else turn
            if spoken != language and EVERYTHING:
                continue
            tab = tabs(client, spoken)
            tab.goto(base + page.url)
            for scheme, width in _looks(number):
                tab.set_viewport_size({"width": width, "height": 800})
                tab.emulate_media(color_scheme=scheme)
                only = COLOURS if EVERYTHING and scheme == "dark" else ()
                for said in [*tab.evaluate("looking.fit()"), *tab.evaluate("(only) => looking.axe(only)", only)]:
                    found.setdefault(said[:90], f"{page} in {spoken}, {scheme}, {width} px: {said}")
            tab.set_viewport_size({"width": _PHONE, "height": 800})
            for said in tab.evaluate("looking.fit()"):
                found.setdefault(said[:90], f"{page} in {spoken}, {_PHONE} px: {said}")
    assert not found, "\n".join(found.values())


@pytest.mark.parametrize("width", [_DESK, _PHONE])
def test_keys_alone_lead_everywhere(
    places: list[Place], tabs: Callable[[FlaskClient, str], Tab], base: str, width: int
) -> None:
    found: dict[str, str] = {}
    menus: set[str] = set()
    for client, pages in places:
        tab = tabs(client, "en")
        tab.set_viewport_size({"width": width, "height": 800})
        for page in pages if EVERYTHING else pages[width % 7 :: 11]:
            tab.goto(base + page.url)
            walked = walk_complaints(tab) if _is_usual(page) else []
            for said in [*tab.evaluate("looking.stops()"), *menu_complaints(tab, menus), *walked]:
                found.setdefault(said[:110], f"{page}, {width} px: {said}")
    assert not found, "\n".join(found.values())


def _is_usual(page: Page) -> bool:
    """Whether it is as most people meet it: of a store with one of each, or outside of stores."""
    return page.name.endswith((f" of {State.ONE} as {Role.OWNER}", " outside"))


def _looks(number: int) -> list[tuple[Any, int]]:
    """In which schemes and widths the page of this number is seen."""
    if EVERYTHING:
        return [("light", _DESK), ("dark", _DESK), *(("light", width) for width in _NARROW), ("dark", _PHONE)]
    return [("light", _DESK), ("dark", _NARROW[number % len(_NARROW)])]


def _tab(chromium: Browser, base: str, client: FlaskClient, language: str) -> Tab:
    """A tab with what the client has signed in as, which speaks a language and can look at what it shows."""
    context = chromium.new_context(reduced_motion="reduce")  # colours change at once with the scheme
    context.add_init_script(AXE_SCRIPT)
    context.add_init_script(_LOOKING)
    context.add_cookies([{"name": COOKIE, "value": language, "url": base}])
    if cookie := client.get_cookie("channelbook"):
        context.add_cookies([{"name": "channelbook", "value": cookie.value, "url": base}])
    return context.new_page()
