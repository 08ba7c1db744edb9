"""The short-lived access token of a stored channel, shared by every process that calls for it.

It lies sealed in the queue server's memory, under a name made of the credentials: other credentials, another token.
Losing that memory costs a renewal and nothing else, and so does a value in it that cannot be opened.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from app.connectors.tokens import usable_seconds
from app.sealing import BrokenSeal, open_sealed, seal

_FETCHING_SECONDS: Final = 75
"""How long one process may be fetching before another thinks that it died: longer than one call takes at most."""
_LOOK_SECONDS: Final = 0.1
_UNLOCK: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"
_AWAY: Final = (RedisError, OSError)


class SharedTokens:
    """`app.connectors.base.Tokens` over all processes; safe for several threads that know the application."""

    def __init__(
        self,
        memory: Redis,
        store_id: int,
        channel_id: int,
        config: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        credentials = hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()[:32]
        self._memory, self._clock, self._sleep = memory, clock, sleep
        self._name = f"channelbook:token:{store_id}:{channel_id}:{credentials}"
        self._lock = Lock()
        self._token, self._until = "", 0.0

    def __repr__(self) -> str:
        return "SharedTokens()"

    def current(self) -> str:
        """The token that is known; '' when there is none, or it is about to expire."""
        with self._lock:
            return self._own() or self._shared()

    def renewed(self, stale: str, fetch: Callable[[], tuple[str, float]]) -> str:
        """A token other than `stale`: of all callers one fetches it, and the others wait for that one."""
        with self._lock:
            mine = uuid4().hex
            while True:
                known = self._own() if self._token != stale else ""
                if known := known or self._shared(stale):
                    return known
                if self._may_fetch(mine):
                    break
                self._sleep(_LOOK_SECONDS)
            try:
                return self._shared(stale) or self._fetched(fetch)
            finally:
                with suppress(*_AWAY):
                    self._memory.eval(_UNLOCK, 1, f"{self._name}:fetching", mine)

    def _fetched(self, fetch: Callable[[], tuple[str, float]]) -> str:
        token, lifetime = fetch()
        seconds = usable_seconds(lifetime)
        self._token, self._until = token, self._clock() + seconds
        with suppress(*_AWAY):
            sealed = seal({"token": token, "until": repr(self._until)})
            self._memory.set(self._name, sealed, px=max(1, int(seconds * 1000)))
        return token

    def _own(self) -> str:
        return self._token if self._clock() < self._until else ""

    def _shared(self, stale: str = "") -> str:
        """The token that a process left for all, '' when there is none that is good."""
        try:
            sealed = self._memory.get(self._name)
            told = open_sealed(sealed) if isinstance(sealed, bytes) else {}
            token, until = told.get("token", ""), float(told.get("until", "0"))
        except (*_AWAY, BrokenSeal, ValueError):
            return ""
        if not token or token == stale or until <= self._clock():
            return ""
        self._token, self._until = token, until
        return token

    def _may_fetch(self, mine: str) -> bool:
        """Whether nobody else is fetching; so it is as well where nobody could say."""
        try:
            return bool(self._memory.set(f"{self._name}:fetching", mine, nx=True, ex=_FETCHING_SECONDS))
        except _AWAY:
            return True
