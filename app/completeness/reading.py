"""The phases of a verification: read what the channel lists by two roads, ask by id for the rest, compare.

Each page is one transaction: what was read, the job's cursor and its counters. So a killed job goes on at the page
after the last one it committed, and nothing of it touches an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy import delete, select, text, update

from app.bulk import insert_rows
from app.channels.models import Channel
from app.channels.services import refresh_marketplaces
from app.completeness.comparing import Comparison, compare
from app.completeness.models import Verification, VerificationRead
from app.completeness.steps import BEGINNING, read_again, step
from app.connectors.base import Capability, Connector
from app.core.completeness import Period, Span, default_period, nightly_period, one_road, span_of, two_roads
from app.core.errors import Unsupported
from app.core.plan import seen_decision
from app.core.types import OrderPage, OrderStub, OrderWindow, RemoteOrder, UnreadableOrder, WindowAxis
from app.extensions import db
from app.sync.counting import row_of, uncounted, window_of
from app.sync.details import read_details
from app.sync.lease import Run
from app.sync.listing import CountedWindow, ListedPage, count_windows, in_turn, listed_pages
from app.sync.places import Places, make_room, places_in_scope, places_of
from app.tenancy.scope import current_store, current_store_id, store_scope

_THREADS: Final = 4
_COUNTED_AT_ONCE: Final = 24
_COLUMNS = (
    "store_id",
    "verification_id",
    "remote_id",
    "marketplace_id",
    "found",
    "number",
    "created_at",
    "updated_at",
    "status",
    "payment_status",
    "currency",
    "total",
    "refunded",
    "read_at",
)
_NEWEST = "on conflict (store_id, verification_id, remote_id) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS[3:]
)
_NOT_LISTED = text("""
    select o.placed_at, o.id, o.remote_id, o.marketplace_id
    from orders o
    where o.store_id = :store_id and o.channel_id = :channel_id
      and o.placed_at between :since and :until and (o.placed_at, o.id) > (:placed_at, :id)
      and not exists (select from verification_reads r where r.store_id = o.store_id
                      and r.verification_id = :verification_id and r.remote_id = o.remote_id offset 0)
    order by o.placed_at, o.id limit :limit""")
_OUTDATED = text("""
    select r.remote_id, r.marketplace_id
    from verification_reads r
    where r.store_id = :store_id and r.verification_id = :verification_id and r.remote_id > :after
      and r.read_at < (select changed_at from orders
                       where store_id = r.store_id and channel_id = :channel_id and remote_id = r.remote_id)
    order by r.remote_id limit :limit""")


@dataclass(frozen=True, slots=True)
class Asked:
    """An order whose details are asked for; our id of its marketplace, and when the list says it was made."""

    remote_id: str
    marketplace_id: int
    created_at: datetime | None = None


def verify(run: Run, connector: Connector) -> Iterator[None]:
    """Read every order that the channel lists for the days, by what was made and by what was changed."""
    if not run.here:
        _set_out(run, connector)
        yield
    _take_over(run)
    places = places_of(run)
    with _threads() as pool:
        yield from _count(run, connector, pool, places)
        while True:
            windows = [window_of(row) for row in run.here["windows"]]
            start = (run.here["at"], run.here["page"])
            try:
                for listed in listed_pages(pool, connector, in_turn(windows), places.currencies, start=start):
                    _read_page(run, connector, listed, listed.counted, places)
                    yield
            except Unsupported:
                _without_updates(run)
                yield
                continue
            if not read_again(run):
                return
            yield


def confirm(run: Run, connector: Connector) -> Iterator[None]:
    """Ask by id for our orders that were not listed, and for those that changed here meanwhile; then compare."""
    if not run.here:
        with store_scope(run.store_id):
            before = datetime(1, 1, 2, tzinfo=UTC).isoformat()
            run.enter("confirm", {"placed_at": before, "id": 0, "after": "", "compared": False}, None)
            run.save(sets_out=True)
            db.session.commit()
        yield
    if run.here["compared"]:
        return  # stopped right after the last step: what was read is gone, and nothing is to be asked any more
    _take_over(run)
    places = places_of(run)
    for find in (_next_not_listed, _next_outdated):
        while batch := find(run, connector.page_size):
            read_at = datetime.now(UTC)
            ids = [one.remote_id for one in batch]
            details = read_details(connector, ids, places.currencies, attempts=run.attempts)
            with store_scope(run.store_id):
                keep_reads(run.cursor["verify"]["id"], batch, details, places, read_at)
                run.done += len(batch)
                run.count(asked_by_id=len(batch))
                run.save()
                db.session.commit()
            yield
    _compare(run)
    yield


def keep_reads(
    verification_id: int,
    asked: Iterable[Asked],
    details: Sequence[RemoteOrder | UnreadableOrder],
    places: Places,
    read_at: datetime,
) -> None:
    """Note what the channel said of some orders; one statement, does not commit."""
    found = {order.remote_id: order for order in details}
    currencies = {places.ids[remote_id]: currency for remote_id, currency in places.currencies.items()}
    rows = [_read_row(one, found.get(one.remote_id), places, currencies) for one in asked]
    key = {"store_id": current_store_id(), "verification_id": verification_id, "read_at": read_at}
    insert_rows(VerificationRead, _COLUMNS, [{**key, **row} for row in rows], on_conflict=_NEWEST)


def _read_row(
    asked: Asked, order: RemoteOrder | UnreadableOrder | None, places: Places, currencies: Mapping[int, str]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "remote_id": asked.remote_id,
        "marketplace_id": asked.marketplace_id,
        "found": "absent" if order is None else "unreadable",
        "number": "",
        "created_at": asked.created_at,
        "updated_at": None,
        "status": "",
        "payment_status": "",
        "currency": currencies[asked.marketplace_id],
        "total": 0,
        "refunded": 0,
    }
    if isinstance(order, RemoteOrder):
        row |= {
            "marketplace_id": places.ids.get(order.marketplace_id, asked.marketplace_id),
            "found": "read",
            "number": order.number,
            "created_at": order.created_at,
            "updated_at": order.updated_at,
            "status": order.status,
            "payment_status": order.payment_status,
            "currency": order.currency,
            "total": order.total,
            "refunded": order.refunded,
        }
    return row


def _set_out(run: Run, connector: Connector) -> None:
    """Decide which days are read and how; what an earlier verification that was given up left behind goes."""
    with store_scope(run.store_id):
        listed = refresh_marketplaces(run.channel_id).listed
    with store_scope(run.store_id):
        channel, zone = db.session.get_one(Channel, (run.store_id, run.channel_id)), current_store().time_zone
        now = datetime.now(UTC).replace(microsecond=0)
        period = _period(run.cursor.get("asked") or {}, channel, zone, now)
        span = span_of(period, zone, channel.start_at, now)
        by_update = Capability.ORDERS_BY_UPDATE in connector.capabilities
        _forget_given_up(run)
        verification = Verification(
            store_id=run.store_id,
            channel_id=run.channel_id,
            job_id=run.job_id,
            since=period.since,
            until=period.until,
            time_zone=zone,
        )
        db.session.add(verification)
        db.session.flush()
        asked = [one for one in places_in_scope(run).ids if one in listed or not listed]
        roads = _roads(connector, asked, span, channel.start_at, now, by_update=by_update)
        cursor = {
            "id": verification.id,
            "zone": zone,
            "days": [period.since.isoformat(), period.until.isoformat()],
            "span": [span.since.isoformat(), span.until.isoformat()],
            "start_at": channel.start_at.isoformat(),
            "through": (channel.checked_at or now).isoformat(),
            "by_update": by_update,
            "one_road": connector.window_axis is WindowAxis.UPDATED,
            "uncounted": uncounted(roads),
            "windows": [],
            "again": [],
            "second": False,
            "short": 0,
            **BEGINNING,
        }
        run.enter("verify", cursor, None)
        run.save()
        db.session.commit()


def _roads(
    connector: Connector, places: Sequence[str], span: Span, start_at: datetime, now: datetime, *, by_update: bool
) -> list[OrderWindow]:
    """The windows to read, by as many roads as the channel has."""
    lists = connector.order_lists(places)
    if connector.window_axis is WindowAxis.UPDATED:
        return one_road(lists, span, start_at, now, connector.window_days)
    return two_roads(lists, span, start_at, now, connector.window_days, by_update=by_update)


def _take_over(run: Run) -> None:
    """Put the verification down to this job: it may go on where another one stopped when its channel was paused."""
    with store_scope(run.store_id):
        db.session.execute(
            update(Verification)
            .where(
                Verification.store_id == run.store_id,
                Verification.id == run.cursor["verify"]["id"],
                Verification.job_id != run.job_id,
            )
            .values(job_id=run.job_id)
            .execution_options(synchronize_session=False)
        )
        run.save(worked=False)
        db.session.commit()


def _period(asked: Mapping[str, Any], channel: Channel, zone: str, now: datetime) -> Period:
    """The days that were asked for, else those of every night, else this month and the last."""
    today, start_on = (moment.astimezone(ZoneInfo(zone)).date() for moment in (now, channel.start_at))
    if "since" in asked:
        since, until = date.fromisoformat(asked["since"]), date.fromisoformat(asked["until"])
        return Period(max(since, start_on), min(until, today))
    return nightly_period(today, start_on) if asked.get("nightly") else default_period(today, start_on)


def _count(run: Run, connector: Connector, pool: Executor, places: Places) -> Iterator[None]:
    """Count the windows, some at a time, so that the progress has an honest end."""
    here = run.here
    while here["uncounted"]:
        axis = here["uncounted"][0][4]
        batch = [row for row in here["uncounted"][:_COUNTED_AT_ONCE] if row[4] == axis]
        try:
            counted = count_windows(pool, connector, [window_of(row).window for row in batch], places.currencies)
        except Unsupported:
            _without_updates(run)
            yield
            continue
        here["windows"] += [row_of(window) for window in counted]
        here["uncounted"] = here["uncounted"][len(batch) :]
        run.total = _expected(here)
        with store_scope(run.store_id):
            run.save(sets_out=not here["uncounted"])
            db.session.commit()
        yield


def _expected(here: Mapping[str, Any]) -> int | None:
    """How many rows the windows will give, once all of them are counted."""
    totals = [row[3] for row in here["windows"]]
    return None if here["uncounted"] or None in totals else sum(totals)


def _without_updates(run: Run) -> None:
    """The channel turned out not to list by the last change: go on by what was made, and remember to say so."""
    here = run.here
    for name in ("uncounted", "windows"):
        here[name] = [row for row in here[name] if row[4] == WindowAxis.CREATED]
    if here["at"] >= len(here["windows"]):
        here.update(BEGINNING, at=len(here["windows"]))
    here["by_update"] = False
    run.total = _expected(here)
    with store_scope(run.store_id):
        run.save(sets_out=not here["uncounted"])
        db.session.commit()


def _read_page(run: Run, connector: Connector, listed: ListedPage, counted: CountedWindow, places: Places) -> None:
    """Read the page's orders that were not read yet, and note them with the step of the cursor past the page."""
    here = run.here
    start_at = datetime.fromisoformat(here["start_at"])
    stubs = {stub.remote_id: stub for stub in listed.page.stubs if seen_decision(stub, start_at) is None}
    make_room(run, places, (stub.marketplace_id for stub in stubs.values()))
    with store_scope(run.store_id):
        known = _read_before(here["id"], list(stubs))
    asked = [_asked(stub, places) for remote_id, stub in stubs.items() if remote_id not in known]
    read_at = datetime.now(UTC)
    details = _details(run, connector, listed.page, [one.remote_id for one in asked], places)
    with store_scope(run.store_id):
        keep_reads(here["id"], asked, details, places, read_at)
        run.done += len(listed.page.stubs)
        run.count(listed=len(asked))
        step(run, listed, counted)
        run.save()
        db.session.commit()


