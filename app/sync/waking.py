"""Ringing for jobs that stand in the database."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import func, or_, select, update

from app.core.states import JobState
from app.extensions import db
from app.sync import queue
from app.sync.lease import URGENT_KINDS
from app.sync.models import SyncJob
from app.tenancy.scope import store_scope


def wake(store_id: int, job_id: int) -> None:
    """Ring for one job, and note when, so that the tick does not ring again at once. Call after the commit."""
    with store_scope(store_id):
        db.session.execute(
            update(SyncJob)
            .where(SyncJob.store_id == store_id, SyncJob.id == job_id)
            .values(rung_at=func.now())
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    queue.ring(current_app.extensions["settings"].redis_url, store_id, job_id)


def wake_channel(store_id: int, channel_id: int) -> None:
    """Ring for the channel's next job that is due, the urgent ones first: the channel is free now."""
    with store_scope(store_id):
        job_id = db.session.scalar(
            select(SyncJob.id)
            .where(
                SyncJob.store_id == store_id,
                SyncJob.channel_id == channel_id,
                SyncJob.state == JobState.QUEUED,
                or_(SyncJob.not_before.is_(None), SyncJob.not_before <= func.now()),
            )
            .order_by(SyncJob.kind.in_(URGENT_KINDS).desc(), SyncJob.id)
            .limit(1)
        )
    if job_id is not None:
        wake(store_id, job_id)
