"""A store's shelves, and the browsers of its members."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.catalog.shelves import Shelves
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    """The store's rows."""
    return Books(app, store)


@pytest.fixture
def shelves(books: Books) -> Shelves:
    """The store's warehouses and what is in them."""
    return Shelves(books)


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    """The owner's browser, without JavaScript."""
    return signed_in(new_client(app), store.owner)


@pytest.fixture
def reader(app: Flask, store: SomeStore) -> FlaskClient:
    """The read-only colleague's browser."""
    return signed_in(new_client(app), store.reader)
