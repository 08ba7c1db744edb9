"""Jobs as a shop owner watches them: live, in a real browser, without one word from its security policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from app.config import Settings
from app.sync.nudge import nudge
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore
from tests.sync.board import Board
from tests.sync.listening import cookie_of, served, until_somebody_listens

pytestmark = pytest.mark.browser

LATER_THAN_A_POLL_MS = 9_000
DESK = {"width": 1280, "height": 800}


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application, served."""
    with served(app) as port:
        yield f"http://localhost:{port}"
    app.extensions["live_hub"].stop()


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def board(books: Books) -> Board:
    return Board(books)


@pytest.fixture
def channel(books: Books) -> SomeChannel:
    return books.channel("Shopee Penang")


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(app: Flask, chromium: Browser, address: str, store: SomeStore) -> Iterator[NewContext]:
    """Makes browsers that the owner is signed in with; they leave before the server does."""
    made: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=address, **{"viewport": DESK, **options})
        name, _equals, value = cookie_of(app, store.owner).partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address}])
        made.append(context)
        return context

    yield new
    for context in made:
        context.close()


@pytest.fixture
def page(new_context: NewContext) -> Iterator[Page]:
    """One page; whatever the security policy refused, or a script stumbled over, fails the test."""
    page = new_context().new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    yield page
    assert refused == []


def poll_never(page: Page) -> None:
    """Take the polling out of everything that the page gets: what is seen to change then was nudged."""

    def deliver(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r", every \d+s", "", answer.text()))

    page.route(re.compile(r"^(?!.*(/events|/static/)).*$"), deliver)


@pytest.fixture
def tell(app: Flask, settings: Settings, store: SomeStore) -> Callable[..., None]:
    """Nudges the store's pages as a worker does."""

    def publish(*names: str) -> None:
        until_somebody_listens(settings.redis_url)
        with app.app_context():
            nudge(store.id, *names)

    return publish


def open_and_listen(page: Page, url: str) -> None:
    """Open a page, and wait until its stream of nudges is open: what is told before is lost, as it may be."""
    with page.expect_response("**/events"):
        page.goto(url)


def test_job_is_watched_to_its_end(
    board: Board, channel: SomeChannel, page: Page, store: SomeStore, tell: Callable[..., None]
) -> None:
    poll_never(page)
    job = board.running(channel, done=10, total=100)
    open_and_listen(page, store.url(f"/jobs/{job}"))
    expect(page.locator("#sync-strip")).to_contain_text("Shopee Penang: reading orders, 10 of 100")
    board.set(job, done=60)
    tell(f"job-{job}", "jobs")
    expect(page.locator(".job-progress")).to_contain_text("60 of 100")
    expect(page.locator("#sync-strip")).to_contain_text("60 of 100")
    page.get_by_role("button", name="Cancel").focus()
    board.set(job, state="partly", finished_at=0, counts={"new": 60, "unreadable": 2})
    tell(f"job-{job}", "jobs")
    expect(page.locator("#job-state")).to_contain_text("Partly done")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.locator("#sync-strip")).to_be_empty()
    assert page.locator(".job-part").get_attribute("hx-trigger") is None


def test_button_stays_under_the_finger_while_numbers_move(
    board: Board, channel: SomeChannel, page: Page, store: SomeStore, tell: Callable[..., None]
) -> None:
    job = board.running(channel, done=10, total=100)
    open_and_listen(page, store.url(f"/jobs/{job}"))
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    board.set(job, done=60)
    tell(f"job-{job}")
    expect(page.locator(".job-progress")).to_contain_text("60 of 100")
    expect(cancel).to_be_focused()
    cancel.click()
    expect(page.locator("#job-state")).to_contain_text("Stopping")


def test_pages_poll_where_there_is_no_stream(board: Board, channel: SomeChannel, page: Page, store: SomeStore) -> None:
    page.route("**/events", lambda route: route.fulfill(status=204))
    job = board.running(channel, done=10, total=100)
    page.goto(store.url(f"/jobs/{job}"))
    board.set(job, done=60)
    expect(page.locator(".job-progress")).to_contain_text("60 of 100", timeout=LATER_THAN_A_POLL_MS)


def test_job_is_watched_without_scripts(
    board: Board, channel: SomeChannel, new_context: NewContext, store: SomeStore
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    job = board.running(channel, done=10, total=100)
    page.goto(store.url(f"/jobs/{job}"))
    board.set(job, state="succeeded", finished_at=0, counts={"new": 100})
    expect(page.locator("#job-state")).to_contain_text("Everything is done.", timeout=LATER_THAN_A_POLL_MS)


def test_home_follows_what_happens(
    *, board: Board, books: Books, channel: SomeChannel, page: Page, store: SomeStore, tell: Callable[..., None]
) -> None:
    poll_never(page)
    open_and_listen(page, store.url("/"))
    expect(page.locator("#home-jobs")).to_contain_text("Nothing ran yet.")
    books.order(channel, state="ready")
    job = board.running(channel, done=1, total=2)
    tell("jobs", "orders", f"job-{job}", f"channel-{channel.id}")
    expect(page.locator("#home-state")).to_contain_text("1 order is ready to sync.")
    row = page.locator(f"#channel-activity-{channel.id}")
    expect(row).to_contain_text("reading orders, 1 of 2")
    expect(page.locator("#home-jobs")).to_contain_text("reading orders")
