"""What a person or the clock can ask for: hold a channel against the books, and mend what differs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select, update

from app.channels.models import Channel
from app.completeness.models import Deviation, Verification
from app.core.completeness import Period, next_quiet_moment
from app.extensions import db
from app.sync.services import JobStart, request_job, request_retry
from app.tenancy.scope import current_store, current_store_id


def request_verification(channel_id: int, period: Period | None, user_id: int) -> JobStart:
    """Start a verification of some days, or of this month and the last; while one waits or runs, that is returned.

    ChannelNotReadyError when the channel is paused.
    """
    days = {"since": period.since.isoformat(), "until": period.until.isoformat()} if period else None
    return request_job(channel_id, "verify", user_id, days)


def start_nightly(channel_id: int) -> JobStart | None:
    """Start the channel's nightly verification if it is due, and set its next night; None when it is not, or when its
    orders are not taken.

    What was not verified because the server slept is verified when it wakes. ChannelNotReadyError when paused.
    """
    store_id = current_store_id()
    now = datetime.now(UTC)
    moved = db.session.execute(
        update(Channel)
        .where(Channel.store_id == store_id, Channel.id == channel_id, Channel.next_verify_at <= now)
        .values(next_verify_at=next_quiet_moment(now, current_store().time_zone, channel_id))
        .returning(Channel.takes_orders)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if moved is None or not moved.takes_orders:
        db.session.commit()
        return None
    return request_job(channel_id, "verify", None, {"nightly": True})


def request_mending(verification_id: int, deviation_ids: Sequence[int] | None, user_id: int) -> JobStart | None:
    """Have these deviations of a verification (None: all that are open) read again, and what is found stored.

    None when none of them is open any more; ChannelNotReadyError when the channel is paused.
    """
    store_id = current_store_id()
    channel_id = db.session.scalar(
        select(Verification.channel_id).where(Verification.store_id == store_id, Verification.id == verification_id)
    )
    if channel_id is None:
        return None
    picked = [Deviation.store_id == store_id, Deviation.verification_id == verification_id]
    if deviation_ids is not None:
        picked.append(Deviation.id.in_(deviation_ids))

    def mark() -> int:
        marked = db.session.execute(
            update(Deviation)
            .where(*picked, Deviation.mended_at.is_(None))
            .values(asked_at=func.clock_timestamp(), asked_by=user_id)
            .returning(Deviation.id)
            .execution_options(synchronize_session=False)
        )
        return len(marked.all())

    return request_retry(channel_id, mark, user_id, "mend")
