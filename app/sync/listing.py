"""Reading the pages of many windows in order, several of them ahead.

The channel's answers take far longer than our own work, so the next pages are on their way while one is stored.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from app.connectors.base import Connector
from app.core.types import OrderPage, OrderWindow

AHEAD = 16
"""So many pages of a list are on their way at a time."""
AHEAD_IN_FULL = 6
"""The same where pages hold their orders in full: these are what a job keeps in memory."""


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """A window and how many orders the channel says it holds; None when it does not say."""

    window: OrderWindow
    total: int | None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page, which of the windows it belongs to, and whether the next one is there already."""

    index: int
    counted: CountedWindow
    page: OrderPage
    is_followed: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page that is on its way."""

    counted: CountedWindow
    index: int
    number: int
    answer: Future[OrderPage]


def count_windows(
    pool: Executor, connector: Connector, windows: Sequence[OrderWindow], currencies: Mapping[str, str]
) -> list[CountedWindow]:
    """Ask how many orders each window holds, so that progress has an honest end; empty windows are left out."""
    asked = [pool.submit(connector.list_orders, window, 1, currencies) for window in windows]
    return counted_windows([page.result() for page in asked])


def counted_windows(pages: Sequence[OrderPage]) -> list[CountedWindow]:
    """The windows of these first pages that hold anything."""
    return [CountedWindow(page.window, page.total) for page in pages if page.stubs or page.total]


def in_turn(windows: Sequence[CountedWindow]) -> Callable[[int], CountedWindow | None]:
    """Windows that are all counted, as `listed_pages` asks for them."""
    return lambda index: windows[index] if index < len(windows) else None


def listed_pages(
    pool: Executor,
    connector: Connector,
    window_at: Callable[[int], CountedWindow | None],
    currencies: Mapping[str, str],
    *,
    start: tuple[int, int],
    ahead: int = AHEAD,
    in_full: Executor | None = None,
) -> Iterator[ListedPage]:
    """Every page from `start` (window index, page number) on, in order, up to the first place without a window.

    `ahead` pages are asked for at a time. Those that hold their orders in full are asked for in the threads of
    `in_full`, if there are such. A page that fails raises when it is due.
    """
    readers, most = pool, AHEAD_IN_FULL

    def ask(counted: CountedWindow, index: int, number: int) -> _Asked:
        return _Asked(counted, index, number, readers.submit(connector.list_orders, counted.window, number, currencies))

    expected = _expected(window_at, connector.page_size, start)
    asked: deque[_Asked] = deque()
    finished = -1
    while True:
        while len(asked) < most and (following := next(expected, None)) is not None:
            if following[1] > finished:
                asked.append(ask(*following))
        if not asked:
            return
        due = asked.popleft()
        if due.index <= finished:
            due.answer.cancel()
            continue
        page = due.answer.result()
        readers, most = (pool, ahead) if page.orders is None else (in_full or pool, AHEAD_IN_FULL)
        if page.is_last:
            finished = due.index
        elif not asked or (asked[0].index, asked[0].number) != (due.index, due.number + 1):
            asked.appendleft(ask(due.counted, due.index, due.number + 1))
        yield ListedPage(due.index, due.counted, page, is_followed=bool(asked) and asked[0].answer.done())


def _expected(
    window_at: Callable[[int], CountedWindow | None], size: int, start: tuple[int, int]
) -> Iterator[tuple[CountedWindow, int, int]]:
    """The pages that the counts let us expect; a window may turn out shorter or longer."""
    first, page = start
    for index in itertools.count(first):
        counted = window_at(index)
        if counted is None:
            return
        last = max(1, -(-(counted.total or 0) // size))
        numbers = range(page if index == first else 1, max(last, page) + 1)
        yield from ((counted, index, number) for number in numbers)
        page = 1
