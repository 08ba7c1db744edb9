"""Nothing on any page keeps somebody out: axe in a real browser, on a desk in light and on a phone in the dark.

Each page is seen in one of the languages, by turns. `make eyes` looks at all of them in all states, which takes long.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from app.accounts.languages import CODES, COOKIE
from app.core.roles import Role
from tests.pages.states import State, prepare
from tests.pages.walking import Page, getting, walk_as, walk_outside
from tests.support.factories import Make, signed_in
from tests.support.fixtures import new_client

EVERYTHING: Final = os.environ.get("EYES") == "all"
_STATES: Final = tuple(State) if EVERYTHING else (State.ONE,)
_DESK: Final[dict[str, Any]] = {"width": 1280, "height": 800}
_PHONE: Final[dict[str, Any]] = {"width": 390, "height": 800}
_LOOKS: Final = (
    ("light", _DESK),
    ("dark", _PHONE),
    *((("dark", _DESK), ("light", _PHONE)) if EVERYTHING else ()),
)
_RUN: Final = """
    async () => {
        const found = await axe.run({resultTypes: ["violations"], rules: {"target-size": {enabled: true}}});
        const said = found.violations.map((one) => `${one.id}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`);
        const over = document.documentElement.scrollWidth - innerWidth;
        return over > 0 ? [...said, `wider than the screen by ${over} px`] : said;
    }
"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(7200 if EVERYTHING else 900)]


def test_nothing_keeps_anybody_out_of_any_page(app: Flask, base: str, chromium: Browser) -> None:
    found: dict[str, str] = {}
    for client, pages in _pages(app):
        tabs = {language: _tab(chromium, base, client, language) for language in CODES}
        for number, page in enumerate(pages):
            for language in CODES if EVERYTHING else (CODES[number % len(CODES)],):
                tab = tabs[language]
                tab.goto(base + page.url)
                for scheme, size in _LOOKS:
                    tab.set_viewport_size(size)
                    tab.emulate_media(color_scheme=scheme)
                    for said in tab.evaluate(_RUN):
                        found.setdefault(said[:90], f"{page} in {language}, {scheme}, {size['width']} px: {said}")
        for tab in tabs.values():
            tab.context.close()
    assert not found, "\n".join(found.values())


def _pages(app: Flask) -> Iterator[tuple[FlaskClient, list[Page]]]:
    """Browsers, and the pages that each of them can open."""
    for who in (None, Make(app).person()):
        client = signed_in(new_client(app), who) if who else new_client(app)
        yield client, [page for page in walk_outside(app, who) if page.html]
    for state in _STATES:
        prepared = prepare(app, state)
        walked = walk_as(app, prepared, Role.OWNER, getting(in_store=True))
        pages = [page for _endpoint, page in walked if page.html]
        yield signed_in(new_client(app), prepared.staff[Role.OWNER]), pages


def _tab(chromium: Browser, base: str, client: FlaskClient, language: str) -> Tab:
    """A tab with what the client has signed in as, which speaks a language and can run axe."""
    context = chromium.new_context(reduced_motion="reduce")  # colours change at once with the scheme
    context.add_init_script(AXE_SCRIPT)
    context.add_cookies([{"name": COOKIE, "value": language, "url": base}])
    if cookie := client.get_cookie("channelbook"):
        context.add_cookies([{"name": "channelbook", "value": cookie.value, "url": base}])
    return context.new_page()
