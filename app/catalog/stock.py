"""The ledger of stock, and the levels that it adds up to. This file alone writes either.

Moves of one store take turns, from the first statement here until their transaction ends. So two who want the last
piece do not both get it, nobody waits for each other in a ring, and `changed_seq` is drawn in the order of commits:
a reader who went on from a number would else miss what was drawn before it and committed after. Who holds other locks
takes this one last, and commits soon after.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select

from app.bulk import each_of, insert_rows
from app.catalog.items import NoSuchItem
from app.catalog.models import Item, StockLevel, StockMovement
from app.catalog.turns import take_turns
from app.core.stock import Level, Movement, Short, level_after
from app.extensions import db
from app.tenancy.scope import current_store_id

_LEDGER: Final = (
    *("store_id", "item_id", "location_id", "kind", "on_hand_change", "reserved_change", "on_hand_after"),
    *("reserved_after", "reason", "words", "user_id", "order_id", "order_sku", "key"),
)
_REPLACE: Final = """
on conflict (store_id, item_id, location_id) do update set
    on_hand = excluded.on_hand,
    reserved = excluded.reserved,
    version = stock_levels.version + 1,
    changed_seq = case
        when stock_levels.on_hand - stock_levels.reserved = excluded.on_hand - excluded.reserved
        then stock_levels.changed_seq else excluded.changed_seq end"""

Place = tuple[int, int]
"""An item and a location, by their ids."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement and the level after it. `is_new` is false where its key had been used: nothing changed then."""

    movement: Movement
    level: Level
    is_new: bool


class Oversold(Exception):
    """There are too few pieces of the item: `level` is what its warehouse holds. Nothing of the call was written."""

    def __init__(self, movement: Movement, sku: str, level: Level) -> None:
        super().__init__(f"{sku}: {level.available} available")
        self.movement, self.sku, self.level = movement, sku, level


class KitHoldsNoStock(Exception):
    """The item is a kit; what it is put together from is what can be moved."""

    def __init__(self, item_id: int, sku: str) -> None:
        super().__init__(sku)
        self.item_id, self.sku = item_id, sku


def move(movements: Sequence[Movement]) -> list[Moved]:
    """Write these movements in their order, and the levels they lead to: all of them or, on an error, none.

    Six statements for any number of them; the caller commits. NoSuchItem, KitHoldsNoStock, Oversold: all before
    anything is written, so the transaction can go on without these movements. One that changes nothing is written only
    when it has a key.
    """
    if not movements:
        return []
    take_turns()
    told = _told({one.key for one in movements if one.key is not None})
    items = _items({one.item_id for one in movements})
    levels = levels_of(items)
    moved, rows = [], []
    for one in movements:
        if one.key is not None and one.key in told:
            moved.append(Moved(one, told[one.key], is_new=False))
            continue
        place = (one.item_id, one.location_id)
        old = levels.get(place, Level())
        new = levels[place] = _after(old, one, items)
        moved.append(Moved(one, new, is_new=True))
        if one.key is not None:
            told[one.key] = new
        if new != old or one.key is not None:
            rows.append(_row(one, old, new))
    insert_rows(StockMovement, _LEDGER, rows)
    _store({(row["item_id"], row["location_id"]): levels[row["item_id"], row["location_id"]] for row in rows})
    return moved


def levels_of(item_ids: Collection[int]) -> dict[Place, Level]:
    """The levels of these items in all warehouses that ever held them. One statement."""
    columns: tuple[Any, ...] = (StockLevel.item_id, StockLevel.location_id, StockLevel.on_hand, StockLevel.reserved)
    within = {StockLevel.store_id: current_store_id()}
    rows = db.session.execute(each_of(select(*columns), StockLevel.item_id, item_ids, within=within))
    return {(row.item_id, row.location_id): Level(row.on_hand, row.reserved) for row in rows}


def _after(old: Level, movement: Movement, items: Mapping[int, Row[Any]]) -> Level:
    item = items.get(movement.item_id)
    if item is None:
        raise NoSuchItem(movement.item_id)
    if item.kit:
        raise KitHoldsNoStock(item.id, item.sku)
    try:
        return level_after(old, movement)
    except Short:
        raise Oversold(movement, item.sku, old) from None


def _told(keys: Collection[str]) -> dict[str, Level]:
    """Which of these keys were used, and the levels after that."""
    if not keys:
        return {}
    columns: tuple[Any, ...] = (StockMovement.key, StockMovement.on_hand_after, StockMovement.reserved_after)
    within = {StockMovement.store_id: current_store_id()}
    rows = db.session.execute(each_of(select(*columns), StockMovement.key, keys, within=within))
    return {row.key: Level(row.on_hand_after, row.reserved_after) for row in rows}


def _items(item_ids: Collection[int]) -> dict[int, Row[Any]]:
    columns: tuple[Any, ...] = (Item.id, Item.sku, Item.kit)
    rows = db.session.execute(each_of(select(*columns), Item.id, item_ids, within={Item.store_id: current_store_id()}))
    return {row.id: row for row in rows}


def _row(movement: Movement, old: Level, new: Level) -> dict[str, Any]:
    return {
        "store_id": current_store_id(),
        "item_id": movement.item_id,
        "location_id": movement.location_id,
        "kind": movement.kind,
        "on_hand_change": new.on_hand - old.on_hand,
        "reserved_change": new.reserved - old.reserved,
        "on_hand_after": new.on_hand,
        "reserved_after": new.reserved,
        "reason": movement.reason,
        "words": movement.words,
        "user_id": movement.user_id,
        "order_id": movement.order_id,
        "order_sku": movement.order_sku,
        "key": movement.key,
    }


def _store(levels: Mapping[Place, Level]) -> None:
    store_id = current_store_id()
    rows = [
        {"store_id": store_id, "item_id": item, "location_id": place, "on_hand": at.on_hand, "reserved": at.reserved}
        for (item, place), at in levels.items()
    ]
    columns = ("store_id", "item_id", "location_id", "on_hand", "reserved")
    insert_rows(StockLevel, columns, rows, on_conflict=_REPLACE)
