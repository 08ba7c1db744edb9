"""What channels called out by themselves, kept until somebody has looked at the orders and listings that it names.

A call is a hint and never a truth: it says what to read, and what is read is its present state. So one that
comes twice, late, or before an older one does no harm, and one that is lost is made up for by the next check.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

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
    is_new = [_keep(channel_id, part, body) for part in _parts(announcement)]
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
    return any(is_new)


def _parts(announcement: Announcement) -> list[Announcement]:
    """One that names orders and listings is kept as two, for each is looked at by itself."""
    if not announcement.order_ids or not announcement.product_ids:
        return [announcement]
    listings = replace(announcement, key=f"{announcement.key}/products", order_ids=())
    return [replace(announcement, product_ids=()), listings]


def _keep(channel_id: int, part: Announcement, body: bytes) -> bool:
    values = {
        "store_id": current_store_id(),
        "channel_id": channel_id,
        "key": part.key,
        "topic": part.topic,
        "order_ids": list(part.order_ids),
        "product_ids": list(part.product_ids),
        "body": body[:KEPT_BODY],
        "worked_at": None if part.order_ids or part.product_ids else func.now(),
    }
    made = insert(WebhookDelivery).values(values)
    kept = made.on_conflict_do_update(
        index_elements=["store_id", "channel_id", "key"],
        set_={"worked_at": made.excluded.worked_at, "received_at": func.now()},
        where=WebhookDelivery.worked_at.is_not(None),
    )
    return db.session.scalar(kept.returning(WebhookDelivery.id)) is not None


def has_announced(channel_id: int) -> bool:
    """Whether there is a call that nobody has looked at."""
    return db.session.scalar(select(WebhookDelivery.id).where(*_open(channel_id)).limit(1)) is not None


def count_announced(channel_id: int) -> int:
    """How many orders were announced that nobody has looked at; one is counted as often as it was announced."""
    return _count(channel_id, WebhookDelivery.order_ids)


def count_announced_products(channel_id: int) -> int:
    """The same of listings."""
    return _count(channel_id, WebhookDelivery.product_ids)


def next_calls(channel_id: int, limit: int) -> News:
    """The oldest calls that name at most `limit` different orders together, or one that names more by itself."""
    return _next(channel_id, WebhookDelivery.order_ids, limit)


def next_product_calls(channel_id: int, limit: int) -> News:
    """The same of listings; the ids are theirs."""
    return _next(channel_id, WebhookDelivery.product_ids, limit)


def _count(channel_id: int, ids: InstrumentedAttribute[list[str]]) -> int:
    named = func.coalesce(func.sum(func.cardinality(ids)), 0)
    return int(db.session.scalar(select(named).where(*_open(channel_id))) or 0)


def _next(channel_id: int, ids: InstrumentedAttribute[list[str]], limit: int) -> News:
    rows = db.session.execute(
        select(WebhookDelivery.id, ids.label("named"))
        .where(*_open(channel_id), ids != [])
        .order_by(WebhookDelivery.id)
        .limit(limit)
    )
    taken: list[int] = []
    named: list[str] = []
    for row in rows:
        if taken and len({*named, *row.named}) > limit:
            break
        taken.append(row.id)
        named += row.named
    return News(tuple(named), tuple(taken), is_last=False)


def mark_worked(channel_id: int, calls: News) -> None:
    """Note that what these calls name was looked at, in the caller's transaction."""
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
