"""From sign-up to saved settings in a real browser, with and without JavaScript, on a desk and on a phone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support.factories import PASSWORD

pytestmark = pytest.mark.browser

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
serial = itertools.count(1)


@pytest.fixture
def complaints() -> list[str]:
    """What the pages' console said, but for refused forms, which the tests ask for."""
    return []


@pytest.fixture
def page(request: pytest.FixtureRequest, base: str, chromium: Browser, complaints: list[str]) -> Iterator[Page]:
    """A fresh browser; parametrize it indirectly with (size, has JavaScript)."""
    size, scripts = getattr(request, "param", ("desk", True))
    width, height = SIZES[size]
    context = chromium.new_context(
        base_url=base, viewport={"width": width, "height": height}, java_script_enabled=scripts
    )
    page = context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line.type, line.text) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()


def _is_complaint(kind: str, words: str) -> bool:
    return kind in {"error", "warning"} and "422" not in words


def sign_up(page: Page) -> str:
    """Sign up as a newcomer would, and return the path of the new store."""
    number = next(serial)
    page.goto("/")
    page.get_by_role("link", name="Open a store").click()
    page.get_by_label("Name of your store").fill(f"Kedai Layar {number}")
    page.get_by_label("Your name").fill("Puan Lim")
    page.get_by_label("E-mail").fill(f"layar{number}@shop.example")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Open the store").click()
    expect(page.get_by_text("This is too short for a password.")).to_be_visible()
    expect(page.get_by_label("Name of your store")).to_have_value(f"Kedai Layar {number}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open the store").click()
    page.wait_for_url(f"**/kedai-layar-{number}/")
    return f"/kedai-layar-{number}"


@pytest.mark.parametrize("page", [("desk", True), ("desk", False), ("phone", True), ("phone", False)], indirect=True)
def test_newcomer_signs_up_and_sets_the_store_up(page: Page, complaints: list[str]) -> None:
    store = sign_up(page)
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    expect(page.get_by_role("link", name="Connect a channel").first).to_be_visible()
    page.goto(f"{store}/settings/invoicing")
    page.get_by_label("Prefix").fill("KL 1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("without spaces")).to_be_in_viewport()
    page.get_by_label("Prefix").fill("KL-")
    page.get_by_label("Next number").fill("23")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("The next invoice is KL-00023.")).to_be_visible()
    page.goto(f"{store}/settings/payment-methods")
    page.get_by_label("Name", exact=True).fill("Boost")
    page.get_by_role("button", name="Add").click()
    page.locator("summary[aria-label='More for Boost']").click()
    page.get_by_role("button", name="Make it the default").click()
    expect(page.locator("li", has_text="Boost")).to_contain_text("Default")
    page.locator("summary[aria-label='More for Boost']").click()
    page.get_by_role("link", name="Rename").locator("visible=true").click()
    page.locator("#rename").fill("Boost Wallet")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("li", has_text="Boost Wallet")).to_be_visible()
    assert complaints == []


def test_password_is_changed_and_people_come_and_go(page: Page, complaints: list[str]) -> None:
    store = sign_up(page)
    page.goto("/me/password")
    page.get_by_label("Password now").fill(PASSWORD)
    page.get_by_label("New password").fill("harbour-mango-17")
    expect(page.get_by_role("meter", name="How strong it is")).to_be_visible()
    expect(page.locator("#password-strength")).to_have_text("Good.")
    assert violations_here(page) == []
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("Everywhere else you are signed out.")).to_be_visible()
    page.goto(f"{store}/settings/general")
    page.get_by_label("You", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin")
    page.goto(f"{store}/settings/general")
    expect(page.locator("#flash")).to_contain_text("Sign in to go on.")
    page.get_by_label("E-mail").fill(f"layar{store.rpartition('-')[2]}@shop.example")
    page.get_by_label("Password").fill("harbour-mango-17")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{store}/settings/general")
    assert complaints == []


def test_two_step_is_set_up_and_signed_in_with(page: Page, complaints: list[str]) -> None:
    sign_up(page)
    email = page.locator(".menu-head span").text_content() or ""
    page.goto("/me/two-step")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code")).not_to_have_js_property("naturalWidth", 0)
    key = page.locator("[data-copy]").get_attribute("data-copy") or ""
    app = pyotp.TOTP(key.replace(" ", ""))
    page.get_by_label("Code").fill(app.now())
    page.get_by_role("button", name="Switch on").click()
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download").click()
    codes = kept.value.path().read_text(encoding="utf-8").split()[-10:]
    assert all(page.get_by_text(code).is_visible() for code in codes)
    assert violations_here(page) == []
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_label("You", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Show what is typed").click()
    expect(page.get_by_label("Password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/signin/code")
    assert violations_here(page) == []
    page.get_by_role("link", name="No phone at hand?").click()
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#flash")).to_contain_text("You have 9 recovery codes left.")
    assert complaints == []


def violations_here(page: Page) -> list[str]:
    """What axe finds on the page as it stands."""
    return [
        f"{violation['id']} {', '.join(node['html'][:80] for node in violation['nodes'][:3])}"
        for violation in Axe().run(page).response["violations"]
    ]
