"""Every number without a document is explained once, or it is a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.register import Skip, Stretch, account_for

AT = datetime(2026, 11, 20, tzinfo=UTC)
SKIPS = st.lists(
    st.builds(
        lambda first, length, minutes: Skip(first, first + length, "", None, AT + timedelta(minutes=minutes)),
        st.integers(1, 60),
        st.integers(0, 30),
        st.integers(0, 1000),
    ),
    max_size=5,
)


def _skip(first: int, last: int, minutes: int = 0) -> Skip:
    return Skip(first, last, "misprinted", "Owner", AT + timedelta(minutes=minutes))


def test_a_gap_that_nobody_explained_is_named_whole() -> None:
    assert account_for(5, 9, []) == [Stretch(5, 9, None)]


def test_a_gap_explained_in_part_is_named_in_parts() -> None:
    skip = _skip(3, 6)
    assert account_for(5, 9, [skip]) == [Stretch(5, 6, skip), Stretch(7, 9, None)]


def test_the_newest_explanation_counts() -> None:
    old, new = _skip(1, 9), _skip(4, 5, minutes=1)
    assert account_for(1, 9, [old, new]) == [Stretch(1, 3, old), Stretch(4, 5, new), Stretch(6, 9, old)]


@given(st.integers(1, 50), st.integers(0, 40), SKIPS)
def test_every_number_stands_in_exactly_one_stretch(first: int, length: int, skips: list[Skip]) -> None:
    stretches = account_for(first, first + length, skips)
    numbers = [number for one in stretches for number in range(one.first, one.last + 1)]
    assert numbers == list(range(first, first + length + 1))
    for one in stretches:
        for number in range(one.first, one.last + 1):
            told = [skip for skip in skips if skip.first <= number <= skip.last]
            assert (one.skip in told) if told else one.skip is None


def test_no_numbers_are_no_gap() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        account_for(5, 4, [])
