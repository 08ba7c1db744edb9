"""The help by keyboard and on a phone, without and with what axe finds."""

from __future__ import annotations

import os
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.album import SCHEMES
from tests.support.browsing import Tab

pytestmark = pytest.mark.browser

_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def looks_right(page: Page) -> None:
    """Fits a phone, and axe finds nothing, light or dark."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(_SIDEWAYS) <= 0, f"{page.url} scrolls sideways at {width}"
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
    if folder := os.environ.get("ALBUM"):
        name = page.url.split("//")[1].split("/", 1)[1].replace("/", "-").replace("?", "-")
        for width in (1280, 390):
            for scheme in SCHEMES:
                page.set_viewport_size({"width": width, "height": 844})
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=f"{folder}/help-{name}-{width}-{scheme}.png")


def test_help_from_the_question_mark_to_the_article_and_its_search(tab: Tab) -> None:
    page = tab.page
    page.goto(f"{tab.base}failed")
    question = page.locator(".what-is-this > summary")
    question.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("What needs a person, one card for each cause")).to_be_visible()
    looks_right(page)
    page.keyboard.press("Escape")
    expect(page.get_by_text("What needs a person, one card for each cause")).to_be_hidden()
    question.click()
    page.get_by_role("link", name="Read how it works").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Failed Sync, cause by cause")
    looks_right(page)
    page.get_by_role("link", name="Help", exact=True).first.click()
    looks_right(page)
    page.keyboard.press("/")
    page.keyboard.type("recovery")
    expect(page.get_by_role("link", name="Two-step sign-in and devices")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/help\?q=recovery$"))
    looks_right(page)
    assert tab.complaints == []
