"""Child processes that cannot outlive us: how they are started, ended, and found again after a hard kill.

Each child leads a session of its own, so that Ctrl-C in the terminal reaches only us and we stop the others in
order. On Linux the kernel ends it when we are killed ourselves; elsewhere a hard kill of the parent can leave it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform == "linux"
MAX_LOG_BYTES = 5_000_000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if LINUX else None  # loaded here because nothing may be loaded between fork and exec


@dataclass(frozen=True, slots=True)
class SystemUser:
    """An account of the operating system that a child runs as, when that is not our own."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """All it takes to start one child process, so that a supervisor can start it again."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    log: Path
    env: Mapping[str, str]
    user: SystemUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM  # what it gets from the kernel when we die first (Linux)
    pass_fds: tuple[int, ...] = ()  # open files that it inherits, such as a listening socket

    def start(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own; its output is appended to its log. Raises OSError if it cannot run."""
        us = os.getpid()
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # argv is ours
                self.argv,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.pass_fds,
                preexec_fn=lambda: _die_with(us, self.orphan_signal),  # noqa: PLW1509  # supervisors have one thread
                user=self.user.uid if self.user else None,
                group=self.user.gid if self.user else None,
                extra_groups=[] if self.user else None,
            )


def _die_with(parent: int, orphan_signal: signal.Signals) -> None:
    """In the new child, after it changed its user (which would clear this): ask to be ended with `parent`."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
    if os.getppid() != parent:  # it died in between, and the kernel will not tell us any more
        os._exit(1)


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace: float) -> None:
    """Ask the process to end, wait `grace` seconds, then kill it with whatever is left in its group."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(stop_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started in its own group: also useful when it is dead and they are not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_leftovers(executable: str, folder: Path, stop_signal: signal.Signals, grace: float = 10.0) -> None:
    """End servers that an earlier run left behind: processes of that executable working inside `folder`.

    A server works inside its data folder, so nothing else can be met. Needed because a new server must not start
    on data that an old one still has open. Only Linux can tell; elsewhere the servers' own lock files refuse.
    """
    for wanted, patience in ((stop_signal, grace), (signal.SIGKILL, 5.0)):
        for pid in working_in(folder, executable):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, wanted)
        if wait_until(lambda: not any(working_in(folder, executable)), patience):
            return


def working_in(folder: Path, executable: str) -> Iterator[int]:
    for proc in Path("/proc").glob("[0-9]*") if LINUX else ():
        with contextlib.suppress(OSError):
            name = (proc / "exe").readlink().name.removesuffix(" (deleted)")
            if name == executable and (proc / "cwd").readlink() == folder:
                yield int(proc.name)


def wait_until(condition: Callable[[], bool], timeout: float, pause: float = 0.05) -> bool:
    """Ask `condition` every `pause` seconds until it holds; False when `timeout` seconds went by without."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def listen(*ports: int) -> socket.socket:
    """Listen on the first of these loopback ports that is free (0: any); raises OSError when none is.

    Holding the socket ourselves settles at once which of two clones has a port, and it outlives the child that serves
    it: while that starts again, callers wait instead of being refused.
    """
    for port in ports[:-1]:
        with contextlib.suppress(OSError):
            return _listen(port)
    return _listen(ports[-1])


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port only just left counts as free
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def port_of(listener: socket.socket) -> int:
    """The port that a socket listens on."""
    port: int = listener.getsockname()[1]
    return port


def bound_log(log: Path) -> None:
    """Put a log that grew large aside as `.1`, so that a data folder holds at most two of each."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, for the sentence that says why a child did not start."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-count:])
