"""The steps that every day at the portal begins with."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.orders import SPAN
from tests.e2e.person import PASSWORD, PATIENCE, Person


def open_store(person: Person, store: str) -> None:
    """Fill in the sign-up form, which opens the store on Home."""
    person.page.goto("/signup")
    person.fill("Name of your store", store)
    person.fill("Your name", person.name)
    person.fill("E-mail", person.email)
    person.fill("Password", PASSWORD)
    person.press("Open the store")
    person.is_at(store)


def try_connection(person: Person, domain: str, key: str) -> None:
    """Enter address and key, and have them tested."""
    person.fill("Store domain", domain)
    person.fill("API key", key)
    person.press("Test and continue")


def choose_options(person: Person, unmapped: str) -> None:
    """All orders that the shop has, and what to do about gateways without a payment method."""
    person.sees("The connection works: this is")
    person.fill("Orders from", (datetime.now(UTC) - SPAN - timedelta(days=2)).date().isoformat())
    person.page.get_by_label(unmapped).check()
    person.look("options")
    person.press("Connect")
    person.sees("marketplaces found")


def answered_quickly(steer: Callable[..., Any]) -> list[Any]:
    """What a channel announced, once all of it was sent: it was taken, and nearly always within a second, while what
    was announced before it is worked off. Returns what was sent."""
    deadline = time.monotonic() + 2 * PATIENCE
    while (standing := steer("GET", "webhooks"))["waiting"]:
        assert time.monotonic() < deadline, standing["waiting"]
        time.sleep(0.2)
    posts: list[Any] = standing["posts"]
    assert {post["status"] for post in posts} == {200}
    slowest = sorted(post["ms"] for post in posts)
    assert slowest[-1 - len(posts) // 20] < 1000, slowest
    return posts
