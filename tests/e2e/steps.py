"""The steps that every day at the portal begins with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.orders import SPAN
from tests.e2e.person import PASSWORD, Person


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
