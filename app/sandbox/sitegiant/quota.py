"""How many calls a shop may still make in the running minute."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

WINDOW = 60.0  # seconds, counted from the first call after a window has ended


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the rate-limit headers say about one call; `wait` is whole seconds until the window ends."""

    granted: bool
    limit: int
    remaining: int
    wait: int


class Quota:
    """Counts in memory: a restart begins a new window, which no client can tell from luck."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._windows: dict[int, tuple[float, int]] = {}  # shop_id -> (start, calls)

    def take(self, shop_id: int, limit: int) -> Allowance:
        """Count one call of the shop and say whether it is within its limit."""
        at = time.monotonic()
        with self._turn:
            start, calls = self._windows.get(shop_id, (at, 0))
            if at - start >= WINDOW:
                start, calls = at, 0
            self._windows[shop_id] = (start, calls + 1)
        return Allowance(calls < limit, limit, max(limit - calls - 1, 0), math.ceil(start + WINDOW - at))

    def start_anew(self, shop_id: int) -> None:
        """Begin a new window at the shop's next call."""
        with self._turn:
            self._windows.pop(shop_id, None)
