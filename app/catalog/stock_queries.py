"""What lies where, as plain rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, String, and_, column, func, or_, select, table

from app.accounts.models import User
from app.catalog.models import Item, Location, StockLevel, StockMovement
from app.core.matching import sku_key
from app.core.stock import Kind
from app.extensions import db
from app.tenancy.scope import current_store, current_store_id
from app.web.pagination import MAX_LIMIT, Cursor, Keyset, Page, page_of

_ORDERS: Final = table("orders", column("store_id", BigInteger), column("id", BigInteger), column("number", String))
"""Orders stand to the right of the catalog; all that is read of one here is what it is called."""
_LATEST: Final = date(9998, 12, 31)
_EARLIEST: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place that holds stock."""

    id: int
    name: str
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Lying:
    """What a warehouse holds of an item."""

    warehouse: Warehouse
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """What can still be promised."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A line of the ledger; `user` and `order_number` are None where nobody, or no order, was behind it."""

    id: int
    at: datetime
    item_id: int
    sku: str
    name: str
    location: str
    kind: str
    reason: str
    words: str
    on_hand_change: int
    reserved_change: int
    on_hand_after: int
    reserved_after: int
    user: str | None
    order_id: int | None
    order_number: str | None

    @property
    def available_after(self) -> int:
        """What could be promised then."""
        return self.on_hand_after - self.reserved_after


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements are wanted; the fields are the parameters of the URL. Days are of the store's zone, inclusive."""

    q: str = ""
    item: int | None = None
    warehouse: int | None = None
    kind: Kind | None = None
    date_from: date | None = None
    date_to: date | None = None


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


def warehouses() -> list[Warehouse]:
    """All warehouses by name, archived ones last. One statement."""
    archived = Location.archived_at.is_not(None)
    rows = db.session.execute(
        select(Location.id, Location.name, archived)
        .where(Location.store_id == current_store_id())
        .order_by(archived, func.lower(Location.name))
    )
    return [Warehouse(*row) for row in rows]


def stock_of_item(item_id: int) -> list[Lying]:
    """What each warehouse holds of the item; archived ones only when they still hold some. Two statements."""
    query = select(StockLevel.location_id, StockLevel.on_hand, StockLevel.reserved).where(
        StockLevel.store_id == current_store_id(), StockLevel.item_id == item_id
    )
    levels = {row.location_id: (row.on_hand, row.reserved) for row in db.session.execute(query)}
    lying = [Lying(place, *levels.get(place.id, (0, 0))) for place in warehouses()]
    return [one for one in lying if not one.warehouse.is_archived or one.on_hand or one.reserved]


def stock_of_items(item_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Pieces on hand by item and warehouse, where there is a level. One statement."""
    query = select(StockLevel.item_id, StockLevel.location_id, StockLevel.on_hand).where(
        StockLevel.store_id == current_store_id(), StockLevel.item_id.in_(sorted(item_ids))
    )
    return {(row.item_id, row.location_id): row.on_hand for row in db.session.execute(query)}


def movements_page(where: MovementFilter, keyset: Keyset) -> Page[MovementRow]:
    """One page of the ledger, newest first. One statement."""
    columns: tuple[Any, ...] = (
        *(StockMovement.id, StockMovement.at, StockMovement.item_id, Item.sku, Item.name, Location.name),
        *(StockMovement.kind, StockMovement.reason, StockMovement.words),
        *(StockMovement.on_hand_change, StockMovement.reserved_change),
        *(StockMovement.on_hand_after, StockMovement.reserved_after),
        *(User.name, StockMovement.order_id, _ORDERS.c.number),
    )
    of_item = and_(Item.store_id == StockMovement.store_id, Item.id == StockMovement.item_id)
    of_place = and_(Location.store_id == StockMovement.store_id, Location.id == StockMovement.location_id)
    of_order = and_(_ORDERS.c.store_id == StockMovement.store_id, _ORDERS.c.id == StockMovement.order_id)
    query = (
        select(*columns)
        .select_from(StockMovement)
        .join(Item, of_item)
        .join(Location, of_place)
        .outerjoin(User, User.id == StockMovement.user_id)
        .outerjoin(_ORDERS, of_order)
        .where(StockMovement.store_id == current_store_id(), *_wanted(where))
    )
    if keyset.cursor is not None:
        at = keyset.cursor.id
        query = query.where(StockMovement.id > at if keyset.is_backward else StockMovement.id < at)
    order = StockMovement.id.asc() if keyset.is_backward else StockMovement.id.desc()
    rows = [MovementRow(*row) for row in db.session.execute(query.order_by(order).limit(keyset.fetch))]
    return page_of(rows, keyset, lambda row: (row.id, row.id))


def all_movements(where: MovementFilter) -> Iterator[MovementRow]:
    """All that match, newest first, a page at a time; each in a transaction of its own, so that none stays open."""
    keyset: Keyset | None = Keyset(limit=MAX_LIMIT)
    while keyset is not None:
        page = movements_page(where, keyset)
        db.session.rollback()
        yield from page.rows
        keyset = Keyset(after=Cursor.decode(page.after), limit=MAX_LIMIT) if page.after else None


def _wanted(where: MovementFilter) -> Iterator[ColumnElement[bool]]:
    for word in sku_key(where.q).split()[:8]:
        yield or_(Item.sku_key.contains(word, autoescape=True), Item.name_key.contains(word, autoescape=True))
    if where.item is not None:
        yield StockMovement.item_id == where.item
    if where.warehouse is not None:
        yield StockMovement.location_id == where.warehouse
    if where.kind is not None:
        yield StockMovement.kind == where.kind
    zone = ZoneInfo(current_store().time_zone)
    if where.date_from is not None:
        yield StockMovement.at >= _midnight(where.date_from, zone)
    if where.date_to is not None:
        yield StockMovement.at < _midnight(min(where.date_to, _LATEST) + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(min(max(day, _EARLIEST), _LATEST + timedelta(days=1)), time(), tzinfo=zone)
