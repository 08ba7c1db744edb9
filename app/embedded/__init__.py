"""PostgreSQL and Valkey from wheels: what `make demo` and the tests run on when no server is configured.

The wheels give the programs only; we start them ourselves. Their own Python layers open every parent folder to
everyone when run as root, or lose data when their parent dies. Both servers listen on sockets in private folders,
never on a port.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Protocol

from app.embedded import processes
from app.embedded.folder import DataFolder
from app.embedded.places import EmbeddedError
from app.embedded.postgres import APP_ROLE, Postgres
from app.embedded.processes import Program
from app.embedded.valkey import Valkey

__all__ = ["APP_ROLE", "DataFolder", "EmbeddedError", "Postgres", "Server", "Valkey", "running", "start"]

START_SECONDS = 30.0


class Server(Protocol):
    """What the supervisor needs to know of an embedded server to start it, and to start it again."""

    @property
    def program(self) -> Program: ...

    def prepare(self) -> None:
        """Make its data ready and end what an earlier run left behind; repeatable."""

    def answers(self) -> bool:
        """Whether it serves requests now."""


def start(server: Server) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers; raises EmbeddedError with the end of its log when it does not."""
    server.prepare()
    process = server.program.start()
    processes.wait_until(lambda: process.poll() is not None or server.answers(), START_SECONDS)
    if process.poll() is None and server.answers():
        return process
    processes.stop(process, server.program.stop_signal, grace=5.0)
    log = server.program.log
    raise EmbeddedError(f"{server.program.name} did not start; {log} ends with:\n{processes.last_lines(log)}")


@contextlib.contextmanager
def running(folder: DataFolder, *, durable: bool = True) -> Iterator[tuple[Postgres, Valkey]]:
    """Both servers, started and provisioned, until the block ends; the data stays."""
    postgres, valkey = Postgres(folder, durable), Valkey(folder)
    with contextlib.ExitStack() as stack:
        for server in (postgres, valkey):
            process = start(server)
            stack.callback(processes.stop, process, server.program.stop_signal, 10.0)
        postgres.provision()
        yield postgres, valkey
