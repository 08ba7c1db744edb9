"""What a person or the clock can ask for: check, sync, cancel, retry. Each verb commits, then rings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.later import later
from app.channels.connecting import kinds_made_here
from app.channels.models import Channel
from app.channels.queries import LINK_SUSPENDED
from app.core.errors import AuthRejected
from app.core.states import ACTIVE_JOB_STATES, ChangeState, JobState, OrderState
from app.extensions import db
from app.orders.filters import OrderFilter
from app.orders.ignoring import name_of
from app.orders.models import Order
from app.orders.queries import matching
from app.orders.retrying import forget_wanted
from app.orders.services import has_queued_orders, lock_channel, queue_orders, unqueue_orders
from app.orders.writing import JournalNote, write_journal
from app.sync.book import refuse_with_delivery_orders
from app.sync.checkpoints import forget_products_through
from app.sync.models import Change, SyncJob
from app.sync.noting import note_of
from app.sync.nudge import nudge
from app.sync.waking import wake
from app.tenancy.scope import current_store_id, store_scope

STOPPED_BY_A_PAUSE = (AuthRejected.code, "CHANNEL_PAUSED", LINK_SUSPENDED)
"""The problems of jobs that ended because the channel was paused, by itself or by a person."""


class ChannelNotReadyError(Exception):
    """The channel is paused or removed, or nothing can be read from it, so this cannot be asked of it."""


class TakesNoOrdersError(ChannelNotReadyError):
    """A person said that orders are not taken from the channel."""


class NoSuchJobError(LookupError):
    """The store has no such job or change, or it is not in a state for what was asked."""


@dataclass(frozen=True, slots=True)
class JobStart:
    """The job that does what was asked. `taken` counts the orders that were queued for it by this press."""

    job_id: int
    channel_id: int
    already_running: bool
    taken: int = 0


@dataclass(frozen=True, slots=True)
class SyncStart:
    """What a press of *Sync* led to: a job per channel, and how many of the ticked orders were not taken, by reason.

    A reason is a code of `app.core.states.Reason`, or "BOOKED" and "QUEUED" for orders that have been asked for before.
    """

    jobs: tuple[JobStart, ...] = ()
    refused: Mapping[str, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        """How many orders were queued."""
        return sum(job.taken for job in self.jobs)


def request_check(channel_id: int, user_id: int | None) -> JobStart:
    """Start a check of the channel; while one waits or runs, that one is returned. ChannelNotReadyError when paused,
    TakesNoOrdersError when its orders are not wanted."""
    channel = _lock_channel(channel_id)
    _refuse_unread(channel)
    _refuse_untaken(channel)
    start = _start(channel_id, "check", user_id)
    db.session.commit()
    _announce([start])
    return start


def request_products(channel_id: int, user_id: int | None, *, everything: bool = False) -> JobStart:
    """Start reading what the channel sells; as request_check. ChannelNotReadyError when paused.

    Of a channel that tells what changed only that is read, unless `everything` is wanted; a job that reads what changed
    and is under way then goes on with everything.
    """
    _lock_channel(channel_id)
    if everything:
        forget_products_through(channel_id)
    start = _start(channel_id, "products", user_id)
    db.session.commit()
    _announce([start])
    return start


def request_sync_now(channel_id: int, user_id: int) -> JobStart:
    """Do at once what Auto Sync does: check, book all that is ready, write back. One such job at a time.

    Misconfigured(AUTO_DO_ENABLED) when the store makes delivery orders by itself; ChannelNotReadyError when paused.
    """
    refuse_with_delivery_orders()
    _lock_channel(channel_id)
    start = _start(channel_id, "auto", user_id)
    db.session.commit()
    _announce([start])
    return start


def request_sync(
    user_id: int | None, *, order_ids: Sequence[int] | None = None, where: OrderFilter | None = None
) -> SyncStart:
    """Queue the ready ones of these orders (or of all that match the filter) for booking, and start a job per channel.

    Misconfigured(AUTO_DO_ENABLED) when the store makes delivery orders by itself.
    """
    refuse_with_delivery_orders()
    picked = _picked(order_ids, where)
    tally = db.session.execute(
        select(Order.channel_id, Order.state, Order.reason, func.count())
        .where(*picked)
        .group_by(Order.channel_id, Order.state, Order.reason)
    ).all()
    refused: Counter[str] = Counter()
    for _channel_id, state, reason, number in tally:
        if state != OrderState.READY:
            refused[reason or state.upper()] += number
    starts = []
    # Queued orders get a job too: the one that they were queued for may have failed.
    for channel_id in sorted({row[0] for row in tally if row[1] in (OrderState.READY, OrderState.QUEUED)}):
        try:
            _lock_channel(channel_id)
        except ChannelNotReadyError:
            refused["CHANNEL_PAUSED"] += sum(row[3] for row in tally if row[:2] == (channel_id, OrderState.READY))
            continue
        taken = queue_orders([*picked, Order.channel_id == channel_id], user_id)
        if taken or has_queued_orders(channel_id):
            start = _start(channel_id, "sync", user_id)
            starts.append(JobStart(start.job_id, channel_id, start.already_running, taken))
    db.session.commit()
    _announce(starts)
    return SyncStart(tuple(starts), dict(+refused))


def request_retry(
    channel_id: int, mark: Callable[[], int], user_id: int, kind: Literal["retry", "write_back", "mend"] = "retry"
) -> JobStart | None:
    """Let `mark` say what is to be read (or sent) again, and start the job that does it, in one transaction.

    None when it marked nothing. While such a job waits or runs, it takes these along. ChannelNotReadyError when paused.
    """
    _lock_channel(channel_id)
    marked = mark()
    if not marked:
        db.session.rollback()
        return None
    start = _start(channel_id, kind, user_id)
    db.session.commit()
    _announce([start])
    return replace(start, taken=marked)


def _refuse_unread(channel: Channel) -> None:
    """Nothing is fetched for a channel whose orders are made here."""
    if channel.kind in kinds_made_here():
        raise ChannelNotReadyError(channel.id)


def _refuse_untaken(channel: Channel) -> None:
    """A check that reads nothing would say that everything is in."""
    if not channel.takes_orders:
        raise TakesNoOrdersError(channel.id)


def request_job(channel_id: int, kind: str, user_id: int | None, asked: Mapping[str, Any] | None) -> JobStart:
    """Start a job of a kind that another room brings; `asked` says what for. While one waits or runs, that is returned.

    ChannelNotReadyError when the channel is paused.
    """
    _refuse_unread(_lock_channel(channel_id))
    start = _start(channel_id, kind, user_id, asked)
    db.session.commit()
    _announce([start])
    return start


def start_check(channel_id: int) -> JobStart | None:
    """Start the first check of a channel that appeared by itself; None when it is paused, or no orders are taken."""
    try:
        return request_check(channel_id, None)
    except ChannelNotReadyError:
        db.session.rollback()
        return None


def start_write_back(channel_id: int, user_id: int | None) -> JobStart | None:
    """Start a job that sends the channel's planned changes; None when the channel is paused."""
    return _start_if_ready(channel_id, "write_back", user_id)


