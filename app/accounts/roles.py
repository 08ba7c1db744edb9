"""Roles and abilities in words."""

from __future__ import annotations

from typing import Any, Final

from babel.lists import format_list
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.roles import Ability, Role, roles_that

ROLE_WORDS: Final[dict[Role, Any]] = {
    Role.OWNER: _l("Owner"),
    Role.MANAGER: _l("Manager"),
    Role.BOOKKEEPER: _l("Bookkeeper"),
    Role.ORDER_DESK: _l("Order desk"),
    Role.READ_ONLY: _l("Read only"),
}


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
