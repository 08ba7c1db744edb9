"""Reading the pages of many windows in order, several of them ahead.

The channel's answers take far longer than our own work, so the next pages are on their way while one is stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from app.connectors.base import Connector
from app.core.types import OrderPage, OrderWindow

AHEAD = 16


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """A window and how many orders the channel says it holds; None when it does not say."""

    window: OrderWindow
    total: int | None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page, which of the windows it belongs to, and whether the next one is there already."""

    index: int
    page: OrderPage
    is_followed: bool


def count_windows(
    pool: Executor, connector: Connector, windows: Sequence[OrderWindow], currencies: Mapping[str, str]
) -> list[CountedWindow]:
    """Ask how many orders each window holds, so that progress has an honest end; empty windows are left out."""
    asked = [pool.submit(connector.list_orders, window, 1, currencies) for window in windows]
    pages = [page.result() for page in asked]
    return [CountedWindow(page.window, page.total) for page in pages if page.stubs or page.total]


def listed_pages(
    pool: Executor,
    connector: Connector,
    windows: Sequence[CountedWindow],
    currencies: Mapping[str, str],
    *,
    start: tuple[int, int],
) -> Iterator[ListedPage]:
    """Every page from `start` (window index, page number) on, in order. A page that fails raises when it is due."""

    def ask(index: int, number: int) -> tuple[int, int, Future[OrderPage]]:
        return index, number, pool.submit(connector.list_orders, windows[index].window, number, currencies)

    expected = _expected(windows, connector.page_size, start)
    asked: deque[tuple[int, int, Future[OrderPage]]] = deque()
    finished = -1
    while True:
        while len(asked) < AHEAD and (ahead := next(expected, None)) is not None:
            if ahead[0] > finished:
                asked.append(ask(*ahead))
        if not asked:
            return
        index, number, answer = asked.popleft()
        if index <= finished:
            answer.cancel()
            continue
        page = answer.result()
        if page.is_last:
            finished = index
        elif not asked or asked[0][:2] != (index, number + 1):
            asked.appendleft(ask(index, number + 1))
        yield ListedPage(index, page, is_followed=bool(asked) and asked[0][2].done())


def _expected(windows: Sequence[CountedWindow], size: int, start: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The pages that the counts let us expect; a window may turn out shorter or longer."""
    first, page = start
    for index in range(first, len(windows)):
        last = max(1, -(-(windows[index].total or 0) // size))
        yield from ((index, number) for number in range(page if index == first else 1, max(last, page) + 1))
        page = 1
