"""The rate budget, on a clock that stands still until it is told."""

from __future__ import annotations

import pytest

from app.connectors.budget import LONGEST_WAIT, Budget, retry_after


class Clock:
    """Time that passes only when somebody sleeps or the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(clock, clock.sleep)


def told(left: int, limit: int = 60) -> dict[str, str]:
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left)}


def test_without_counters_nothing_is_held_back(budget: Budget) -> None:
    budget.learn({})
    budget.learn({"X-RateLimit-Remaining": "many"})
    assert [budget.take() for _ in range(100)] == [0.0] * 100


def test_it_stops_at_five_and_looks_again_after_growing_pauses(budget: Budget, clock: Clock) -> None:
    budget.learn(told(5))
    for pause in (10.0, 20.0, 40.0, 60.0, 60.0):
        assert budget.take() == pause
        clock.now += pause
        assert budget.take() == 0.0
        budget.learn(told(4))


def test_a_new_allowance_ends_the_pauses(budget: Budget, clock: Clock) -> None:
    budget.learn(told(5))
    assert budget.take() == 10.0
    clock.now += 10
    assert budget.take() == 0.0
    budget.learn(told(59))
    assert budget.take() == 0.0
    budget.learn(told(5))
    assert budget.take() == 10.0


def test_calls_under_way_count(budget: Budget) -> None:
    budget.learn(told(8))
    assert [budget.take() for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]


def test_only_one_thread_looks_after_a_pause(budget: Budget, clock: Clock) -> None:
    budget.learn(told(5))
    budget.take()
    clock.now += 10
    assert budget.take() == 0.0
    assert budget.take() == 20.0


def test_a_tiny_allowance_can_still_be_used(budget: Budget) -> None:
    budget.learn(told(3, limit=4))
    assert budget.take() == 0.0
    assert budget.take() > 0


def test_a_short_wait_is_slept_a_long_one_is_told(budget: Budget, clock: Clock) -> None:
    budget.hold(1.5)
    assert budget.take() == 0.0
    assert clock.naps == [1.5]
    budget.hold(2.5)
    assert budget.take() == 2.5
    assert clock.naps == [1.5]


def test_after_a_hold_one_call_goes_even_if_the_counters_said_none_is_left(budget: Budget, clock: Clock) -> None:
    budget.learn(told(0))
    budget.hold(30)
    assert budget.take() == 30.0
    clock.now += 30
    assert budget.take() == 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "-5"}, 30.0),
        ({"Retry-After": "soon"}, 30.0),
        ({"Retry-After": ""}, 30.0),
        ({}, 30.0),
        ({"Retry-After": "99999999999999999999"}, LONGEST_WAIT),
        ({"Retry-After": "Sun, 22 Nov 2026 08:01:30 GMT", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"}, 90.0),
        ({"Retry-After": "Sun, 22 Nov 2026 07:00:00 GMT", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"}, 1.0),
        ({"Retry-After": "Sun, 22 Nov 2020 08:00:00 GMT"}, 1.0),
    ],
)
def test_retry_after_in_all_its_notations(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds
