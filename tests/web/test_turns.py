"""Whole pages take turns, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import ANY

import pytest

from app.web import turns
from app.web.turns import Turns
from tests.sync.listening import eventually


class Slow:
    """An application that answers when it is let; `at_work` are the pages it is drawing, `served` those it drew."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.served: list[str] = []
        self.most = 0
        self.go = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.at_work.append(path)
        self.most = max(self.most, len(self.at_work))
        assert self.go.acquire(timeout=10)
        self.at_work.remove(path)
        self.served.append(path)
        if path == "/boom":
            raise LookupError
        return []


@pytest.fixture
def slow() -> Slow:
    return Slow()


def ask(pages: Turns, path: str, **more: str) -> Iterable[bytes]:
    start: Any = None  # the application never begins an answer
    return pages({"REQUEST_METHOD": "GET", "PATH_INFO": path, **more}, start)


def comes(slow: Slow, pages: Turns, count: int) -> Callable[[], bool]:
    """Whether so many were asked for."""
    return lambda: len(slow.at_work) + len(pages._waiting) == count


def reaches(slow: Slow, wanted: list[str]) -> Callable[[], bool]:
    """Whether these were drawn or are being drawn, and no other."""
    return lambda: sorted(slow.served + slow.at_work) == wanted


def test_a_few_are_drawn_at_a_time_and_the_others_in_their_order(slow: Slow) -> None:
    pages, wanted = Turns(slow), [f"/{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as people:
        for number, path in enumerate(wanted):
            people.submit(ask, pages, path)
            eventually(comes(slow, pages, number + 1), "it came")
        assert slow.at_work == wanted[: turns.AT_ONCE]
        for done in range(1, len(wanted) + 1):
            slow.go.release()
            eventually(reaches(slow, wanted[: done + turns.AT_ONCE]), "the next is drawn")
    assert slow.most == turns.AT_ONCE
    assert (pages._free, len(pages._waiting)) == (turns.AT_ONCE, 0)


@pytest.mark.parametrize(
    "asked",
    [
        {"HTTP_HX_REQUEST": "true"},
        {"PATH_INFO": "/kedai/events"},
        {"REQUEST_METHOD": "POST"},
        {"PATH_INFO": "/static/app.css"},
        {"PATH_INFO": "/healthz"},
    ],
    ids=["part", "stream", "press", "file", "health"],
)
def test_whatever_is_no_page_waits_for_nobody(slow: Slow, asked: dict[str, str]) -> None:
    pages = Turns(slow)
    with ThreadPoolExecutor(turns.AT_ONCE + 1) as people:
        for number in range(turns.AT_ONCE):
            people.submit(ask, pages, f"/{number}")
        eventually(lambda: pages._free == 0, "no turn is free")
        people.submit(pages, {"REQUEST_METHOD": "GET", "PATH_INFO": "/own", **asked}, ANY)
        eventually(lambda: len(slow.at_work) == turns.AT_ONCE + 1, "it did not wait")
        slow.go.release(turns.AT_ONCE + 1)


def test_failed_page_gives_its_turn_back(slow: Slow) -> None:
    pages = Turns(slow)
    slow.go.release()
    with pytest.raises(LookupError):
        ask(pages, "/boom")
    assert pages._free == turns.AT_ONCE


def test_nobody_waits_for_ever(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    pages = Turns(slow)
    with ThreadPoolExecutor(turns.AT_ONCE + 1) as people:
        for number in range(turns.AT_ONCE + 1):
            people.submit(ask, pages, f"/{number}")
        eventually(lambda: len(slow.at_work) == turns.AT_ONCE + 1, "it goes on without a turn")
        slow.go.release(turns.AT_ONCE + 1)
    assert (pages._free, len(pages._waiting)) == (turns.AT_ONCE, 0)
