"""The main road in each language but English, in which tests/e2e walks it: sign in, check, sync, read the invoice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize, expect

from app.tenancy.choices import LANGUAGES
from app.web.catalogues import catalogue_of
from tests.sandbox.running import an_order
from tests.support.factories import PASSWORD
from tests.sync.listening import served
from tests.sync.merchant import Merchant

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """The application, served."""
    with served(app) as port:
        yield f"http://localhost:{port}"
    app.extensions["live_hub"].stop()


@pytest.mark.parametrize("language", [code for code, _name in LANGUAGES if code != "en"])
def test_orders_become_invoices(chromium: Browser, address: str, merchant: Merchant, language: str) -> None:
    """Nothing on the road depends on a word: it is walked by where forms lead. It is walked on a phone."""
    merchant.connect()
    merchant.shop.add(an_order(), an_order())
    say = catalogue_of(language).gettext
    context = chromium.new_context(base_url=address, viewport=PHONE)
    page = context.new_page()
    sign_in(page, language, merchant.store.owner.email)
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh" else language)
    page.goto(merchant.store.url(f"/channels/{merchant.channel_id}"))
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator('form[action$="/check"] button').first.click()
    merchant.work()
    page.goto(merchant.store.url("/orders"))
    expect(page.locator("tbody tr")).to_have_count(2)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator('form[action$="/sync"] button').first.click()
    merchant.work()
    page.goto(merchant.store.url("/invoices"))
    page.locator("tbody .cell-title a").first.click()
    expect(page.locator("article.sheet")).to_contain_text(say("Bill to"))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "nothing sticks out"
    context.close()


def sign_in(page: Page, language: str, email: str) -> None:
    """By the form, in the language that is chosen at its foot."""
    page.goto("/signin")
    page.locator(f'form.languages button[value="{language}"]').click()
    page.fill('input[name="email"]', email)
    page.fill('input[name="password"]', PASSWORD)
    page.locator("main form .btn-primary").click()
    page.wait_for_url(lambda url: "/signin" not in url)
