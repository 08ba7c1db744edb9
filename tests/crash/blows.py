"""The hand that strikes the parts of a house: kills them, holds them still, empties and fills what they lean on."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from threading import Lock, Timer

import redis

from app.embedded.postgres import APP_ROLE
from app.embedded.processes import wait_until
from tests.crash.disk import Disk
from tests.crash.house import House
from tests.crash.schedule import Act
from tests.setup.test_demo import PARTS, children, command

AT_WORK = ("worker child", "worker and child")
WORK_WITHIN = 1.5
AMIDST = 0.4  # seconds


class Hand:
    """Does the blows of a schedule, counts those that hit, and lets go of everything that it holds."""

    def __init__(self, house: House, disk: Disk | None) -> None:
        self.hits: Counter[str] = Counter()
        self._house, self._disk = house, disk
        self._turn = Lock()
        self._held: dict[Timer, tuple[int, ...]] = {}

    def strike(self, act: Act) -> bool:
        """Do one blow; False when there was nothing to hit."""
        did = {"kill": self._kill, "freeze": self._freeze, "empty": self._empty, "fill": self._fill}[act.verb](act)
        self.hits[act.verb] += did
        return did

    def let_go(self) -> None:
        """Wait until everything that was held still has been let go, as its time comes."""
        while True:
            with self._turn:
                timers = list(self._held)
            if not timers:
                return
            for timer in timers:
                timer.join()

    def _kill(self, act: Act) -> bool:
        return _send(self._meet(act), signal.SIGKILL)

    def _freeze(self, act: Act) -> bool:
        pids = self._meet(act)
        if not _send(pids, signal.SIGSTOP):
            return False
        timer = Timer(act.seconds, lambda: self._thaw(timer))
        with self._turn:
            self._held[timer] = pids
        timer.start()
        return True

    def _meet(self, act: Act) -> tuple[int, ...]:
        """Whom the blow means. It waits a little for a worker that works, and then for a moment in its work."""
        if act.what in AT_WORK:
            wait_until(lambda: any(map(children, self._house.parts("worker"))), WORK_WITHIN)
            time.sleep(act.luck * AMIDST)
        return victims(self._house, act.what, act.luck)

    def _thaw(self, timer: Timer) -> None:
        with self._turn:
            pids = self._held.pop(timer, ())
        _send(pids, signal.SIGCONT)

    def _empty(self, _act: Act) -> bool:
        with contextlib.suppress(redis.RedisError):
            self._house.forget_queue()
            return True
        return False

    def _fill(self, act: Act) -> bool:
        disk = self._disk
        if disk is None or not disk.fill():
            return False

        def free() -> None:
            disk.free()
            self._thaw(timer)

        timer = Timer(act.seconds, free)
        with self._turn:
            self._held[timer] = ()
        timer.start()
        return True


def victims(house: House, what: str, luck: float) -> tuple[int, ...]:
    """The processes that a blow means, parents first, so that they cannot react to what happens to their children."""
    if what == "everything":
        parts = [pid for part in PARTS for pid in sorted(house.parts(part))]
        return (*parts, *_forked(parts))
    if what == "backend":
        backends = [pid for pid in _forked(sorted(house.parts("postgres"))) if APP_ROLE in command(pid)]
        return _one(backends, luck)
    part = "worker" if "worker" in what else what.partition(" ")[0]
    mains = sorted(house.parts(part))
    if part == "worker" and what != "all workers":
        mains = list(_one([pid for pid in mains if children(pid)] or mains, luck))
    forked = _forked(mains)
    if what.endswith(" child"):
        return _one(forked, luck)
    return (*mains, *forked) if what.startswith("all ") or " and " in what else tuple(mains)


def _forked(pids: list[int]) -> list[int]:
    return sorted(child for pid in pids for child in children(pid))


def _one(pids: list[int], luck: float) -> tuple[int, ...]:
    return (pids[int(luck * len(pids))],) if pids else ()


def _send(pids: tuple[int, ...], what: signal.Signals) -> bool:
    """Whether at least one of them was there to get it."""
    reached = False
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)
            reached = True
    return reached
