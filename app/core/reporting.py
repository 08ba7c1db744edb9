"""What a sales report counts, over which days, and beside which days before."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(9998, 12, 31)
LONGEST: Final = timedelta(days=3660)
"""Ten years: a report shows no more at once."""
_SHOWN_AS_DAYS: Final = 92


class Sale(StrEnum):
    """What an order is to a sales report; each figure is about the orders of one of these."""

    SOLD = "sold"
    """Not cancelled; whether it is paid does not matter."""
    CANCELLED = "cancelled"
    DISCOUNTED = "discounted"
    """Sold, with a discount on the order or on a line of it."""
    REFUNDED = "refunded"
    """Sold, and something of it was paid back."""


class Period(StrEnum):
    """Days to choose from; CUSTOM are those between two that are named."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    LAST_30_DAYS = "last_30_days"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Days:
    """Some days, both included."""

    first: date
    last: date

    @property
    def count(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def is_month(self) -> bool:
        """Whether they are a whole month."""
        return self == Days(self.first.replace(day=1), _month_end(self.first))

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def days_of(period: Period, today: date, first: date | None = None, last: date | None = None) -> Days:
    """The days of a period. A custom one that lacks an end is one day or reaches until today; ends may be swapped."""
    match period:
        case Period.TODAY:
            return Days(today, today)
        case Period.YESTERDAY:
            return Days(today - timedelta(days=1), today - timedelta(days=1))
        case Period.THIS_MONTH:
            return Days(today.replace(day=1), today)
        case Period.LAST_MONTH:
            return _month_before(today)
        case Period.LAST_30_DAYS:
            return Days(today - timedelta(days=29), today)
        case Period.CUSTOM:
            return _between(first or last or today, last or max(today, first or today))


def days_before(period: Period, days: Days) -> Days:
    """What a period is compared with: the same days of the month before, or as many days just before.

    A month may be shorter than the one after it: 31 March is compared with the whole of February.
    """
    before = _month_before(days.first)
    if period is Period.LAST_MONTH:
        return before
    if period is Period.THIS_MONTH:
        return Days(before.first, min(before.first + timedelta(days=days.count - 1), before.last))
    return Days(days.first - timedelta(days=days.count), days.first - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums over some orders of one currency, in minor units; all but `cancelled` are over those not cancelled."""

    orders: int = 0
    cancelled: int = 0
    units: Decimal = Decimal(0)
    gross: int = 0
    discount: int = 0
    refunded: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.orders + other.orders,
            self.cancelled + other.cancelled,
            self.units + other.units,
            self.gross + other.gross,
            self.discount + other.discount,
            self.refunded + other.refunded,
        )

    @property
    def net(self) -> int:
        """What is left of gross after discounts and refunds."""
        return self.gross - self.discount - self.refunded

    @property
    def average(self) -> int:
        """Net for each order, rounded to the minor unit, half of it away from zero; 0 without orders."""
        return int((Decimal(self.net) / self.orders).quantize(Decimal(1), ROUND_HALF_UP)) if self.orders else 0

    @property
    def placed(self) -> int:
        """All orders, cancelled ones too."""
        return self.orders + self.cancelled


class Step(StrEnum):
    """How long each bar of a chart lasts."""

    DAY = "day"
    MONTH = "month"


def step_of(days: Days) -> Step:
    """Days, while their bars can be told apart."""
    return Step.DAY if days.count <= _SHOWN_AS_DAYS else Step.MONTH


def steps(days: Days, step: Step) -> list[Days]:
    """The stretches of `days` that each bar stands for, oldest first; months are cut off at both ends."""
    found, first = [], days.first
    while first <= days.last:
        last = min(first if step is Step.DAY else _month_end(first), days.last)
        found.append(Days(first, last))
        first = last + timedelta(days=1)
    return found


def _between(one: date, other: date) -> Days:
    first, last = (min(max(day, EARLIEST), LATEST) for day in sorted((one, other)))
    return Days(max(first, last - LONGEST + timedelta(days=1)), last)


def _month_before(day: date) -> Days:
    last = day.replace(day=1) - timedelta(days=1)
    return Days(last.replace(day=1), last)


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
