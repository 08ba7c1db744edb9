"""Which days of a channel are held against the books, by which windows, when, and what the outcome is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from app.core.plan import windows
from app.core.types import OrderWindow, WindowAxis

NIGHTLY_DAYS: Final = 35
"""A whole month, and a few days in which it may still have been set right."""
LONGEST_DAYS: Final = 366
QUIET_FROM: Final = time(2)
QUIET_MINUTES: Final = 180
MARGIN: Final = timedelta(days=1)
"""The windows reach this far beyond the days: an order at their edge is read by whichever side it falls on."""
LATER: Final = timedelta(days=2)
"""How long after the last day changes are looked for."""


class DeviationKind(StrEnum):
    """In what the channel and the books differ about one order; the first that fits, in this order."""

    EXTRA = "extra"
    """It is here, and the channel neither lists nor knows it."""
    UNREADABLE = "unreadable"
    MISSING = "missing"
    """The channel has it, and it is not here."""
    CURRENCY = "currency"
    TOTAL = "total"
    STATUS = "status"
    """Cancelled or returned on one side only."""
    PAYMENT = "payment"
    """Another payment status, or another amount that was paid back."""
    INVOICE = "invoice"
    """Both agree about the order, but its invoice does not say what was charged and not paid back."""


@dataclass(frozen=True, slots=True)
class Period:
    """Some days, both included; none at all when `until` comes before `since`."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Span:
    """The moments that some days last, both included, to the second; `until` is not after now."""

    since: datetime
    until: datetime


class Verdict(StrEnum):
    """What a verification found, in one word."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_LISTED = "not_listed"
    """Nothing differs, but the channel did not list all that it counted."""


def default_period(today: date, start_on: date) -> Period:
    """This month and the last one, from the channel's first day at most."""
    last_month = today.replace(day=1) - timedelta(days=1)
    return Period(max(last_month.replace(day=1), start_on), today)


def nightly_period(today: date, start_on: date) -> Period:
    """The last NIGHTLY_DAYS days, today included, from the channel's first day at most."""
    return Period(max(today - timedelta(days=NIGHTLY_DAYS - 1), start_on), today)


def span_of(period: Period, time_zone: str, start_at: datetime, now: datetime) -> Span:
    """From the first moment of the first day to the last second of the last, within `start_at` and `now`."""
    first = datetime.combine(period.since, time.min, ZoneInfo(time_zone)).astimezone(UTC)
    return Span(max(first, start_at), min(last_second(period.until, time_zone), now))


def last_second(day: date, time_zone: str) -> datetime:
    """The last moment of a day, as the wire speaks of it."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))
    return midnight.astimezone(UTC) - timedelta(seconds=1)


def two_roads(
    lists: Iterable[str], span: Span, start_at: datetime, now: datetime, days: int, *, by_update: bool
) -> list[OrderWindow]:
    """The windows to read: what was made in the span, then (`by_update`) what was changed in it, both with a margin."""
    lists = list(lists)
    if span.since > span.until:
        return []
    since, until = max(start_at, span.since - MARGIN), min(now, span.until + MARGIN)
    made = windows(lists, since, until, days)
    if not by_update:
        return made
    return made + windows(lists, since, min(now, span.until + LATER), days, WindowAxis.UPDATED)


def one_road(lists: Iterable[str], span: Span, start_at: datetime, now: datetime, days: int) -> list[OrderWindow]:
    """The windows of a channel that lists by the last change alone: whatever was made in the span has changed since."""
    if span.since > span.until:
        return []
    return windows(lists, max(start_at, span.since - MARGIN), now, days, WindowAxis.UPDATED)


def next_quiet_moment(after: datetime, time_zone: str, channel_id: int) -> datetime:
    """The channel's own minute of the next night: between two and five o'clock of the store, never before `after`.

    Each channel has its minute, so that a thousand of them do not knock at one.
    """
    zone = ZoneInfo(time_zone)
    own_minute = timedelta(minutes=channel_id * 67 % QUIET_MINUTES)
    day = after.astimezone(zone).date()
    while True:
        # Added in UTC: a clock that is put forward in the night has no half past two.
        moment = datetime.combine(day, QUIET_FROM, zone).astimezone(UTC) + own_minute
        if moment > after:
            return moment
        day += timedelta(days=1)


def verdict(*, missing: int, extra: int, differing: int, short: int) -> Verdict:
    """What to call the outcome."""
    if missing or extra or differing:
        return Verdict.DIFFERS
    return Verdict.NOT_LISTED if short else Verdict.AGREES
