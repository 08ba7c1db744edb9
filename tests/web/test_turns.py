"""Whole pages take turns: one is drawn at a time, in the order in which they were asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import ANY

import pytest

from app.web import turns
from app.web.turns import Turns
from tests.sync.listening import eventually


class Slow:
    """An application that answers when it is let; `at_work` are the pages it is drawing, `served` those it drew.

    `began` is when, in seconds.
    """

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.served: list[str] = []
        self.began: list[float] = []
        self.most = 0
        self.go = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.at_work.append(path)
        self.began.append(time.monotonic())
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


def ask(pages: Turns, path: str) -> Iterable[bytes]:
    start: Any = None  # the application never begins an answer
    return pages({"REQUEST_METHOD": "GET", "PATH_INFO": path}, start)


def reaches(slow: Slow, served: list[str], at_work: list[str]) -> Callable[[], bool]:
    """Whether these were drawn and these are being drawn, and no other."""
    return lambda: (slow.served, slow.at_work) == (served, at_work)


def stands_behind(pages: Turns, one: object) -> Callable[[], bool]:
    """Whether somebody came after this one."""
    return lambda: pages._last is not one


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page of this test takes long."""
    monkeypatch.setattr(turns, "LONG_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
def test_one_is_drawn_at_a_time_and_the_others_in_their_order(slow: Slow) -> None:
    pages, wanted = Turns(slow), [f"/{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as people:
        for path in wanted:
            stood_last = pages._last
            people.submit(ask, pages, path)
            eventually(stands_behind(pages, stood_last), "it stands in line")
        for done in range(len(wanted)):
            eventually(reaches(slow, wanted[:done], wanted[done : done + 1]), "the next is drawn, and no other")
            slow.go.release()
    assert slow.served == wanted
    assert slow.most == 1


@pytest.mark.usefixtures("patient")
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
    with ThreadPoolExecutor(2) as people:
        people.submit(ask, pages, "/page")
        eventually(reaches(slow, [], ["/page"]), "the turn is taken")
        people.submit(pages, {"REQUEST_METHOD": "GET", "PATH_INFO": "/own", **asked}, ANY)
        eventually(lambda: len(slow.at_work) == 2, "it did not wait")
        slow.go.release(2)


@pytest.mark.usefixtures("patient")
def test_failed_page_gives_its_turn_back(slow: Slow) -> None:
    pages = Turns(slow)
    slow.go.release(2)
    with pytest.raises(LookupError):
        ask(pages, "/boom")
    ask(pages, "/next")
    assert slow.served == ["/boom", "/next"]


def test_a_page_that_takes_long_holds_up_nobody_and_takes_no_turn_from_the_others(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Turns(slow)
    with ThreadPoolExecutor(3) as people:
        people.submit(ask, pages, "/report")
        eventually(reaches(slow, [], ["/report"]), "the turn is taken")
        people.submit(ask, pages, "/next")
        eventually(reaches(slow, [], ["/report", "/next"]), "it goes on beside the report")
        monkeypatch.setattr(turns, "LONG_SECONDS", 60.0)
        people.submit(ask, pages, "/last")
        slow.go.release()
        eventually(reaches(slow, ["/report"], ["/next"]), "the report is drawn")
        time.sleep(0.1)
        assert slow.at_work == ["/next"], "the end of the report gave nobody a turn"
        slow.go.release(2)
    assert slow.served == ["/report", "/next", "/last"]


def test_where_all_take_long_they_still_begin_one_after_the_other(slow: Slow) -> None:
    pages = Turns(slow)
    with ThreadPoolExecutor(4) as people:
        for number in range(4):
            people.submit(ask, pages, f"/{number}")
        eventually(lambda: len(slow.at_work) == 4, "nobody waits for ever")
        slow.go.release(4)
    assert slow.began[-1] - slow.began[0] > 2 * turns.LONG_SECONDS, (
        "each waits for the one before it, not for the first"
    )