def _details(
    run: Run, connector: Connector, page: OrderPage, wanted: Sequence[str], places: Places
) -> tuple[RemoteOrder | UnreadableOrder, ...]:
    """The orders in full: the list itself may have said everything."""
    if page.orders is not None:
        return tuple(page.orders[one] for one in wanted if one in page.orders)
    return read_details(connector, wanted, places.currencies, attempts=run.attempts)


def _next_not_listed(run: Run, limit: int) -> list[Asked]:
    """Our orders of these days, in the order of their time, that no list showed."""
    here, verify_cursor = run.here, run.cursor["verify"]
    since, until = map(datetime.fromisoformat, verify_cursor["span"])
    with store_scope(run.store_id):
        found = db.session.execute(
            _NOT_LISTED,
            {
                **_keys(run),
                "since": since,
                "until": until,
                "placed_at": datetime.fromisoformat(here["placed_at"]),
                "id": here["id"],
                "limit": limit,
            },
        ).all()
    if found:
        here["placed_at"], here["id"] = found[-1].placed_at.isoformat(), found[-1].id
    return [Asked(row.remote_id, row.marketplace_id, row.placed_at) for row in found]


def _next_outdated(run: Run, limit: int) -> list[Asked]:
    """Orders that changed here after the channel was asked: it may be ours that is newer."""
    with store_scope(run.store_id):
        found = db.session.execute(_OUTDATED, {**_keys(run), "after": run.here["after"], "limit": limit}).all()
    if found:
        run.here["after"] = found[-1].remote_id
    return [Asked(row.remote_id, row.marketplace_id) for row in found]


