"""Who and what a demo begins with: three shops and the people in them, ready to connect the sandbox.

The first is a main store. One of the others is linked with it and has sold from its warehouse already; the other one's
answer is still awaited.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import create_app
from app.accounts import later, passwords
from app.accounts.models import Membership, User
from app.catalog.stock_queries import warehouses
from app.config import Settings
from app.core.linking import Plan, letters_of
from app.core.roles import Role
from app.demo_sales import fill_shelves, owner_id, sell
from app.extensions import db
from app.links import codes
from app.links import queries as links
from app.links import services as linking
from app.onboarding.services import EmailTaken, create_owner
from app.tenancy import doors
from app.tenancy.plans import put_on_plan
from app.tenancy.scope import current_store, store_scope

PASSWORD = "lemongrass-and-pandan"  # noqa: S105  # printed on purpose, for a server that only this machine reaches


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to sign in as, as the demo introduces them."""

    email: str
    password: str
    role: str
    store: str


OWNER = DemoPerson("owner@demo.example", PASSWORD, "owner", "Kedai Serai")
MANAGER = DemoPerson("manager@demo.example", PASSWORD, "manager", "Kedai Serai")
BOOKKEEPER = DemoPerson("bookkeeper@demo.example", PASSWORD, "bookkeeper", "Kedai Serai")
ORDER_DESK = DemoPerson("desk@demo.example", PASSWORD, "order desk", "Kedai Serai")
READER = DemoPerson("reader@demo.example", PASSWORD, "read only", "Kedai Serai")
NEIGHBOUR = DemoPerson("neighbour@demo.example", PASSWORD, "owner", "Batik Borneo")
PARTNER = DemoPerson("partner@demo.example", PASSWORD, "owner", "Kopi Utara")

_STAFF: Final = (
    (MANAGER, "Cik Aina", Role.MANAGER),
    (BOOKKEEPER, "Encik Rahim", Role.BOOKKEEPER),
    (ORDER_DESK, "Cik Mei", Role.ORDER_DESK),
    (READER, "Tuan Das", Role.READ_ONLY),
)
"""Of the first store: one of each role beside its owner."""


def seed(settings: Settings) -> list[DemoPerson]:
    """Make the demo's people and stores where they are missing, and say who can sign in. Nothing is ever reset.

    The first owner belongs to the others' stores as well, so that switching stores and both sides of a link can be
    seen; the others see nothing of the first.
    """
    with create_app(settings).app_context():
        first = _store_of(OWNER, "Puan Lim")
        second = _store_of(NEIGHBOUR, "Puan Dayang")
        third = _store_of(PARTNER, "Encik Utara")
        for person, name, role in _STAFF:
            _add_member(first, person, name, role)
        _add_member(second, OWNER, "Puan Lim", Role.OWNER)
        _add_member(third, OWNER, "Puan Lim", Role.OWNER)
        if not _has_links(first):
            _link_all(settings.database_owner_url or "", first, second, third)
        later.finish()  # the mails to those who were asked
        db.engine.dispose()
    return [OWNER, *(person for person, _name, _role in _STAFF), NEIGHBOUR, PARTNER]


def _has_links(store_id: int) -> bool:
    with store_scope(store_id):
        return bool(links.links())


def _link_all(owner_url: str, main: int, asked: int, granted: int) -> None:
    """Link two stores with the first: the one has answered, with goods on its shelves, the other has not yet."""
    with store_scope(main):
        slug = current_store().slug
    put_on_plan(owner_url, slug, Plan.PREMIUM)
    for store_id in (main, granted):
        with store_scope(store_id):
            fill_shelves(with_stock=store_id == main)
    link_id = _ask(main, granted)
    with store_scope(granted):
        linking.grant(link_id, "Encik Utara")
    sell(link_id, main, granted)
    _ask(main, asked)


def _ask(main: int, sub: int) -> int:
    """Let the main store ask the other one, by its code; the link."""
    with store_scope(sub):
        codes.ensure_code(owner_id())
        code, name = codes.own_code(), current_store().name
    with store_scope(main):
        link_id = linking.start_draft(letters_of(code.text if code else ""))
        linking.ask(link_id, name, warehouses()[0].id, "Puan Lim")
    return link_id


def _store_of(person: DemoPerson, name: str) -> int:
    """The id of the first store that the person owns, after making both on the first run; it may be renamed since."""
    with contextlib.suppress(EmailTaken):
        create_owner(email=person.email, name=name, store_name=person.store, password=PASSWORD)
    db.session.remove()  # making a store entered its scope
    user_id = db.session.execute(select(User.id).where(User.email == person.email)).scalar_one()
    owned = [place.store_id for place in doors.stores_of_person(user_id) if place.role == Role.OWNER]
    db.session.remove()
    return min(owned)


def _add_member(store_id: int, person: DemoPerson, name: str, role: Role) -> None:
    """Add the person and their place where missing, also when an earlier run was cut short before this."""
    with store_scope(store_id):
        new = insert(User).values(email=person.email, name=name, password_hash=passwords.hash_password(PASSWORD))
        db.session.execute(new.on_conflict_do_nothing(index_elements=[User.email]))
        user_id = db.session.execute(select(User.id).where(User.email == person.email)).scalar_one()
        place = insert(Membership).values(store_id=store_id, user_id=user_id, role=role)
        db.session.execute(place.on_conflict_do_nothing(index_elements=["store_id", "user_id"]))
        db.session.commit()
