"""The pull phases of a job: read what the channel lists, page by page, and look again at what is still open.

Each page is one transaction: seen-ledger, orders, journal, the job's cursor and its counters. The cursor holds the
windows that were set out to be read, so that a killed job goes on at the page after the last one it committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.channels.models import Channel, Marketplace
from app.channels.services import refresh_marketplaces
from app.connectors.base import Connector
from app.core.looking import OVERLAP
from app.core.plan import needs_details, seen_decision, windows
from app.core.states import Reason
from app.core.types import OrderStub, RemoteOrder
from app.extensions import db
from app.orders.importing import KnownOrders, PulledPage, hold_unread, known_orders, store_page, store_rules
from app.orders.models import STILL_OPEN, Order
from app.sync.counting import WindowsAhead, uncounted
from app.sync.details import Details, read_details
from app.sync.lease import Run
from app.sync.listing import ListedPage, listed_pages
from app.sync.models import Checkpoint
from app.sync.threads import threads
from app.tenancy.scope import store_scope

SWEEP_EVERY = timedelta(hours=24)
THREADS = 6
"""More than calls are on their way at once: while some threads read their answers, others wait for theirs."""
_PAGES_IN_HAND = 8
PAGES_AT_ONCE = 5
"""So many pages share a transaction when they are there anyway; when the channel is slow each has its own."""


@dataclass(frozen=True, slots=True)
class Places:
    """The channel's marketplaces: their ids → ours, and their currencies."""

    ids: dict[str, int]
    currencies: dict[str, str]


def pull(run: Run, connector: Connector) -> Iterator[None]:
    """Read every window that the check set out to read; yields after each committed page."""
    with threads(THREADS, "pull") as pool:
        if not run.here:
            _set_out(run, connector)
            yield
        places = places_of(run)
        windows = WindowsAhead(run, pool, connector, places.currencies)
        while windows.are_left(run.here["at"]):
            start = (run.here["at"], run.here["page"])
            pages = listed_pages(pool, connector, windows.at, places.currencies, start=start)
            groups = _groups(_asked_details(run, pages, connector, pool, places))
            yield from _store_behind(run, groups, windows, places)
    _close_books_of(run)


def recheck(run: Run, connector: Connector) -> Iterator[None]:
    """Ask by id for the orders that may still change and were made before the windows that were read."""
    if not run.here:
        with store_scope(run.store_id):
            before = run.cursor["pull"]["before"]
            run.enter("recheck", {"after": 0, "before": before}, _count_open(run, before))
            run.save(sets_out=True)
            db.session.commit()
        yield
    places = places_of(run)
    while stubs := _open_stubs(run, connector.page_size):
        asked = [stub.remote_id for _, stub in stubs]
        details = read_details(connector, asked, places.currencies, attempts=run.attempts)
        page = PulledPage(
            channel_id=run.channel_id,
            stubs=tuple(stub for _, stub in stubs),
            wanted=frozenset(),
            details=tuple(order for order in details if isinstance(order, RemoteOrder)),
            skipped={},
        )
        unread = {stub.remote_id: Reason.ORDER_MISSING for _, stub in stubs}
        unread |= {order.remote_id: Reason.BAD_PAYLOAD for order in details}
        for order in page.details:
            del unread[order.remote_id]
        with store_scope(run.store_id):
            counts = store_page(page, store_rules(run.channel_id), places.ids, run.job_id)
            run.count(unreadable=hold_unread(run.channel_id, unread, run.job_id))
            run.here["after"] = stubs[-1][0]
            run.done += len(stubs)
            run.count(rechecked=counts.listed, changed=counts.changed)
            run.save()
            db.session.commit()
        yield


def _set_out(run: Run, connector: Connector) -> None:
    """Decide what to read: everything since the start date, or what is new with an overlap. Noted, not yet counted.

    A marketplace that left the channel keeps its orders and is not asked for: the refusal would stop all the others.
    """
    with store_scope(run.store_id):
        refresh_marketplaces(run.channel_id)
    listed = {place.remote_id for place in connector.check().marketplaces}
    with store_scope(run.store_id):
        channel = _channel(run)
        until = datetime.now(UTC).replace(microsecond=0)
        sweep = run.kind == "check" or channel.swept_at is None or channel.swept_at < until - SWEEP_EVERY
        through = _checkpoints(run)
        since = {
            remote_id: channel.start_at
            if sweep or remote_id not in through
            else max(channel.start_at, through[remote_id] - OVERLAP)
            for remote_id in _places_in_scope(run).ids
            if remote_id in listed or not listed
        }
        wanted = [
            window for place, start in since.items() for window in windows([place], start, until, connector.window_days)
        ]
        cursor = {
            "uncounted": uncounted(wanted),
            "windows": [],
            "at": 0,
            "page": 1,
            "rows": 0,
            "slipped": 0,
            "last": [],
            "places": list(since),
            "begun": False,
            "start_at": channel.start_at.isoformat(),
            "until": until.isoformat(),
            "before": max(since.values(), default=until).isoformat(),
            "sweep": sweep,
            "short": [],
        }
        run.enter("pull", cursor, None)
        run.save()
        db.session.commit()


