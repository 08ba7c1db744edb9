"""The shop's time: all it sends is in Malaysian time, to the second."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Kuala_Lumpur")


def now() -> datetime:
    """The time in the shop."""
    return datetime.now(LOCAL)


def stamp(at: datetime) -> str:
    """Write a time as the wire does: RFC 3339 in Malaysian time, to the second."""
    return at.astimezone(LOCAL).isoformat(timespec="seconds")


def later_stamp(before: datetime) -> str:
    """Now, or a second after `before` where that is later: a change always shows in `updated_at`."""
    return stamp(max(now(), before + timedelta(seconds=1)))
