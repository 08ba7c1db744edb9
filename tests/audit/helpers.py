"""Acting as somebody, and what the log says then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.extensions import db
from app.tenancy.scope import Actor, act_as, store_scope
from tests.support.factories import SomePerson, SomeStore

ADDRESS = "203.0.113.9"
BROWSER = "Firefox on a till"


@contextmanager
def acting(app: Flask, store: SomeStore, person: SomePerson | None) -> Iterator[None]:
    """The store's scope, as one of its people; as nobody with None."""
    with app.app_context():
        act_as(Actor(user_id=str(person.id), address=ADDRESS, browser=BROWSER) if person else None)
        with store_scope(store.id):
            yield


def entries(app: Flask, store: SomeStore, thing: str = "") -> list[AuditEntry]:
    """What the log of the store says, oldest first."""
    with app.app_context(), store_scope(store.id):
        query = select(AuditEntry).where(AuditEntry.store_id == store.id).order_by(AuditEntry.id)
        found = list(db.session.scalars(query.where(AuditEntry.thing == thing) if thing else query))
        db.session.expunge_all()
        return found


def told(app: Flask, store: SomeStore, thing: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(verb, label, changes) of the entries of one kind of thing."""
    return [(one.verb, one.label, one.changes) for one in entries(app, store, thing)]
