"""SiteGiant for the connector tests: answers chosen by the test, or a sandbox process with an empty shop for each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import responses

from app.connectors import connect
from app.connectors.base import Connector, ConnectorOptions
from tests.sandbox.running import Running, Visitor, running

_keys = count(1)


@pytest.fixture(scope="session")
def sitegiant_sandbox() -> Iterator[Running]:
    """The process; it ends with the session."""
    with running("--count", "0") as process:
        yield process


@pytest.fixture
def sandbox_shop(sitegiant_sandbox: Running) -> Iterator[Visitor]:
    """A shop without orders."""
    visitor = Visitor(sitegiant_sandbox, f"connector-test-{next(_keys)}")
    with visitor.session:
        visitor.steer("POST", "shops", params={"key": "sandbox-key"}, json={"key": visitor.key, "name": "Kedai"})
        visitor.steer("POST", "reset", json={"orders": []})
        yield visitor


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """The network, which knows only what the test says; every answer prepared must be fetched."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def shop() -> Iterator[Connector]:
    """SiteGiant at shop.example."""
    connector = connect("sitegiant", {"domain": "shop.example", "api_key": "sk-1"}, ConnectorOptions())
    yield connector
    connector.close()
