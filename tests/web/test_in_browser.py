"""What scripts add to the frame, in a real browser, without one word from its security policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 800}
DESK = {"width": 1280, "height": 800}


@pytest.fixture
def address(site: Flask) -> Iterator[str]:
    """The small site, served."""
    server = make_server("127.0.0.1", 0, site, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The shop's page; whatever the security policy refused fails the test."""
    context = chromium.new_context(base_url=address, viewport=DESK)  # type: ignore[arg-type]
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    page.goto("/penang/")
    yield page
    context.close()
    assert refused == []


def test_slash_goes_to_the_search_box(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.locator("#search")).to_have_value("a/b")


@pytest.mark.parametrize("way", ["Escape", "click"])
def test_menu_closes_by_escape_and_by_a_click_elsewhere(page: Page, way: str) -> None:
    page.locator(".person > summary").click()
    expect(page.locator("details.menu[open]")).to_have_count(1)
    if way == "Escape":
        page.keyboard.press("Escape")
        expect(page.locator(".person > summary")).to_be_focused()
    else:
        page.locator("h1").click()
    expect(page.locator("details.menu[open]")).to_have_count(0)


def test_ticks_are_counted(page: Page) -> None:
    bar = page.locator("[data-ticked-bar]")
    expect(bar).to_be_hidden()
    page.locator("[data-tick]").first.check()
    expect(bar).to_contain_text("1 ticked of 9")
    page.locator("[data-tick-all]").check()
    expect(bar).to_contain_text("2 ticked")
    page.locator("[data-tick-all]").uncheck()
    expect(bar).to_be_hidden()


def test_refused_form_comes_back_in_place_with_its_mistake_in_focus(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Say how the shop is called.")).to_be_visible()
    expect(page.locator("#name")).to_be_focused()
    assert page.url.endswith("/penang/")


def test_saved_form_says_so_without_a_reload(page: Page) -> None:
    page.locator("#name").fill("Kopi")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#flash")).to_contain_text("Saved.")
    expect(page.locator("#name")).to_have_value("Kopi")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#flash")).not_to_contain_text("Saved.")


def test_our_mistake_is_said_and_leaves_the_page_as_it_was(page: Page) -> None:
    page.locator("#ask").click()
    expect(page.locator("#flash")).to_contain_text("That was our mistake")
    expect(page.locator("#shop")).to_be_visible()


def test_lost_connection_is_said(page: Page) -> None:
    page.context.set_offline(True)
    page.locator("#ask").click()
    expect(page.locator("#flash")).to_contain_text("The server did not answer.")


def test_running_jobs_stand_in_the_frame(page: Page) -> None:
    expect(page.locator("#sync-strip")).to_have_text("Checking for updates, 1 of 2")


def test_theme_is_chosen_in_the_menu(page: Page) -> None:
    page.locator(".person > summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.locator(".person > summary").click()
    page.get_by_role("button", name="Device").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_scripts_the_theme_follows_the_device_and_forms_work(
    chromium: Browser, address: str, scheme: str
) -> None:
    context = chromium.new_context(
        base_url=address,
        java_script_enabled=False,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto("/penang/")
    expect(page.locator("html")).to_have_css("color-scheme", "light dark")
    page.locator("#name").fill("Kopi")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#flash")).to_contain_text("Saved.")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_frame_is_accessible_and_fits(page: Page, scheme: str, size: dict[str, int]) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size(size)  # type: ignore[arg-type]
    expect(page.locator("#sync-strip")).not_to_be_empty()
    page.locator("[data-tick]").first.check()
    page.locator(".person > summary").click()
    found = [violation["id"] for violation in Axe().run(page).response["violations"]]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_buttons_stay_while_the_part_around_them_looks_again(page: Page) -> None:
    page.locator("main").evaluate(
        """main => main.innerHTML = '<div class="htmx-request"><form><button type="submit" class="btn">Save</button>'"""
    )
    button = page.get_by_role("button", name="Save")
    expect(button).to_have_css("opacity", "1")
    expect(button).to_have_css("pointer-events", "auto")
    page.locator("main form").evaluate("form => form.classList.add('htmx-request')")
    expect(button).to_have_css("pointer-events", "none")
