"""A worker's child hears what rings next, for a moment, in the order in which it rang."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.config import Settings
from app.sync import jobs, queue

URL_OF_ITS_OWN = "{url}?db=15"
"""No other test's bells are heard here."""


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    """A queue that is empty."""
    url = URL_OF_ITS_OWN.format(url=settings.redis_url)
    with Redis.from_url(url) as valkey:
        valkey.flushdb()
        yield url
        valkey.flushdb()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What was run, by store and job."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(jobs, "run", lambda store_id, job_id: found.append((store_id, job_id)))
    return found


def answer(url: str) -> bool:
    """Do what the child does that is forked for the first bell; whether all went well."""
    connection = Redis.from_url(url)
    worker = queue.LiveWorker([queue.QUEUE], connection=connection, serializer=JSONSerializer)
    worker.register_birth()  # type: ignore[no-untyped-call]
    found = Queue.dequeue_any(worker.queues, None, connection=connection, serializer=JSONSerializer)
    assert found is not None
    job, rang = found
    return worker.perform_job(job, rang, worker.prepare_execution(job))


def test_one_child_hears_all_bells_in_turn_whosever_they_are(url: str, heard: list[tuple[int, int]]) -> None:
    rung = [(1, 11), (2, 21), (1, 12), (3, 31)]
    assert all(queue.ring(url, *bell) for bell in rung)

    assert answer(url)

    assert heard == rung
    assert queue.bells_waiting(url) == 0
    with Redis.from_url(url) as valkey:
        left = {key for pattern in ("rq:job:*", "rq:queue:*") for key in valkey.scan_iter(pattern)}
        assert not left, "a bell that was heard is forgotten"


def test_a_child_whose_moment_is_over_leaves_the_bells_to_others(
    url: str, heard: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_GO_ON_SECONDS", 0.0)
    assert all(queue.ring(url, 1, job_id) for job_id in range(3))

    assert answer(url)

    assert heard == [(1, 0)]
    assert queue.bells_waiting(url) == 2


def test_a_bell_whose_time_is_over_is_passed_over(url: str, heard: list[tuple[int, int]]) -> None:
    assert all(queue.ring(url, 1, job_id) for job_id in range(3))
    with Redis.from_url(url) as valkey:
        forgotten = Queue(queue.QUEUE, connection=valkey).job_ids[1]
        valkey.delete(f"rq:job:{forgotten}")

    assert answer(url)

    assert heard == [(1, 0), (1, 2)]


def test_a_child_that_met_a_mistake_hears_nothing_more(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_store_id: int, job_id: int) -> None:
        if job_id == 2:
            raise ConnectionError

    monkeypatch.setattr(jobs, "run", fail)
    assert all(queue.ring(url, 1, job_id) for job_id in range(1, 5))

    assert not answer(url)

    assert queue.bells_waiting(url) == 2
