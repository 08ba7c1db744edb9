"""A sandbox process, and merchants whose stores have a shop of it connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from app.sync import book, in_hand
from tests.sandbox.running import Running, Visitor, running
from tests.support.factories import Make
from tests.sync.merchant import Merchant

_keys = count(1)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred orders a transaction, so that a test can stop a job of a few hundred between two of them."""
    monkeypatch.setattr(in_hand, "PAGES_AT_ONCE", 1)
    monkeypatch.setattr(book, "BATCH", 100)


@pytest.fixture(scope="session")
def channel_server() -> Iterator[Running]:
    """The SiteGiant sandbox, over a real socket."""
    with running("--count", "0") as process:
        yield process


@pytest.fixture(scope="session")
def kiotviet() -> Iterator[Running]:
    """The KiotViet sandbox; each test has a shop of its own in it."""
    with running("--products", "0", "--orders", "0", kind="kiotviet") as process:
        yield process


@pytest.fixture
def new_merchant(make: Make, channel_server: Running) -> Iterator[Callable[..., Merchant]]:
    """Makes merchants, each with a store and an empty shop of their own; `connect` is still to be called."""
    visitors: list[Visitor] = []

    def new(**settings: object) -> Merchant:
        visitor = Visitor(channel_server, f"sync-test-{next(_keys)}")
        visitors.append(visitor)
        shop = {"key": visitor.key, "name": "Kedai", "rate_limit": 100_000, **settings}
        visitor.steer("POST", "shops", params={"key": "sandbox-key"}, json=shop)
        return Merchant(make.app, make.store(), visitor)

    yield new
    for visitor in visitors:
        visitor.session.close()


@pytest.fixture
def merchant(new_merchant: Callable[..., Merchant]) -> Merchant:
    """One merchant."""
    return new_merchant()
