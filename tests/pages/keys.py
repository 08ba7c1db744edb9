"""A page as somebody meets it who has no mouse: the way through it by Tab, and what opens and closes by keys."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Locator
from playwright.sync_api import Page as Tab


def walk_complaints(tab: Tab) -> list[str]:
    """What is wrong on the way through the page by the Tab key, past its menu, and to its search."""
    for _stop in range(tab.evaluate("looking.begin()")):
        tab.keyboard.press("Tab")
    said: list[str] = tab.evaluate("looking.end()")
    return said + _skipping(tab) + _searching(tab)


def menu_complaints(tab: Tab, seen: set[str]) -> list[str]:
    """What is wrong with the menus of the page that are not among those seen: each is opened, and left in two ways."""
    said = []
    for menu in tab.locator("details.menu > summary:visible").all():
        name = menu.evaluate("(part) => `${part.parentElement.className} ${part.getAttribute('aria-label')}`")
        if name not in seen:
            seen.add(name)
            said += [f"{wrong}: {name}" for wrong in _opening_and_leaving(tab, menu)]
    return said


def _opening_and_leaving(tab: Tab, menu: Locator) -> Iterator[str]:
    is_open = "(part) => part.parentElement.open"
    menu.focus()
    tab.keyboard.press("Enter")
    if not menu.evaluate(is_open):
        yield "does not open by Enter"
    tab.keyboard.press("Tab")
    if not menu.evaluate("(part) => part.parentElement.contains(document.activeElement)"):
        yield "opens, and the next stop is elsewhere"
    tab.keyboard.press("Escape")
    if menu.evaluate(is_open):
        yield "does not close by Escape"
    if not menu.evaluate("(part) => part === document.activeElement"):
        yield "closes and does not give the focus back"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Shift+Tab")
    if menu.evaluate(is_open):
        yield "stays open when the focus has left it"


def _skipping(tab: Tab) -> list[str]:
    link = tab.locator("a.skip-link")
    if not link.count():
        return []
    link.focus()
    tab.keyboard.press("Enter")
    arrived = tab.evaluate("document.activeElement?.id")
    return [] if arrived == "main" else [f"its first link leads to {arrived!r}"]


def _searching(tab: Tab) -> list[str]:
    if not tab.locator("#search:visible").count():
        return []
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("/")
    there = tab.evaluate("document.activeElement.id")
    return [] if there == "search" else [f"'/' leads to {there!r}"]
