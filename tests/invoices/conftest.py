"""The rows of a test's store and its browsers, and an application that only knows languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import Babel

from tests.orders.conftest import books, channel, owner, reader, stranger

__all__ = ["books", "channel", "owner", "reader", "speaking", "stranger"]


@pytest.fixture(scope="session")
def speaking() -> Iterator[None]:
    """A request in English, without a store: times are of UTC."""
    site = Flask("speaking")
    Babel(site, default_locale="en")
    with site.test_request_context():
        yield
