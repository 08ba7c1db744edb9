"""Keeps the parts of an installation on one machine alive: starts them in order, starts again whichever dies.

A part that dies comes back after a pause that doubles while it keeps dying, so that a fault burns no processor. A
part that hangs is not its business: leases and timeouts in the work itself take care of those.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.embedded import EmbeddedError, processes
from app.embedded.processes import Program

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
LIVED_WELL = 10.0  # a part that lived this long begins with the first pause again
LOOK_EVERY = 0.1
STOP_SECONDS = 3.0


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Part:
    """One supervised process; `prepare` runs before each start and may raise EmbeddedError or OSError."""

    program: Program
    prepare: Callable[[], None] = _nothing
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0  # of the monotonic clock, like those below
    not_before: float = 0.0
    pause: float = FIRST_PAUSE

    def start(self) -> None:
        """Start it now."""
        self.prepare()
        self.started_at = time.monotonic()
        self.process = self.program.start()

    def start_again_if_dead(self, say: Callable[[str], None]) -> None:
        """Notice a death, clean up behind it, and start it again when its pause is over."""
        if self.process is not None and self.process.poll() is None:
            return
        now = time.monotonic()
        if self.process is not None:
            processes.kill_group(self.process)  # what it had started goes with it
            say(f"{self.program.name} ended ({_how(self.process.returncode)}); starting it again")
            self._put_off(now)
        if now < self.not_before:
            return
        try:
            self.start()
        except (EmbeddedError, OSError) as error:
            say(f"{self.program.name} cannot start: {error}")
            self._put_off(now)

    def _put_off(self, now: float) -> None:
        self.pause = FIRST_PAUSE if now - self.started_at > LIVED_WELL else min(self.pause * 2, LONGEST_PAUSE)
        self.not_before = now + self.pause
        self.process = None


def _how(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


class Supervisor:
    """The parts of one installation, in the order in which they lean on each other."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._parts: list[Part] = []

    def add(self, part: Part) -> None:
        """Start a part and keep it alive from now on."""
        self._parts.append(part)  # before it starts: a stop in between must find it
        part.start()

    def watch(self, until: Callable[[], bool], timeout: float | None = None) -> bool:
        """Keep everything alive until the condition holds; False when `timeout` seconds went by without."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not until():
            for part in self._parts:
                part.start_again_if_dead(self._say)
            if deadline is not None and time.monotonic() > deadline:
                return False
            time.sleep(LOOK_EVERY)
        return True

    def stop(self, foundations: int = 0) -> None:
        """End every part: all at once, except the first `foundations`, on which the others' orderly end leans."""
        _stop_together(self._parts[foundations:])
        _stop_together(self._parts[:foundations])
        self._parts.clear()


def _stop_together(parts: Sequence[Part]) -> None:
    running = [(part, part.process) for part in parts if part.process is not None]
    for part, process in running:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(part.program.stop_signal)
    processes.wait_until(lambda: all(process.poll() is not None for _, process in running), STOP_SECONDS)
    for _, process in running:
        processes.kill_group(process)
