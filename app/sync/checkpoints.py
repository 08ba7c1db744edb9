"""Up to where the products of a channel were read. These functions write and do not commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.sync.models import Checkpoint
from app.tenancy.scope import current_store_id

STREAM: Final = "products"


def products_through(channel_id: int) -> datetime | None:
    """Up to when everything was read; None where everything is still to be read."""
    return db.session.scalar(select(Checkpoint.through_at).where(*_mine(channel_id)))


def set_products_through(channel_id: int, at: datetime) -> None:
    """Everything was read up to then."""
    row = {"store_id": current_store_id(), "channel_id": channel_id, "stream": STREAM, "through_at": at}
    made = insert(Checkpoint).values(row)
    key = ["store_id", "channel_id", "stream"]
    db.session.execute(made.on_conflict_do_update(index_elements=key, set_={"through_at": made.excluded.through_at}))


def move_products_through(channel_id: int, at: datetime) -> None:
    """What changed up to then was read as well."""
    db.session.execute(update(Checkpoint).where(*_mine(channel_id)).values(through_at=at))


def forget_products_through(channel_id: int) -> None:
    """Let the next reading of the channel's products read everything; one that reads what changed begins anew."""
    db.session.execute(delete(Checkpoint).where(*_mine(channel_id)))


def _mine(channel_id: int) -> tuple[Any, ...]:
    return (
        Checkpoint.store_id == current_store_id(),
        Checkpoint.channel_id == channel_id,
        Checkpoint.stream == STREAM,
    )
