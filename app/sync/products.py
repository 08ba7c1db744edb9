"""The phases of a product sync: read what the channel sells, page by page, then propose which items it means.

Each page is one transaction: its listings, what it held, the job's cursor and its counters; a killed job goes on at
the page after the last one it committed.

While the pages are read, the channel's list may move: what slides onto a page that was read already is never shown.
So a listing is called gone only when no page of two readings held it, and what a first reading may have missed is
read a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.connectors.base import Capability, Connector
from app.core.types import RemoteProductPage, UnreadableListing
from app.extensions import db
from app.mappings.listings import count_missing, count_seen, forget_pages, mark_gone, note_page, store_listings
from app.mappings.proposing import propose_batch
from app.orders.services import lock_channel
from app.sync.lease import Run
from app.tenancy.scope import store_scope

ROUNDS: Final = 2
_NEW_ROUND: Final[Mapping[str, Any]] = {"page": 1, "rows": 0, "totals": [], "nameless": 0, "unreadable": 0}


def read_products(run: Run, connector: Connector) -> Iterator[None]:
    """Read every page; yields after each that was committed."""
    if Capability.PRODUCTS not in connector.capabilities:
        return
    if not run.here:
        with store_scope(run.store_id):
            lock_channel(run.channel_id)
            forget_pages(run.channel_id)
            run.enter("products", {"round": 1, **_NEW_ROUND}, None)
            run.save(sets_out=True)
            db.session.commit()
        yield
    while run.here["round"] <= ROUNDS:
        page = connector.list_products(run.here["page"])
        with store_scope(run.store_id):
            lock_channel(run.channel_id)
            _store(run, page)
            if page.is_last:
                _end_round(run)
            run.save()
            db.session.commit()
        yield


def propose_links(run: Run, _connector: Connector) -> Iterator[None]:
    """Propose anew for every listing that is not linked, some at a time."""
    if not run.here:
        with store_scope(run.store_id):
            run.enter("match", {"after": 0}, None)
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


def _store(run: Run, page: RemoteProductPage) -> None:
    here = run.here
    counts = store_listings(run.channel_id, page.listings)
    note_page(run.channel_id, here["round"], page.number, [listing.remote_id for listing in page.listings])
    run.count(products_new=counts.new, products_changed=counts.changed)
    here["rows"] += len({listing.remote_id for listing in page.listings}) + page.nameless
    here["nameless"] += page.nameless
    here["unreadable"] += _unreadable(page)
    here["totals"] = sorted({*here["totals"], *([] if page.total is None else [page.total])})
    here["page"] = page.number + 1
    run.done = here["rows"]
    run.total = page.total if page.total and page.total >= here["rows"] else None


def _unreadable(page: RemoteProductPage) -> int:
    return page.nameless + sum(isinstance(listing, UnreadableListing) for listing in page.listings)


def _end_round(run: Run) -> None:
    """Finish, or read everything once more when something seems to be missing.

    A row without an id may be any of those that are missing, and so may one that was counted and not given: nothing
    is called gone beside these.
    """
    here = run.here
    totals = here["totals"]
    seen = count_seen(run.channel_id) + here["nameless"]
    short = max(0, max(totals, default=0) - seen)
    missing = count_missing(run.channel_id)
    if (short or missing or len(totals) > 1) and here["round"] < ROUNDS:
        here |= {"round": here["round"] + 1, **_NEW_ROUND}
        return
    run.counts["products"] = seen
    run.count(products_unreadable=here["unreadable"], products_short=short)
    if missing and not short and not here["nameless"]:
        run.count(products_gone=mark_gone(run.channel_id))
    forget_pages(run.channel_id)
    here["round"] = ROUNDS + 1
