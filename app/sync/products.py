"""The phases of a product sync: read what the channel sells, page by page, then propose which items it means.

Each transaction holds a page, or some that came together: their listings, what they held, the job's cursor and its
counters; a killed job goes on at the page after the last one it committed.

While the pages are read, the channel's list may move: what slides onto a page that was read already is never shown.
So a listing is called gone only when no page of two readings held it, and what a first reading may have missed is
read a second time.

Where a channel tells what changed, everything is read but once, and whenever a person wants it so; from then on only
what changed since the reading before began, with an overlap for clocks that differ. Up to where that is stands in the
checkpoint, which moves with the last page, and only when nothing seems to be missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import func, select

from app.connectors.base import Capability, Connector
from app.core.types import RemoteProductPage, UnreadableListing
from app.extensions import db
from app.mappings.listings import count_missing, count_seen, forget_pages, mark_gone, note_pages
from app.mappings.proposing import propose_batch, propose_for
from app.orders.services import lock_channel
from app.sync.checkpoints import move_products_through, products_through, set_products_through
from app.sync.lease import Run
from app.sync.taking import Branches, Taken, announce, take
from app.sync.threads import threads
from app.tenancy.scope import store_scope

ROUNDS: Final = 2
OVERLAP: Final = timedelta(minutes=15)
FEW: Final = 1_000
"""So many listings that changed are remembered one by one."""
AHEAD: Final = 6
"""So many pages are on their way at a time."""
AT_ONCE: Final = 4
"""So many pages are stored in one transaction when they are there anyway."""
_NEW_ROUND: Final[Mapping[str, Any]] = {
    "page": 1,
    "rows": 0,
    "nameless": 0,
    "unreadable": 0,
    "first": None,
    "totals": [],
}


def read_products(run: Run, connector: Connector) -> Iterator[None]:
    """Read every page, or what changed; yields after each page that was committed."""
    if Capability.PRODUCTS not in connector.capabilities:
        return
    if not run.here:
        with store_scope(run.store_id):
            lock_channel(run.channel_id)
            forget_pages(run.channel_id)
            run.enter("products", _beginning(_read_through(run, connector)), None)
            run.save(sets_out=True)
            db.session.commit()
        yield
    branches = Branches(run, connector)
    while run.here["round"] <= ROUNDS:
        with threads(AHEAD, "products") as pool:
            for pages in _pages(run, connector, pool):
                for page in pages:
                    branches.learn(page.listings, page.counted)
                with store_scope(run.store_id):
                    lock_channel(run.channel_id)
                    told = _store(run, pages, branches)
                    if pages[-1].is_last:
                        _end_round(run, connector)
                    run.save()
                    db.session.commit()
                announce(run, told)
                yield


def propose_links(run: Run, _connector: Connector) -> Iterator[None]:
    """Propose anew for every listing that is not linked, some at a time; after a reading of few changes, for these."""
    if not run.here:
        few = run.cursor.get("products", {}).get("changed")
        is_few = few is not None and len(few) <= FEW
        with store_scope(run.store_id):
            lock_channel(run.channel_id)
            if is_few:
                run.count(products_proposed=propose_for(run.channel_id, few))
            run.enter("match", {"after": None if is_few else 0}, None)
            run.save(sets_out=True)
            db.session.commit()
        yield
    while run.here["after"] is not None:
        with store_scope(run.store_id):
            lock_channel(run.channel_id)
            after, changed = propose_batch(run.channel_id, run.here["after"])
            run.here["after"] = after or None
            run.count(products_proposed=changed)
            run.save()
            db.session.commit()
        yield


def _read_through(run: Run, connector: Connector) -> datetime | None:
    """Up to when everything was read; None where everything is to be read."""
    if Capability.PRODUCTS_BY_UPDATE not in connector.capabilities:
        return None
    return products_through(run.channel_id)


def _beginning(through: datetime | None) -> dict[str, Any]:
    """The cursor of a reading that begins now: of what changed since `through`, or of everything."""
    began = db.session.execute(select(func.now())).scalar_one()
    since = None if through is None else (through - OVERLAP).isoformat()
    changed: list[int] | None = None if since is None else []
    return {"round": 1, **_NEW_ROUND, "began": began.isoformat(), "since": since, "changed": changed}


def _pages(run: Run, connector: Connector, pool: Executor) -> Iterator[list[RemoteProductPage]]:
    """The pages of a round from where the job stands, in order: the next one, and those behind it that are there too.

    Once one has said how many there are, the next ones are on their way while it is stored. One that fails raises when
    it is due.
    """
    since = run.here.get("since")
    if since is None:
        read = connector.list_products
    else:
        read = partial(connector.changed_products, datetime.fromisoformat(since))
    asked: deque[Future[RemoteProductPage]] = deque()
    due, expected = run.here["page"], 0
    while True:
        pages: list[RemoteProductPage] = []
        while not pages or (asked and asked[0].done() and not asked[0].exception() and len(pages) < AT_ONCE):
            while not asked or (len(asked) < AHEAD and due + len(asked) <= expected):
                asked.append(pool.submit(read, due + len(asked)))
            page = asked.popleft().result()
            pages.append(page)
            due, expected = due + 1, -(-(page.total or 0) // connector.page_size)
            if page.is_last:
                yield pages
                return
        yield pages


def _store(run: Run, pages: Sequence[RemoteProductPage], branches: Branches) -> Taken:
    """Some pages and the steps of the cursor past them."""
    here = run.here
    told = take(
        run,
        [listing for page in pages for listing in page.listings],
        branches.known,
        removed=[remote_id for page in pages for remote_id in page.removed],
        counted={remote_id: stocks for page in pages for remote_id, stocks in page.counted.items()},
    )
    if here.get("changed") is not None:
        here["changed"] = [*here["changed"], *told.ids][: FEW + 1]
    held = {page.number: [listing.remote_id for listing in page.listings] for page in pages}
    note_pages(run.channel_id, here["round"], held)
    for page in pages:
        here["rows"] += len(set(held[page.number])) + page.nameless
        here["nameless"] += page.nameless
        here["unreadable"] += _unreadable(page)
        here["totals"] = sorted({*here["totals"], *([] if page.total is None else [page.total])})
        here["first"] = page.total if here.get("first") is None else here["first"]
        here["page"] = page.number + 1
        run.total = page.total if page.total and page.total >= here["rows"] else None
    run.done = here["rows"]
    return told


def _unreadable(page: RemoteProductPage) -> int:
    return page.nameless + sum(isinstance(listing, UnreadableListing) for listing in page.listings)


def _end_round(run: Run, connector: Connector) -> None:
    """Finish, or read everything once more when something seems to be missing.

    A row without an id may be any of those that are missing, and so may one that was counted and not given: nothing
    is called gone beside these.
    """
    here = run.here
    totals = here["totals"]
    seen = count_seen(run.channel_id) + here["nameless"]
    if here.get("since") is not None:
        _end_changes(run, seen)
        return
    short = max(0, max(totals, default=0) - seen)
    missing = count_missing(run.channel_id)
    if (short or missing or len(totals) > 1) and here["round"] < ROUNDS:
        here |= {"round": here["round"] + 1, **_NEW_ROUND}
        return
    run.counts["products"] = seen
    run.count(products_unreadable=here["unreadable"], products_short=short)
    if missing and not short and not here["nameless"]:
        run.count(products_gone=mark_gone(run.channel_id))
    if Capability.PRODUCTS_BY_UPDATE in connector.capabilities and not short and not here["nameless"]:
        set_products_through(run.channel_id, datetime.fromisoformat(here["began"]))
    forget_pages(run.channel_id)
    here["round"] = ROUNDS + 1


def _end_changes(run: Run, seen: int) -> None:
    """Finish a reading of what changed. Rows that are edited meanwhile come in addition; fewer than there were in the
    beginning are a loss, and then the same is read again the next time.

    Where somebody wanted everything read meanwhile, that follows.
    """
    here = run.here
    is_wanted_anew = products_through(run.channel_id) is None
    short = max(0, (here["first"] or 0) - seen)
    run.counts["products_touched"] = seen
    run.count(products_unreadable=here["unreadable"], products_short=short)
    forget_pages(run.channel_id)
    if is_wanted_anew:
        run.enter("products", _beginning(None), None)
        return
    if not short and not here["nameless"]:
        move_products_through(run.channel_id, datetime.fromisoformat(here["began"]))
    here["round"] = ROUNDS + 1
