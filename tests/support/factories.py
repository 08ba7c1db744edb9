"""Stores and people for tests: each call makes its own, with names nobody else has, so nothing needs cleaning up."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.models import Membership, User
from app.accounts.passwords import hash_password
from app.accounts.sessions import Browser, add_session
from app.core.roles import Role
from app.extensions import db
from app.onboarding.services import create_store
from app.tenancy.scope import store_scope

PASSWORD = "tram-lantern-82"

_serial = itertools.count(1)
_RUN = os.getpid()


@dataclass(frozen=True, slots=True)
class SomePerson:
    """A person of a test; the password is PASSWORD."""

    id: int
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class SomeStore:
    """A store of a test with the two members every store page is tried with."""

    id: int
    slug: str
    name: str
    owner: SomePerson
    reader: SomePerson

    def url(self, path: str = "/") -> str:
        """A URL of this store: `store.url("/settings/general")`."""
        return f"/{self.slug}{path}"


class Make:
    """The factories; `people` and `store` in tests are its methods' short names."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def person(self, name: str = "") -> SomePerson:
        """A person who belongs to no store yet."""
        number = next(_serial)
        email = f"person{number}.{_RUN}@shop.example"
        with self.app.app_context():
            user = User(email=email, name=name or f"Person {number}", password_hash=hash_password(PASSWORD))
            db.session.add(user)
            db.session.commit()
            return SomePerson(user.id, user.name, email)

    def store(self, name: str = "", *, currency: str = "MYR", time_zone: str = "Asia/Kuala_Lumpur") -> SomeStore:
        """A store as sign-up makes it, with an owner and a read-only colleague."""
        name = name or f"Shop {next(_serial)} {_RUN}"
        owner, reader = self.person(), self.person()
        with self.app.app_context():
            made = create_store(owner.id, name, currency, time_zone)
        store = SomeStore(made.store_id, made.slug, name, owner, reader)
        self.member(store, reader, Role.READ_ONLY)
        return store

    def staff(self, store: SomeStore) -> dict[Role, SomePerson]:
        """A member of each role: the two whom the store has already, and three more."""
        staff = {Role.OWNER: store.owner, Role.READ_ONLY: store.reader}
        for role in set(Role) - staff.keys():
            staff[role] = self.person()
            self.member(store, staff[role], role)
        return staff

    def member(self, store: SomeStore, person: SomePerson, role: Role) -> None:
        """Give a person a place in a store."""
        with self.app.app_context(), store_scope(store.id):
            db.session.add(Membership(store_id=store.id, user_id=person.id, role=role))
            db.session.commit()


def signed_in(client: FlaskClient, who: SomePerson) -> FlaskClient:
    """Sign `who` in on this client without the form (and its limits), and return the client."""
    with client.application.app_context():
        token = add_session(who.id, Browser("pytest", "127.0.0.1"))
        db.session.commit()
    with client.session_transaction() as cookie:
        cookie.clear()
        cookie["_user_id"] = token
    return client


def expire_sessions_of(app: Flask, person: SomePerson) -> None:
    """End every session of a person as if their time had come."""
    with app.app_context():
        db.session.execute(
            text("update user_sessions set expires_at = now() - interval '1 second' where user_id = :id"),
            {"id": person.id},
        )
        db.session.commit()
