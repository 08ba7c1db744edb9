"""When a channel is next read by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.core.refreshing import next_refresh

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MIDNIGHT = NOON + timedelta(hours=12)


def test_the_next_refresh_is_half_a_day_away_give_or_take_half_an_hour() -> None:
    moments = [next_refresh(NOON, channel_id) for channel_id in range(1, 1001)]
    assert max(moments) <= MIDNIGHT + timedelta(minutes=30)
    assert min(moments) >= MIDNIGHT - timedelta(minutes=30)


def test_channels_that_began_together_are_spread_over_the_hour() -> None:
    minutes = {next_refresh(NOON, channel_id).replace(second=0, microsecond=0) for channel_id in range(1, 1001)}
    assert len(minutes) >= 60


def test_a_channel_is_early_one_time_and_late_another() -> None:
    days = [NOON + timedelta(days=day) for day in range(10)]
    assert len({next_refresh(day, 7) - day for day in days}) == len(days)