def start_stock(channel_id: int) -> JobStart | None:
    """Start a job that tells the channel what stock has changed; None when the channel is paused."""
    return _start_if_ready(channel_id, "stock", None)


def start_stock_soon(location_id: int) -> None:
    """Have every channel that is told a warehouse's stock told now, not at the next tick. Waits for none of them.

    What is lost with this process the tick starts.
    """
    later(partial(_start_stock_of, current_store_id(), location_id))


def _start_stock_of(store_id: int, location_id: int) -> None:
    with store_scope(store_id):
        told = (Channel.status == "connected", Channel.stock_location_id == location_id)
        query = select(Channel.id).where(Channel.store_id == store_id, *told).order_by(Channel.id)
        for channel_id in db.session.scalars(query).all():
            start_stock(channel_id)


def _start_if_ready(channel_id: int, kind: str, user_id: int | None) -> JobStart | None:
    try:
        _lock_channel(channel_id)
    except ChannelNotReadyError:
        db.session.rollback()
        return None
    start = _start(channel_id, kind, user_id)
    db.session.commit()
    _announce([start])
    return start


def start_announced(channel_id: int) -> JobStart | None:
    """Start a job that looks at the orders that the channel announced; None when one waits for its turn already.

    It waits for nobody, since who announces is to be answered at once. Where a job of the channel is just ending, or
    has failed at it lately, nothing is started: the tick does (`app.tenancy.doors.due_announcements`).
    """
    if db.session.scalar(select(_has_announced_job(channel_id))):
        return None
    turn = (
        select(Channel.id)
        .where(Channel.store_id == current_store_id(), Channel.id == channel_id, Channel.status == "connected")
        .with_for_update(read=True, skip_locked=True)
    )
    if db.session.scalar(turn) is None:
        db.session.rollback()
        return None
    start = _start(channel_id, "announced", None)
    db.session.commit()
    if start.already_running:
        return None
    _announce([start])
    return start


