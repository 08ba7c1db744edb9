"""What a page of a store begins with: one statement says whose browser it is and opens the store's scope."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.sessions import Browser, add_session, arrival_of, end_sessions_of
from app.extensions import db
from tests.orders.factories import statements
from tests.support.factories import Make, SomePerson, SomeStore, expire_sessions_of, signed_in


@pytest.fixture
def token(app: Flask, store: SomeStore) -> str:
    """The token of the owner's browser."""
    with app.app_context():
        made = add_session(store.owner.id, Browser("pytest", "127.0.0.1"))
        db.session.commit()
    return made


def told_store() -> str | None:
    """The store that the running transaction was told of; '' and None are none."""
    told: str | None = db.session.scalar(text("select current_setting('app.store_id', true)"))
    return told


def test_scope_is_opened_for_a_member_until_the_transaction_ends(app: Flask, store: SomeStore, token: str) -> None:
    with app.app_context():
        arrival = arrival_of(token, store.slug)
        assert arrival is not None
        assert arrival.person.id == store.owner.id
        assert [(place.slug, place.name, place.role) for place in arrival.places] == [(store.slug, store.name, "owner")]
        assert told_store() == str(store.id)
        db.session.rollback()
        assert not told_store()


def test_no_scope_is_opened_in_the_store_of_others(app: Flask, make: Make, store: SomeStore, token: str) -> None:
    other = make.store()
    with app.app_context():
        arrival = arrival_of(token, other.slug)
        assert arrival is not None
        assert [place.store_id for place in arrival.places] == [store.id]
        assert not told_store()


def test_person_without_a_store_arrives_too(app: Flask, make: Make, store: SomeStore) -> None:
    person = make.person()
    with app.app_context():
        made = add_session(person.id, Browser("pytest", "127.0.0.1"))
        db.session.commit()
        arrival = arrival_of(made, store.slug)
        assert arrival is not None
        assert (arrival.person.id, arrival.places) == (person.id, [])
        assert not told_store()


def _end(app: Flask, person: SomePerson) -> None:
    with app.app_context():
        end_sessions_of(person.id)
        db.session.commit()


@pytest.mark.parametrize("end", [_end, expire_sessions_of])
def test_ended_session_opens_nothing(
    app: Flask, store: SomeStore, token: str, end: Callable[[Flask, SomePerson], None]
) -> None:
    end(app, store.owner)
    with app.app_context():
        assert arrival_of(token, store.slug) is None
        assert not told_store()


def test_part_of_a_page_costs_few_statements(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    mine = signed_in(client, store.owner)
    mine.get(store.url("/strip"), headers={"HX-Request": "true"})
    with app.app_context(), statements() as seen:
        mine.get(store.url("/strip"), headers={"HX-Request": "true"})
    assert len(seen) == 3, seen  # who it is with the store, its jobs, and all numbers of the menu
