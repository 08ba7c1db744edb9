"""Bars keep their proportions and stay inside the drawing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.reports.charts import HEIGHT, STEP, bars


@given(st.lists(st.integers(min_value=-10, max_value=10**15), max_size=40))
def test_bars_stand_on_the_ground_inside_the_drawing_and_higher_for_more(values: list[int]) -> None:
    drawn = bars(values)
    assert [bar.x // STEP for bar in drawn] == list(range(len(values)))
    for value, bar in zip(values, drawn, strict=True):
        assert bar.y + bar.height == HEIGHT
        assert 0 <= bar.height <= HEIGHT
        assert (bar.height > 0) == (value > 0), "little is to be seen, nothing is not"
    heights = [bar.height for _value, bar in sorted(zip(values, drawn, strict=True), key=lambda pair: pair[0])]
    assert heights == sorted(heights)


def test_largest_bar_is_as_high_as_the_drawing() -> None:
    assert [bar.height for bar in bars([0, 50, 200])] == [0, 25, 100]
    assert bars([]) == []
