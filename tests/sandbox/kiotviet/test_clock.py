"""The shop's clock: a wall in Vietnam, without an offset, that never passes through UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.kiotviet.clock import BadTime, moment_of, offset_stamp, read_time, stamp, wall_of

MOMENTS = st.integers(0, 4_000_000_000_000_000)
HANOI = timezone(timedelta(hours=7))


@given(MOMENTS)
def test_what_is_written_is_read_back(moment: int) -> None:
    assert moment_of(stamp(moment)) == moment
    assert moment_of(offset_stamp(moment)) == moment
    assert moment_of(stamp(moment, 3)) == moment // 1000 * 1000
    assert moment_of(stamp(moment, 0)) == moment // 1_000_000 * 1_000_000


@given(MOMENTS, MOMENTS, st.sampled_from([0, 3, 7]))
def test_texts_of_one_length_are_in_the_order_of_their_moments(one: int, other: int, digits: int) -> None:
    if one <= other:
        assert stamp(one, digits) <= stamp(other, digits)


@given(st.datetimes(timezones=st.just(HANOI)).filter(lambda at: 1975 < at.year < 2200))
def test_a_moment_is_what_the_clock_on_the_wall_shows(at: datetime) -> None:
    text = at.replace(tzinfo=None).isoformat()
    assert wall_of(at) == moment_of(text)
    assert wall_of(at.astimezone(UTC)) == moment_of(text)


@given(MOMENTS, st.sampled_from(["Z", "+07:00", "-03:30", " 07:00", "+0700"]))
def test_an_offset_is_passed_over_and_told(moment: int, offset: str) -> None:
    assert read_time(stamp(moment) + offset) == (moment, True)
    assert read_time(stamp(moment)) == (moment, False)


def test_a_date_is_its_midnight_and_an_hour_needs_no_seconds() -> None:
    assert moment_of("2026-11-20") == moment_of("2026-11-20T00:00:00") == moment_of("2026-11-20 00:00")


@pytest.mark.parametrize(
    "text", ["", "today", "2026-13-01", "2026-11-20T25:00", "20/11/2026", "2026-11-20T08:00:00.12345678", "٢٠٢٦-11-20"]
)
def test_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadTime):
        moment_of(text)
