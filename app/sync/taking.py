"""What a channel said of its products goes into our books at once: listings, what its branches count of them, and the
items that follow them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.channels.services import refresh_marketplaces
from app.connectors.base import Capability, Connector
from app.core.types import BranchStock, RemoteListing, UnreadableListing
from app.extensions import db
from app.mappings.counted import NOTHING, Followed, follow_listings
from app.mappings.listings import branches_of, mark_removed, store_counts, store_listings
from app.sync.counted import tell
from app.sync.lease import Run
from app.tenancy.scope import store_scope

Told = RemoteListing | UnreadableListing


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it: how many listings were written, ours of those that say something else, and what items took
    over."""

    written: int = 0
    ids: tuple[int, ...] = ()
    followed: Followed = NOTHING


class Branches:
    """The channel's branches by their ids, as we know them. A new one is asked for, but once a job."""

    def __init__(self, run: Run, connector: Connector) -> None:
        self._run = run
        self.known: Mapping[str, int] = {}
        if Capability.BRANCHES in connector.capabilities:
            self.known = self._read()

    def learn(self, listings: Iterable[Told], counted: Mapping[str, Sequence[BranchStock]]) -> None:
        """Ask the channel which branches it has where one that we do not know counts something. Raises ChannelError."""
        told = [*(one.branches for one in listings if isinstance(one, RemoteListing)), *counted.values()]
        named = {stock.branch_id for stocks in told for stock in stocks}
        if not self.known or named <= self.known.keys() or self._run.here.get("refreshed"):
            return
        with store_scope(self._run.store_id):
            refresh_marketplaces(self._run.channel_id)
        self._run.here["refreshed"] = True
        self.known = self._read()

    def _read(self) -> Mapping[str, int]:
        with store_scope(self._run.store_id):
            found = branches_of(self._run.channel_id)
            db.session.rollback()
        return found


def take(
    run: Run,
    listings: Sequence[Told],
    branches: Mapping[str, int],
    *,
    removed: Collection[str] = (),
    counted: Mapping[str, Sequence[BranchStock]] | None = None,
) -> Taken:
    """Store all of it and let items follow; counts it for the job. A fixed number of statements; does not commit."""
    stored = store_listings(run.channel_id, listings, branches)
    anew = store_counts(run.channel_id, counted or {}, branches)
    told = {one.remote_id for one in listings}
    gone = mark_removed(run.channel_id, [one for one in removed if one not in told])
    followed = follow_listings(run.channel_id, [*told, *(counted or {})])
    run.count(products_new=stored.new, products_changed=stored.changed + anew, products_gone=gone)
    run.count(stock_counted=followed.stock, prices_taken=followed.prices)
    return Taken(stored.new + stored.changed + anew + gone, stored.ids, followed)


def announce(run: Run, taken: Taken) -> None:
    """Let open pages and others know of it, once it is committed."""
    with store_scope(run.store_id):
        tell(taken.followed, is_news=bool(taken.written))
