"""What lies where, as plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.catalog.models import StockLevel
from app.extensions import db
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class ChangedLevel:
    """A level of which another quantity is available since `seq`."""

    item_id: int
    location_id: int
    available: int
    seq: int


def changed_since(seq: int, limit: int, location_id: int | None = None) -> list[ChangedLevel]:
    """The levels whose available quantity changed after `seq`, in that order, at most `limit`. One statement.

    Go on with the `seq` of the last one. A level stands here once, as it is now, however often it changed; one that
    changes again while pages are read comes again at the end.
    """
    available = StockLevel.on_hand - StockLevel.reserved
    columns: tuple[Any, ...] = (StockLevel.item_id, StockLevel.location_id, available, StockLevel.changed_seq)
    query = select(*columns).where(StockLevel.store_id == current_store_id(), StockLevel.changed_seq > seq)
    if location_id is not None:
        query = query.where(StockLevel.location_id == location_id)
    rows = db.session.execute(query.order_by(StockLevel.changed_seq).limit(limit))
    return [ChangedLevel(*row) for row in rows]
