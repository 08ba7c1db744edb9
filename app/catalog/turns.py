"""Whose turn it is to move a store's stock, and what may be decided by what is there."""

from __future__ import annotations

from sqlalchemy import Select, func, or_, select

from app.catalog.models import StockLevel
from app.extensions import db
from app.tenancy.scope import current_store_id


def take_turns() -> None:
    """Let one transaction at a time move the store's stock, or decide by it, until it ends."""
    name = func.hashtextextended(f"stock:{current_store_id()}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(name)))


def item_holds_stock(item_id: int) -> bool:
    """Whether any warehouse holds or has promised pieces of the item. It stays so until one's turn ends."""
    return db.session.scalar(_held().where(StockLevel.item_id == item_id).limit(1)) is not None


def items_held_at(location_id: int) -> int:
    """How many items the warehouse holds, or has promised pieces of. It stays so until one's turn ends."""
    held = _held().where(StockLevel.location_id == location_id).subquery()
    return db.session.scalar(select(func.count()).select_from(held)) or 0


def _held() -> Select[int]:
    is_held = or_(StockLevel.on_hand != 0, StockLevel.reserved != 0)
    return select(StockLevel.item_id).where(StockLevel.store_id == current_store_id(), is_held)
