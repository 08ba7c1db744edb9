"""One KiotViet sandbox process for all tests; each test gets a shop of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.sandbox.kiotviet.visiting import Visitor
from tests.sandbox.running import Running, running

UNTIL = "2026-11-20T12:00:00"
_numbers = count(1)


@pytest.fixture(scope="session")
def kiotviet() -> Iterator[Running]:
    """A sandbox whose first shop has 300 generated products and 200 orders, the newest of 20 November."""
    with running("--products", "300", "--orders", "200", "--seed", "7", "--until", UNTIL, kind="kiotviet") as started:
        yield started


@pytest.fixture
def shop(kiotviet: Running) -> Iterator[Visitor]:
    """A shop that no other test sees, with branches, people and channels, and without goods."""
    key = f"shop{next(_numbers)}"
    visitor = Visitor(kiotviet, key, f"client-of-{key}", f"secret-of-{key}")
    with visitor.session:
        visitor.steer("POST", "shops", params={"key": "cuahangsen"}, json={"key": key})
        yield visitor


@pytest.fixture
def first_shop(kiotviet: Running) -> Iterator[Visitor]:
    """The generated shop, to be read only."""
    visitor = Visitor(kiotviet, "cuahangsen", "sandbox-client", "sandbox-secret")
    with visitor.session:
        yield visitor
