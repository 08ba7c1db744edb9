"""What processes share of a channel: its token, fetched by one for all, and the reads of the hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest
from flask import Flask
from redis import Redis

from app.channels.allowance import SharedReads, Spent, Use, spent, use_of
from app.channels.tokens import SharedTokens
from app.extensions import shared_memory

CONFIG = {"retailer": "cuahang", "client_id": "id", "client_secret": "secret"}
HOUR = 3600.0
NOON = 1_763_784_000.0


@pytest.fixture
def memory(app: Flask) -> Redis:
    return shared_memory(app.extensions["settings"].redis_url)


@pytest.fixture
def channel_id() -> int:
    """A channel that no other test counts for."""
    return uuid4().int >> 80


@contextmanager
def away() -> Iterator[Redis]:
    """A queue server that nobody can reach."""
    with shared_memory("redis://127.0.0.1:1/0") as client:
        yield client


class Issuer:
    """Gives a new token each time it is asked, and counts."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.given = 0
        self._lifetime = lifetime
        self._lock = threading.Lock()

    def __call__(self) -> tuple[str, float]:
        with self._lock:
            self.given += 1
            return f"token-{self.given}", self._lifetime


# ---- tokens


def test_a_token_that_one_process_fetched_serves_the_others(app: Flask, memory: Redis, channel_id: int) -> None:
    issuer = Issuer()
    with app.app_context():
        one, other = (SharedTokens(memory, 1, channel_id, CONFIG) for _process in range(2))
        assert one.current() == other.current() == ""
        assert one.renewed("", issuer) == "token-1"
        assert other.current() == "token-1"
        assert other.renewed("", issuer) == "token-1"
    assert issuer.given == 1


def test_a_token_that_was_refused_is_renewed_once_and_not_by_each(app: Flask, memory: Redis, channel_id: int) -> None:
    issuer = Issuer()
    with app.app_context():
        SharedTokens(memory, 1, channel_id, CONFIG).renewed("", issuer)

    def renew(_number: int) -> str:
        with app.app_context():
            tokens = SharedTokens(memory, 1, channel_id, CONFIG)
            assert tokens.current() in ("token-1", "token-2")
            return tokens.renewed("token-1", issuer)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(renew, range(8))) == {"token-2"}
    assert issuer.given == 2


def test_a_token_lies_sealed_and_under_the_credentials_it_was_given_for(
    app: Flask, memory: Redis, channel_id: int
) -> None:
    with app.app_context():
        SharedTokens(memory, 1, channel_id, CONFIG).renewed("", Issuer())
        assert SharedTokens(memory, 1, channel_id, {**CONFIG, "client_secret": "new"}).current() == ""
    (name,) = memory.scan_iter(f"channelbook:token:1:{channel_id}:*")
    sealed = memory.get(name)
    assert isinstance(sealed, bytes)
    assert b"token-1" not in sealed
    assert 0 < memory.ttl(name) <= 3600


def test_a_token_about_to_expire_is_none(app: Flask, memory: Redis, channel_id: int) -> None:
    now = [NOON]
    with app.app_context():
        tokens = SharedTokens(memory, 1, channel_id, CONFIG, clock=lambda: now[0])
        assert tokens.renewed("", Issuer(600)) == "token-1"
        now[0] += 539
        assert tokens.current() == "token-1"
        now[0] += 2
        assert tokens.current() == ""


def test_a_value_that_cannot_be_opened_costs_a_renewal(app: Flask, memory: Redis, channel_id: int) -> None:
    issuer = Issuer()
    with app.app_context():
        SharedTokens(memory, 1, channel_id, CONFIG).renewed("", issuer)
        (name,) = memory.scan_iter(f"channelbook:token:1:{channel_id}:*")
        memory.set(name, b"nonsense")
        other = SharedTokens(memory, 1, channel_id, CONFIG)
        assert other.current() == ""
        assert other.renewed("", issuer) == "token-2"


def test_without_the_queue_server_each_process_has_a_token_of_its_own(app: Flask) -> None:
    issuer = Issuer()
    with app.app_context(), away() as nowhere:
        tokens = SharedTokens(nowhere, 1, 1, CONFIG)
        assert tokens.renewed("", issuer) == "token-1"
        assert tokens.current() == "token-1"
        assert tokens.renewed("token-1", issuer) == "token-2"


