"""A store's browser, and a channel kept in memory behind the connect form."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.connectors.base import Capability, Connector
from tests.channels.branched import Branched, open_branches
from tests.connectors.fake import FakeConnector, FakeShop, open_shop
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client


class OneWay(FakeConnector):
    """A fake that no orders can be made on, so that there is nothing to set up."""

    capabilities = FakeConnector.capabilities - {Capability.ORDER_CREATION}


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry knows the fakes alone."""
    registry: Mapping[str, type[Connector]] = {"fake": OneWay, "branched": Branched}
    monkeypatch.setattr("app.connectors.REGISTRY", registry)


@pytest.fixture
def shop(fakes: None) -> FakeShop:
    """An account to connect, with three marketplaces, one of them in SGD."""
    return open_shop()


@pytest.fixture
def branches(fakes: None) -> FakeShop:
    """An account whose two branches count stock."""
    return open_branches()


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    """The owner's browser, without JavaScript."""
    return signed_in(new_client(app), store.owner)


@pytest.fixture
def reader(app: Flask, store: SomeStore) -> FlaskClient:
    """The read-only colleague's browser."""
    return signed_in(new_client(app), store.reader)
