"""Holding a job: the lease that says who works on it, and the fence that keeps a late worker from writing.

A worker renews its lease every few seconds. When it dies, the lease runs out and another worker claims the job under
a higher fencing number; everything that the first one still tries to commit is refused, because each page of work
ends with an update that names the number.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, cast

from flask import Flask
from sqlalchemy import Engine, Exists, Update, event, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import aliased

from app.channels.models import Channel
from app.core.states import JobState
from app.extensions import db
from app.sync.models import SyncJob
from app.tenancy.doors import count_again
from app.tenancy.scope import current_store_id, store_scope

log = logging.getLogger(__name__)
LEASE_SECONDS = 12
RENEW_SECONDS = 3
TRANSACTION_SECONDS = 30
"""Far longer than any transaction of a job takes: each stores a few hundred orders at most."""
URGENT_KINDS = ("sync", "write_back", "retry", "mend", "stock")
"""Short jobs that a person waits for; a long check lets them pass."""

_LEASE = func.now() + text(f"interval '{LEASE_SECONDS} seconds'")


class LeaseLostError(RuntimeError):
    """Somebody else holds the job now, or it was ended: nothing of ours may be committed."""


@dataclass(slots=True)
class Run:
    """One worker's hold on one job, and how far the job is. `save` writes it; the rest is plain memory."""

    store_id: int
    job_id: int
    channel_id: int
    kind: str
    fence: int
    phase: str
    cursor: dict[str, Any]
    done: int
    total: int | None
    counts: dict[str, Any]
    requested_by: int | None
    attempts: int
    cancelled: bool = False
    must_pass: bool = False
    """Whether a job that a person waits for stands behind this one."""
    moves_stock: bool = False
    """Whether orders of the channel take pieces out of our stock, so that open pages about it ask again."""
    paused: bool = False
    """Whether the channel was paused or removed meanwhile."""
    lost: threading.Event = field(default_factory=threading.Event)
    plan_again_at: int = 100
    tells: Callable[[Mapping[str, int]], None] | None = None
    """Told with each save what was counted since the last one, to count it elsewhere in the same transaction."""
    untold: dict[str, int] = field(default_factory=dict)

    def count(self, **more: int) -> None:
        """Add to the job's counters."""
        for name, number in more.items():
            if number:
                self.counts[name] = self.counts.get(name, 0) + number
                self.untold[name] = self.untold.get(name, 0) + number

    @property
    def claim_mark(self) -> int:
        """Marks the changes that this hold claimed: no other hold of this or another job has the same."""
        return self.job_id * 1_000_000 + self.fence

    @property
    def here(self) -> dict[str, Any]:
        """The present phase's cursor; empty before the phase has set out."""
        return cast("dict[str, Any]", self.cursor.get(self.phase, {}))

    def enter(self, phase: str, cursor: Mapping[str, Any], total: int | None) -> None:
        """Begin a phase; nothing is written before the next `save`."""
        self.phase, self.done, self.total = phase, 0, total
        self.cursor[phase] = dict(cursor)

    def save(self, *, worked: bool = True, sets_out: bool = False) -> None:
        """Write progress under the fence; the last statement of each transaction of the job. Does not commit.

        Unless it `worked`, the failures in a row go on being counted: getting ready to ask again is no answer. When the
        phase `sets_out`, its clock starts, for the rate and the estimate. All in one statement: PostgreSQL checks the
        foreign keys of a row that is updated twice in a transaction, and so would lock the channel after the job.
        """
        if self.lost.is_set():
            raise LeaseLostError(f"job {self.job_id}")
        if self.tells is not None:
            self.tells(self.untold)
        self.untold.clear()
        more: dict[str, Any] = {"attempts": 0, "problem": None, "problem_detail": {}} if worked else {}
        if sets_out:
            more["phase_started_at"] = func.now()
        row = db.session.execute(
            _held(self)
            .values(
                phase=self.phase,
                cursor=self.cursor,
                done=self.done,
                total=self.total,
                counts=self.counts,
                lease_until=_LEASE,
                **more,
            )
            .returning(
                SyncJob.cancel_requested_at,
                _somebody_urgent().label("must_pass"),
                _channel_goes_on().label("goes_on"),
            )
        ).one_or_none()
        if row is None:
            raise LeaseLostError(f"job {self.job_id}")
        self._plan_again()
        self.attempts = 0 if worked else self.attempts
        self.cancelled = row.cancel_requested_at is not None
        self.must_pass = self.kind not in URGENT_KINDS and bool(row.must_pass)
        self.paused = not row.goes_on

    def _plan_again(self) -> None:
        """Let the database plan anew, by new statistics, whenever the work has grown fourfold.

        A session keeps the plans of its statements and of its foreign keys. Those made while the tables were still
        empty do not tell one index from another, and would read more with each order that is stored.
        """
        if self.done >= self.plan_again_at:
            count_again()
            self.plan_again_at = 4 * self.done


def _held(run: Run) -> Update:
    return (
        update(SyncJob)
        .where(
            SyncJob.store_id == run.store_id,
            SyncJob.id == run.job_id,
            SyncJob.fence == run.fence,
            SyncJob.state == JobState.RUNNING,
        )
        .execution_options(synchronize_session=False)
    )


