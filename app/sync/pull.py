"""The phase of a job that reads the orders that a channel lists, page by page.

Each page is one transaction: seen-ledger, orders, journal, the job's cursor and its counters. The cursor holds the
windows that were set out to be read, so that a killed job goes on at the page after the last one it committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, event, select

from app.bulk import insert_rows
from app.channels.models import Channel
from app.channels.services import refresh_marketplaces
from app.connectors import turns
from app.connectors.base import Connector
from app.core.looking import CHANGES_OVERLAP, OVERLAP
from app.core.plan import windows
from app.core.types import WindowAxis
from app.extensions import db
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.writing import JournalNote, write_journal
from app.sync.counting import WindowsAhead, uncounted
from app.sync.in_hand import PageInHand, asked_details, groups
from app.sync.lease import Run
from app.sync.listing import listed_pages
from app.sync.models import Checkpoint
from app.sync.places import Places, places_in_scope, places_of
from app.sync.steps import BEGINNING, read_again, step
from app.sync.threads import threads
from app.tenancy.scope import store_scope

SWEEP_EVERY = timedelta(hours=24)
LISTING = 4
READING = 5
"""So many threads ask for lists, and so many for orders in full. Together they are more than calls are on their way at
once: while some read their answers, others wait for theirs.

Orders have threads of their own, and few pages are listed ahead of them, so that storing them begins at once and goes
on beside the reading. Behind all lists they would come late, and the end would wait for what is stored.
"""
_LISTED_AHEAD = 8


def pull(run: Run, connector: Connector) -> Iterator[None]:
    """Read every window that the check set out to read; yields after each committed page."""
    with threads(LISTING, "list") as lists, threads(READING, "detail") as details:
        if not run.here:
            _set_out(run, connector)
            yield
        places = places_of(run)
        yield from _read(run, connector, lists, details, places)
        while read_again(run):
            _save(run)
            yield
            yield from _read(run, connector, lists, details, places)
    _close_books_of(run, connector)


def _read(run: Run, connector: Connector, lists: Executor, details: Executor, places: Places) -> Iterator[None]:
    """Read what is left of the windows that the cursor holds."""
    windows = WindowsAhead(run, lists, connector, places.currencies)
    while windows.are_left(run.here["at"]):
        start = (run.here["at"], run.here["page"])
        pages = listed_pages(
            lists, connector, windows.at, places.currencies, start=start, ahead=_LISTED_AHEAD, in_full=details
        )
        in_hand = groups(asked_details(run, pages, connector, details, places))
        yield from _store_behind(run, in_hand, windows, places)


def _set_out(run: Run, connector: Connector) -> None:
    """Decide what to read: everything since the start date, or what is new with an overlap. Noted, not yet counted.

    A marketplace that left the channel keeps its orders and is not asked for: the refusal would stop all the others.
    """
    with store_scope(run.store_id):
        listed = refresh_marketplaces(run.channel_id).listed
    with store_scope(run.store_id):
        channel = _channel(run)
        until = datetime.now(UTC).replace(microsecond=0)
        axis = connector.window_axis
        wants_all = run.kind == "check" or channel.swept_at is None or _is_due(channel.swept_at, until, axis)
        through = _checkpoints(run)
        overlap = OVERLAP if axis is WindowAxis.CREATED else CHANGES_OVERLAP
        since = {
            list_id: channel.start_at
            if wants_all or list_id not in through
            else max(channel.start_at, through[list_id] - overlap)
            for list_id in connector.order_lists(
                [remote_id for remote_id in places_in_scope(run).ids if remote_id in listed or not listed]
            )
        }
        wanted = [
            window
            for list_id, start in since.items()
            for window in windows([list_id], start, until, connector.window_days, axis)
        ]
        cursor = {
            **BEGINNING,
            "uncounted": uncounted(wanted),
            "windows": [],
            "lists": list(since),
            "begun": False,
            "start_at": channel.start_at.isoformat(),
            "until": until.isoformat(),
            "before": max(since.values(), default=until).isoformat(),
            "sweep": wants_all or axis is WindowAxis.UPDATED,
            "short": [],
            "again": [],
            "second": False,
        }
        run.enter("pull", cursor, None)
        run.save()
        db.session.commit()


def _is_due(swept_at: datetime, now: datetime, axis: WindowAxis) -> bool:
    """Whether everything is to be read again by the clock: by the last change, each check sees all that changed."""
    return axis is WindowAxis.CREATED and swept_at < now - SWEEP_EVERY


def _store_behind(
    run: Run, groups: Iterable[Sequence[PageInHand]], windows: WindowsAhead, places: Places
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


def _store(run: Run, pages: Sequence[PageInHand], places: Places) -> None:
    """Some pages, their orders and the steps of the cursor past them, in one transaction."""
    pulled = PulledPage(
        channel_id=run.channel_id,
        stubs=tuple(stub for page in pages for stub in page.listed.page.stubs),
        wanted=frozenset(remote_id for page in pages for remote_id in page.wanted),
        details=tuple(order for page in pages if page.details for order in page.details.result()),
        skipped={remote_id: reason for page in pages for remote_id, reason in page.skipped.items()},
    )
    with turns.going_first(), store_scope(run.store_id):
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
            step(run, page.listed)
        run.save(sets_out=not begun)
        db.session.commit()


@event.listens_for(Engine, "before_cursor_execute")
@event.listens_for(Engine, "commit")
def _rest(*_of_what: object) -> None:
    """PostgreSQL works now."""
    turns.rest()


@event.listens_for(Engine, "after_cursor_execute")
def _go_on(*_of_what: object) -> None:
    turns.go_on()


def _close_books_of(run: Run, connector: Connector) -> None:
    """All windows were read: move the checkpoints and say up to when everything is in.

    Only what was set out to be read counts: neither a marketplace that appeared meanwhile, nor the days before if the
    start date was moved back.
    """
    here = run.here
    until, start_at = datetime.fromisoformat(here["until"]), datetime.fromisoformat(here["start_at"])
    short = {list_id for list_id, _ in here["short"]}
    with store_scope(run.store_id):
        channel = _channel(run, lock=True)
        _advance(run, (list_id for list_id in here["lists"] if list_id not in short), until)
        _tell_short(run, connector)
        if not short and channel.start_at >= start_at:
            channel.checked_at = until
            if here["sweep"]:
                channel.swept_at = until
        run.save()
        db.session.commit()


def _tell_short(run: Run, connector: Connector) -> None:
    """Say which lists gave less than they counted, where they are no marketplaces that name themselves."""
    names = {list_id: str(name) for list_id, name in connector.list_names.items()}
    notes = [
        JournalNote("list_short", run.channel_id, None, {"list": names[list_id], "missing": missing})
        for list_id, missing in run.here["short"]
        if list_id in names
    ]
    write_journal(notes, job_id=run.job_id)


def _advance(run: Run, list_ids: Iterable[str], through_at: datetime) -> None:
    rows = [
        {
            "store_id": run.store_id,
            "channel_id": run.channel_id,
            "stream": _stream(list_id),
            "through_at": through_at,
        }
        for list_id in list_ids
    ]
    insert_rows(
        Checkpoint,
        ("store_id", "channel_id", "stream", "through_at"),
        rows,
        on_conflict="on conflict (store_id, channel_id, stream) "
        "do update set through_at = greatest(checkpoints.through_at, excluded.through_at)",
    )


def _stream(list_id: str) -> str:
    return f"orders:{list_id}"


def _checkpoints(run: Run) -> dict[str, datetime]:
    rows = db.session.execute(
        select(Checkpoint.stream, Checkpoint.through_at).where(
            Checkpoint.store_id == run.store_id, Checkpoint.channel_id == run.channel_id
        )
    )
    return {row.stream.removeprefix("orders:"): row.through_at for row in rows}


def _channel(run: Run, *, lock: bool = False) -> Channel:
    return db.session.get_one(Channel, (run.store_id, run.channel_id), with_for_update=lock or None)
