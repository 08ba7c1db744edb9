"""Channelbook as it runs on a server: pages, two workers and the tick, each a process of its own."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from app.embedded import APP_ROLE, Postgres, Valkey, processes
from app.embedded.folder import PROJECT
from app.embedded.postgres import EXTENSIONS, OWNER_ROLE, SUPERUSER
from app.embedded.processes import Program
from app.migrations import upgrade
from app.serving import gunicorn_command
from tests.conftest import TEST_KEY

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
_QUEUES: Final = itertools.count(1)
"""Each installation rings bells of its own: another one's workers would take them, and find no such job."""
_WORKER = (sys.executable, str(PROJECT / "worker.py"))


@dataclass(frozen=True, slots=True)
class Installation:
    """A running installation with a database and a queue that nobody else uses."""

    url: str
    logs: Path
    env: Mapping[str, str]
    """What its parts read their settings from."""

    def is_ready(self) -> bool:
        """Whether database, queue, a worker and the tick are there."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.HTTPError, OSError):
            return False

    def said(self) -> str:
        """The end of each part's log, for the words of a failure."""
        return "\n".join(f"{log.stem}: {processes.last_lines(log, 10)}" for log in sorted(self.logs.glob("*.log")))


@contextmanager
def running(postgres: Postgres, valkey: Valkey, folder: Path) -> Iterator[Installation]:
    """Start all parts over the given servers and wait until they are ready; stop them at the end."""
    with ExitStack() as stack:
        web = stack.enter_context(processes.listen(0))
        url = f"http://127.0.0.1:{processes.port_of(web)}"
        env = _environment(postgres, valkey, url, folder)
        installation = Installation(url, folder, env)
        parts: list[tuple[str, tuple[str, ...]]] = [
            ("web", gunicorn_command(f"fd://{web.fileno()}")),
            ("worker-1", (*_WORKER, "work")),
            ("worker-2", (*_WORKER, "work")),
            ("tick", (*_WORKER, "tick")),
        ]
        started: list[subprocess.Popen[bytes]] = []
        stack.callback(_stop, started)
        for name, argv in parts:
            started.append(_start(name, argv, env, folder, (web.fileno(),) if name == "web" else ()))
        assert processes.wait_until(installation.is_ready, READY_SECONDS, pause=0.2), installation.said()
        yield installation


def _environment(postgres: Postgres, valkey: Valkey, url: str, folder: Path) -> dict[str, str]:
    kept = postgres.folder.secrets()
    database = f"channelbook_{folder.name.replace('-', '_')}"
    _make_database(postgres, database)
    owner_url = postgres.url(OWNER_ROLE, kept.owner_password, database)
    upgrade(owner_url, APP_ROLE)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "DATABASE_URL": postgres.url(APP_ROLE, kept.app_password, database),
        "DATABASE_OWNER_URL": owner_url,
        "REDIS_URL": f"{valkey.url}?db={next(_QUEUES)}",
        "SECRET_KEY": "a secret for tests, and for nothing else",
        "CREDENTIAL_KEYS": TEST_KEY,
        "BASE_URL": url,
        "MAIL_URL": f"file:{folder}",
        "ALLOW_SANDBOXES": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _make_database(postgres: Postgres, name: str) -> None:
    """A database beside the one of the other tests, whose leftover jobs must not be worked off here."""
    password = postgres.folder.secrets().superuser_password
    with psycopg.connect(postgres.superuser_url, autocommit=True) as admin:
        made, owner = sql.Identifier(name), sql.Identifier(OWNER_ROLE)
        admin.execute(sql.SQL("create database {} owner {}").format(made, owner))
        admin.execute(sql.SQL("grant connect, temporary on database {} to {}").format(made, sql.Identifier(APP_ROLE)))
    with psycopg.connect(postgres.url(SUPERUSER, password, name), autocommit=True) as admin:
        for extension in EXTENSIONS:
            admin.execute(sql.SQL("create extension {}").format(sql.Identifier(extension)))


def _start(
    name: str, argv: tuple[str, ...], env: Mapping[str, str], folder: Path, pass_fds: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    log = folder / f"{name}.log"
    return Program(name=name, argv=argv, cwd=PROJECT, log=log, env=env, pass_fds=pass_fds).start()


def _stop(started: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all parts at once."""
    for process in started:
        process.terminate()
    for process in started:
        processes.stop(process, signal.SIGTERM, STOP_SECONDS)
