"""The application and what tests put into it. `tests/conftest.py` names this file as a plugin."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.accounts.passwords import use_hasher
from app.config import Settings
from app.extensions import db
from app.sync import queue
from tests.support.factories import Make, SomeStore

_addresses = itertools.count(1)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """The application over the run's own servers, with passwords that are cheap to hash.

    Tests run their jobs themselves and nobody hears the bells, which therefore pile up: to a job it would look as if
    others waited, and on a slow machine it would give itself back half done.
    """
    use_hasher(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    application = create_app(settings)
    application.testing = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "somebody_waits", lambda _url: False)
        yield application
    use_hasher(PasswordHasher())
    with application.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript that nobody has signed in with, from an address of its own."""
    return new_client(app)


@pytest.fixture
def make(app: Flask) -> Make:
    """The factories: `make.store()`, `make.person()`."""
    return Make(app)


@pytest.fixture
def store(make: Make) -> SomeStore:
    """A store with an owner and a read-only colleague."""
    return make.store()


@pytest.fixture
def other_store(make: Make) -> SomeStore:
    """Somebody else's store."""
    return make.store()


def new_client(app: Flask) -> FlaskClient:
    """One more browser: limits count by address, so each gets its own."""
    number = next(_addresses)
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return client
