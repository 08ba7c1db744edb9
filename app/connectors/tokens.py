"""Short-lived access tokens of one connection that nobody else shares, such as one that is being tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

_MARGIN: Final = 60.0
"""A token is not used for its last minute, or its last tenth where it lives shortly: it must outlive the call."""


def usable_seconds(lifetime: float) -> float:
    """For how long a token is handed out that is good for `lifetime` seconds."""
    return lifetime - min(_MARGIN, lifetime / 10)


class OwnTokens:
    """`app.connectors.base.Tokens` in this process alone; safe for several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._token, self._until = "", 0.0

    def __repr__(self) -> str:
        return "OwnTokens()"

    def current(self) -> str:
        """The token that is known; '' when there is none, or it is about to expire."""
        with self._lock:
            return self._known()

    def renewed(self, stale: str, fetch: Callable[[], tuple[str, float]]) -> str:
        """A token other than `stale`; while one caller fetches it, the others wait for that one."""
        with self._lock:
            known = self._known()
            if known and known != stale:
                return known
            self._token, lifetime = fetch()
            self._until = self._clock() + usable_seconds(lifetime)
            return self._token

    def _known(self) -> str:
        return self._token if self._clock() < self._until else ""
