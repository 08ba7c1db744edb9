"""How fast we may go: the channel's own counters, read from every answer, for one credential.

Nothing is known beforehand and nothing is assumed about the length of the channel's window. Near the end of the
allowance we stop, keep a few calls in hand for a person who is clicking, and look again after growing pauses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock

RESERVE = 5
NAP_SECONDS = 2.0  # Up to this long we wait in place; a longer wait is the job's to plan.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 60.0
UNTOLD_WAIT, LONGEST_WAIT = 30.0, 3600.0


class Budget:
    """Counts calls against the channel's limit. Shared by all threads that use one credential."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = Lock()
        self._left: int | None = None
        self._reserve = RESERVE
        self._pause = FIRST_PAUSE
        self._pause_until = 0.0
        self._held_until = 0.0
        self._may_look = False

    def take(self) -> float:
        """Take one call. Returns 0.0 when it may go, else the seconds after which to come back; naps at most 2 s."""
        wait = self._try_take()
        if 0.0 < wait <= NAP_SECONDS:
            self._sleep(wait)
            wait = self._try_take()
        return wait

    def _try_take(self) -> float:
        with self._lock:
            now = self._clock()
            until = max(self._held_until, self._pause_until)
            if now < until:
                return until - now
            if self._left is not None and self._left <= self._reserve and not self._may_look:
                self._pause_until, self._may_look = now + self._pause, True
                wait, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
                return wait
            # After a wait one call may look at the counters; only its answer allows the next.
            self._may_look = False
            if self._left is not None:
                self._left -= 1
            return 0.0

    def learn(self, headers: Mapping[str, str]) -> None:
        """Note what an answer's headers say about the limit."""
        limit, left = _count(headers.get("X-RateLimit-Limit")), _count(headers.get("X-RateLimit-Remaining"))
        if left is None:
            return
        with self._lock:
            self._reserve = RESERVE if limit is None else min(RESERVE, limit // 2)
            self._left = left
            if left > self._reserve:
                self._pause, self._pause_until = FIRST_PAUSE, 0.0

    def hold(self, seconds: float) -> None:
        """The channel asked us to wait: nobody calls before that."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)
            self._may_look = True


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a 429's `Retry-After` asks for (a number or an HTTP date), between 1 s and an hour; 30 s if untold.

    A date is read against the answer's own `Date`, so that a wrong clock on either side does no harm.
    """
    told = headers.get("Retry-After", "").strip()
    wait = UNTOLD_WAIT
    with suppress(ValueError, OverflowError):
        if told.replace(".", "", 1).isdigit():
            wait = float(told)
        elif told:
            wait = (_http_date(told) - _http_date(headers.get("Date", ""), datetime.now(UTC))).total_seconds()
    return min(LONGEST_WAIT, max(1.0, wait))


def _http_date(text: str, default: datetime | None = None) -> datetime:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        if default is None:
            raise
        return default
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
