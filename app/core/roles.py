"""Who may do what in a store: the one table of roles and abilities.

A role is what a person is in a store, an ability is what a page or a button asks for. Routes declare an ability
(`app.web.needs`), templates ask for it with `may(…)`, and the page "Who may do what" is drawn from this table, so that
none of them can say anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A person's place in a store, the mightiest first."""

    OWNER = "owner"
    """Everything, and who else works here."""
    MANAGER = "manager"
    """Everything but who gets in: people and programs."""
    BOOKKEEPER = "bookkeeper"
    """Answers for the books: invoices, credit notes, closing."""
    ORDER_DESK = "order_desk"
    """Works on orders, from typing them in to packing them."""
    READ_ONLY = "read_only"
    """Sees everything and changes nothing."""

    def may(self, ability: Ability) -> bool:
        """Whether somebody of this role has the ability."""
        return self in MAY[ability]


class Ability(StrEnum):
    """What can be needed in a store, the most common first."""

    LOOK = "look"
    """See everything of the store but what another ability keeps."""
    SYNC = "sync"
    """Bring orders in and make their invoices: check, sync, try again, leave out, stop a job."""
    ORDERS = "orders"
    """Orders of the store's own: type in, import, change, mark as paid, pack and send."""
    BOOKS = "books"
    """Issued documents and months: credit notes, re-issue, closing, verification."""
    MAPPINGS = "mappings"
    """What a channel's words mean here: gateways, marketplaces, and the lists that they are mapped to."""
    CATALOG = "catalog"
    """Items, their stock, and the products that mean them."""
    CHANNELS = "channels"
    """Channels and linked stores: connect, set up, pause, remove."""
    SETTINGS = "settings"
    """The rules of the store: its name, numbers, dates and currencies."""
    AUDIT = "audit"
    """Read who changed what."""
    STAFF = "staff"
    """Who works here, in which role, and how safely they sign in."""
    KEYS = "keys"
    """Programs: API keys and webhooks, and taking everything out."""


_OWNERS: Final = frozenset({Role.OWNER})
_LEADERS: Final = _OWNERS | {Role.MANAGER}

MAY: Final[Mapping[Ability, frozenset[Role]]] = {
    Ability.LOOK: frozenset(Role),
    Ability.SYNC: _LEADERS | {Role.BOOKKEEPER, Role.ORDER_DESK},
    Ability.ORDERS: _LEADERS | {Role.ORDER_DESK},
    Ability.BOOKS: _LEADERS | {Role.BOOKKEEPER},
    Ability.MAPPINGS: _LEADERS | {Role.BOOKKEEPER},
    Ability.CATALOG: _LEADERS,
    Ability.CHANNELS: _LEADERS,
    Ability.SETTINGS: _LEADERS,
    Ability.AUDIT: _LEADERS,
    Ability.STAFF: _OWNERS,
    Ability.KEYS: _OWNERS,
}
"""Who has each ability. An owner has all of them: a store must be able to do everything by itself."""


def roles_that(ability: Ability) -> tuple[Role, ...]:
    """The roles that have an ability, the mightiest first."""
    return tuple(role for role in Role if role.may(ability))