def _compare(run: Run) -> None:
    """Write the result; it stands once the job's cursor says so."""
    here = run.cursor["verify"]
    what = Comparison(
        verification_id=here["id"],
        channel_id=run.channel_id,
        time_zone=here["zone"],
        since=date.fromisoformat(here["days"][0]),
        until=date.fromisoformat(here["days"][1]),
        through_at=datetime.fromisoformat(here["through"]),
    )
    with store_scope(run.store_id):
        until_at = datetime.fromisoformat(here["span"][1])
        found = compare(what, until_at=until_at, by_update=here["by_update"], short=here["short"])
        run.count(missing=found.missing, extra=found.extra, differing=found.differing, newer=found.newer)
        run.here["compared"] = True
        run.save()
        db.session.commit()


def _read_before(verification_id: int, remote_ids: Sequence[str]) -> set[str]:
    query = select(VerificationRead.remote_id).where(
        VerificationRead.store_id == current_store_id(),
        VerificationRead.verification_id == verification_id,
        VerificationRead.remote_id.in_(remote_ids),
    )
    return set(db.session.scalars(query))


def _forget_given_up(run: Run) -> None:
    mine = select(Verification.id).where(
        Verification.store_id == run.store_id, Verification.channel_id == run.channel_id
    )
    db.session.execute(
        delete(VerificationRead)
        .where(VerificationRead.store_id == run.store_id, VerificationRead.verification_id.in_(mine))
        .execution_options(synchronize_session=False)
    )


@contextmanager
def _threads() -> Iterator[Executor]:
    """Threads that know the application, for sentences in the right language."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    pool = ThreadPoolExecutor(_THREADS, "verify", initializer=lambda: app.app_context().push())
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _asked(stub: OrderStub, places: Places) -> Asked:
    return Asked(stub.remote_id, places.ids[stub.marketplace_id], stub.created_at)


def _keys(run: Run) -> dict[str, int]:
    return {
        "store_id": run.store_id,
        "channel_id": run.channel_id,
        "verification_id": run.cursor["verify"]["id"],
    }
