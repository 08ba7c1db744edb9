"""Letting go of what was told long ago."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func

from app.core.calling import KEPT_DAYS
from app.extensions import db
from app.hooks.models import HookMessage
from app.notices.models import Notice
from app.tenancy import doors
from app.tenancy.scope import store_scope

KEPT_NOTICES = timedelta(days=3 * KEPT_DAYS)


def forget_old_told() -> None:
    """Delete what endpoints were told a month ago, tries included, and notices of three months ago. Commits."""
    stores = doors.old_told(KEPT_DAYS)
    db.session.remove()
    for store_id in stores:
        with store_scope(store_id):
            old_messages = HookMessage.created_at < func.now() - timedelta(days=KEPT_DAYS)
            db.session.execute(delete(HookMessage).where(HookMessage.store_id == store_id, old_messages))
            db.session.execute(delete(Notice).where(Notice.store_id == store_id, Notice.at < func.now() - KEPT_NOTICES))
            db.session.commit()