@dataclass(frozen=True, slots=True)
class _PageInHand:
    """A listed page whose details are on their way."""

    listed: ListedPage
    skipped: dict[str, Reason]
    wanted: tuple[str, ...]
    details: Future[Details] | None

    @property
    def is_complete(self) -> bool:
        """Whether storing it need not wait for the channel."""
        return self.details is None or (self.details.done() and self.details.exception() is None)


def _store_behind(
    run: Run, groups: Iterable[Sequence[_PageInHand]], windows: WindowsAhead, places: Places
) -> Iterator[None]:
    """Store each group in a thread of its own while the next one is read; yields when nothing is being written.

    What was counted meanwhile is written down with a group, or by itself when there is none: a channel that asks us
    to wait need not be asked for it again.
    """
    storing: Future[None] | None = None
    with threads(1, "store") as writer:
        try:
            for pages in groups:
                if storing is not None:
                    storing.result()
                    yield
                windows.note(run)
                storing = writer.submit(_store, run, pages, places)
        finally:
            if storing is not None:
                storing.result()
            if windows.is_news(run):
                windows.note(run)
                _save(run)
    yield


def _save(run: Run) -> None:
    with store_scope(run.store_id):
        run.save()
        db.session.commit()


def _groups(pages: Iterable[_PageInHand]) -> Iterator[list[_PageInHand]]:
    """The pages in order, by those that are stored together; so many are in hand that their details are ready."""
    in_hand: deque[_PageInHand] = deque()
    for page in pages:
        in_hand.append(page)
        if len(in_hand) > _PAGES_IN_HAND or _are_enough(in_hand):
            yield _complete(in_hand)
    while in_hand:
        yield _complete(in_hand)


def _asked_details(
    run: Run, pages: Iterable[ListedPage], connector: Connector, pool: Executor, places: Places
) -> Iterator[_PageInHand]:
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
) -> list[_PageInHand]:
    if not listed:
        return []
    with store_scope(run.store_id):
        known = known_orders(run.channel_id, [stub.remote_id for one in listed for stub in one.page.stubs])
        start_at = _channel(run).start_at
    asked = []
    for one in listed:
        skipped, wanted = _sorted_out(one.page.stubs, known, start_at)
        asked.append(_PageInHand(one, skipped, wanted, _asked(run, wanted, connector, pool, places)))
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
    run: Run, wanted: Sequence[str], connector: Connector, pool: Executor, places: Places
) -> Future[Details] | None:
    if not wanted:
        return None
    return pool.submit(read_details, connector, wanted, places.currencies, attempts=run.attempts)


def _are_enough(in_hand: deque[_PageInHand]) -> bool:
    """Whether as many pages as share a transaction can be stored without waiting for the channel."""
    return len(in_hand) >= PAGES_AT_ONCE and all(page.is_complete for page in islice(in_hand, PAGES_AT_ONCE))


def _complete(in_hand: deque[_PageInHand]) -> list[_PageInHand]:
    """The first page, waited for if need be, and those behind it whose details are there already."""
    pages = [in_hand.popleft()]
    while in_hand and len(pages) < PAGES_AT_ONCE and in_hand[0].is_complete:
        pages.append(in_hand.popleft())
    return pages


def _store(run: Run, pages: Sequence[_PageInHand], places: Places) -> None:
    """Some pages, their orders and the steps of the cursor past them, in one transaction."""
    pulled = PulledPage(
        channel_id=run.channel_id,
        stubs=tuple(stub for page in pages for stub in page.listed.page.stubs),
        wanted=frozenset(remote_id for page in pages for remote_id in page.wanted),
        details=tuple(order for page in pages if page.details for order in page.details.result()),
        skipped={remote_id: reason for page in pages for remote_id, reason in page.skipped.items()},
    )
    with store_scope(run.store_id):
        counts = store_page(pulled, store_rules(run.channel_id), places.ids, run.job_id)
        run.count(
            listed=counts.listed,
            new=counts.new,
            changed=counts.changed,
            unchanged=counts.unchanged,
            skipped=counts.skipped,
            unreadable=counts.unreadable,
        )
        begun, run.here["begun"] = run.here["begun"], True
        run.done += counts.listed
        for page in pages:
            _step(run, page.listed)
        run.save(sets_out=not begun)
        db.session.commit()


