"""Whole pages take turns: one is drawn at a time."""

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


def reaches(slow: Slow, served: list[str], at_work: list[str]) -> Callable[[], bool]:
    """Whether these were drawn and these are being drawn, and no other."""
    return lambda: (slow.served, slow.at_work) == (served, at_work)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page of this test takes long."""
    monkeypatch.setattr(turns, "LONG_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
def test_one_is_drawn_at_a_time_and_all_come_to_it(slow: Slow) -> None:
    pages, wanted = Turns(slow), [f"/{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as people:
        for path in wanted:
            people.submit(ask, pages, path)
        eventually(lambda: slow.at_work != [], "one is drawn")
        time.sleep(0.1)
        assert len(slow.at_work) == 1, "and no other beside it"
        slow.go.release(len(wanted))
    assert sorted(slow.served) == wanted
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
