"""A person at a browser: reads words, fills labelled fields, presses buttons, and takes note of every complaint."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Response, expect

from tests.e2e.album import DESK, SCHEMES, Album
from tests.support.browsing import COLOURS

PASSWORD = "tram-lantern-82"
PATIENCE = 20.0
LOOKS_AGAIN_AFTER = 0.5
_AXE = Axe()
_BUT_REPETITION = {"exclude": [["tbody tr:nth-child(n + 6)"]]}
_GRAVE = ("serious", "critical")
_TAKE_NOTES = """() => {
    window.shown = [];
    const note = () => window.shown.push(document.querySelector("main").innerText);
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
_REFUSED_FORM = "the server responded with a status of 422"  # Chromium counts a refused form among errors


@dataclass
class Person:
    """Somebody with a browser of their own, with or without scripts; `complaints` is what console and server said."""

    name: str
    page: Page
    album: Album
    scripts: bool
    complaints: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        """Where they sign in."""
        return f"{self.name.replace(' ', '.').lower()}@shop.example"

    @property
    def main(self) -> Locator:
        """The page without its frame."""
        return self.page.get_by_role("main")

    def look(self, name: str) -> None:
        """Take pictures of the page, and look at it as somebody would who sees little of it or nothing."""
        if not self.scripts:
            self.album.take(self.page, f"{name}-without-scripts", schemes=("light",))
            return
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            found = self._violations({"runOnly": COLOURS} if scheme == "dark" else {})
            self.complaints += [f"{name}, {scheme}: {_told(one)}" for one in found if one["impact"] in _GRAVE]
        self.album.take(self.page, name)

    def _violations(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """What axe finds. A part that is swapped while axe reads it leaves it without ground; then it reads again."""
        tries_left = 3
        while True:
            tries_left -= 1
            try:
                answer = _AXE.run(self.page, _BUT_REPETITION, {"resultTypes": ["violations"], **options})
            except Error as error:
                if "documentElement" not in error.message or not tries_left:
                    raise
            else:
                return list(answer.response["violations"])

    def fill(self, label: str, value: str) -> None:
        """Fill the field with this label."""
        self.page.get_by_label(label, exact=True).fill(value)

    def press(self, button: str | re.Pattern[str]) -> None:
        """Press the button with these words."""
        self.main.get_by_role("button", name=button, exact=True).click()

    def follow(self, link: str | re.Pattern[str]) -> None:
        """Follow the first link with these words on the page itself."""
        self.main.get_by_role("link", name=link, exact=True).first.click()

    @property
    def menu(self) -> Locator:
        """The menu at the side."""
        return self.page.get_by_role("navigation", name="Main", exact=True)

    def go(self, entry: str, heading: str = "") -> None:
        """Choose an entry of the menu; the page that comes is called the same unless told otherwise."""
        self.menu.get_by_role("link", name=re.compile(f"^{entry}")).click()
        self.is_at(heading or entry)

    def is_at(self, heading: str) -> None:
        """Wait for the page with this heading."""
        expect(self.main.get_by_role("heading", level=1, name=heading)).to_be_visible()

    def narrow(self, chip: str) -> None:
        """Choose one of the chips above a list, and wait until the list has followed."""
        link = self.main.get_by_role("link", name=re.compile(f"^{chip}")).first
        link.click()
        expect(link).to_have_attribute("aria-current", "true")

    def sees(self, words: str | re.Pattern[str]) -> None:
        """These words stand on the page, or come at once."""
        expect(self.main.get_by_text(words).first).to_be_visible()

    def awaits(
        self, words: str | re.Pattern[str], within: Locator | None = None, *, patience: float = PATIENCE
    ) -> None:
        """These words come by themselves; without scripts, by looking at the page again."""
        place = (within or self.main).get_by_text(words).first
        if self.scripts:
            expect(place).to_be_visible(timeout=patience * 1000)
            return
        deadline = time.monotonic() + patience
        while not place.is_visible():
            assert time.monotonic() < deadline, f"{words} did not come; the page says: {self.main.inner_text()}"
            self.page.wait_for_timeout(LOOKS_AGAIN_AFTER * 1000)
            self.page.reload()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """What happens inside changes parts of the page; with scripts nothing may load it anew."""
        if not self.scripts:
            yield
            return
        self.page.evaluate("window.stillHere = true")
        yield
        assert self.page.evaluate("window.stillHere"), "the page was loaded anew"

    def watches_until(self, words: str, pattern: str) -> list[str]:
        """Watch the page until these words come, and tell what the pattern's group stood for on the way."""
        shown = [self.main.inner_text()]
        if self.scripts:
            self.page.evaluate(_TAKE_NOTES)
            self.awaits(words)
            shown += self.page.evaluate("window.shown")
        else:
            while words not in shown[-1]:
                self.page.wait_for_timeout(LOOKS_AGAIN_AFTER * 1000)
                self.page.reload()
                shown.append(self.main.inner_text())
        return list(dict.fromkeys(found for text in shown for found in re.findall(pattern, text)))

    def saves(self, link: str) -> bytes:
        """What a link downloads."""
        with self.page.expect_download() as coming:
            self.follow(link)
        return coming.value.path().read_bytes()

    def address_of(self, link: str | re.Pattern[str], within: Locator | None = None) -> str:
        """Where a link leads."""
        address = (within or self.main).get_by_role("link", name=link, exact=True).first.get_attribute("href")
        assert address
        return address

    def reads(self, path: str) -> bytes:
        """What an address of the site answers to this person's browser."""
        answer = self.page.request.get(path)
        assert answer.ok, f"{path} answered {answer.status}"
        return answer.body()


def _told(violation: dict[str, Any]) -> str:
    places = ", ".join(str(node["target"][0]) for node in violation["nodes"][:5])
    return f"{violation['help']} ({violation['id']}): {places}"


@contextmanager
def sitting_at(browser: Browser, url: str, album: Album, name: str, *, scripts: bool) -> Iterator[Person]:
    """Give a person a fresh browser window; at the end nothing may have complained."""
    context = browser.new_context(
        base_url=url, viewport={"width": DESK, "height": 900}, java_script_enabled=scripts, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    person = Person(name, page, album, scripts)
    page.on("console", lambda said: _note_console(person, said))
    page.on("pageerror", lambda error: person.complaints.append(f"script: {error}"))
    page.on("response", lambda answer: _note_answer(person, answer))
    try:
        yield person
    finally:
        context.close()
    assert not person.complaints, "\n".join(person.complaints)


def _note_console(person: Person, said: ConsoleMessage) -> None:
    if said.type in ("error", "warning") and _REFUSED_FORM not in said.text:
        person.complaints.append(f"{person.page.url}: {said.text}")


def _note_answer(person: Person, answer: Response) -> None:
    if answer.status >= 500:
        person.complaints.append(f"{answer.status} {answer.url}")
