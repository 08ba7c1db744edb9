"""One SiteGiant sandbox process for the connector tests; each test gets an empty shop of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

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
