"""A person adjusts stock: by what was counted, or by what came and went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import func, select

from app.catalog.models import Location, StockMovement
from app.catalog.stock import Moved, Place, levels_of, move
from app.catalog.turns import take_turns
from app.core.stock import Level, Movement
from app.extensions import db
from app.tenancy.named import NoSuchRow
from app.tenancy.scope import current_store_id


class StockChanged(Exception):
    """The stock moved after the person looked; `level` is what is there now."""

    def __init__(self, level: Level) -> None:
        super().__init__(level)
        self.level = level


class BelowPromised(Exception):
    """Fewer pieces would be there than are promised to orders, which needs a second word; `level` is what would be."""

    def __init__(self, level: Level) -> None:
        super().__init__(level)
        self.level = level


def newest_movement() -> int:
    """The last movement of the store: what a page shows is as it was after it."""
    query = select(func.max(StockMovement.id)).where(StockMovement.store_id == current_store_id())
    return db.session.scalar(query) or 0


def adjust(wanted: Movement, seen: int, *, confirmed: bool = False) -> Moved:
    """Adjust one level, once for each key, and commit.

    NoSuchItem, NoSuchRow (the warehouse is none, or archived), KitHoldsNoStock; Oversold when there would be fewer than
    no pieces; StockChanged when a new quantity was told and the stock moved after `seen`; BelowPromised when more than
    before would be missing for orders, unless `confirmed`. Nothing is written then.
    """
    take_turns()
    _require_location(wanted.location_id)
    place = (wanted.item_id, wanted.location_id)
    before = levels_of([wanted.item_id]).get(place, Level())
    moved_meanwhile = wanted.on_hand_to is not None and _moved_since(seen, place)
    try:
        (moved,) = move([wanted])
        if moved.is_new and moved_meanwhile:
            raise StockChanged(before)
        if moved.is_new and moved.level.available < min(before.available, 0) and not confirmed:
            raise BelowPromised(moved.level)
    except Exception:
        db.session.rollback()
        raise
    db.session.commit()
    return moved


_NOTICES: Final[list[Callable[[], str | None]]] = []


def tell_adjustments(notice: Callable[[], str | None]) -> None:
    """Let `notice` say, in the store of the page, what becomes of an adjustment; None where there is nothing to say."""
    _NOTICES.append(notice)


def adjustment_notice() -> str | None:
    """What a person who adjusts stock in this store should know, such as that it stays here."""
    return next(filter(None, (notice() for notice in _NOTICES)), None)


def _require_location(location_id: int) -> None:
    query = select(Location.id).where(
        Location.store_id == current_store_id(), Location.id == location_id, Location.archived_at.is_(None)
    )
    if db.session.scalar(query) is None:
        raise NoSuchRow(location_id)


def _moved_since(seen: int, place: Place) -> bool:
    item_id, location_id = place
    query = select(StockMovement.id).where(
        StockMovement.store_id == current_store_id(),
        StockMovement.item_id == item_id,
        StockMovement.location_id == location_id,
        StockMovement.id > seen,
    )
    return db.session.scalar(query.limit(1)) is not None
