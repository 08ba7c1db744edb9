"""The way of an order: which status may follow which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fulfilment import FINISHED, FORWARD, MOVES, NOT_SENT, may_move, next_of
from app.core.types import OrderStatus

S = OrderStatus
statuses = st.sampled_from(list(OrderStatus))


def test_every_status_stands_in_the_table() -> None:
    assert set(MOVES) == set(OrderStatus)


@pytest.mark.parametrize("before", FORWARD)
def test_steps_may_be_skipped_and_none_is_taken_back(before: OrderStatus) -> None:
    for after in FORWARD:
        assert may_move(before, after) == (FORWARD.index(after) > FORWARD.index(before))


def test_before_it_is_sent_an_order_may_wait_or_be_cancelled_and_then_not() -> None:
    for status in OrderStatus:
        assert may_move(status, S.ON_HOLD) == (status in NOT_SENT)
        assert may_move(status, S.CANCELLED) == (status in NOT_SENT | {S.ON_HOLD})


def test_only_what_was_sent_may_come_back() -> None:
    assert {status for status in OrderStatus if may_move(status, S.RETURNED)} == {S.SHIPPED, S.COMPLETED}


def test_an_order_on_hold_goes_back_and_is_not_sent_from_there() -> None:
    assert MOVES[S.ON_HOLD] == NOT_SENT | {S.CANCELLED}


@given(st.lists(statuses, max_size=12), statuses)
def test_what_is_finished_never_opens_again(wanted: list[OrderStatus], status: OrderStatus) -> None:
    was_finished = False
    for after in wanted:
        status = after if may_move(status, after) else status
        assert not was_finished or status in FINISHED
        was_finished = was_finished or status in FINISHED


@given(statuses)
def test_to_stay_or_to_become_unknown_is_no_move(status: OrderStatus) -> None:
    assert not may_move(status, status)
    assert not may_move(status, S.UNKNOWN)


def test_what_may_follow_is_offered_in_the_order_of_the_way() -> None:
    assert next_of(S.READY_TO_SHIP) == (S.SHIPPED, S.COMPLETED, S.ON_HOLD, S.CANCELLED)
    assert next_of(S.CANCELLED) == ()
