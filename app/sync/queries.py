"""What runs, ran and will run, as plain rows. Every number comes from the job's row, never from the queue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, select, true
from sqlalchemy.orm import aliased

from app.accounts.models import User
from app.channels.models import Channel
from app.channels.queries import ChannelRow
from app.core.states import ACTIVE_JOB_STATES, ChangeState, JobState
from app.extensions import db
from app.invoices.models import Invoice
from app.orders.models import JournalEntry, Order
from app.planning import among, fixed, read
from app.sync.models import MOVE, Change, SyncJob
from app.tenancy.scope import THIS_STORE, current_store_id
from app.web.pagination import Keyset, Page, page_of

LINES: Final = 20
PATIENCE: Final = timedelta(seconds=5)
"""A job that is due and that nobody took for this long waits for a worker."""
SETTLED_AFTER: Final = timedelta(seconds=5)
SETTLED_SHARE: Final = 0.05


class Standing(StrEnum):
    """What a job is doing now: its state, seen together with its times."""

    STARTING = "starting"
    TURN = "turn"
    """It had begun, and lets other work pass for a moment."""
    NO_WORKER = "no_worker"
    BEHIND = "behind"
    """Another job of the same channel runs."""
    PUT_OFF = "put_off"
    """It tries again at `not_before`."""
    RUNNING = "running"
    STOPPING = "stopping"
    STALLED = "stalled"
    """Its worker's lease ran out; another one takes it over."""
    SUCCEEDED = "succeeded"
    PARTLY = "partly"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as pages show it. `now` is the database's clock, with which all times of the row were written.

    `person` is who asked for it, None when the clock did. `behind_id` is the job of the same channel that runs now.
    """

    id: int
    channel_id: int
    channel: str
    kind: str
    state: str
    phase: str
    done: int
    total: int | None
    counts: Mapping[str, int]
    person: str | None
    requested_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    phase_started_at: datetime | None
    finished_at: datetime | None
    lease_until: datetime | None
    cancel_requested_at: datetime | None
    problem: str | None
    problem_detail: Mapping[str, Any]
    behind_id: int | None
    now: datetime

    @property
    def is_active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ACTIVE_JOB_STATES

    @property
    def standing(self) -> Standing:
        """What it is doing now."""
        if self.state == JobState.RUNNING:
            return self._standing_at_work()
        if self.state == JobState.QUEUED:
            return self._standing_in_queue()
        return Standing(self.state)

    @property
    def seconds(self) -> float | None:
        """How long it took, or has been at it; None before it began."""
        return None if self.started_at is None else ((self.finished_at or self.now) - self.started_at).total_seconds()

    @property
    def rate(self) -> float | None:
        """Things of this phase done in a second; None while it stands still or the phase has only begun."""
        if self.standing is not Standing.RUNNING or self.phase_started_at is None or not self.done:
            return None
        return self.done / max(1.0, (self.now - self.phase_started_at).total_seconds())

    @property
    def seconds_left(self) -> float | None:
        """What the phase will still take at this rate; None until that has settled enough to be said."""
        if self.rate is None or self.phase_started_at is None or not self.total or self.done >= self.total:
            return None
        settled = self.now - self.phase_started_at >= SETTLED_AFTER and self.done >= SETTLED_SHARE * self.total
        return (self.total - self.done) / self.rate if settled else None

    def _standing_at_work(self) -> Standing:
        if self.lease_until is not None and self.lease_until < self.now:
            return Standing.STALLED
        return Standing.STOPPING if self.cancel_requested_at is not None else Standing.RUNNING

    def _standing_in_queue(self) -> Standing:
        if self.not_before is not None and self.not_before > self.now:
            return Standing.PUT_OFF
        if self.behind_id is not None:
            return Standing.BEHIND
        if self.started_at is not None and self.not_before is None and not self.problem:
            return Standing.TURN
        due_at = self.not_before or self.requested_at
        return Standing.NO_WORKER if self.now - due_at > PATIENCE else Standing.STARTING


@dataclass(frozen=True, slots=True)
class JobLine:
    """One thing that the job did, with the order it did it to, if any."""

    id: int
    at: datetime
    kind: str
    detail: Mapping[str, Any]
    order_id: int | None
    order_number: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted; the fields are the parameters of the URL."""

    channel: int | None = None
    state: tuple[JobState, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelActivity:
    """What happens on a channel: the job that runs or waits, the last one that ended, when Auto Sync runs next."""

    active: JobRow | None
    last: JobRow | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of a channel, as the page that asks about it shows it: a number that is written, or a move.

    `status` is where a move lets the order stand, '' for a number.
    """

    id: int
    state: str
    status: str
    order_id: int
    order_number: str
    channel_id: int
    channel: str
    invoice_no: str
    found: str


def job_view(job_id: int) -> JobRow | None:
    """One job of the store. One statement."""
    found = db.session.execute(_jobs().where(SyncJob.id == job_id)).one_or_none()
    return None if found is None else JobRow(**found._mapping)


def job_lines(job_id: int) -> list[JobLine]:
    """The last things that the job did, newest first. One statement."""
    store_id = current_store_id()
    rows = db.session.execute(
        select(
            JournalEntry.id,
            JournalEntry.at,
            JournalEntry.kind,
            JournalEntry.detail,
            JournalEntry.order_id,
            Order.number.label("order_number"),
            Order.currency,
        )
        .outerjoin(Order, and_(Order.store_id == store_id, Order.id == JournalEntry.order_id))
        .where(JournalEntry.store_id == store_id, JournalEntry.job_id == job_id)
        .order_by(JournalEntry.id.desc())
        .limit(LINES)
    )
    return [JobLine(**row._mapping) for row in rows]


def jobs_page(where: JobFilter, keyset: Keyset) -> Page[JobRow]:
    """One page of the jobs, newest first. One statement."""
    statement = _jobs()
    if where.channel is not None:
        statement = statement.where(SyncJob.channel_id == where.channel)
    if where.state:
        statement = statement.where(SyncJob.state.in_(where.state))
    if keyset.cursor is not None:
        at = keyset.cursor.id
        statement = statement.where(SyncJob.id > at if keyset.is_backward else SyncJob.id < at)
    order = SyncJob.id.asc() if keyset.is_backward else SyncJob.id.desc()
    rows = read(statement.order_by(order).limit(keyset.fetch))
    return page_of([JobRow(**row._mapping) for row in rows], keyset, lambda row: (None, row.id))


def recent_jobs(limit: int) -> list[JobRow]:
    """The newest jobs of the store. One statement."""
    return list(jobs_page(JobFilter(), Keyset(limit=limit)).rows)


def running_jobs() -> list[JobRow]:
    """Every job that waits or runs, the running ones first. One statement."""
    return [JobRow(**row._mapping) for row in read(_running())]


@cache
def _running() -> Select[Any]:
    return _running_first(_jobs().where(_is_active()))


def _running_first(jobs: Select[Any]) -> Select[Any]:
    return jobs.order_by((SyncJob.state == JobState.RUNNING).desc(), SyncJob.id)


def any_job_runs() -> ColumnElement[bool]:
    """Whether a job of the store waits or runs."""
    return exists().where(SyncJob.store_id == THIS_STORE, _is_active())


def _is_active() -> ColumnElement[bool]:
    return SyncJob.state.in_([fixed(state) for state in sorted(ACTIVE_JOB_STATES)])


def channel_activity(channel: ChannelRow) -> ChannelActivity:
    """What happens on one channel. One statement."""
    return channel_activities([channel])[channel.id]


def channel_activities(channels: Collection[ChannelRow]) -> dict[int, ChannelActivity]:
    """What happens on these channels, by id. One statement, however many there are."""
    jobs = newest_jobs([channel.id for channel in channels])
    return {channel.id: ChannelActivity(*jobs[channel.id], channel.next_run_at) for channel in channels}


def newest_jobs(channel_ids: Collection[int]) -> dict[int, tuple[JobRow | None, JobRow | None]]:
    """The job that runs or waits on each of these channels, and the newest that ended, found by the index whatever
    the length of its history. One statement."""
    active: dict[int, JobRow] = {}
    ended: dict[int, JobRow] = {}
    for row in read(_newest(), {"channels": list(channel_ids)}):
        job = JobRow(**row._mapping)
        (active if job.state in ACTIVE_JOB_STATES else ended).setdefault(job.channel_id, job)
    return {at: (active.get(at), ended.get(at)) for at in channel_ids}


def change_view(change_id: int) -> ChangeRow | None:
    """One change, with what it is about. One statement."""
    store_id = current_store_id()
    row = db.session.execute(
        select(Change, Order.number, Channel.name, Invoice.number_text)
        .join(Order, and_(Order.store_id == store_id, Order.id == Change.order_id))
        .outerjoin(Invoice, and_(Invoice.store_id == store_id, Invoice.id == Change.invoice_id))
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == Change.channel_id))
        .where(Change.store_id == store_id, Change.id == change_id)
    ).one_or_none()
    if row is None:
        return None
    change, order_number, channel, invoice_no = row
    return ChangeRow(
        id=change.id,
        state=change.state,
        status=str(change.payload["status"]) if change.kind == MOVE else "",
        order_id=change.order_id,
        order_number=order_number,
        channel_id=change.channel_id,
        channel=channel,
        invoice_no=invoice_no or "",
        found=str(change.reason_detail.get("found") or "") if change.state == ChangeState.BLOCKED else "",
    )


@cache
def _jobs() -> Select[Any]:
    """The columns of JobRow, for the jobs of the store. Built once, because every page has a strip of them."""
    store_id = THIS_STORE
    other = aliased(SyncJob)
    behind = (
        select(other.id)
        .where(
            other.store_id == store_id,
            other.channel_id == SyncJob.channel_id,
            other.state == JobState.RUNNING,
            other.id != SyncJob.id,
            SyncJob.state == JobState.QUEUED,
        )
        .limit(1)
        .scalar_subquery()
    )
    stored = (name for name in JobRow.__dataclass_fields__ if name not in {"channel", "person", "behind_id", "now"})
    return (
        select(
            *(getattr(SyncJob, name) for name in stored),
            Channel.name.label("channel"),
            User.name.label("person"),
            behind.label("behind_id"),
            func.now().label("now"),
        )
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == SyncJob.channel_id))
        .outerjoin(User, User.id == SyncJob.requested_by)
        .where(SyncJob.store_id == store_id)
    )


@cache
def _newest() -> Select[Any]:
    active = select(SyncJob.id).where(SyncJob.store_id == THIS_STORE, SyncJob.channel_id.in_(_CHANNELS), _is_active())
    newest = (
        select(SyncJob.id)
        .where(
            SyncJob.store_id == THIS_STORE,
            SyncJob.channel_id == Channel.id,
            SyncJob.state.not_in(ACTIVE_JOB_STATES),
        )
        .order_by(SyncJob.id.desc())
        .limit(1)
        .lateral("newest")
    )
    ended = select(newest.c.id).select_from(Channel).join(newest, true())
    ended = ended.where(Channel.store_id == THIS_STORE, Channel.id.in_(_CHANNELS))
    return _running_first(_jobs().where(among(SyncJob.id, active.union_all(ended))))


_CHANNELS: Final[Any] = bindparam("channels", expanding=True)
