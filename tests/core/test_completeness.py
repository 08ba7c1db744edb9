"""Which days, which windows, which minute of the night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.completeness import (
    Period,
    Verdict,
    default_period,
    next_quiet_moment,
    nightly_period,
    one_road,
    span_of,
    two_roads,
    verdict,
)
from app.core.types import WindowAxis

ZONES = ["Asia/Kuala_Lumpur", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "UTC"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "start_on", "since"),
    [
        (date(2026, 11, 22), date(2026, 1, 1), date(2026, 10, 1)),
        (date(2026, 1, 3), date(2020, 1, 1), date(2025, 12, 1)),
        (date(2026, 11, 22), date(2026, 10, 20), date(2026, 10, 20)),
    ],
)
def test_by_hand_this_month_and_the_last_are_read_from_the_start_date_at_most(
    today: date, start_on: date, since: date
) -> None:
    assert default_period(today, start_on) == Period(since, today)


def test_by_night_the_last_35_days_are_read() -> None:
    found = nightly_period(date(2026, 11, 22), date(2026, 1, 1))
    assert (found.until - found.since).days + 1 == 35
    assert nightly_period(date(2026, 11, 22), date(2026, 11, 20)).since == date(2026, 11, 20)


def test_days_end_at_midnight_of_the_store_and_never_after_now() -> None:
    days = Period(date(2026, 11, 20), date(2026, 11, 21))
    found = span_of(days, "Asia/Kuala_Lumpur", LONG_AGO, NOW)
    assert found.since == datetime(2026, 11, 19, 16, tzinfo=UTC)
    assert found.until == datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)
    today = Period(date(2026, 11, 22), date(2026, 11, 22))
    assert span_of(today, "Asia/Kuala_Lumpur", LONG_AGO, NOW).until == NOW
    start_at = datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert span_of(days, "Asia/Kuala_Lumpur", start_at, NOW).since == start_at


def test_a_day_on_which_the_clock_is_put_back_has_25_hours() -> None:
    found = span_of(Period(date(2026, 10, 25), date(2026, 10, 25)), "Europe/Berlin", LONG_AGO, NOW)
    assert found.until - found.since == timedelta(hours=25) - timedelta(seconds=1)


@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2025, 1, 1), date(2026, 11, 22)),
    length=st.integers(0, 365),
    days=st.integers(1, 31),
)
def test_both_roads_cover_every_second_of_the_days(zone: str, first: date, length: int, days: int) -> None:
    span = span_of(Period(first, first + timedelta(days=length)), zone, LONG_AGO, NOW)
    found = two_roads(["a", "b"], span, LONG_AGO, NOW, days, by_update=True)
    for place in ("a", "b"):
        for axis in WindowAxis:
            mine = [window for window in found if (window.list_id, window.axis) == (place, axis)]
            assert mine[0].since <= span.since
            assert mine[-1].until >= span.until
            assert all(window.until - window.since < timedelta(days=days) for window in mine)
            assert all(b.since - a.until == timedelta(seconds=1) for a, b in pairwise(mine))
            assert mine[-1].until <= NOW
    axes = [window.axis for window in found]
    assert axes == sorted(axes), "what was made is read before what was changed"


def test_without_the_second_axis_only_what_was_made_is_read() -> None:
    span = span_of(Period(date(2026, 11, 1), date(2026, 11, 22)), "UTC", LONG_AGO, NOW)
    found = two_roads(["a"], span, LONG_AGO, NOW, 31, by_update=False)
    assert {window.axis for window in found} == {WindowAxis.CREATED}


def test_days_before_the_channel_began_need_no_windows() -> None:
    span = span_of(Period(date(2026, 11, 1), date(2026, 11, 2)), "UTC", NOW, NOW)
    assert two_roads(["a"], span, NOW, NOW, 31, by_update=True) == []


def test_a_channel_that_lists_by_the_last_change_alone_is_read_from_the_days_on_until_now() -> None:
    span = span_of(Period(date(2026, 3, 2), date(2026, 3, 4)), "Asia/Ho_Chi_Minh", LONG_AGO, NOW)
    first, second = one_road(["orders", "invoices"], span, LONG_AGO, NOW, 36_500)
    assert (first.list_id, second.list_id) == ("orders", "invoices")
    assert (first.since, first.until, first.axis) == (span.since - timedelta(days=1), NOW, WindowAxis.UPDATED)
    assert one_road(["orders"], span, span.since, NOW, 36_500)[0].since == span.since
    assert (
        one_road(
            ["orders"], span_of(Period(date(2026, 3, 4), date(2026, 3, 2)), "UTC", LONG_AGO, NOW), LONG_AGO, NOW, 9
        )
        == []
    )


@given(
    after=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
    channel_id=st.integers(1, 10_000),
)
def test_the_next_quiet_moment_is_of_the_next_night(after: datetime, zone: str, channel_id: int) -> None:
    found = next_quiet_moment(after, zone, channel_id)
    assert timedelta(0) < found - after <= timedelta(hours=26)
    # On the night in which the clock is put forward, what would be before three is after three.
    assert time(2) <= found.astimezone(ZoneInfo(zone)).time() < time(6)


def test_channels_have_minutes_of_their_own() -> None:
    assert len({next_quiet_moment(NOW, "Asia/Kuala_Lumpur", channel_id) for channel_id in range(1, 181)}) == 180


def test_what_the_outcome_is_called() -> None:
    nothing = {"missing": 0, "extra": 0, "differing": 0, "short": 0}
    assert verdict(**nothing) is Verdict.AGREES
    assert verdict(**nothing | {"short": 1}) is Verdict.NOT_LISTED
    assert verdict(**nothing | {"extra": 1, "short": 1}) is Verdict.DIFFERS
