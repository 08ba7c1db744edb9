"""When everything that changed on a channel is next read by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

EVERY: Final = timedelta(hours=12)
SPREAD: Final = timedelta(minutes=30)
_HIGHEST: Final = 0xFFFFFFFF


def next_refresh(now: datetime, channel_id: int) -> datetime:
    """Twelve hours on, up to half an hour sooner or later.

    Each channel goes its own way each time, so that a thousand that once began together do not stay together.
    """
    share = crc32(f"{channel_id}/{now.isoformat()}".encode()) / _HIGHEST
    return now + EVERY + SPREAD * (2 * share - 1)