def test_a_fetch_that_fails_leaves_the_way_free_for_the_next(app: Flask, memory: Redis, channel_id: int) -> None:
    def fail() -> tuple[str, float]:
        raise LookupError

    with app.app_context():
        with pytest.raises(LookupError):
            SharedTokens(memory, 1, channel_id, CONFIG).renewed("", fail)
        assert SharedTokens(memory, 1, channel_id, CONFIG).renewed("", Issuer()) == "token-1"


def test_who_waits_for_a_fetch_takes_its_token(app: Flask, memory: Redis, channel_id: int) -> None:
    issuer, waited = Issuer(), []

    def finish(_seconds: float) -> None:
        """The other process ends its fetch while this one sleeps."""
        waited.append(True)
        memory.delete(f"{name}:fetching")
        SharedTokens(memory, 1, channel_id, CONFIG).renewed("", issuer)

    with app.app_context():
        waiting = SharedTokens(memory, 1, channel_id, CONFIG, sleep=finish)
        name = waiting._name
        memory.set(f"{name}:fetching", "the other", ex=60)
        assert waiting.renewed("", lambda: pytest.fail("fetched twice")) == "token-1"
    assert waited == [True]


# ---- the reads of the hour


def reads(memory: Redis, channel_id: int, use: Use, now: list[float], limit: int = 10) -> Callable[[], float]:
    return SharedReads(memory, 1, channel_id, limit, use, clock=lambda: now[0]).take


def test_the_first_load_and_refreshes_leave_reads_to_orders(memory: Redis, channel_id: int) -> None:
    now = [NOON]
    first, refresh, orders = (reads(memory, channel_id, use, now) for use in Use)
    assert [first() for _time in range(8)] == [0.0] * 8
    assert first() > 0
    assert (refresh(), orders()) == (0.0, 0.0)
    assert refresh() > 0
    assert orders() > 0
    found = spent(memory, 1, channel_id, 10, now=NOON)
    assert found.by_use == {Use.FIRST: 8, Use.REFRESH: 1, Use.ORDERS: 1}
    assert (found.used, found.left, found.left_for(Use.FIRST)) == (10, 0, 0)


def test_a_read_is_free_again_an_hour_later_and_not_before(memory: Redis, channel_id: int) -> None:
    now = [NOON]
    take = reads(memory, channel_id, Use.ORDERS, now, limit=2)
    assert take() == 0.0
    now[0] += 600
    assert take() == 0.0
    wait = take()
    assert HOUR - 600 <= wait <= HOUR - 540
    now[0] += wait - 1
    assert take() > 0
    now[0] += 1
    assert take() == 0.0
    assert take() > 0
    found = spent(memory, 1, channel_id, 2, now=now[0])
    assert found.free_at is not None
    assert found.free_at.timestamp() - now[0] <= 600


def test_all_processes_together_never_take_more_than_there_are(memory: Redis, channel_id: int) -> None:
    take = reads(memory, channel_id, Use.ORDERS, [NOON], limit=50)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _number: take(), range(120)))
    assert taken.count(0.0) == 50


def test_without_the_queue_server_reads_go_on_and_pages_say_nothing() -> None:
    with away() as nowhere:
        assert SharedReads(nowhere, 1, 1, 10, Use.FIRST).take() == 0.0
        assert spent(nowhere, 1, 1, 10) == Spent(10, dict.fromkeys(Use, 0), None)


@pytest.mark.parametrize(
    ("kind", "is_first", "expected"),
    [
        ("products", True, Use.FIRST),
        ("check", True, Use.FIRST),
        ("refresh", False, Use.REFRESH),
        ("auto", False, Use.REFRESH),
        ("announced", True, Use.ORDERS),
        ("retry", False, Use.ORDERS),
        ("write_back", True, Use.ORDERS),
    ],
)
def test_what_a_job_reads_for(kind: str, is_first: bool, expected: Use) -> None:
    assert use_of(kind, is_first=is_first) is expected


def test_a_new_count_begins_with_the_real_clock(memory: Redis, channel_id: int) -> None:
    assert SharedReads(memory, 1, channel_id, 10, Use.ORDERS).take() == 0.0
    found = spent(memory, 1, channel_id, 10)
    assert found.used == 1
    assert found.free_at is not None
    assert found.free_at.timestamp() > time.time()
