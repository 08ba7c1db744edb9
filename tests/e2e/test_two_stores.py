"""Two shops side by side, a browser each: from the code to the end, and one shelf's goods sold by both of them.

What the one does stands on the other's open page, with nobody reloading it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from app.core.linking import Plan
from app.tenancy.plans import put_on_plan
from tests.e2e.family import (
    add_item,
    adjust_stock,
    ask,
    connect,
    make_order,
    open_item,
    open_order,
    parcels,
    read_code,
    sees_stock,
    stands,
)
from tests.e2e.installation import Installation
from tests.e2e.person import Person
from tests.e2e.steps import open_store

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def slug_of(person: Person) -> str:
    return urlsplit(person.page.url).path.split("/")[1]


def ask_with_mistakes(person: Person, code: str, other: str) -> None:
    """From [+] Add channel to Pending, with a wrong code and a step back on the way."""
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
        ask_with_mistakes(main, code, "Kedai Ipoh")
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
    ask(main, read_code(sub), "Webstore Melaka")
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


def test_two_stores_sell_what_lies_on_one_shelf(two: Callable[[str], tuple[Person, Person]]) -> None:
    main, sub = two("Kuching")
    for person in (sub, main):
        add_item(person, "KOPI-1", "Kopi O")
    connect(main, sub, "Webstore Kuching")
    link_items(main)
    tell_stock(main, sub)
    let_an_order_come(main, sub)
    move_from_both_sides(main, sub)
    split(main, sub)
    say_two_things_at_once(main, sub)
    combine_and_send(main, sub)


def link_items(main: Person) -> None:
    """The sub-store's items are listed, proposed and linked in the main store."""
    main.follow("Open the channel")
    main.follow(re.compile("^Product Sync"))
    main.press("Refresh products")
    main.awaits("One proposal is certain.")
    main.follow("Accept all certain")
    main.press("Link one product")
    expect(main.main.get_by_role("button", name="Unlink Kopi O")).to_be_visible()


def tell_stock(main: Person, sub: Person) -> None:
    """What is counted in the main store stands on the open page of the sub-store."""
    open_item(sub, "KOPI-1")
    open_item(main, "KOPI-1")
    with sub.staying():
        adjust_stock(main, 5)
        sees_stock(sub, on_hand=5)
        sub.awaits("Set by the main store")


def let_an_order_come(main: Person, sub: Person) -> None:
    """A webstore order appears in the main store by itself; once it is paid, its pieces are reserved there."""
    main.go("Channels")
    main.follow("Open")
    with main.staying():
        make_order(sub, "W-1", "KOPI-1", "Kopi O", 2, paid=False)
        main.awaits("W-1")
    with sub.staying():
        sub.awaits(re.compile("Gudang Kuching has it, since"))
    open_order(main, "W-1")
    main.sees("Webstore Kuching")
    open_item(main, "KOPI-1")
    with main.staying():
        sub.press("Mark as paid")
        sees_stock(main, reserved=2, available=3)
        main.awaits("Orders that hold or want it")


def move_from_both_sides(main: Person, sub: Person) -> None:
    """Each store reads on its open page where the other one says that the order stands."""
    main.follow("W-1")
    main.is_at("Order W-1")
    with sub.staying():
        main.press("Start processing")
        stands(sub, "Processing")
    with main.staying():
        sub.press("Ready to ship")
        stands(main, "Ready to ship")


def split(main: Person, sub: Person) -> None:
    """What the sub-store packs apart stands in the main store, which is told why it cannot do so itself."""
    with main.staying():
        sub.follow("Split…")
        sub.fill("How many of Kopi O go into the new package", "1")
        sub.press("Split")
        sub.sees("It is split into two packages now.")
        stands(main, "Package PK00001", "Package PK00002")
    stands(main, "Split and combined only in Webstore Kuching, where the goods are packed; this page shows the result.")
    expect(parcels(main).get_by_role("link", name="Split…")).to_have_count(0)
    expect(parcels(main).get_by_role("button", name="Merge back into")).to_have_count(0)
    main.look("split-in-main")


def say_two_things_at_once(main: Person, sub: Person) -> None:
    """While the link rests both say something of the order: the later counts, and both are told what was lost."""
    main.go("Channels")
    with main.staying():
        add_item(sub, "KUIH-1", "Kuih lapis", "By batch")
        main.awaits("so nothing flows")
    open_order(main, "W-1")
    main.follow("Ship all…")
    main.fill("Tracking number", "MY-100")
    main.press("Ship")
    stands(main, "Shipped · MY-100", re.compile("waits, because"))
    open_order(sub, "W-1")
    sub.press("Put on hold")
    stands(sub, "On hold")
    open_item(sub, "KUIH-1")
    with main.staying():
        sub.press("Archive")
        main.awaits("The tracking number MY-100 was not taken over.")
        stands(main, "On hold")
    open_order(sub, "W-1")
    sub.sees("Two stores said different things of it.")
    main.look("conflict-in-main")
    for person in (main, sub):
        person.press("Understood")
        expect(person.main.get_by_text("Two stores said different things of it.")).to_have_count(0)


def combine_and_send(main: Person, sub: Person) -> None:
    """Two orders share a package; the main store sends it, both are sent, and the pieces leave its shelf."""
    sub.press("Ready to ship")
    sub.press(re.compile("^Merge back into"))
    sub.sees("It is merged back.")
    make_order(sub, "W-2", "KOPI-1", "Kopi O", 1, paid=True)
    sub.press("Start processing")
    with main.staying():
        sub.follow("Combine…")
        sub.main.get_by_role("checkbox", name=re.compile("W-1")).check()
        sub.press("Combine")
        stands(sub, "Together with")
        stands(main, "Together with")
        expect(parcels(main).get_by_role("link", name="order W-2")).to_be_visible()
    main.follow("Ship…")
    main.fill("Courier", "Pos Laju")
    main.fill("Tracking number", "MY-101")
    with sub.staying():
        main.press("Ship")
        stands(sub, "Shipped", "MY-101")
    stands(main, "Shipped", "MY-101")
    open_item(main, "KOPI-1")
    sees_stock(main, on_hand=2, reserved=0, available=2)
