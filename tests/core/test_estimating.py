"""How long something takes whose pace is set by what may be read in an hour."""

from __future__ import annotations

from app.core.estimating import seconds_by_allowance


def test_what_is_left_of_the_hour_is_enough() -> None:
    assert seconds_by_allowance(5_000, page_size=100, left=50, an_hour=4_000) == 0


def test_what_is_beyond_it_comes_as_the_hour_gives_reads_back() -> None:
    assert seconds_by_allowance(5_001, page_size=100, left=50, an_hour=3_600) == 1
    assert seconds_by_allowance(800_000, page_size=100, left=4_000, an_hour=4_000) == 3_600


def test_an_hour_that_is_spent_leaves_all_to_the_next() -> None:
    assert seconds_by_allowance(1, page_size=100, left=0, an_hour=60) == 60
