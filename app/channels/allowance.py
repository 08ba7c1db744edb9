"""How many reads of a channel's account are left in the hour, and who used them.

Where a system allows so many reads in an hour, all processes count theirs together, minute by minute, in the queue
server's memory. The first load and the refreshes leave a part of the hour to the orders that are announced or that
somebody asks for, which a person waits for. When that memory is lost the count begins anew; the system's own answer
then says when it was too much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

_MINUTES: Final = 61
"""A read counts for the hour after it; the minute in which it was made need not have begun with it."""
_TAKE: Final = """
local kept, used = {}, 0
local told = redis.call('hgetall', KEYS[1])
for place = 1, #told, 2 do
  local minute = tonumber(string.match(told[place], '^%d+'))
  if minute <= tonumber(ARGV[1]) - tonumber(ARGV[4]) then
    redis.call('hdel', KEYS[1], told[place])
  else
    used = used + tonumber(told[place + 1])
    kept[#kept + 1] = {minute, tonumber(told[place + 1])}
  end
end
if used < tonumber(ARGV[3]) then
  redis.call('hincrby', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 1)
  redis.call('expire', KEYS[1], 7200)
  return 0
end
table.sort(kept, function(one, other) return one[1] < other[1] end)
for _, row in ipairs(kept) do
  used = used - row[2]
  if used < tonumber(ARGV[3]) then return row[1] + tonumber(ARGV[4]) end
end
return tonumber(ARGV[1]) + 1
"""
"""Takes one and returns 0, or returns the minute in which there is one again. Keys: the counts; arguments: this
minute, the use, how many the use may see taken, for how many minutes a read counts."""


class Use(StrEnum):
    """What reads are for."""

    FIRST = "first"
    """Reading everything for the first time."""
    REFRESH = "refresh"
    """Reading what changed, by the clock or because somebody asked for it."""
    ORDERS = "orders"
    """Single orders and products: announced ones, retries, what is looked up before it is written."""


SHARES: Mapping[Use, int] = MappingProxyType({Use.FIRST: 80, Use.REFRESH: 90, Use.ORDERS: 100})
"""How much of the hour's reads, in per cent, may be gone for a use to take another."""
_FOR_ORDERS: Final = frozenset({"announced", "retry", "write_back", "stock"})


def use_of(job_kind: str, *, is_first: bool) -> Use:
    """What a job reads for; `is_first` says that the channel was never read in full."""
    if job_kind in _FOR_ORDERS:
        return Use.ORDERS
    return Use.FIRST if is_first else Use.REFRESH


@dataclass(frozen=True, slots=True)
class Spent:
    """The reads of the last hour: by use, how many are left of `limit`, and when some of them are free again.

    `free_at` is None while nothing was read.
    """

    limit: int
    by_use: Mapping[Use, int]
    free_at: datetime | None

    @property
    def used(self) -> int:
        """All of them together."""
        return sum(self.by_use.values())

    @property
    def left(self) -> int:
        """How many there are left for orders, which may take the last."""
        return max(0, self.limit - self.used)

    def left_for(self, use: Use) -> int:
        """How many there are left for a use, which leaves a part of the hour to those above it."""
        return max(0, self.limit * SHARES[use] // 100 - self.used)


class SharedReads:
    """`app.connectors.base.Reads` over all processes, for one use."""

    def __init__(
        self, memory: Redis, store_id: int, channel_id: int, limit: int, use: Use,
        *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._memory, self._clock = memory, clock
        self._name = _name(store_id, channel_id)
        self._use, self._share = use, limit * SHARES[use] // 100

    def take(self) -> float:
        """Take one; 0.0 when it may go, else the seconds after which to come back."""
        now = self._clock()
        try:
            free: Any = self._memory.eval(_TAKE, 1, self._name, int(now) // 60, self._use, self._share, _MINUTES)
        except (RedisError, OSError):
            return 0.0
        return max(1.0, int(free) * 60 - now) if free else 0.0


def spent(memory: Redis, store_id: int, channel_id: int, limit: int, *, now: float | None = None) -> Spent:
    """What was read in the last hour, for pages; as if nothing was when that cannot be known."""
    minute = int(time.time() if now is None else now) // 60
    try:
        told: Any = memory.hgetall(_name(store_id, channel_id))
    except (RedisError, OSError):
        told = {}
    by_use = dict.fromkeys(Use, 0)
    first = None
    for name, count in told.items():
        at, _colon, use = name.decode().partition(":")
        if int(at) > minute - _MINUTES:
            by_use[Use(use)] += int(count)
            first = int(at) if first is None else min(first, int(at))
    free_at = None if first is None else datetime.fromtimestamp((first + _MINUTES) * 60, UTC)
    return Spent(limit, by_use, free_at)


def _name(store_id: int, channel_id: int) -> str:
    return f"channelbook:reads:{store_id}:{channel_id}"
