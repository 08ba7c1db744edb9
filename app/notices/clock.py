"""When a store's people are next to be seen to. The truth is one row for each store; the bell only says who looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from flask import current_app
from sqlalchemy import func, select, update

from app.extensions import db
from app.notices.models import NoticeClock, NoticeCopy
from app.sync import queue
from app.tenancy.scope import current_store_id, store_scope

TASK: Final = "app.notices.jobs.run"
_LOOK_LEASE: Final = timedelta(seconds=60)
"""A look that was not ended by then, because its worker was killed, is begun again."""


def ring_for(store_id: int) -> None:
    """Have a worker see to a store's people, and note when, so that the tick does not ring again at once. Commits."""
    with store_scope(store_id):
        db.session.execute(_change().values(rung_at=func.now()))
        db.session.commit()
    queue.ring(current_app.extensions["settings"].redis_url, store_id, 0, task=TASK)


def begin_look() -> tuple[datetime, dict[str, Any]] | None:
    """(the look's mark, what waited at the last one) when a look is due. Commits.

    The clock is set forward and not taken away: whoever ends a job meanwhile sets it back again and is not waited for.
    """
    row = db.session.execute(
        _change()
        .where(NoticeClock.look_at <= func.now())
        .values(look_at=func.now() + _LOOK_LEASE)
        .returning(NoticeClock.look_at, NoticeClock.causes)
    ).one_or_none()
    db.session.commit()
    return None if row is None else (row.look_at, dict(row.causes))


def end_look(mark: datetime, causes: dict[str, int]) -> None:
    """Remember what waits now; nothing more is due unless something happened since the look began."""
    db.session.execute(_change().values(causes=causes))
    db.session.execute(_change().where(NoticeClock.look_at == mark).values(look_at=None))


def digest_at() -> datetime | None:
    """When the next digest is due."""
    return db.session.scalar(select(NoticeClock.digest_at).where(NoticeClock.store_id == current_store_id()))


def move_digest(was: datetime | None, next_at: datetime) -> bool:
    """Set the next digest; False when another worker did so a moment ago."""
    same = NoticeClock.digest_at.is_(None) if was is None else NoticeClock.digest_at == was
    moved = db.session.scalar(_change().where(same).values(digest_at=next_at).returning(NoticeClock.store_id))
    return moved is not None


def wind() -> None:
    """Set the clock to what is due next, and let it ring again. Commits."""
    next_mail = (
        select(func.min(NoticeCopy.mail_at))
        .where(NoticeCopy.store_id == current_store_id(), NoticeCopy.mail.in_(("planned", "sending")))
        .scalar_subquery()
    )
    due = func.least(NoticeClock.look_at, NoticeClock.digest_at, next_mail)
    db.session.execute(_change().values(rung_at=None, next_at=due))
    db.session.commit()


def _change() -> Any:
    return (
        update(NoticeClock)
        .where(NoticeClock.store_id == current_store_id())
        .execution_options(synchronize_session=False)
    )
