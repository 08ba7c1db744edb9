"""Channels for the connector tests: answers chosen by the test, or a sandbox process with an empty shop for each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import responses

from app.connectors import connect
from app.connectors.base import Connector, ConnectorOptions
from tests.connectors.contract import RIGS
from tests.connectors.rigs import Rig
from tests.sandbox.kiotviet.visiting import Visitor as KiotVietVisitor
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


@pytest.fixture(scope="session")
def kiotviet_sandbox() -> Iterator[Running]:
    """The process; it ends with the session."""
    with running("--products", "0", "--orders", "0", kind="kiotviet") as process:
        yield process


@pytest.fixture
def kiotviet_shop(kiotviet_sandbox: Running) -> Iterator[KiotVietVisitor]:
    """A shop with branches, people and channels, and without goods."""
    key = f"connector-test-{next(_keys)}"
    visitor = KiotVietVisitor(kiotviet_sandbox, key, f"client-of-{key}", f"secret-of-{key}")
    with visitor.session:
        visitor.steer("POST", "shops", params={"key": "cuahangsen"}, json={"key": key})
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


@pytest.fixture(params=[*RIGS])
def rig(request: pytest.FixtureRequest) -> Rig:
    """An account of each kind in turn, that the test has to itself."""
    return RIGS[request.param].make(request)


@pytest.fixture
def channel(rig: Rig) -> Iterator[Connector]:
    """The connector of that account."""
    connector = rig.connector()
    yield connector
    connector.close()
