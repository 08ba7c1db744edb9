"""The books of a test's own store, and a browser in which its owner or its read-only colleague is signed in."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    """Rows for the test's store."""
    return Books(app, store)


@pytest.fixture
def channel(books: Books) -> SomeChannel:
    """A connected channel."""
    return books.channel()


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    """A browser of the store's owner."""
    return signed_in(new_client(app), store.owner)


@pytest.fixture
def reader(app: Flask, store: SomeStore) -> FlaskClient:
    """A browser of the store's read-only colleague."""
    return signed_in(new_client(app), store.reader)


@pytest.fixture
def stranger(app: Flask, other_store: SomeStore) -> FlaskClient:
    """A browser of somebody who owns another store."""
    return signed_in(new_client(app), other_store.owner)