def _has_announced_job(channel_id: int) -> ColumnElement[bool]:
    """Whether the newest such job waits and will see what was announced up to now, or failed at it a while ago."""
    newest = (
        select(SyncJob.state, SyncJob.problem, SyncJob.finished_at)
        .where(SyncJob.store_id == current_store_id(), SyncJob.channel_id == channel_id, SyncJob.kind == "announced")
        .order_by(SyncJob.id.desc())
        .limit(1)
        .subquery()
        .c
    )
    failed = or_(newest.problem.not_in(STOPPED_BY_A_PAUSE), newest.state == JobState.CANCELLED)
    lately = newest.finished_at > func.now() - timedelta(minutes=15)
    return exists().where(or_(newest.state == JobState.QUEUED, and_(failed, lately)))


def start_auto_sync(channel_id: int) -> JobStart | None:
    """Start the channel's Auto Sync if it is due, and set its next time; None when it is not."""
    channel = _lock_channel(channel_id)
    now = db.session.scalar(select(func.now()))
    if not channel.auto_sync or channel.next_sync_at is None or now is None or channel.next_sync_at > now:
        db.session.rollback()
        return None
    db.session.execute(
        update(Channel)
        .where(Channel.store_id == channel.store_id, Channel.id == channel_id)
        .values(next_sync_at=now + timedelta(minutes=channel.auto_sync_minutes))
        .execution_options(synchronize_session=False)
    )
    start = _start(channel_id, "auto", None)
    db.session.commit()
    _announce([start])
    return start


def cancel_job(job_id: int, user_id: int) -> None:
    """Stop a job: at once when it waits, after the present page when it runs. What is committed stays."""
    job = _job(job_id)
    if job.state not in ACTIVE_JOB_STATES:
        raise NoSuchJobError(job_id)
    if job.state == JobState.QUEUED:
        job.state, job.finished_at = JobState.CANCELLED, func.now()
        if job.kind == "retry":
            forget_wanted(job.channel_id)
        elif job.kind in ("sync", "auto"):
            unqueue_orders(job.channel_id, user_id)
    # By the clock and not by the transaction's start: a press that waited for our lock comes after this.
    job.cancel_requested_at = func.clock_timestamp()
    write_journal([JournalNote("job_cancelled", job.channel_id, None, {})], job_id=job_id, user_id=user_id)
    db.session.commit()
    nudge(current_store_id(), f"job-{job_id}", "jobs", "orders", f"channel-{job.channel_id}")


