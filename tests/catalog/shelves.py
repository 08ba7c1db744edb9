"""Moves stock of one store as the application does, and reads back what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from app.catalog.models import Location, StockLevel, StockMovement
from app.catalog.services import add_warehouse
from app.catalog.stock import Moved, move
from app.core.stock import Kind, Level, Movement
from app.extensions import db
from tests.orders.factories import Books


class Shelves:
    """`shelves.put(item, 5)` receives five pieces; `shelves.level(item)` is what is there now."""

    def __init__(self, books: Books) -> None:
        self.books = books
        with books.scope():
            self.main: int = db.session.scalars(select(Location.id).order_by(Location.id)).all()[0]

    def warehouse(self, name: str) -> int:
        """One more warehouse."""
        with self.books.scope():
            return add_warehouse(name)

    def put(self, item_id: int, pieces: int, location_id: int | None = None) -> None:
        """So many pieces arrive."""
        self.move(Movement(item_id, location_id or self.main, Kind.RECEIVE, on_hand=pieces))

    def move(self, *movements: Movement) -> list[Moved]:
        """Move and commit."""
        with self.books.scope():
            moved = move(movements)
            db.session.commit()
            return moved

    def level(self, item_id: int, location_id: int | None = None) -> Level:
        """What is there."""
        with self.books.scope():
            row = db.session.get(StockLevel, (self.books.store.id, item_id, location_id or self.main))
            return Level(row.on_hand, row.reserved) if row else Level()

    def sums(self) -> dict[tuple[int, int], Level]:
        """What the ledger adds up to."""
        columns: tuple[Any, ...] = (
            *(StockMovement.item_id, StockMovement.location_id),
            *(func.sum(StockMovement.on_hand_change), func.sum(StockMovement.reserved_change)),
        )
        query = select(*columns).group_by(StockMovement.item_id, StockMovement.location_id)
        with self.books.scope():
            return {(row[0], row[1]): Level(int(row[2]), int(row[3])) for row in db.session.execute(query)}

    def levels(self) -> dict[tuple[int, int], Level]:
        """What the levels say, those left out that never held anything."""
        with self.books.scope():
            rows = db.session.scalars(select(StockLevel)).all()
            return {(row.item_id, row.location_id): Level(row.on_hand, row.reserved) for row in rows}

    def ledger(self) -> Sequence[StockMovement]:
        """All movements, oldest first."""
        with self.books.scope():
            rows = db.session.scalars(select(StockMovement).order_by(StockMovement.id)).all()
            db.session.expunge_all()
            return rows
