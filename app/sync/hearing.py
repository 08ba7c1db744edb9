"""Where a job hears of which orders something happened: calls that the channel made, or news that it keeps for us.

Both are hints. A call is noted as looked at together with what was seen; news are given back after that is committed,
so whoever dies in between hears of the same orders once more and stores nothing new.
"""

from __future__ import annotations

from typing import Protocol

from app.connectors.base import Capability, Connector
from app.core.types import News
from app.sync.inbox import count_announced, mark_worked, next_calls
from app.sync.lease import Run
from app.tenancy.scope import store_scope


class Source(Protocol):
    """What a job asks for orders to look at, and tells that it did."""

    def count(self) -> int | None:
        """How many orders wait, within the store's scope; None when that is not known."""

    def next(self, limit: int) -> News:
        """The next orders, at most `limit`; none at all when nothing waits."""

    def looking(self, news: News) -> None:
        """What was seen of these is being stored, in the transaction that does it."""

    def looked(self, news: News) -> None:
        """What was seen of these is committed."""


def source_of(run: Run, connector: Connector) -> Source:
    """Where the orders of this channel are heard of."""
    return _Kept(connector) if Capability.NEWS in connector.capabilities else _Called(run)


class _Called:
    """The channel called, and its calls are in our inbox."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def count(self) -> int | None:
        return count_announced(self._run.channel_id)

    def next(self, limit: int) -> News:
        with store_scope(self._run.store_id):
            return next_calls(self._run.channel_id, limit)

    def looking(self, news: News) -> None:
        mark_worked(self._run.channel_id, news)

    def looked(self, news: News) -> None:
        """Noted already."""


class _Kept:
    """The channel keeps its news until it is told that we looked."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def count(self) -> int | None:
        return None

    def next(self, limit: int) -> News:
        return self._connector.news(limit)

    def looking(self, news: News) -> None:
        """Not before it is committed."""

    def looked(self, news: News) -> None:
        self._connector.heard(news)
