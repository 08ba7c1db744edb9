"""Somebody who reads the help."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    """A browser in which the store's owner is signed in."""
    return signed_in(new_client(app), store.owner)
