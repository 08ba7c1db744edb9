"""How many calls a shop may still make in the running window."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the rate-limit headers say about one call; `wait` is whole seconds until the window ends."""

    granted: bool
    limit: int
    remaining: int
    wait: int


class Quota:
    """Counts in memory: a restart begins a new window, which no client can tell from luck."""

    def __init__(self, window: float) -> None:
        """`window` is in seconds, counted from the first call after a window has ended."""
        self._window = window
        self._turn = threading.Lock()
        self._windows: dict[int, tuple[float, int]] = {}  # shop_id -> (start, calls)

    def take(self, shop_id: int, limit: int, *, calls: int = 1) -> Allowance:
        """Count a call of the shop, or so many, and say whether it is within its limit."""
        at = time.monotonic()
        with self._turn:
            start, before = self._windows.get(shop_id, (at, 0))
            if at - start >= self._window:
                start, before = at, 0
            self._windows[shop_id] = (start, before + calls)
        left = limit - before - calls
        return Allowance(left >= 0, limit, max(left, 0), math.ceil(start + self._window - at))

    def spend(self, shop_id: int, limit: int, seconds: float) -> None:
        """Leave nothing of the shop's window, which ends in so many seconds."""
        with self._turn:
            self._windows[shop_id] = (time.monotonic() + seconds - self._window, limit)

    def start_anew(self, shop_id: int) -> None:
        """Begin a new window at the shop's next call."""
        with self._turn:
            self._windows.pop(shop_id, None)
