"""What pages read about jobs: where each stands, how fast it is, and nothing of another store."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.channels.queries import channels
from app.core.states import JobState
from app.sync.queries import (
    LINES,
    JobFilter,
    Standing,
    channel_activities,
    channel_activity,
    job_lines,
    job_view,
    jobs_page,
    running_jobs,
)
from app.web.pagination import Cursor, Keyset
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore
from tests.sync.board import RUNNING, Board


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def board(books: Books) -> Board:
    return Board(books)


@pytest.fixture
def channel(books: Books) -> SomeChannel:
    return books.channel()


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        ({}, Standing.STARTING),
        ({"requested_at": -600}, Standing.NO_WORKER),
        ({"started_at": -60, "requested_at": -60}, Standing.TURN),
        ({"not_before": 600, "problem": "SOURCE_DOWN"}, Standing.PUT_OFF),
        ({"not_before": -1, "started_at": -60, "problem": "SOURCE_DOWN"}, Standing.STARTING),
        ({"not_before": -600, "started_at": -900, "problem": "SOURCE_DOWN"}, Standing.NO_WORKER),
        ({"started_at": -60, "problem": "SOURCE_DOWN"}, Standing.STARTING),
        (RUNNING, Standing.RUNNING),
        ({**RUNNING, "cancel_requested_at": -1}, Standing.STOPPING),
        ({**RUNNING, "lease_until": -1}, Standing.STALLED),
        ({"state": "succeeded"}, Standing.SUCCEEDED),
        ({"state": "partly"}, Standing.PARTLY),
        ({"state": "failed"}, Standing.FAILED),
        ({"state": "cancelled"}, Standing.CANCELLED),
    ],
)
def test_standing_is_worked_out_of_state_and_times(
    board: Board, channel: SomeChannel, values: dict[str, Any], standing: Standing
) -> None:
    assert board.row(board.job(channel, **values)).standing is standing


def test_queued_job_waits_behind_the_one_that_runs(board: Board, books: Books, channel: SomeChannel) -> None:
    running = board.running(channel)
    waiting = board.job(channel, kind="sync", requested_at=-60)
    elsewhere = board.job(books.channel("Lazada"), kind="sync")
    assert board.row(waiting).standing is Standing.BEHIND
    assert board.row(waiting).behind_id == running
    assert board.row(running).behind_id is None
    assert board.row(elsewhere).standing is Standing.STARTING


def test_rate_counts_from_the_phases_beginning(board: Board, channel: SomeChannel) -> None:
    row = board.row(board.running(channel, seconds=10, done=500, total=1000, started_at=-3600))
    assert row.rate == pytest.approx(50, rel=0.1)
    assert row.seconds_left == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize(
    "values",
    [
        {"seconds": 4, "done": 500, "total": 1000},
        {"seconds": 60, "done": 49, "total": 1000},
        {"seconds": 60, "done": 500, "total": None},
        {"seconds": 60, "done": 1000, "total": 1000},
        {"seconds": 60, "done": 500, "total": 1000, "lease_until": -1},
    ],
    ids=["too soon", "too little", "end unknown", "all done", "stalled"],
)
def test_no_estimate_before_it_can_be_kept(board: Board, channel: SomeChannel, values: dict[str, Any]) -> None:
    assert board.row(board.running(channel, **values)).seconds_left is None


def test_job_that_stands_still_has_no_rate(board: Board, channel: SomeChannel) -> None:
    job = board.running(channel, done=500, total=1000)
    board.set(job, state="queued", lease_until=None, not_before=60, problem="SOURCE_DOWN")
    assert board.row(job).rate is None


def test_lines_are_the_jobs_own_and_the_newest(board: Board, books: Books, channel: SomeChannel) -> None:
    job, other = board.ended(channel), board.ended(channel)
    order = books.order(channel, number="2611ABC")
    for _each in range(LINES + 5):
        board.note(job, "booked", order, number="INV00001")
    board.note(job, "written_back", order, number="INV00001")
    board.note(other, "job_cancelled")
    with books.scope():
        lines = job_lines(job)
    assert len(lines) == LINES
    assert (lines[0].kind, lines[0].order_number, lines[0].currency) == ("written_back", "2611ABC", "MYR")
    assert {line.kind for line in lines[1:]} == {"booked"}


def test_pages_go_forth_and_back_over_all_jobs(board: Board, books: Books, channel: SomeChannel) -> None:
    made = [board.ended(channel) for _each in range(5)]
    with books.scope():
        first = jobs_page(JobFilter(), Keyset(limit=2))
        second = jobs_page(JobFilter(), Keyset(after=Cursor.decode(first.after), limit=2))
        back = jobs_page(JobFilter(), Keyset(before=Cursor.decode(second.before), limit=2))
    assert [row.id for row in first.rows] == made[:2:-1]
    assert [row.id for row in second.rows] == [made[2], made[1]]
    assert [row.id for row in back.rows] == [row.id for row in first.rows]
    assert first.before is None


def test_filter_takes_states_and_a_channel(board: Board, books: Books, channel: SomeChannel) -> None:
    other = books.channel("Lazada")
    failed, partly = board.ended(channel, "failed"), board.ended(channel, "partly")
    board.ended(channel)
    board.ended(other, "failed")
    with books.scope():
        page = jobs_page(JobFilter(channel=channel.id, state=(JobState.FAILED, JobState.PARTLY)), Keyset())
    assert [row.id for row in page.rows] == [partly, failed]


def test_running_jobs_come_before_waiting_ones(board: Board, books: Books, channel: SomeChannel) -> None:
    waiting = board.job(channel)
    running = board.running(books.channel("Lazada"))
    board.ended(channel, kind="sync")
    with books.scope():
        assert [row.id for row in running_jobs()] == [running, waiting]


def test_activity_of_a_channel(board: Board, books: Books, channel: SomeChannel) -> None:
    quiet = books.channel("Quiet")
    board.ended(channel, "failed")
    last = board.ended(channel)
    running = board.running(channel, kind="auto")
    for _each in range(3):
        board.ended(books.channel("Busy"))
    with books.scope():
        of, of_quiet = (row for row in channels() if row.id in (channel.id, quiet.id))
        found = channel_activity(of)
        assert channel_activity(of_quiet) == type(found)(None, None, None)
    assert found.active is not None
    assert found.last is not None
    assert (found.active.id, found.last.id) == (running, last)


def test_number_of_statements_does_not_grow_with_channels_and_jobs(
    board: Board, books: Books, channel: SomeChannel
) -> None:
    for one in (channel, *(books.channel(f"C{number}") for number in range(6))):
        board.ended(one)
        board.running(one, kind="sync")
    with books.scope():
        of = channels()
        with statements() as seen:
            found = channel_activities(of)
    assert len(found) == 7
    assert all(one.active and one.last for one in found.values())
    assert len([sql for sql in seen if "set_config" not in sql]) == 1


def test_jobs_of_another_store_are_not_there(
    app: Flask, board: Board, books: Books, channel: SomeChannel, other_store: SomeStore
) -> None:
    job = board.running(channel)
    with Books(app, other_store).scope():
        assert job_view(job) is None
        assert job_lines(job) == []
        assert running_jobs() == []
        assert jobs_page(JobFilter(), Keyset()).rows == ()