def _step(run: Run, listed: ListedPage) -> None:
    """Move the cursor past a page. A window that gave fewer rows than it promised is named, never passed over.

    Rows of the page before that come again were pushed on by as many that slipped in before them, on pages that had
    been read: these were missed, though the window may give as many rows as it promised.
    """
    cursor, page = run.here, listed.page
    ids = [stub.remote_id for stub in page.stubs]
    fresh = len(set(ids) - set(cursor["last"]))
    cursor["rows"] += fresh
    cursor["slipped"] += len(ids) - fresh
    if not page.is_last:
        cursor["at"], cursor["page"], cursor["last"] = listed.index, page.number + 1, ids
        return
    promised = page.total if page.total is not None else listed.counted.total or 0
    missing = max(promised - cursor["rows"], cursor["slipped"])
    if missing > 0:
        cursor["short"].append([listed.counted.window.list_id, missing])
        run.count(short=missing)
    cursor["at"], cursor["page"], cursor["last"] = listed.index + 1, 1, []
    cursor["rows"] = cursor["slipped"] = 0


def _close_books_of(run: Run) -> None:
    """All windows were read: move the checkpoints and say up to when everything is in.

    Only what was set out to be read counts: neither a marketplace that appeared meanwhile, nor the days before if the
    start date was moved back.
    """
    here = run.here
    until, start_at = datetime.fromisoformat(here["until"]), datetime.fromisoformat(here["start_at"])
    short = {marketplace for marketplace, _ in here["short"]}
    with store_scope(run.store_id):
        channel = _channel(run, lock=True)
        for remote_id in here["places"]:
            if remote_id not in short:
                _advance(run, remote_id, until)
        if not short and channel.start_at >= start_at:
            channel.checked_at = until
            if here["sweep"]:
                channel.swept_at = until
        run.save()
        db.session.commit()


def _advance(run: Run, remote_id: str, through_at: datetime) -> None:
    statement = insert(Checkpoint).values(
        store_id=run.store_id, channel_id=run.channel_id, stream=_stream(remote_id), through_at=through_at
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "channel_id", "stream"],
            set_={"through_at": func.greatest(Checkpoint.through_at, statement.excluded.through_at)},
        )
    )


def _stream(remote_id: str) -> str:
    return f"orders:{remote_id}"


def _checkpoints(run: Run) -> dict[str, datetime]:
    rows = db.session.execute(
        select(Checkpoint.stream, Checkpoint.through_at).where(
            Checkpoint.store_id == run.store_id, Checkpoint.channel_id == run.channel_id
        )
    )
    return {row.stream.removeprefix("orders:"): row.through_at for row in rows}


def _channel(run: Run, *, lock: bool = False) -> Channel:
    return db.session.get_one(Channel, (run.store_id, run.channel_id), with_for_update=lock or None)


def places_of(run: Run) -> Places:
    """The marketplaces of the job's channel."""
    with store_scope(run.store_id):
        return _places_in_scope(run)


def _places_in_scope(run: Run) -> Places:
    rows = db.session.execute(
        select(Marketplace.remote_id, Marketplace.id, Marketplace.currency)
        .where(Marketplace.store_id == run.store_id, Marketplace.channel_id == run.channel_id)
        .order_by(Marketplace.id)
    ).all()
    return Places({row.remote_id: row.id for row in rows}, {row.remote_id: row.currency for row in rows})


def _open(run: Run, before: str) -> list[Any]:
    return [
        Order.store_id == run.store_id,
        Order.channel_id == run.channel_id,
        Order.placed_at < datetime.fromisoformat(before),
        text(f"({STILL_OPEN})"),
    ]


def _count_open(run: Run, before: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Order).where(*_open(run, before))) or 0


def _open_stubs(run: Run, limit: int) -> list[tuple[int, OrderStub]]:
    with store_scope(run.store_id):
        rows = db.session.execute(
            select(Order.id, Order.remote_id, Order.status_text, Order.payment_status_text, Marketplace.remote_id)
            .join(Marketplace, (Marketplace.store_id == Order.store_id) & (Marketplace.id == Order.marketplace_id))
            .where(*_open(run, run.here["before"]), Order.id > run.here["after"])
            .order_by(Order.id)
            .limit(limit)
        ).all()
    return [(row[0], OrderStub(row[1], row[4], row[2], row[3], None, None)) for row in rows]
