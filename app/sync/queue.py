"""The doorbell. RQ carries two integers and no truth: what is to be done stands in the database.

This is the only file that imports rq. Losing the queue server loses no work, because the tick rings again; RQ's own
retry stays off, because two retry machines fight.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker, worker_registration
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)
QUEUE = "channelbook"
TASK = "app.sync.jobs.run"
_LEASE_SECONDS = 15
_TASK_TIMEOUT_SECONDS = 600
_GO_ON_SECONDS = 2.0
"""How long a child answers one bell after the other."""
_PR_SET_PDEATHSIG = 1


@lru_cache(maxsize=4)
def connection(redis_url: str) -> Redis:
    """One pooled client per address; it connects on first use and again after a loss."""
    return Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30)


def _queue(redis_url: str) -> Queue:
    return Queue(QUEUE, connection=connection(redis_url), serializer=JSONSerializer)


def ring(redis_url: str, store_id: int, job_id: int, *, task: str = TASK) -> bool:
    """Ask any worker to look at this job. Ring only after the commit. False when the queue server is away.

    Another `task` takes the number of what it works off, such as an endpoint's.
    """
    try:
        _queue(redis_url).enqueue_call(
            task, args=(store_id, job_id), timeout=_TASK_TIMEOUT_SECONDS, result_ttl=0, ttl=600, failure_ttl=600
        )
    except (RedisError, OSError) as error:
        log.warning("could not ring for job %s of store %s: %s", job_id, store_id, type(error).__name__)
        return False
    return True


def somebody_waits(redis_url: str) -> bool:
    """Whether another job stands in the queue, so that a long one should let it pass."""
    return bool(bells_waiting(redis_url))


def bells_waiting(redis_url: str) -> int:
    """How many rings no worker has heard yet; 0 when the queue server is away."""
    try:
        return int(_queue(redis_url).count)
    except (RedisError, OSError):
        return 0


def workers_alive(redis_url: str) -> int:
    """How many workers said lately that they live; 0 when the queue server is away."""
    try:
        return int(Worker.count(connection=connection(redis_url)))
    except (RedisError, OSError):
        return 0


class LiveWorker(Worker):
    """RQ's forking worker, told to notice deaths within seconds instead of many minutes.

    Its child dies with it (Linux), so that a killed worker never goes on as an orphan beside its successor.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["maintenance_interval"] = 5
        kwargs["job_monitoring_interval"] = 5
        kwargs["worker_ttl"] = 30
        super().__init__(*args, **kwargs)

    @property
    def dequeue_timeout(self) -> int:
        """Seconds a blocking read may last; short, so that heartbeats go on."""
        return 5

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Seconds after which a silent worker's job counts as abandoned."""
        return int(self.job_monitoring_interval) + _LEASE_SECONDS

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that we live, and who we are: a queue server that was emptied knows none of us any more."""
        super().heartbeat(timeout, pipeline)
        (self.connection if pipeline is None else pipeline).hset(self.key, mapping=self.serialize())
        worker_registration.register(self, pipeline)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Have a child run the job. Whatever an earlier child was killed over is nobody's any more."""
        self.connection.delete(self.executions_key)
        super().execute_job(job, queue)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Say that the child lives, whichever job it has come to."""
        self.heartbeat()
        for present in self.get_current_executions(refresh=True):
            with suppress(NoSuchJobError):  # it has just ended
                super().maintain_heartbeats(present.job, present)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run the job in the child, and then what rings next, until all of it has taken a moment.

        A fork, a connection of its own and statements that are prepared for the first time take far longer than a
        short job does. Bells are heard in the order in which they rang, whosever they are, so nobody waits longer.
        """
        until = time.monotonic() + _GO_ON_SECONDS
        went_well = super().perform_job(job, queue, execution)
        while went_well and time.monotonic() < until and (bell := self._next_bell(queue)) is not None:
            went_well = super().perform_job(bell.job, queue, bell)
        return went_well

    def _next_bell(self, queue: Queue) -> Execution | None:
        """What rang next, without waiting for it."""
        try:
            found = Queue.dequeue_any([queue], None, connection=self.connection, serializer=JSONSerializer)
            return None if found is None else self.prepare_execution(found[0])
        except (RedisError, OSError) as error:
            log.warning("could not hear what rang next: %s", type(error).__name__)
            return None

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in the child, which the kernel kills when its parent dies."""
        if sys.platform == "linux":
            parent = os.getppid()
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
        super().main_work_horse(job, queue)


def work(redis_url: str) -> None:
    """Serve the queue until told to stop. A fresh connection is made, since this process forks."""
    worker = LiveWorker(
        [QUEUE],
        connection=Redis.from_url(redis_url),
        serializer=JSONSerializer,
        default_result_ttl=int(timedelta(minutes=1).total_seconds()),
    )
    worker.work(with_scheduler=False, logging_level="WARNING")
