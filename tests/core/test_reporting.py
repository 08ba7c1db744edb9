"""Periods are whole days that nobody has to guess, and figures add up."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.reporting import LONGEST, Days, Figures, Period, Step, days_before, days_of, step_of, steps

TODAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("period", "first", "last", "before"),
    [
        (Period.TODAY, "2026-03-31", "2026-03-31", ("2026-03-30", "2026-03-30")),
        (Period.YESTERDAY, "2026-03-30", "2026-03-30", ("2026-03-29", "2026-03-29")),
        (Period.THIS_MONTH, "2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        (Period.LAST_MONTH, "2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31")),
        (Period.LAST_30_DAYS, "2026-03-02", "2026-03-31", ("2026-01-31", "2026-03-01")),
    ],
)
def test_periods_and_what_they_are_compared_with(
    period: Period, first: str, last: str, before: tuple[str, str]
) -> None:
    days = days_of(period, TODAY)
    assert days == Days(date.fromisoformat(first), date.fromisoformat(last))
    assert days_before(period, days) == Days(*map(date.fromisoformat, before))


def test_this_month_is_compared_with_as_many_days_of_the_one_before() -> None:
    days = days_of(Period.THIS_MONTH, date(2026, 11, 22))
    assert days_before(Period.THIS_MONTH, days) == Days(date(2026, 10, 1), date(2026, 10, 22))


def test_custom_days_may_be_swapped_or_lack_an_end() -> None:
    one, other = date(2026, 1, 5), date(2026, 1, 9)
    assert days_of(Period.CUSTOM, TODAY, other, one) == Days(one, other)
    assert days_of(Period.CUSTOM, TODAY, one, None) == Days(one, TODAY)
    assert days_of(Period.CUSTOM, TODAY, None, other) == Days(other, other)
    assert days_of(Period.CUSTOM, TODAY) == Days(TODAY, TODAY)


@given(first=st.none() | st.dates(), last=st.none() | st.dates())
def test_any_two_days_make_a_period_that_can_be_shown(first: date | None, last: date | None) -> None:
    days = days_of(Period.CUSTOM, TODAY, first, last)
    assert days.first <= days.last
    assert days.count <= LONGEST.days
    bars = steps(days, step_of(days))
    assert [bars[0].first, bars[-1].last] == [days.first, days.last]
    assert sum(bar.count for bar in bars) == days.count
    assert len(bars) <= 122
    assert days_before(Period.CUSTOM, days).last == days.first - timedelta(days=1)


def test_long_periods_are_drawn_by_months() -> None:
    days = Days(date(2026, 1, 15), date(2026, 5, 3))
    assert step_of(days) is Step.MONTH
    assert [bar.first.isoformat() for bar in steps(days, Step.MONTH)] == [
        *("2026-01-15", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01")
    ]


def test_net_is_gross_less_discounts_and_refunds_and_the_average_is_of_net() -> None:
    some = Figures(orders=2, cancelled=1, units=Decimal(3), gross=10_000, discount=1_001, refunded=500)
    more = some + Figures(orders=1, gross=500)
    assert (some.net, some.average, some.placed) == (8_499, 4_250, 3)
    assert (more.orders, more.net, more.cancelled) == (3, 8_999, 1)
    assert (Figures().net, Figures().average) == (0, 0)
