"""The table of roles and abilities: what it must say whatever else changes."""

from __future__ import annotations

import pytest

from app.core.roles import MAY, Ability, Role, roles_that


def test_every_ability_stands_in_the_table() -> None:
    assert set(MAY) == set(Ability)


def test_an_owner_may_do_everything() -> None:
    assert all(Role.OWNER.may(ability) for ability in Ability)


def test_a_manager_may_do_everything_but_let_people_and_programs_in() -> None:
    assert {ability for ability in Ability if not Role.MANAGER.may(ability)} == {Ability.STAFF, Ability.KEYS}


def test_everybody_may_look_and_a_reader_no_more() -> None:
    assert roles_that(Ability.LOOK) == tuple(Role)
    assert [ability for ability in Ability if Role.READ_ONLY.may(ability)] == [Ability.LOOK]


@pytest.mark.parametrize("ability", [Ability.BOOKS, Ability.CHANNELS, Ability.SETTINGS, Ability.CATALOG])
def test_the_order_desk_touches_no_books_and_no_settings(ability: Ability) -> None:
    assert not Role.ORDER_DESK.may(ability)


def test_the_bookkeeper_makes_no_orders() -> None:
    """Whoever answers for the invoices does not make the sales."""
    assert Role.BOOKKEEPER.may(Ability.BOOKS)
    assert not Role.BOOKKEEPER.may(Ability.ORDERS)
    assert not Role.ORDER_DESK.may(Ability.BOOKS)


def test_roles_are_named_from_the_mightiest_on() -> None:
    assert roles_that(Ability.BOOKS) == (Role.OWNER, Role.MANAGER, Role.BOOKKEEPER)
