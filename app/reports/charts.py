"""Bars for charts that are drawn as SVG with the style sheet's classes: nothing of it is styled inline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 100
STEP: Final = 10
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in a drawing that is HEIGHT high and STEP wide for each bar."""

    x: int
    y: int
    width: int
    height: int


def bars(values: Sequence[int]) -> list[Bar]:
    """A bar for each value, the largest as high as the drawing; what is above zero is always to be seen."""
    largest = max(values, default=0)
    found = []
    for index, value in enumerate(values):
        height = max(1, HEIGHT * value // largest) if value > 0 else 0
        found.append(Bar(index * STEP + _GAP // 2, HEIGHT - height, STEP - _GAP, height))
    return found
