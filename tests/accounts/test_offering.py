"""What templates ask before they draw a button follows the declared needs."""

from __future__ import annotations

import pytest
from flask import Flask, g

from app.accounts.access import Member
from app.accounts.offering import may, may_open, who_may_write_here
from app.core.roles import Ability, Role


@pytest.mark.parametrize("role", Role)
def test_may_is_the_table(app: Flask, role: Role) -> None:
    with app.test_request_context("/penang/orders"):
        g.membership = Member(1, 1, role)
        assert {ability for ability in Ability if may(ability.value)} == {one for one in Ability if role.may(one)}
        with pytest.raises(ValueError, match="everything"):
            may("everything")


@pytest.mark.parametrize(
    ("url", "roles"),
    [
        ("/penang/channels/7/reconnect?next=/penang/", {Role.OWNER, Role.MANAGER}),
        ("/penang/channels/7/payments#gateway-3", set(Role)),
        ("/penang/invoices/7/credit", {Role.OWNER, Role.MANAGER, Role.BOOKKEEPER}),
        ("/penang/settings/api-keys", {Role.OWNER}),
        ("/me", set(Role)),
        ("/penang/no-such-page", set()),
        ("/penang/orders/sync", set()),  # a press, and no page
    ],
)
def test_a_button_is_drawn_for_whoever_may_open_where_it_leads(app: Flask, url: str, roles: set[Role]) -> None:
    found = set()
    for role in Role:
        with app.test_request_context("/penang/orders"):
            g.membership = Member(1, 1, role)
            if may_open(url) and may_open(url):
                found.add(role)
    assert found == roles


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/penang/settings/general", "Owner or Manager"),
        ("/penang/settings/closing", "Owner, Manager, or Bookkeeper"),
        ("/penang/orders", ""),
        ("/penang/no-such-page", ""),
    ],
)
def test_a_page_says_who_may_change_what_it_shows(app: Flask, url: str, words: str) -> None:
    for role, expected in ((Role.READ_ONLY, words), (Role.OWNER, "")):
        with app.test_request_context(url):
            g.membership = Member(1, 1, role)
            assert who_may_write_here() == expected
