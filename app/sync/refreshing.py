"""Reading everything that changed on a channel, in both directions: by hand, by the clock, and first of all once it
was set up."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select, update

from app.channels.models import Channel
from app.channels.queries import channel as channel_row
from app.core.refreshing import next_refresh
from app.extensions import db
from app.sync.services import ChannelNotReadyError, JobStart, request_job
from app.tenancy.scope import current_store_id

KIND = "refresh"


def request_refresh(channel_id: int, user_id: int | None) -> JobStart:
    """Start a refresh; while one waits or runs, that one is returned. The first of a channel reads everything.

    ChannelNotReadyError when the channel is paused, or nobody has said yet what flows which way.
    """
    row = channel_row(channel_id)
    if row is None or not row.is_set_up:
        raise ChannelNotReadyError(channel_id)
    return request_job(channel_id, KIND, user_id, None)


def start_refresh(channel_id: int, user_id: int | None = None) -> JobStart | None:
    """Start the channel's refresh if it is due, and set its next time; None when it is not.

    `user_id` is whoever let it be due, None for the clock.
    """
    if not _put_off(channel_id, Channel.status == "connected", Channel.next_refresh_at <= func.now()):
        db.session.rollback()
        return None
    return request_job(channel_id, KIND, user_id, None)


def refreshed(channel_id: int) -> None:
    """A refresh of the channel has ended: the next one is due half a day from now. Does not commit.

    Where none runs by the clock, none does afterwards.
    """
    _put_off(channel_id)


def _put_off(channel_id: int, *when: ColumnElement[bool]) -> bool:
    now = db.session.execute(select(func.now())).scalar_one()
    moved = db.session.scalar(
        update(Channel)
        .where(
            Channel.store_id == current_store_id(),
            Channel.id == channel_id,
            Channel.next_refresh_at.is_not(None),
            *when,
        )
        .values(next_refresh_at=next_refresh(now, channel_id))
        .returning(Channel.id)
        .execution_options(synchronize_session=False)
    )
    return moved is not None
