"""The data folder: where a demo or a test keeps its servers' data, secrets, logs and chosen ports.

Outside the project and this folder nothing is created or changed, and inside it secrets are readable by us alone.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.embedded.processes import bound_log

PROJECT = Path(__file__).resolve().parents[2]


class AlreadyRunning(Exception):
    """Another process holds this data folder."""


def _token() -> str:
    return secrets.token_urlsafe(32)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What an embedded installation makes up for itself, once."""

    secret_key: str = field(default_factory=_token, repr=False)
    credential_keys: str = field(default_factory=_fernet_key, repr=False)
    superuser_password: str = field(default_factory=_token, repr=False)
    owner_password: str = field(default_factory=_token, repr=False)
    app_password: str = field(default_factory=_token, repr=False)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One data folder; as root others may pass through it (not list it), because PostgreSQL runs as another user."""

    path: Path

    @classmethod
    def chosen(cls, env: Mapping[str, str]) -> DataFolder:
        """CHANNELBOOK_DATA, else `var` in the project; as root a folder that an unprivileged user can reach."""
        if chosen := env.get("CHANNELBOOK_DATA"):
            return cls(Path(chosen).resolve())
        if os.geteuid() == 0:
            clone = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]
            return cls(Path("/var/lib/channelbook") / clone)
        return cls(PROJECT / "var")

    def make(self) -> None:
        """Create the folder with those above it that are missing; what exists keeps its mode and owner."""
        mode = 0o711 if os.geteuid() == 0 else 0o700
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir()
            path.chmod(mode)  # said twice because mkdir bows to the umask

    def folder(self, name: str) -> Path:
        """A folder inside for us alone, made when missing."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        """The log file of one part; one that grew large is put aside first."""
        log = self.folder("log") / f"{name}.log"
        bound_log(log)
        return log

    def secrets(self) -> Secrets:
        """The secrets of this installation, made up on first use and kept in a file that only we can read."""
        path = self.path / "secrets.json"
        if not path.exists():
            write_private(path, json.dumps(asdict(Secrets()), indent=1))
        return Secrets(**json.loads(path.read_text()))

    def remembered_ports(self) -> dict[str, int]:
        """Ports chosen in earlier runs by part, so that addresses given to people stay valid."""
        path = self.path / "ports.json"
        ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        return ports

    def remember_ports(self, ports: Mapping[str, int]) -> None:
        """Keep the chosen ports for the next run."""
        write_private(self.path / "ports.json", json.dumps(dict(ports), indent=1))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process; raises AlreadyRunning when another one does.

        The lock is the kernel's, so a killed holder leaves nothing that could prevent the next start.
        """
        with (self.path / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(self.path) from None
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all, also when the power fails."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
