"""Two shops side by side, a browser each: the code, the request, the answer, the end, with nobody reloading a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from app.core.linking import Plan
from app.tenancy.plans import put_on_plan
from tests.e2e.installation import Installation
from tests.e2e.person import Person
from tests.e2e.steps import open_store

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def slug_of(person: Person) -> str:
    return urlsplit(person.page.url).path.split("/")[1]


def read_code(person: Person) -> str:
    """The code as it stands under Store Details."""
    person.go("Settings", "Settings")
    code = person.main.locator("#store-details code").inner_text()
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", code)
    return code


def ask(person: Person, code: str, other: str) -> None:
    """From [+] Add channel to Pending."""
    person.go("Channels")
    person.follow("Add channel")
    person.look("add-channel")
    person.follow("Continue with SiteGiant ERP")
    person.fill("Store Verification Code", "ABCD")
    person.press("Continue")
    person.sees("This code has 4 letters; a verification code has 20.")
    person.look("code")
    person.fill("Store Verification Code", code.lower())
    person.press("Continue")
    person.is_at(f"Connect {other}")
    person.sees("What was checked")
    person.look("link-options")
    person.fill("Channel name", "Webstore Ipoh")
    person.press("Back")
    person.press("Continue")
    assert person.page.get_by_label("Channel name", exact=True).input_value() == "Webstore Ipoh"
    person.press("Connect")
    person.is_at("Webstore Ipoh")
    person.sees("Pending")
    person.look("link-pending")


@pytest.fixture
def two(new_person: Callable[..., Person], channelbook: Installation) -> Callable[[str], tuple[Person, Person]]:
    """Opens two stores, the first on Premium; the names end in a word of the test's."""

    def opened(word: str) -> tuple[Person, Person]:
        main, sub = new_person(f"Aminah {word}"), new_person(f"Boon Leong {word}")
        for person, name in ((main, f"Gudang {word}"), (sub, f"Kedai {word}")):
            open_store(person, name)
        assert put_on_plan(channelbook.env["DATABASE_OWNER_URL"], slug_of(main), Plan.PREMIUM)
        return main, sub

    return opened


def test_code_request_grant_and_end_side_by_side(two: Callable[[str], tuple[Person, Person]]) -> None:
    main, sub = two("Ipoh")
    code = read_code(sub)
    sub.look("store-details")
    sub.go("Channels")
    with sub.staying():
        ask(main, code, "Kedai Ipoh")
        sub.awaits("Gudang Ipoh asks to be your main store.")
        expect(sub.menu.locator("#count-channels-index")).to_have_text("1")
    sub.look("channels-asked")
    sub.follow("Review the request")
    sub.sees("Gudang Ipoh sees your items")
    sub.look("authorized")
    sub.main.get_by_label("More: Gudang Ipoh").click()
    sub.follow("Grant Access")
    sub.look("grant")
    with main.staying():
        sub.press("Grant Access")
        sub.sees("You and Gudang Ipoh are connected.")
        main.awaits("Kedai Ipoh has granted you access.")
    main.look("link-connected")
    main.go("Channels")
    main.look("channels-connected")
    main.page.go_back()
    main.follow("End link")
    main.look("end")
    with sub.staying():
        main.page.get_by_label("Set to zero").check()
        main.press("End link")
        sub.awaits("The link has ended.")
        sub.awaits("The stock of Kedai Ipoh was set to zero.")
    sub.look("link-ended")


def test_a_denial_reaches_the_page_that_waits(two: Callable[[str], tuple[Person, Person]]) -> None:
    main, sub = two("Melaka")
    ask(main, read_code(sub), "Kedai Melaka")
    sub.go("Channels")
    sub.follow("Review the request")
    sub.main.get_by_label("More: Gudang Melaka").click()
    sub.follow("Deny Access")
    sub.fill("Reason (optional)", "We do not know you yet")
    sub.look("deny")
    with main.staying():
        sub.press("Deny Access")
        main.awaits("We do not know you yet")
        main.awaits("Denied")
    main.look("link-denied")
