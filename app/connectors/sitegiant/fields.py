"""What only SiteGiant's JSON needs: ids of any length, and its clock."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.connectors.fields import ID_LENGTH, Row, first, text, unreadable

LOCAL_ZONE = ZoneInfo("Asia/Kuala_Lumpur")  # Times without an offset are SiteGiant's own wall clock.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_EPOCH = re.compile(r"\d{9,10}", re.ASCII)
_LONGEST_TIME = 40
_CUT = "…"
_BLANK_DATES = frozenset({"", "0", "0000-00-00", "0000-00-00 00:00:00"})


def order_id_of(row: Row, *names: str) -> str:
    """An order's id, '' when there is none. One that is too long is cut, so that the order can still be named."""
    found = text(row, *names)
    if len(found) <= ID_LENGTH:
        return found
    return f"{found[:40]}{_CUT}{hashlib.sha256(found.encode()).hexdigest()[:12]}"


def is_cut(found: str) -> bool:
    """Whether `order_id_of` cut this id: the channel does not know the order by that."""
    return _CUT in found


def moment(row: Row, *names: str) -> datetime | None:
    """A time in UTC, or None when the field is blank or absent.

    Accepted: RFC 3339, `YYYY-MM-DD HH:MM:SS` (taken as Kuala Lumpur time) and epoch seconds. Anything else, a
    spreadsheet's serial number for one, is unreadable rather than some other date.
    """
    value = first(row, *names)
    told = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else None
    if value is None or (told is not None and told in _BLANK_DATES):
        return None
    found = None if told is None or len(told) > _LONGEST_TIME else _instant(told)
    if found is None:
        raise unreadable(next(name for name in names if row.get(name) == value))
    return found


@lru_cache(maxsize=4096)
def _instant(told: str) -> datetime | None:
    """The moment, None when it cannot be read. Remembered, because an order's list row and details tell the same."""
    found = None
    if _EPOCH.fullmatch(told):
        found = datetime.fromtimestamp(int(told), tz=UTC)
    elif _ISO.fullmatch(told):
        found = _iso(told)
    return found if found is not None and _EARLIEST <= found < _LATEST else None


def _iso(told: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(told.replace(" ", "T", 1).replace(" ", "") if " " in told else told)
        return (at if at.tzinfo else at.replace(tzinfo=LOCAL_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def wire_time(at: datetime) -> str:
    """An aware time as the wire wants it: RFC 3339 in whole seconds, with Malaysia's offset."""
    return (at.astimezone(LOCAL_ZONE) - timedelta(microseconds=at.microsecond)).isoformat(timespec="seconds")
