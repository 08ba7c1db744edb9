"""Orders that are packed, in a store of the test's own."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def owner(client: FlaskClient, store: SomeStore) -> FlaskClient:
    return signed_in(client, store.owner)
