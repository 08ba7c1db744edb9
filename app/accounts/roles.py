"""Roles and abilities in words."""

from __future__ import annotations

from typing import Any, Final

from babel.lists import format_list
from flask import Flask
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.roles import Ability, Role, roles_that

ROLE_TEXTS: Final[dict[Role, Any]] = {
    Role.OWNER: _l("Everything, and who else works here."),
    Role.MANAGER: _l("Everything except staff, API keys and webhooks."),
    Role.BOOKKEEPER: _l("Syncs orders, chooses payment methods, makes credit notes and closes months."),
    Role.ORDER_DESK: _l("Syncs orders, types in orders, packs and sends them."),
    Role.READ_ONLY: _l("Sees everything and changes nothing."),
}
"""What a role is for, beside the choice of it."""
ABILITY_WORDS: Final[dict[Ability, Any]] = {
    Ability.LOOK: _l("See orders, invoices, items, reports and settings"),
    Ability.SYNC: _l("Check for updates, sync orders into invoices, try failed ones again or ignore them"),
    Ability.ORDERS: _l("Type in and import orders, mark them as paid, pack and send them"),
    Ability.BOOKS: _l("Make credit notes, issue invoices again, close months, verify completeness"),
    Ability.MAPPINGS: _l("Choose payment methods and salespeople, and keep the lists of them and of warehouses"),
    Ability.CATALOG: _l("Add and change items, adjust stock, link products to items"),
    Ability.CHANNELS: _l("Connect, set up, pause and remove channels, and link stores"),
    Ability.SETTINGS: _l("Change the settings of the store and of its invoices"),
    Ability.AUDIT: _l("Read who changed what"),
    Ability.STAFF: _l("Invite staff, change roles, remove staff, decide how safely everybody signs in"),
    Ability.KEYS: _l("Make API keys and webhooks for other programs"),
}
"""What an ability lets one do, as a row of the table "Who may do what"."""
ROLE_WORDS: Final[dict[Role, Any]] = {
    Role.OWNER: _l("Owner"),
    Role.MANAGER: _l("Manager"),
    Role.BOOKKEEPER: _l("Bookkeeper"),
    Role.ORDER_DESK: _l("Order desk"),
    Role.READ_ONLY: _l("Read only"),
}


def init_app(app: Flask) -> None:
    """Give templates `role_name`."""
    app.jinja_env.globals["role_name"] = role_name


def role_name(role: str) -> str:
    """A role as pages call it."""
    return str(ROLE_WORDS[Role(role)])


def roles_in_words(ability: Ability) -> str:
    """The roles that have an ability, as a sentence lists them: "Owner, Manager, or Bookkeeper"."""
    return str(format_list([str(ROLE_WORDS[one]) for one in roles_that(ability)], style="or", locale=get_locale()))


def refusal(role: Role, ability: Ability) -> str:
    """The sentence for somebody whose role is not enough: which it is, and which ones are."""
    return _(
        "Your role in this store is: %(role)s. This is for: %(roles)s.",
        role=str(ROLE_WORDS[role]),
        roles=roles_in_words(ability),
    )
