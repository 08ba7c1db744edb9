"""The jobs of one channel, for its own pages."""

from __future__ import annotations

from sqlalchemy import select

from app.core.states import ACTIVE_JOB_STATES, JobState
from app.extensions import db
from app.sync.models import SyncJob
from app.tenancy.scope import current_store_id


def active_job_ids(channel_id: int) -> list[int]:
    """The jobs that wait or run, oldest first."""
    query = select(SyncJob.id).where(
        SyncJob.store_id == current_store_id(),
        SyncJob.channel_id == channel_id,
        SyncJob.state.in_(ACTIVE_JOB_STATES),
    )
    return list(db.session.scalars(query.order_by(SyncJob.id)))


def was_refreshed(channel_id: int) -> bool:
    """Whether everything was read once, in a refresh that came to its end."""
    query = select(SyncJob.id).where(
        SyncJob.store_id == current_store_id(),
        SyncJob.channel_id == channel_id,
        SyncJob.kind == "refresh",
        SyncJob.state.in_((JobState.SUCCEEDED, JobState.PARTLY)),
        SyncJob.problem.is_(None),
    )
    return db.session.scalar(query.limit(1)) is not None


def newest_job_id(channel_id: int, *kinds: str) -> int | None:
    """The job of one of these kinds that waits or runs, or else the newest that ended."""
    query = (
        select(SyncJob.id)
        .where(SyncJob.store_id == current_store_id(), SyncJob.channel_id == channel_id, SyncJob.kind.in_(kinds))
        .order_by(SyncJob.state.in_(ACTIVE_JOB_STATES).desc(), SyncJob.id.desc())
    )
    return db.session.scalar(query.limit(1))
