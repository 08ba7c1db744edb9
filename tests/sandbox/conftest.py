"""One sandbox process for all tests; each test gets a shop of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.sandbox.running import Running, Visitor, running

UNTIL = "2026-11-20T12:00:00+08:00"
_numbers = count(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """A sandbox whose first shop has 300 generated orders, the newest of 20 November."""
    with running("--count", "300", "--seed", "7", "--until", UNTIL) as started:
        yield started


@pytest.fixture
def shop(sandbox: Running) -> Iterator[Visitor]:
    """An empty shop that no other test sees."""
    visitor = Visitor(sandbox, f"key-{next(_numbers)}")
    with visitor.session:
        visitor.steer("POST", "shops", params={"key": "sandbox-key"}, json={"key": visitor.key, "rate_limit": 500})
        yield visitor


@pytest.fixture
def first_shop(sandbox: Running) -> Iterator[Visitor]:
    """The generated shop, to be read only."""
    visitor = Visitor(sandbox, "sandbox-key")
    with visitor.session:
        yield visitor