def retry_job(job_id: int, user_id: int) -> JobStart:
    """Do again what an ended job was for; a job that only waits for its next try is tried at once."""
    job = _job(job_id)
    channel_id = job.channel_id
    channel = db.session.get_one(Channel, (job.store_id, channel_id))
    if channel.status != "connected":
        raise ChannelNotReadyError(channel_id)
    if job.kind == "check":
        _refuse_untaken(channel)
    if job.state == JobState.QUEUED:
        job.not_before = None
        start = JobStart(job_id, channel_id, already_running=False)
    else:
        start = _start(channel_id, job.kind, user_id, job.cursor.get("asked"))
    db.session.execute(
        update(Change)
        .where(
            Change.store_id == current_store_id(),
            Change.channel_id == channel_id,
            Change.state == ChangeState.PLANNED,
        )
        .values(not_before=None)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    _announce([start])
    return start


def retry_change(change_id: int, user_id: int) -> JobStart | None:
    """Plan a blocked or delayed change again and send it."""
    change = _change(change_id, ChangeState.BLOCKED, ChangeState.PLANNED)
    channel_id = change.channel_id
    change.state, change.not_before, change.reason, change.reason_detail = ChangeState.PLANNED, None, None, {}
    write_journal([note_of(change, "planned", channel_id, {})], user_id=user_id)
    db.session.commit()
    return start_write_back(channel_id, user_id)


def drop_change(change_id: int, user_id: int) -> None:
    """Leave the channel as it is: this change is never sent."""
    change = _change(change_id, ChangeState.BLOCKED)
    change.state = ChangeState.DROPPED
    note = note_of(change, "dropped", change.channel_id, change.reason_detail)
    stamp = {"by": name_of(user_id), "at": datetime.now(UTC).isoformat()}
    change.reason_detail = {**change.reason_detail, **stamp}
    write_journal([note], user_id=user_id)
    db.session.commit()
    nudge(current_store_id(), "orders")


def start_for_queued(channel_id: int) -> None:
    """Make a job for orders that are queued and have none. Does not commit, nor ring; the channel must be locked."""
    if has_queued_orders(channel_id):
        _start(channel_id, "sync", None)


def go_on(channel_id: int, user_id: int) -> bool:
    """Take up again what stopped because the channel was paused, each job at the page after its last one.

    False when it does not go on after all: somebody paused it in between, or its link was suspended or ended.
    """
    try:
        _lock_channel(channel_id)
    except ChannelNotReadyError:
        db.session.rollback()
        return False
    store_id = current_store_id()
    newest = (
        select(func.max(SyncJob.id))
        .where(SyncJob.store_id == store_id, SyncJob.channel_id == channel_id)
        .group_by(SyncJob.kind)
    )
    stopped = db.session.scalars(
        select(SyncJob).where(
            SyncJob.store_id == store_id, SyncJob.id.in_(newest), SyncJob.problem.in_(STOPPED_BY_A_PAUSE)
        )
    ).all()
    starts = [_take_up(job, user_id) for job in stopped if job.state in (JobState.PARTLY, JobState.FAILED)]
    if has_queued_orders(channel_id) and not any(job.kind in ("sync", "auto") for job in stopped):
        starts.append(_start(channel_id, "sync", user_id))
    db.session.commit()
    _announce(starts)
    return True


def _take_up(stopped: SyncJob, user_id: int) -> JobStart:
    """A new job that goes on where an ended one stood."""
    start = _start(stopped.channel_id, stopped.kind, user_id)
    if not start.already_running:
        names = ("phase", "cursor", "done", "total", "counts")
        db.session.execute(
            update(SyncJob)
            .where(SyncJob.store_id == stopped.store_id, SyncJob.id == start.job_id)
            .values({name: getattr(stopped, name) for name in names})
            .execution_options(synchronize_session=False)
        )
    return start


def _picked(order_ids: Sequence[int] | None, where: OrderFilter | None) -> list[ColumnElement[bool]]:
    """The conditions that pick the orders; conditions and no sub-query, which would join the table to itself."""
    if where is not None:
        return matching(where)
    return [Order.store_id == current_store_id(), Order.id.in_(order_ids or ())]


def _lock_channel(channel_id: int) -> Channel:
    """The channel, locked: pressing and a job's end take turns (see `app.sync.jobs`)."""
    channel = db.session.get(Channel, (current_store_id(), channel_id), with_for_update=True, populate_existing=True)
    if channel is None or channel.status != "connected":
        raise ChannelNotReadyError(channel_id)
    return channel


def _start(channel_id: int, kind: str, user_id: int | None, asked: Mapping[str, Any] | None = None) -> JobStart:
    """Make a job unless one of the kind waits or runs already: a unique index decides, not this code.

    `asked` is what was asked for, for the first phase to find in the cursor.
    """
    store_id = current_store_id()
    cursor = {"asked": dict(asked)} if asked else {}
    made = db.session.scalar(
        insert(SyncJob)
        .values(store_id=store_id, channel_id=channel_id, kind=kind, requested_by=user_id, cursor=cursor)
        .on_conflict_do_nothing()
        .returning(SyncJob.id)
    )
    if made is not None:
        return JobStart(made, channel_id, already_running=False)
    running = db.session.scalar(
        select(SyncJob.id).where(
            SyncJob.store_id == store_id,
            SyncJob.channel_id == channel_id,
            SyncJob.kind == kind,
            SyncJob.state.in_(ACTIVE_JOB_STATES),
        )
    )
    if running is None:
        return _start(channel_id, kind, user_id, asked)
    return JobStart(running, channel_id, already_running=True)


def _announce(starts: Sequence[JobStart]) -> None:
    store_id = current_store_id()
    for start in starts:
        wake(store_id, start.job_id)
        nudge(store_id, "jobs", "orders", f"job-{start.job_id}", f"channel-{start.channel_id}")


def _job(job_id: int) -> SyncJob:
    """The job, locked after its channel: pressing, cancelling and a job's end take turns."""
    key = (current_store_id(), job_id)
    found = db.session.get(SyncJob, key)
    if found is None:
        raise NoSuchJobError(job_id)
    lock_channel(found.channel_id)
    return db.session.get_one(SyncJob, key, with_for_update=True, populate_existing=True)


def _change(change_id: int, *states: ChangeState) -> Change:
    change = db.session.get(Change, (current_store_id(), change_id), with_for_update=True, populate_existing=True)
    if change is None or change.state not in states:
        raise NoSuchJobError(change_id)
    return change
