"""Who and what a demo begins with: two shops and the people in them, ready to connect the sandbox."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import create_app
from app.accounts import passwords
from app.accounts.access import Role
from app.accounts.models import Membership, User
from app.config import Settings
from app.extensions import db
from app.onboarding.services import EmailTaken, create_owner
from app.tenancy import doors
from app.tenancy.scope import store_scope

PASSWORD = "lemongrass-and-pandan"  # noqa: S105  # printed on purpose, for a server that only this machine reaches


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to sign in as, as the demo introduces them."""

    email: str
    password: str
    role: str
    store: str


OWNER = DemoPerson("owner@demo.example", PASSWORD, "owner", "Kedai Serai")
BOOKKEEPER = DemoPerson("bookkeeper@demo.example", PASSWORD, "read-only", "Kedai Serai")
NEIGHBOUR = DemoPerson("neighbour@demo.example", PASSWORD, "owner", "Batik Borneo")


def seed(settings: Settings) -> list[DemoPerson]:
    """Make the demo's people and stores where they are missing, and say who can sign in. Nothing is ever reset.

    The first owner belongs to the neighbour's store as well, so that switching stores can be seen; the neighbour
    sees nothing of the first.
    """
    with create_app(settings).app_context():
        first = _store_of(OWNER, "Puan Lim")
        second = _store_of(NEIGHBOUR, "Puan Dayang")
        _add_member(first, BOOKKEEPER, "Encik Rahim", Role.READ_ONLY)
        _add_member(second, OWNER, "Puan Lim", Role.OWNER)
        db.engine.dispose()
    return [OWNER, BOOKKEEPER, NEIGHBOUR]


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
