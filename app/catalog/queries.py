"""Items as plain rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from app.accounts.models import User
from app.catalog.models import Item, Product, StockLevel
from app.core.matching import sku_key
from app.extensions import db
from app.tenancy.scope import current_store_id
from app.web.pagination import MAX_LIMIT, Cursor, Keyset, Page, page_of

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
    """An item as its list and its page show it; `changed_by` is the name of who saved it last.

    `on_hand` and `reserved` are pieces, of the warehouse that was asked for or of all.
    """

    id: int
    sku: str
    barcode: str
    name: str
    variant: str
    tracking: str
    kit: bool
    product_id: int | None
    product: str
    options: Mapping[str, str]
    weight_grams: int | None
    picture_url: str
    price: int | None
    currency: str
    version: int
    is_archived: bool
    changed_by: str | None
    changed_at: datetime
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """What can still be promised."""
        return self.on_hand - self.reserved


class Which(StrEnum):
    """What may be asked of items besides words."""

    OUT = "out"
    """Nothing is available; kits, which hold nothing ever, are left aside."""
    BATCH = "batch"
    SERIAL = "serial"
    KIT = "kit"


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items are wanted; the fields are the parameters of the URL. `warehouse` asks for what it ever held."""

    q: str = ""
    archived: bool = False
    warehouse: int | None = None
    which: Which | None = None


def items_page(where: ItemFilter, keyset: Keyset) -> Page[ItemRow]:
    """One page of the items, by SKU. One statement."""
    query = _items(where.warehouse).where(*_wanted(where))
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


def all_items(where: ItemFilter, batch: int = MAX_LIMIT) -> Iterator[Sequence[ItemRow]]:
    """All items that match, by SKU, some at a time; each in a transaction of its own, so that none stays open."""
    keyset: Keyset | None = Keyset(limit=batch)
    while keyset is not None:
        page = items_page(where, keyset)
        yield page.rows
        db.session.rollback()
        keyset = Keyset(after=Cursor.decode(page.after), limit=batch) if page.after else None


def variants_of(product_id: int) -> list[ItemChoice]:
    """The items of a product, archived ones last. One statement."""
    query = _choices().where(Item.product_id == product_id).order_by(Item.archived_at.is_not(None), Item.sku_key)
    return [ItemChoice(*row) for row in db.session.execute(query.limit(MAX_LIMIT))]


def product_names() -> Sequence[str]:
    """The first products by name, for the form to offer. One statement."""
    query = select(Product.name).where(Product.store_id == current_store_id())
    return db.session.scalars(query.order_by(Product.name_key).limit(MAX_LIMIT)).all()


def items_by_sku_key(keys: Collection[str]) -> dict[str, ItemRow]:
    """The items with these SKUs, archived ones too, by key. One statement."""
    rows = db.session.execute(_items().add_columns(Item.sku_key).where(Item.sku_key.in_(sorted(keys))))
    return {row.sku_key: ItemRow(*row[:-1]) for row in rows}


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


def _wanted(where: ItemFilter) -> list[ColumnElement[bool]]:
    wanted = [Item.archived_at.is_not(None) if where.archived else Item.archived_at.is_(None), *_matching(where.q)]
    if where.warehouse is not None:
        place = StockLevel.location_id == where.warehouse
        wanted.append(
            exists().where(StockLevel.store_id == Item.store_id, StockLevel.item_id == Item.id, place).correlate(Item)
        )
    match where.which:
        case Which.OUT:
            wanted += [Item.kit.is_(False), _sum(StockLevel.on_hand - StockLevel.reserved, where.warehouse) <= 0]
        case Which.KIT:
            wanted.append(Item.kit.is_(True))
        case Which.BATCH | Which.SERIAL:
            wanted.append(Item.tracking == where.which)
    return wanted


def _sum(pieces: SQLColumnExpression[int], warehouse: int | None) -> ColumnElement[int]:
    """So many pieces of the item, in one warehouse or in all."""
    query = select(cast(func.coalesce(func.sum(pieces), 0), BigInteger)).where(
        StockLevel.store_id == Item.store_id, StockLevel.item_id == Item.id
    )
    if warehouse is not None:
        query = query.where(StockLevel.location_id == warehouse)
    return query.correlate(Item).scalar_subquery()


def _items(warehouse: int | None = None) -> Select[Any]:
    columns: tuple[Any, ...] = (
        *(Item.id, Item.sku, Item.barcode, Item.name, Item.variant, Item.tracking, Item.kit),
        *(Item.product_id, func.coalesce(Product.name, ""), Item.options, Item.weight_grams, Item.picture_url),
        *(Item.price, Item.currency, Item.version, Item.archived_at.is_not(None), User.name, Item.changed_at),
        *(_sum(StockLevel.on_hand, warehouse), _sum(StockLevel.reserved, warehouse)),
    )
    query = (
        select(*columns)
        .select_from(Item)
        .outerjoin(User, User.id == Item.changed_by)
        .outerjoin(Product, and_(Product.store_id == Item.store_id, Product.id == Item.product_id))
    )
    return query.where(Item.store_id == current_store_id())
