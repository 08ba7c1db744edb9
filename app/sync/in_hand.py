"""Pages that were listed, on their way to the database: each with its orders in full, or while they are asked for.

So many are in hand that the details of the next one to be stored are there already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from app.channels.models import Channel
from app.connectors.base import Connector
from app.core.plan import needs_details, seen_decision
from app.core.states import Reason
from app.core.types import OrderStub, RemoteOrder, UnreadableOrder
from app.extensions import db
from app.orders.ledger import KnownOrders, known_orders
from app.sync.details import Details, read_details
from app.sync.lease import Run
from app.sync.listing import ListedPage
from app.sync.places import Places, make_room
from app.tenancy.scope import store_scope

_PAGES_IN_HAND = 8
PAGES_AT_ONCE = 5
"""So many pages share a transaction when they are there anyway; when the channel is slow each has its own."""


@dataclass(frozen=True, slots=True)
class PageInHand:
    """A listed page: which of its ids are left out now and why, and which are `wanted` with the details of these."""

    listed: ListedPage
    skipped: dict[str, Reason]
    wanted: tuple[str, ...]
    details: Future[Details] | None

    @property
    def is_complete(self) -> bool:
        """Whether storing it need not wait for the channel."""
        return self.details is None or (self.details.done() and self.details.exception() is None)


def groups(pages: Iterable[PageInHand]) -> Iterator[list[PageInHand]]:
    """The pages in order, by those that are stored together; so many are in hand that their details are ready."""
    in_hand: deque[PageInHand] = deque()
    for page in pages:
        in_hand.append(page)
        if len(in_hand) > _PAGES_IN_HAND or _are_enough(in_hand):
            yield _complete(in_hand)
    while in_hand:
        yield _complete(in_hand)


def asked_details(
    run: Run, pages: Iterable[ListedPage], connector: Connector, pool: Executor, places: Places
) -> Iterator[PageInHand]:
    """Each page in order, once its details were asked for; what is there already is looked up together."""
    listed: list[ListedPage] = []
    for page in pages:
        listed.append(page)
        if not page.is_followed or len(listed) == PAGES_AT_ONCE:
            yield from _ask_details(run, listed, connector, pool, places)
            listed = []
    yield from _ask_details(run, listed, connector, pool, places)


def _ask_details(
    run: Run, listed: Sequence[ListedPage], connector: Connector, pool: Executor, places: Places
) -> list[PageInHand]:
    if not listed:
        return []
    stubs = [stub for one in listed for stub in one.page.stubs]
    make_room(run, places, (stub.marketplace_id for stub in stubs))
    with store_scope(run.store_id):
        known = known_orders(run.channel_id, [stub.remote_id for stub in stubs])
        start_at = db.session.get_one(Channel, (run.store_id, run.channel_id)).start_at
    asked = []
    for one in listed:
        skipped, wanted = _sorted_out(one.page.stubs, known, start_at)
        details = _asked(run, one, wanted, connector=connector, pool=pool, places=places)
        # Whatever else the list said is let go of: most of it is known already.
        asked.append(PageInHand(replace(one, page=replace(one.page, orders=None)), skipped, wanted, details))
    return asked


def _sorted_out(
    stubs: Sequence[OrderStub], known: KnownOrders, start_at: datetime
) -> tuple[dict[str, Reason], tuple[str, ...]]:
    """Which rows of a page are left out now, for which reason, and which must be read."""
    left_out = {
        stub.remote_id: reason
        for stub in stubs
        if stub.remote_id not in known.digests
        and stub.remote_id not in known.ignored
        and (reason := seen_decision(stub, start_at)) is not None
    }
    alone = {stub.remote_id for stub in stubs if known.is_left_alone(stub)}
    wanted = [one for one in needs_details(stubs, known.digests) if one not in left_out and one not in alone]
    skipped = {remote_id: reason for remote_id, reason in left_out.items() if remote_id not in known.skipped}
    return skipped, tuple(wanted)


def _asked(
    run: Run, listed: ListedPage, wanted: Sequence[str], *, connector: Connector, pool: Executor, places: Places
) -> Future[Details] | None:
    if not wanted:
        return None
    if listed.page.orders is not None:
        return _given(listed.page.orders, wanted)
    return pool.submit(read_details, connector, wanted, places.currencies, attempts=run.attempts)


def _given(orders: Mapping[str, RemoteOrder | UnreadableOrder], wanted: Sequence[str]) -> Future[Details]:
    """What the list itself said of them."""
    given: Future[Details] = Future()
    given.set_result(tuple(orders[one] for one in wanted if one in orders))
    return given


def _are_enough(in_hand: deque[PageInHand]) -> bool:
    """Whether as many pages as share a transaction can be stored without waiting for the channel."""
    return len(in_hand) >= PAGES_AT_ONCE and all(page.is_complete for page in islice(in_hand, PAGES_AT_ONCE))


def _complete(in_hand: deque[PageInHand]) -> list[PageInHand]:
    """The first page, waited for if need be, and those behind it whose details are there already."""
    pages = [in_hand.popleft()]
    while in_hand and len(pages) < PAGES_AT_ONCE and in_hand[0].is_complete:
        pages.append(in_hand.popleft())
    return pages
