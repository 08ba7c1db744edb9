"""Who and what a demo begins with: a shop with an owner and a bookkeeper, ready to connect the sandbox."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sqlalchemy import select

from app import create_app
from app.accounts import passwords
from app.accounts.access import Role
from app.accounts.models import Membership, User
from app.config import Settings
from app.extensions import db
from app.onboarding.services import EmailTaken, create_owner
from app.tenancy import doors
from app.tenancy.scope import store_scope

STORE = "Kedai Serai"
PASSWORD = "lemongrass-and-pandan"  # noqa: S105  # printed on purpose, for a server that only this machine reaches


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to sign in as, as the demo introduces them."""

    email: str
    password: str
    role: str
    store: str


OWNER = DemoPerson("owner@demo.example", PASSWORD, "owner", STORE)
BOOKKEEPER = DemoPerson("bookkeeper@demo.example", PASSWORD, "read-only", STORE)


def seed(settings: Settings) -> list[DemoPerson]:
    """Make the demo's people and store where they are missing, and say who can sign in. Nothing is ever reset."""
    with create_app(settings).app_context():
        store_id = _store_of_owner()
        _add_bookkeeper(store_id)
        db.engine.dispose()
    return [OWNER, BOOKKEEPER]


def _store_of_owner() -> int:
    """The demo store's id, after making it with its owner on the first run."""
    with contextlib.suppress(EmailTaken):
        create_owner(email=OWNER.email, name="Puan Lim", store_name=STORE, password=PASSWORD)
    db.session.remove()  # making a store entered its scope
    owner_id = db.session.execute(select(User.id).where(User.email == OWNER.email)).scalar_one()
    return doors.stores_of_person(owner_id)[0].store_id


def _add_bookkeeper(store_id: int) -> None:
    """Add the read-only colleague where missing, also when an earlier run was cut short before this."""
    with store_scope(store_id):
        if db.session.execute(select(User.id).where(User.email == BOOKKEEPER.email)).one_or_none():
            return
        user = User(email=BOOKKEEPER.email, name="Encik Rahim", password_hash=passwords.hash_password(PASSWORD))
        db.session.add(user)
        db.session.flush()
        db.session.add(Membership(store_id=store_id, user_id=user.id, role=Role.READ_ONLY))
        db.session.commit()
