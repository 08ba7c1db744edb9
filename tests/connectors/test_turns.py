"""Whoever stores goes first, answers are read by one thread at a time, and nobody is kept from working for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from app.connectors.turns import go_on, going_first, reading, rest

SOON = 5.0
A_WHILE = 0.1


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def read(rows: list[int], seen: list[int]) -> None:
    with reading() as give_way:
        for row in rows:
            give_way()
            seen.append(row)


def test_who_reads_waits_for_who_goes_first_and_reads_on_while_that_one_rests(threads: ThreadPoolExecutor) -> None:
    seen: list[int] = []
    with going_first():
        reads = threads.submit(read, [1, 2], seen)
        with pytest.raises(TimeoutError):
            reads.result(A_WHILE)
        assert seen == []
        rest()
        reads.result(SOON)
        go_on()
        again = threads.submit(read, [3], seen)
        with pytest.raises(TimeoutError):
            again.result(A_WHILE)
    again.result(SOON)
    assert seen == [1, 2, 3]


def test_a_reader_stops_between_two_rows(threads: ThreadPoolExecutor) -> None:
    has_begun, may_go_on, seen = Event(), Event(), list[int]()

    def rows() -> None:
        with reading() as give_way:
            seen.append(1)
            has_begun.set()
            may_go_on.wait(SOON)
            give_way()
            seen.append(2)

    reads = threads.submit(rows)
    assert has_begun.wait(SOON)
    with going_first():
        may_go_on.set()
        with pytest.raises(TimeoutError):
            reads.result(A_WHILE)
        assert seen == [1]
    reads.result(SOON)
    assert seen == [1, 2]


def test_one_thread_reads_at_a_time(threads: ThreadPoolExecutor) -> None:
    seen: list[int] = []
    with reading():
        other = threads.submit(read, [1], seen)
        with pytest.raises(TimeoutError):
            other.result(A_WHILE)
    other.result(SOON)
    assert seen == [1]


def test_what_fails_holds_nobody_up(threads: ThreadPoolExecutor) -> None:
    seen: list[int] = []
    with pytest.raises(ValueError, match="stored"), going_first():
        raise ValueError("stored")
    with pytest.raises(ValueError, match="read"), reading():
        raise ValueError("read")
    threads.submit(read, [1], seen).result(SOON)
    assert seen == [1]


def test_who_does_not_go_first_changes_nothing_by_resting_or_going_on(threads: ThreadPoolExecutor) -> None:
    seen: list[int] = []
    go_on()
    rest()
    threads.submit(read, [1], seen).result(SOON)
    with going_first():
        threads.submit(rest).result(SOON)
        reads = threads.submit(read, [2], seen)
        with pytest.raises(TimeoutError):
            reads.result(A_WHILE)
    reads.result(SOON)
    assert seen == [1, 2]
