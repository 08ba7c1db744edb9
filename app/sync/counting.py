"""Counting the windows of a pull while those before them are read, so that neither waits for the other.

How many orders there are altogether is known once the last window is counted; the pages are not held up for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Any, Final

from app.connectors.base import Connector
from app.core.types import OrderPage, OrderWindow, WindowAxis
from app.sync.lease import Run
from app.sync.listing import CountedWindow, counted_windows

_AT_ONCE: Final = 4
_AHEAD: Final = 2
"""So many batches are being counted at a time: enough that reading never waits for them, few enough to let it pass."""
_EMPTY: Final = 4
"""After so many batches of empty windows it is time to write down how far we are."""


class WindowsAhead:
    """The windows that a pull set out to read, in order, as far as they are counted.

    Belongs to the thread that reads; what it knows gets into the job's cursor by `note`, while nobody saves that.
    """

    def __init__(self, run: Run, pool: Executor, connector: Connector, currencies: Mapping[str, str]) -> None:
        self._pool, self._connector, self._currencies = pool, connector, currencies
        self._counted = [window_of(row) for row in run.here["windows"]]
        self._left = deque(run.here["uncounted"])
        self._asked: deque[tuple[list[Any], list[Future[OrderPage]]]] = deque()

    def at(self, index: int) -> CountedWindow | None:
        """The window at a place; None when there is none, or none was found by counting some more."""
        for _batch in range(_EMPTY):
            if index >= len(self._counted):
                self._take()
        return self._counted[index] if index < len(self._counted) else None

    def are_left(self, index: int) -> bool:
        """Whether there may be a window at this place or behind it."""
        return index < len(self._counted) or bool(self._left or self._asked)

    def is_news(self, run: Run) -> bool:
        """Whether more is counted than the job's cursor says."""
        return len(self._uncounted()) < len(run.here["uncounted"])

    def note(self, run: Run) -> None:
        """Write down what is counted, and how much there is altogether once that is known.

        What failed is not looked at here: it raises where somebody waits for it.
        """
        while self._asked and all(page.done() and page.exception() is None for page in self._asked[0][1]):
            self._take()
        here = run.here
        here["windows"], here["uncounted"] = [row_of(window) for window in self._counted], self._uncounted()
        totals = [window.total for window in self._counted]
        run.total = None if here["uncounted"] or None in totals else sum(total or 0 for total in totals)

    def _uncounted(self) -> list[Any]:
        return [row for rows, _pages in self._asked for row in rows] + list(self._left)

    def _take(self) -> None:
        """Wait for the oldest batch that is being counted, and have more of them counted."""
        self._ask()
        if self._asked:
            self._counted += counted_windows([page.result() for page in self._asked[0][1]])
            self._asked.popleft()
            self._ask()

    def _ask(self) -> None:
        while self._left and len(self._asked) < _AHEAD:
            rows = [self._left.popleft() for _ in range(min(_AT_ONCE, len(self._left)))]
            windows = [window_of(row).window for row in rows]
            asked = [self._pool.submit(self._connector.list_orders, one, 1, self._currencies) for one in windows]
            self._asked.append((rows, asked))


def uncounted(windows: Sequence[OrderWindow]) -> list[Any]:
    """Windows as the cursor holds them before they are counted."""
    return [row_of(CountedWindow(window, None)) for window in windows]


def row_of(counted: CountedWindow) -> list[Any]:
    """A window as a cursor holds it."""
    window = counted.window
    ends = window.since.isoformat(), window.until.isoformat()
    return [window.list_id, *ends, counted.total, window.axis.value]


def window_of(row: Sequence[Any]) -> CountedWindow:
    """The window that a cursor holds so."""
    list_id, since, until, total, axis = row
    ends = datetime.fromisoformat(since), datetime.fromisoformat(until)
    return CountedWindow(OrderWindow(list_id, *ends, WindowAxis(axis)), total)
