"""What several ask for at once is made once for all of them, and never from before they asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.web import together
from app.web.together import Together
from tests.sync.listening import eventually


class Kitchen:
    """Makes one dish after another; each stays in the oven until it is let out."""

    def __init__(self) -> None:
        self.begun = 0
        self.waited: list[bool] = []
        self.out = threading.Semaphore(0)

    def make(self, had_to_wait: bool) -> int:
        self.begun += 1
        self.waited.append(had_to_wait)
        mine = self.begun
        assert self.out.acquire(timeout=10)
        return mine


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


def waiting(parts: Together) -> Callable[[], bool]:
    """Whether somebody waits for the next making."""
    return lambda: "dish" in parts._next


def test_who_comes_meanwhile_shares_the_next_making_and_not_the_one_that_had_begun(kitchen: Kitchen) -> None:
    parts, arrived = Together(), threading.Semaphore(0)

    def ask() -> int:
        arrived.release()
        made: int = parts.made("dish", kitchen.make)
        return made

    with ThreadPoolExecutor(6) as people:
        first = people.submit(ask)
        eventually(lambda: kitchen.begun == 1, "the first is being made")
        others: list[Future[int]] = [people.submit(ask) for _each in range(5)]
        for _each in range(6):
            assert arrived.acquire(timeout=10)
        eventually(waiting(parts), "somebody waits")
        assert kitchen.begun == 1
        kitchen.out.release(7)
        assert first.result(10) == 1
        made = [other.result(10) for other in others]
    assert min(made) >= 2, "nobody was given what had begun before they asked"
    assert kitchen.begun < 6, "and not everybody made their own"
    assert kitchen.waited[:2] == [False, True]
    assert (parts._now, parts._next) == ({}, {})


def test_different_things_do_not_wait_for_each_other(kitchen: Kitchen) -> None:
    parts = Together()
    with ThreadPoolExecutor(1) as people:
        slow = people.submit(parts.made, "dish", kitchen.make)
        eventually(lambda: kitchen.begun == 1, "it is being made")
        assert parts.made("drink", lambda _waited: "tea") == "tea"
        kitchen.out.release()
        assert slow.result(10) == 1


def test_failure_is_for_who_made_it_and_the_others_make_their_own(kitchen: Kitchen) -> None:
    parts, tries = Together(), []

    def fail_first(_waited: bool) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise LookupError
        return "done"

    with ThreadPoolExecutor(3) as people:
        running = people.submit(parts.made, "dish", kitchen.make)
        eventually(lambda: kitchen.begun == 1, "it is being made")
        both = [people.submit(parts.made, "dish", fail_first) for _each in range(2)]
        eventually(waiting(parts), "they wait")
        kitchen.out.release()
        running.result(10)
        errors = [one.exception(10) for one in both]
    assert sum(isinstance(error, LookupError) for error in errors) == 1
    assert sum(error is None for error in errors) == 1


def test_nobody_waits_for_ever(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE_SECONDS", 0.05)
    parts = Together()
    with ThreadPoolExecutor(1) as people:
        stuck = people.submit(parts.made, "dish", kitchen.make)
        eventually(lambda: kitchen.begun == 1, "it is being made")
        assert parts.made("dish", lambda waited: waited) is True
        kitchen.out.release()
        stuck.result(10)
    assert (parts._now, parts._next) == ({}, {})
