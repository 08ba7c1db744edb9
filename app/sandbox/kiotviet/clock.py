"""The shop's time: Vietnam's wall clock, written without an offset, as KiotViet does.

Inside, a moment is the microseconds of the wall clock since 1970, so that moments are compared as plain numbers and
nothing ever passes through UTC, which is the mistake that KiotViet's clients make.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = 86_400_000_000
SECOND = 1_000_000

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # a wall clock has no zone
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,7}))?)?\s*(Z|[ +-]\d\d:?\d\d)?", re.IGNORECASE | re.ASCII
)


class BadTime(ValueError):
    """A text that is no time."""


def now() -> int:
    """The moment that the shop's clock shows."""
    return wall_of(datetime.now(LOCAL))


def wall_of(at: datetime) -> int:
    """The moment of an aware time."""
    return (at.astimezone(LOCAL).replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)


def stamp(moment: int, digits: int = 7) -> str:
    """Write a moment as the wire does, with so many digits after the second; the real one sends any from 0 to 7."""
    text = (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds")
    return text[:19] if not digits else f"{text}0"[: 20 + digits]


def offset_stamp(moment: int) -> str:
    """Write a moment with its offset, as only the `timestamp` of a list has it."""
    return f"{stamp(moment)}+07:00"


def moment_of(text: str) -> int:
    """Read a time; a bare date is its midnight, and an offset is passed over: the digits are the shop's wall clock.

    Raises BadTime.
    """
    return read_time(text)[0]


def read_time(text: str) -> tuple[int, bool]:
    """Read a time as `moment_of` does, and say whether it had an offset."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise BadTime(f"{text!r} is not a time")
    day, clock, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
    except ValueError:
        raise BadTime(f"{text!r} is not a time") from None
    since = at - _EPOCH
    whole = (since.days * 86_400 + since.seconds) * SECOND
    return whole + int((fraction or "").ljust(6, "0")[:6]), offset is not None
