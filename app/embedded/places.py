"""Where embedded servers may live and as whom: private folders, short socket paths, the user that is not root."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
from pathlib import Path

from app.embedded.processes import SystemUser

MAX_SOCKET_PATH = 100  # the limit is 107 bytes on Linux and less on macOS


class EmbeddedError(Exception):
    """An embedded server cannot run here; the message says why and what to do."""


def unprivileged_user(home: Path) -> SystemUser | None:
    """Who runs PostgreSQL when we are root: the owner of its data, else an account that every system has."""
    if os.geteuid() != 0:
        return None
    if home.exists() and home.stat().st_uid != 0:
        entry = pwd.getpwuid(home.stat().st_uid)
        return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("PostgreSQL refuses to run as root and there is no user `nobody`: run as an ordinary user.")


def socket_folder(wished: Path, socket: str) -> Path:
    """The wished folder, or a short one named after it when the socket's path would be too long for the kernel."""
    if len(os.fsencode(wished / socket)) <= MAX_SOCKET_PATH:
        return wished
    name = hashlib.sha256(os.fsencode(wished)).hexdigest()[:16]
    return Path("/tmp") / f"channelbook-{name}"  # noqa: S108  # private_folder refuses one that is not ours


def private_folder(path: Path, owner: SystemUser | None) -> None:
    """Make a folder for one user alone; raises EmbeddedError when somebody else made it before us."""
    uid, gid = (owner.uid, owner.gid) if owner else (os.geteuid(), os.getegid())
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        os.chown(path, uid, gid)
    found = path.lstat()
    if found.st_uid != uid or found.st_mode & 0o170777 != 0o040700:
        raise EmbeddedError(f"{path} must be a folder that only its owner can enter; remove it and start again.")


def bare_environment() -> dict[str, str]:
    """Servers need no setting of ours, and PG… variables of whoever runs us must not reach them."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
