"""How long something will take whose pace is set by what may be read in an hour."""

from __future__ import annotations

from typing import Final

_HOUR: Final = 3600.0


def seconds_by_allowance(rows: int, *, page_size: int, left: int, an_hour: int) -> float:
    """How long reading so many more rows takes by the allowance alone; 0.0 when what is `left` of the hour suffices.

    Pages beyond that come as fast as the hour gives reads back, `an_hour` of them.
    """
    pages = -(-rows // page_size)
    return max(0, pages - left) / an_hour * _HOUR
