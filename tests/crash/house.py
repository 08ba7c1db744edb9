"""A whole `channelbook demo` whose parts are killed one by one, and the ways to look into it from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import psycopg
import redis
from psycopg.rows import dict_row
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from app.embedded.folder import PROJECT, DataFolder
from app.embedded.postgres import SUPERUSER, Postgres
from app.embedded.processes import Program, last_lines, stop, wait_until
from app.embedded.valkey import Valkey
from tests.sandbox.running import Running
from tests.setup.test_demo import PARTS, alive, answer, children, command

LOOK_EVERY = 0.1
READY_WITHIN = 90.0


@dataclass(frozen=True, slots=True)
class Holder:
    """The worker that works on a job: its process and the child that it forked for the job."""

    worker: int
    child: int

    def send(self, what: signal.Signals) -> None:
        """Send both a signal, the worker first, so that it cannot react to what happens to its child."""
        for pid in (self.worker, self.child):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)


class House:
    """One running demo. Its supervisor is the real one, so whatever a test kills comes back by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = DataFolder(folder)
        self._postgres, self._valkey = Postgres(self.folder), Valkey(self.folder)
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._turn = Lock()
        self._out = folder.parent / "demo.log"
        kept = {name: value for name, value in os.environ.items() if name not in {"PORT", "DATABASE_URL", "REDIS_URL"}}
        # As our child it ends with us, also when we are killed.
        self.process = Program(
            name="demo",
            argv=(sys.executable, "-m", "app.cli", "demo"),
            cwd=PROJECT,
            log=self._out,
            env={**kept, "CHANNELBOOK_DATA": str(folder), "TRUSTED_PROXIES": "1"},  # visitors say where they come from
        ).start()

    @property
    def printed(self) -> str:
        """What the demo has said so far."""
        return self._out.read_text()

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self._said(r"^Ready: (\S+)$")

    @property
    def sandbox(self) -> Running:
        """The channel that most stores have; its process belongs to the demo."""
        return Running(self.process, self._said(r"^Sandbox: sitegiant (\S+)"))

    @property
    def kiotviet(self) -> Running:
        """KiotViet; its shops are addresses below this one."""
        return Running(self.process, self._said(r"^Sandbox: kiotviet (\S+)/[^/\s]+ "))

    def is_ready(self) -> bool:
        """Whether every part says that it is there."""
        return answer(f"{self.url}/readyz") == 200

    def answers_queries(self) -> bool:
        """Whether PostgreSQL takes connections."""
        return self._postgres.answers()

    def parts(self, name: str) -> set[int]:
        """The processes of one part that the supervisor itself started."""
        return {pid for pid in children(self.process.pid) if PARTS[name] in command(pid)}

    def family(self) -> set[int]:
        """Every process that descends from the supervisor."""
        found, front = set[int](), {self.process.pid}
        while front:
            front = {child for pid in front for child in children(pid)}
            found |= front
        return found

    def kill(self, name: str, *, with_children: bool = False) -> None:
        """Kill every process of one part, also those that it has forked itself if wanted."""
        victims = self.parts(name)
        assert victims, f"there is no {name} to kill"
        forked = {child for pid in victims for child in children(pid)} if with_children else set[int]()
        for pid in victims | forked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def holder(self, store_id: int, job_id: int) -> Holder | None:
        """Who works on the job now, or None: nobody, or two that have not yet settled it between them."""
        with redis.Redis.from_url(self._valkey.url) as server:
            workers = [
                worker
                for worker in Worker.all(connection=server, serializer=JSONSerializer)
                if (task := task_of(worker)) and tuple(task.args) == (store_id, job_id)
            ]
        if len(workers) != 1 or workers[0].pid is None:
            return None
        forked = children(workers[0].pid)
        return Holder(workers[0].pid, forked.pop()) if len(forked) == 1 else None

    def forget_queue(self) -> None:
        """Empty the queue server: bells, workers, all of it."""
        with redis.Redis.from_url(self._valkey.url) as server:
            server.flushall()

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        """A connection that sees every store."""
        url = self._postgres.url(SUPERUSER, self.folder.secrets().superuser_password)
        return psycopg.connect(url, autocommit=True, row_factory=dict_row)

    def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The rows of one statement. OperationalError while the server is away; the next call connects anew."""
        with self._turn:
            if self._connection is None or self._connection.closed:
                self._connection = self.connect()
            return self._connection.execute(sql.encode(), values).fetchall()

    def until(self, condition: Callable[[], bool], seconds: float, what: str, every: float = LOOK_EVERY) -> None:
        """Wait for something, or fail with what the parts said last. A database that is away counts as not yet."""

        def holds() -> bool:
            try:
                return condition()
            except psycopg.OperationalError:
                return False

        if not wait_until(holds, seconds, every):
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.last_words()}")

    def last_words(self) -> str:
        """The ends of all logs."""
        logs = sorted((self.folder.path / "log").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{last_lines(log, 12)}" for log in (self._out, *logs))

    def worker_log(self) -> str:
        """What the two workers have said so far."""
        return "".join((self.folder.path / "log" / f"worker-{number}.log").read_text() for number in (1, 2))

    @contextlib.contextmanager
    def more_workers(self, number: int) -> Iterator[Path]:
        """So many workers beside the demo's own, as another host would add; yields their common log."""
        pid = min(self.parts("worker"))
        settings = Path(f"/proc/{pid}/environ").read_text().split("\0")
        worker = Program(
            name="visitor",
            argv=(sys.executable, str(PROJECT / "worker.py"), "work"),
            cwd=PROJECT,
            log=self.folder.log("visitors"),
            env=dict(line.split("=", 1) for line in settings if line),
            orphan_signal=signal.SIGKILL,
        )
        started: list[subprocess.Popen[bytes]] = []
        try:
            for _number in range(number):
                started.append(worker.start())
            yield worker.log
        finally:
            for process in started:
                stop(process, signal.SIGKILL, 5.0)

    def close(self) -> None:
        """Stop it, and make sure that none of its processes is left."""
        if self._connection is not None:
            self._connection.close()
        family = self.family()
        stop(self.process, signal.SIGTERM, 20.0)
        is_empty = wait_until(lambda: not alive(family), 10.0)
        assert is_empty, [command(pid) for pid in alive(family)]

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.printed, re.MULTILINE)
        assert found, self.printed
        return found[1]


def task_of(worker: BaseWorker) -> Job | None:
    """What a worker works on as the queue server knows it: nothing where the task ended as we looked."""
    try:
        return worker.get_current_job()
    except NoSuchJobError:
        return None


@contextlib.contextmanager
def open_house() -> Iterator[House]:
    """Start a demo on data of its own, and make sure that it leaves nothing behind."""
    with place_for_house() as path, house_in(path / "data") as house:
        yield house


@contextlib.contextmanager
def place_for_house() -> Iterator[Path]:
    """An empty folder, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="channelbook-crash-") as path:
        Path(path).chmod(0o711)  # as root PostgreSQL runs as another user, who must pass through
        yield Path(path).resolve()


@contextlib.contextmanager
def house_in(folder: Path) -> Iterator[House]:
    """Start a demo on this data folder and wait until it is ready; stop it at the end."""
    house = House(folder)
    try:
        is_decided = lambda: house.process.poll() is not None or "Stop: Ctrl-C" in house.printed  # noqa: E731
        assert wait_until(is_decided, READY_WITHIN), house.printed
        assert "\nReady: " in house.printed, house.printed
        yield house
    finally:
        house.close()
