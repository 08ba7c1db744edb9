"""When a channel was last asked about an order, although an order that did not change is never written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.core.looking import OVERLAP, Reading, is_still_open, last_looked_at
from app.core.states import OrderState
from app.core.types import OrderStatus

WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
SWEPT = datetime(2026, 11, 10, tzinfo=UTC)
CHECKED = datetime(2026, 11, 20, tzinfo=UTC)
READ = Reading(CHECKED, SWEPT)


def test_an_old_closed_order_was_last_seen_when_everything_was_read() -> None:
    assert last_looked_at(WRITTEN, WRITTEN, still_open=False, reading=READ) == SWEPT


def test_an_open_order_is_asked_for_at_every_check() -> None:
    assert last_looked_at(WRITTEN, WRITTEN, still_open=True, reading=READ) == CHECKED


@pytest.mark.parametrize(("before", "seen"), [(OVERLAP, CHECKED), (OVERLAP + timedelta(seconds=1), SWEPT)])
def test_a_new_order_is_listed_at_every_check(before: timedelta, seen: datetime) -> None:
    assert last_looked_at(WRITTEN, CHECKED - before, still_open=False, reading=READ) == seen


def test_nothing_was_read_completely_yet() -> None:
    assert last_looked_at(WRITTEN, None, still_open=True, reading=Reading(None, None)) == WRITTEN


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("status", OrderStatus)
def test_what_may_still_change_is_open(state: OrderState, status: OrderStatus) -> None:
    ended = status in (OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.RETURNED)
    closed = state == OrderState.CLOSED or (state == OrderState.BOOKED and ended)
    assert is_still_open(state, status) == (not closed)
