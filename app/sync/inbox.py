"""What channels called out by themselves, kept until somebody has looked at the orders that it names.

A call is a hint and never a truth: it says which orders to read, and what is read is their present state. So one that
comes twice, late, or before an older one does no harm, and one that is lost is made up for by the next check.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.channels.models import Webhook
from app.core.types import Announcement, News
from app.extensions import db
from app.sync.models import WebhookDelivery
from app.tenancy import doors
from app.tenancy.scope import current_store_id, store_scope

KEPT_BODY: Final = 64 * 1024
KEPT_DAYS: Final = 7
TOUCH_EVERY: Final = timedelta(seconds=5)
"""When a call came last is written at most this often: many calls at once should not wait for one row."""


def keep_delivery(channel_id: int, announcement: Announcement, body: bytes) -> bool:
    """Keep a call, in the caller's transaction; False when the same one waits to be looked at already.

    One that comes again after that is looked at again: where a channel gives its calls no ids, two of them that say
    the same may speak of two changes.
    """
    values = {
        "store_id": current_store_id(),
        "channel_id": channel_id,
        "key": announcement.key,
        "topic": announcement.topic,
        "order_ids": list(announcement.order_ids),
        "body": body[:KEPT_BODY],
        "worked_at": None if announcement.order_ids else func.now(),
    }
    made = insert(WebhookDelivery).values(values)
    kept = made.on_conflict_do_update(
        index_elements=["store_id", "channel_id", "key"],
        set_={"worked_at": made.excluded.worked_at, "received_at": func.now()},
        where=WebhookDelivery.worked_at.is_not(None),
    )
    is_new = db.session.scalar(kept.returning(WebhookDelivery.id)) is not None
    db.session.execute(
        update(Webhook)
        .where(
            Webhook.store_id == current_store_id(),
            Webhook.channel_id == channel_id,
            or_(Webhook.last_received_at.is_(None), Webhook.last_received_at < func.now() - TOUCH_EVERY),
        )
        .values(last_received_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return is_new


def has_announced(channel_id: int) -> bool:
    """Whether there is a call that nobody has looked at."""
    return db.session.scalar(select(WebhookDelivery.id).where(*_open(channel_id)).limit(1)) is not None


def count_announced(channel_id: int) -> int:
    """How many orders were announced that nobody has looked at; one is counted as often as it was announced."""
    named = func.coalesce(func.sum(func.cardinality(WebhookDelivery.order_ids)), 0)
    return int(db.session.scalar(select(named).where(*_open(channel_id))) or 0)


def next_calls(channel_id: int, limit: int) -> News:
    """The oldest calls that name at most `limit` different orders together, or one that names more by itself."""
    rows = db.session.execute(
        select(WebhookDelivery.id, WebhookDelivery.order_ids)
        .where(*_open(channel_id))
        .order_by(WebhookDelivery.id)
        .limit(limit)
    )
    taken: list[int] = []
    named: list[str] = []
    for row in rows:
        if taken and len({*named, *row.order_ids}) > limit:
            break
        taken.append(row.id)
        named += row.order_ids
    return News(tuple(named), tuple(taken), is_last=False)


def mark_worked(channel_id: int, calls: News) -> None:
    """Note that the orders of these calls were looked at, in the caller's transaction."""
    db.session.execute(
        update(WebhookDelivery)
        .where(*_open(channel_id), WebhookDelivery.id.in_(calls.mark))
        .values(worked_at=func.now())
        .execution_options(synchronize_session=False)
    )


def forget_old_deliveries() -> None:
    """Take away what was called out long ago, looked at or not. Commits; safe to do at any time."""
    old = doors.old_deliveries(KEPT_DAYS)
    db.session.remove()
    for store_id, channel_id in old:
        with store_scope(store_id):
            db.session.execute(
                delete(WebhookDelivery).where(
                    WebhookDelivery.store_id == store_id,
                    WebhookDelivery.channel_id == channel_id,
                    WebhookDelivery.received_at < func.now() - timedelta(days=KEPT_DAYS),
                )
            )
            db.session.commit()


def _open(channel_id: int) -> list[ColumnElement[bool]]:
    return [
        WebhookDelivery.store_id == current_store_id(),
        WebhookDelivery.channel_id == channel_id,
        WebhookDelivery.worked_at.is_(None),
    ]