def claim(job_id: int) -> Run | None:
    """Take the job if it is due and free, or its worker is gone; None otherwise. Commits.

    A check lets a job that a person waits for pass first. At most one job runs per channel, by a unique index.
    """
    store_id = current_store_id()
    due = (SyncJob.state == JobState.QUEUED) & or_(SyncJob.not_before.is_(None), SyncJob.not_before <= func.now())
    abandoned = (SyncJob.state == JobState.RUNNING) & (SyncJob.lease_until < func.now())
    statement = (
        update(SyncJob)
        .where(
            SyncJob.store_id == store_id,
            SyncJob.id == job_id,
            or_(abandoned, due & or_(SyncJob.kind.in_(URGENT_KINDS), ~_somebody_urgent())),
        )
        .values(
            state=JobState.RUNNING,
            fence=SyncJob.fence + 1,
            lease_until=_LEASE,
            not_before=None,
            started_at=func.coalesce(SyncJob.started_at, func.now()),
        )
        .returning(SyncJob)
        .execution_options(synchronize_session=False)
    )
    try:
        job = db.session.scalars(statement).one_or_none()
        run = None if job is None else _run(job)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    return run


@cache  # building it takes longer than what the database does for it
def _somebody_urgent() -> Exists:
    """Whether a due job that a person waits for stands behind this row's job, for the same channel."""
    urgent = aliased(SyncJob)
    return (
        select(urgent.id)
        .where(
            urgent.store_id == SyncJob.store_id,
            urgent.channel_id == SyncJob.channel_id,
            urgent.id != SyncJob.id,
            urgent.kind.in_(URGENT_KINDS),
            urgent.state == JobState.QUEUED,
            or_(urgent.not_before.is_(None), urgent.not_before <= func.now()),
        )
        .exists()
    )


@cache
def _channel_goes_on() -> Exists:
    """Whether the channel of this row's job is neither paused nor removed."""
    return (
        select(Channel.id)
        .where(Channel.store_id == SyncJob.store_id, Channel.id == SyncJob.channel_id, Channel.status == "connected")
        .exists()
    )


def _run(job: SyncJob) -> Run:
    return Run(
        store_id=job.store_id,
        job_id=job.id,
        channel_id=job.channel_id,
        kind=job.kind,
        fence=job.fence,
        phase=job.phase,
        cursor=dict(job.cursor),
        done=job.done,
        total=job.total,
        counts=dict(job.counts),
        requested_by=job.requested_by,
        attempts=job.attempts,
        cancelled=job.cancel_requested_at is not None,
    )


def make_sure(run: Run) -> None:
    """LeaseLostError unless the job is still ours: asked right before something is written outside. Commits."""
    with store_scope(run.store_id):
        mine = select(SyncJob.id).where(
            SyncJob.store_id == run.store_id,
            SyncJob.id == run.job_id,
            SyncJob.fence == run.fence,
            SyncJob.state == JobState.RUNNING,
            SyncJob.lease_until > func.now(),
        )
        found = db.session.scalar(mine)
        db.session.commit()
    if found is None or run.lost.is_set():
        raise LeaseLostError(f"job {run.job_id}")


def cancelled_at(run: Run) -> datetime | None:
    """When somebody wanted the job to be cancelled."""
    query = select(SyncJob.cancel_requested_at).where(SyncJob.store_id == run.store_id, SyncJob.id == run.job_id)
    return db.session.scalar(query)


def end(run: Run, state: JobState, *, problem: str | None = None, detail: Mapping[str, Any] | None = None) -> None:
    """Finish the job. Does not commit; raises LeaseLostError when it is no longer ours."""
    _commit_to(
        run,
        _held(run).values(
            state=state,
            finished_at=func.now(),
            lease_until=None,
            counts=run.counts,
            problem=problem,
            problem_detail=dict(detail or {}),
        ),
    )


def put_back(
    run: Run,
    *,
    not_before: datetime | None = None,
    problem: str | None = None,
    detail: Mapping[str, Any] | None = None,
    attempts: int = 0,
) -> None:
    """Give the job back to the queue, to go on where it stands. Does not commit."""
    _commit_to(
        run,
        _held(run).values(
            state=JobState.QUEUED,
            lease_until=None,
            not_before=not_before,
            rung_at=None if not_before else func.now(),
            attempts=attempts,
            problem=problem,
            problem_detail=dict(detail or {}),
        ),
    )


def end_stalled_transactions(engine: Engine) -> None:
    """Have the database end a transaction of this process that stands still.

    A worker that stands still, or whose host is gone, keeps the locks of its open transaction, and whoever took its
    job over would wait for them as long as it sleeps. Between two statements it may stand as long as a lease lasts. One
    that fell asleep in the middle of sending a statement does not count as idle, so that there is an end to every
    transaction.
    """

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"set idle_in_transaction_session_timeout = '{LEASE_SECONDS}s'")
        connection.execute(f"set transaction_timeout = '{TRANSACTION_SECONDS}s'")
        connection.commit()


def _commit_to(run: Run, statement: Update) -> None:
    """Execute an update under the fence; LeaseLostError when it no longer finds the job."""
    if db.session.execute(statement.returning(SyncJob.id)).one_or_none() is None:
        raise LeaseLostError(f"job {run.job_id}")


@contextmanager
def renewing(app: Flask, run: Run) -> Iterator[None]:
    """Renew the lease from a thread of its own, so that a slow call outside does not look like a death."""
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(app, run, stop), name=f"lease-{run.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=RENEW_SECONDS)


def _renew(app: Flask, run: Run, stop: threading.Event) -> None:
    while not stop.wait(RENEW_SECONDS):
        try:
            with app.app_context(), db.engine.begin() as connection:
                connection.execute(text("select set_config('app.store_id', :s, true)"), {"s": str(run.store_id)})
                if connection.execute(_held(run).values(lease_until=_LEASE)).rowcount != 1 and not stop.is_set():
                    run.lost.set()
                    return
        except SQLAlchemyError as error:
            log.warning("could not renew the lease of job %s: %s", run.job_id, type(error).__name__)
