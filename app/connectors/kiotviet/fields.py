"""What only KiotViet's JSON needs: its clock, exact decimals, and rows that may not be there at all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

import orjson

from app.connectors.fields import Row, first, missing, unreadable
from app.core.money import LIMIT

CURRENCY: Final = "VND"
ZONE: Final = timezone(timedelta(hours=7))
"""Vietnam's clock, which has had no summer time since 1975: times come without an offset."""
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_FINEST: Final = Decimal("0.0001")


def rows_of(value: Any) -> list[Any]:
    """The rows of a part that may be missing, a list, or a lone object."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def mappings(row: Row, *names: str) -> list[Row]:
    """The objects of a list inside; whatever else stands in it is passed over."""
    return [one for one in rows_of(first(row, *names)) if isinstance(one, Mapping)]


def part_of_row(row: Row, *names: str) -> Row:
    """An object inside, the first one where it is a list; empty where there is none."""
    return next(iter(mappings(row, *names)), {})


def moment(row: Row, *names: str) -> datetime | None:
    """A time in UTC, or None when the field is blank or absent; without an offset it is Vietnam's wall clock."""
    value = first(row, *names)
    if value is None:
        return None
    at = _moment(value.strip()) if isinstance(value, str) else None
    if at is None or not _EARLIEST <= at < _LATEST:
        raise unreadable(next(name for name in names if row.get(name) == value))
    return at


@lru_cache(maxsize=4096)
def _moment(told: str) -> datetime | None:
    found = _TIME.fullmatch(told)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    text = f"{day}T{clock or '00:00'}"
    try:
        at = datetime.fromisoformat(f"{text}{(offset or '').upper()}")
        at += timedelta(microseconds=int((fraction or "").ljust(6, "0")[:6]))
        return (at if at.tzinfo else at.replace(tzinfo=ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def wire_time(at: datetime, *, timespec: str = "seconds") -> str:
    """An aware time as the wire wants it: the shop's wall clock, without an offset, rounded down."""
    return at.astimezone(ZONE).replace(tzinfo=None).isoformat(timespec=timespec)


def amount(row: Row, *names: str) -> Decimal | None:
    """A number exactly as it was sent, None when the field is blank or absent."""
    value = first(row, *names)
    if value is None:
        return None
    if type(value) is int and -LIMIT < value < LIMIT:
        return Decimal(value)
    found = _decimal(value)
    if found is None or abs(found) >= LIMIT:
        raise unreadable(next(name for name in names if row.get(name) == value))
    return found


def required_amount(row: Row, *names: str) -> Decimal:
    """A number that must be there."""
    found = amount(row, *names)
    if found is None:
        raise missing(names[0])
    return found


def _decimal(value: Any) -> Decimal | None:
    told = str(value).strip()
    if isinstance(value, bool) or not _NUMBER.fullmatch(told):
        return None
    try:
        return Decimal(told)
    except InvalidOperation:
        return None


def dong(value: Decimal) -> int:
    """An amount as we keep it: whole dong, a half rounded away from zero."""
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def pieces(value: Decimal) -> Decimal:
    """A quantity as finely as it is stored, without needless zeros."""
    whole = value.to_integral_value()
    return whole if value == whole else value.quantize(_FINEST, rounding=ROUND_HALF_UP).normalize()


def sha256(value: Any) -> str:
    """Of plain values in one order, in which a number and its text are the same."""
    return hashlib.sha256(orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()
