"""Who is told of what unless they chose, and when it is morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from app.core.noticing import EVERY, MORNING, TICKED, NoticeKind, Way, default_way, digest_days, next_morning
from app.core.roles import Role

ZONES = st.sampled_from(sorted(zone for zone in available_timezones() if "/" in zone))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, ZONES)
def test_the_next_morning_is_the_first_one_after(moment: datetime, zone: str) -> None:
    morning = next_morning(moment, zone)
    assert moment < morning
    local = morning.astimezone(ZoneInfo(zone))
    assert abs(local.hour * 60 + local.minute - (MORNING.hour * 60 + MORNING.minute)) <= 60, "a clock was put forward"
    assert morning - moment <= timedelta(hours=49), "a whole day may be left out where the date line moves"


@given(MOMENTS, ZONES)
def test_in_seven_mornings_there_is_at_most_one_weekly_digest(moment: datetime, zone: str) -> None:
    weekly, daily = [], []
    morning = next_morning(moment, zone)
    for _day in range(7):
        weekly.append(digest_days(Way.WEEKLY, morning, zone))
        daily.append(digest_days(Way.DAILY, morning, zone))
        morning = next_morning(morning, zone)
    assert daily == [1] * 7
    assert weekly.count(7) <= 1
    assert set(weekly) <= {0, 7}
    assert digest_days(Way.NONE, morning, zone) == 0


def test_the_weekly_digest_comes_on_the_stores_own_monday() -> None:
    monday = next_morning(datetime(2026, 11, 22, 12, tzinfo=UTC), "Asia/Kuala_Lumpur")
    assert monday == datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "it is Sunday still in Greenwich"
    assert digest_days(Way.WEEKLY, monday, "Asia/Kuala_Lumpur") == 7
    assert digest_days(Way.WEEKLY, monday, "Europe/London") == 0


def test_everybody_has_a_way_for_everything() -> None:
    for role in Role:
        for kind in NoticeKind:
            assert default_way(role, kind) in (EVERY if kind is NoticeKind.DIGEST else TICKED)


def test_an_owner_is_told_of_everything_and_who_only_looks_of_nothing() -> None:
    assert all(default_way(Role.OWNER, kind) is not Way.NONE for kind in NoticeKind)
    assert all(default_way(Role.READ_ONLY, kind) is Way.NONE for kind in NoticeKind)


def test_two_ticks_are_one_way_and_back() -> None:
    for way in TICKED:
        assert Way.of(in_portal=way.in_portal, by_mail=way.by_mail) is way
