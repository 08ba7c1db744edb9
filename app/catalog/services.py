"""Warehouses: the places that hold stock."""

from __future__ import annotations

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.catalog.models import Location, StockLevel
from app.catalog.turns import items_held_at
from app.catalog.turns import take_turns as stock_turns
from app.extensions import db
from app.tenancy.named import (
    InUse,
    IsLast,
    NamedRow,
    add_named,
    archive_named,
    locked_row,
    rename_named,
    restore_named,
    take_turns,
)
from app.tenancy.scope import current_store_id


def warehouse_rows() -> list[NamedRow]:
    """All warehouses of the store by name, archived last; `uses` counts the items that lie there."""
    archived = Location.archived_at.is_not(None)
    held = (
        select(func.count())
        .where(
            StockLevel.store_id == Location.store_id,
            StockLevel.location_id == Location.id,
            or_(StockLevel.on_hand != 0, StockLevel.reserved != 0),
        )
        .correlate(Location)
        .scalar_subquery()
    )
    found = db.session.execute(
        select(Location.id, Location.name, archived, held)
        .where(Location.store_id == current_store_id())
        .order_by(archived, func.lower(Location.name))
    )
    return [NamedRow(row.id, row.name, row[2], uses=row[3]) for row in found]


def add_warehouse(name: str) -> int:
    """Add a warehouse; NameTaken."""
    return add_named(Location, name)


def warehouse_of(name: str) -> int:
    """The warehouse of that name, made if there is none and offered again if it was archived. Does not commit."""
    made = db.session.scalar(
        insert(Location).values(store_id=current_store_id(), name=name).on_conflict_do_nothing().returning(Location.id)
    )
    if made is not None:
        return int(made)
    known = (Location.store_id == current_store_id()) & (func.lower(Location.name) == func.lower(name))
    offered = update(Location).where(known).values(archived_at=None).execution_options(synchronize_session=False)
    db.session.execute(offered)
    return int(db.session.scalars(select(Location.id).where(known)).one())


def rename_warehouse(location_id: int, name: str) -> None:
    """Rename a warehouse. NoSuchRow, NameTaken."""
    rename_named(Location, location_id, name)


def archive_warehouse(location_id: int) -> None:
    """Offer a warehouse no longer. NoSuchRow; IsLast, because stock must lie somewhere; InUse while some lies there."""
    take_turns()  # two who archive the last two would both find another one left
    stock_turns()  # and what comes in meanwhile would lie where nobody looks
    if locked_row(Location, location_id).archived_at is None:
        active = select(func.count()).where(Location.store_id == current_store_id(), Location.archived_at.is_(None))
        if db.session.scalar(active) == 1:
            raise IsLast
        if held := items_held_at(location_id):
            raise InUse(held)
    archive_named(Location, location_id)


def restore_warehouse(location_id: int) -> None:
    """Offer a warehouse again. NoSuchRow."""
    restore_named(Location, location_id)
