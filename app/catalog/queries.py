"""Items as plain rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, or_, select, tuple_

from app.accounts.models import User
from app.catalog.models import Item
from app.core.matching import sku_key
from app.extensions import db
from app.tenancy.scope import current_store_id
from app.web.pagination import Keyset, Page, page_of

CHOICES: Final = 20
"""How many items a search offers to choose from."""


@dataclass(frozen=True, slots=True)
class ItemChoice:
    """An item that may be chosen."""

    id: int
    sku: str
    barcode: str
    name: str
    variant: str
    is_archived: bool = False

    @property
    def words(self) -> str:
        """How it is named within a sentence."""
        return self.sku if not self.name else f"{self.sku} · {' '.join(filter(None, (self.name, self.variant)))}"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as its list and its page show it; `changed_by` is the name of who saved it last."""

    id: int
    sku: str
    barcode: str
    name: str
    variant: str
    price: int | None
    currency: str
    version: int
    is_archived: bool
    changed_by: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items are wanted; the fields are the parameters of the URL."""

    q: str = ""
    archived: bool = False


def items_page(where: ItemFilter, keyset: Keyset) -> Page[ItemRow]:
    """One page of the items, by SKU. One statement."""
    query = _items().where(Item.archived_at.is_not(None) if where.archived else Item.archived_at.is_(None))
    query = query.where(*_matching(where.q))
    if keyset.cursor is not None:
        place = (Item.sku_key, Item.id)
        at = (str(keyset.cursor.value), keyset.cursor.id)
        beyond = tuple_(*place) < tuple_(*at) if keyset.is_backward else tuple_(*place) > tuple_(*at)
        query = query.where(beyond)
    order = (Item.sku_key.desc(), Item.id.desc()) if keyset.is_backward else (Item.sku_key.asc(), Item.id.asc())
    rows = db.session.execute(query.order_by(*order).limit(keyset.fetch)).all()
    found = [ItemRow(*row) for row in rows]
    return page_of(found, keyset, lambda row: (sku_key(row.sku), row.id))


def item(item_id: int) -> ItemRow | None:
    """One item. One statement."""
    row = db.session.execute(_items().where(Item.id == item_id)).one_or_none()
    return None if row is None else ItemRow(*row)


def has_items() -> bool:
    """Whether the store has any item at all, archived ones too."""
    query = select(Item.id).where(Item.store_id == current_store_id()).limit(1)
    return db.session.scalar(query) is not None


def find_items(words: str) -> list[ItemChoice]:
    """Items in use that a search may mean, the very SKU first. One statement."""
    exact = Item.sku_key == sku_key(words)
    query = _choices().where(Item.archived_at.is_(None), *_matching(words))
    return [ItemChoice(*row) for row in db.session.execute(query.order_by(exact.desc(), Item.sku_key).limit(CHOICES))]


def items_by_id(item_ids: Collection[int]) -> dict[int, ItemChoice]:
    """These items, archived ones too. One statement."""
    if not item_ids:
        return {}
    rows = db.session.execute(_choices().where(Item.id.in_(item_ids)))
    return {row.id: ItemChoice(*row) for row in rows}


def item_ids_by_sku(skus: Collection[str]) -> dict[str, int]:
    """Items in use with exactly these SKUs (keys of `sku_key`), by key. One statement."""
    query = select(Item.sku_key, Item.id).where(
        Item.store_id == current_store_id(), Item.archived_at.is_(None), Item.sku_key.in_(sorted(skus))
    )
    return {row.sku_key: row.id for row in db.session.execute(query)}


def _matching(words: str) -> list[ColumnElement[bool]]:
    """Every word stands in the SKU, the barcode, the name or the variant."""
    return [
        or_(
            Item.sku_key.contains(word, autoescape=True),
            Item.name_key.contains(word, autoescape=True),
            Item.barcode.contains(word, autoescape=True),
        )
        for word in sku_key(words).split()[:8]
    ]


def _choices() -> Select[Any]:
    columns: tuple[Any, ...] = (Item.id, Item.sku, Item.barcode, Item.name, Item.variant, Item.archived_at.is_not(None))
    return select(*columns).where(Item.store_id == current_store_id())


def _items() -> Select[Any]:
    columns: tuple[Any, ...] = (
        *(Item.id, Item.sku, Item.barcode, Item.name, Item.variant, Item.price, Item.currency, Item.version),
        *(Item.archived_at.is_not(None), User.name, Item.changed_at),
    )
    query = select(*columns).outerjoin(User, User.id == Item.changed_by)
    return query.where(Item.store_id == current_store_id())
