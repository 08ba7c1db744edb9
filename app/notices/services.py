"""Marking notices as read."""

from __future__ import annotations

from sqlalchemy import func, update

from app.extensions import db
from app.notices.models import NoticeCopy
from app.tenancy.scope import current_store_id


def mark_read(user_id: int, notice_id: int | None = None) -> int:
    """Mark one notice of a person, or all of them, as read; how many were not. Commits."""
    these = [
        NoticeCopy.store_id == current_store_id(),
        NoticeCopy.user_id == user_id,
        NoticeCopy.in_portal,
        NoticeCopy.read_at.is_(None),
    ]
    if notice_id is not None:
        these.append(NoticeCopy.notice_id == notice_id)
    marked = db.session.execute(
        update(NoticeCopy)
        .where(*these)
        .values(read_at=func.now())
        .returning(NoticeCopy.notice_id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.commit()
    return len(marked)
