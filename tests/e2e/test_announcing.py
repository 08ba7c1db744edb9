"""An order that is paid on the channel appears on an open page by itself, though nobody checks for updates."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.person import Person
from tests.e2e.shop import Shop
from tests.e2e.steps import answered_quickly, choose_options, open_store, try_connection

pytestmark = [pytest.mark.browser, pytest.mark.processes]

DELIVERIES = 200
PAID = {"order_status": "Completed", "payment_status": "Paid", "marketplace": "Shopee"}


def test_what_the_channel_announces_is_there_by_itself(
    new_person: Callable[..., Person], new_shop: Callable[..., Shop]
) -> None:
    person, shop = new_person("Puteri Salmah"), new_shop(25)
    open_store(person, "Kedai Salmah")
    person.follow("Connect a channel")
    person.follow("Continue with SiteGiant")
    try_connection(person, shop.domain, shop.key)
    choose_options(person, "Wait until I choose")
    person.press("Check for updates")
    person.go("Channels")
    person.follow("Open")
    person.follow("Settings")
    person.press("Switch on")
    person.sees("SiteGiant announces new orders at once from now on.")
    person.follow("Order Sync")
    with person.staying():
        shop.visitor.steer("POST", "orders", json={"count": 1, "seed": 1, "set": PAID})
        person.awaits("One order came in since this list was made.")
        shop.visitor.steer("POST", "orders", json={"count": DELIVERIES, "seed": 2, "set": PAID})
        assert len(answered_quickly(shop.visitor.steer)) == DELIVERIES + 1
        person.awaits(f"{DELIVERIES + 1} orders came in since this list was made.")
    assert shop.visitor.log("list") == listed_by_the_first_check(shop)


def listed_by_the_first_check(shop: Shop) -> list[object]:
    """The calls of the list that came before the webhook was registered."""
    (registered,) = shop.visitor.log("webhooks")
    return [call for call in shop.visitor.log("list") if call["call_id"] < registered["call_id"]]
