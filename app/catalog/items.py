"""Items: what a store sells. Each SKU is one item, whatever its case.

These functions write and do not commit: what a change means for listings and orders is written in the same transaction
(`app.orders.linking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.bulk import insert_rows, update_rows
from app.catalog.models import Item, Product
from app.catalog.turns import item_holds_stock, take_turns
from app.core.matching import barcode_key, loose_key, name_key, sku_key
from app.extensions import db
from app.tenancy.scope import current_store_id

_COLUMNS = (
    "store_id",
    "sku",
    "sku_key",
    "loose_key",
    "barcode",
    "barcode_key",
    "name",
    "variant",
    "name_key",
    "tracking",
    "kit",
    "product_id",
    "options",
    "weight_grams",
    "picture_url",
    "price",
    "currency",
    "changed_by",
)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of an item. `price` is in minor units of `currency`, None when there is none.

    `product` is the name of what it is a variant of, and `options` are the names and values that make it that variant.
    """

    sku: str
    barcode: str = ""
    name: str = ""
    variant: str = ""
    price: int | None = None
    currency: str = "MYR"
    tracking: str = "none"
    kit: bool = False
    product: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    weight_grams: int | None = None
    picture_url: str = ""


class NoSuchItem(LookupError):
    """The store has no such item, or it was archived where one in use is needed."""


class SkuTaken(Exception):
    """Another item has this SKU already; `is_archived` tells that it is out of sight."""

    def __init__(self, item_id: int, *, is_archived: bool) -> None:
        super().__init__()
        self.item_id, self.is_archived = item_id, is_archived


class HoldsStock(Exception):
    """The item cannot become a kit while warehouses hold or have promised pieces of it."""


class ItemChanged(Exception):
    """Somebody else saved the item meanwhile; `version` is theirs."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version


def add_item(facts: ItemFacts, user_id: int) -> int:
    """Add an item; SkuTaken."""
    made = add_items([facts], user_id)
    if not made:
        raise _taken(facts.sku)
    return made[sku_key(facts.sku)]


def add_items(many: Sequence[ItemFacts], user_id: int) -> dict[str, int]:
    """Add those whose SKU no item has yet: `sku_key` → id of what was made. One statement, three with products."""
    store_id, products = current_store_id(), product_ids(many)
    rows = [{"store_id": store_id, "changed_by": user_id, **_row(facts, products)} for facts in many]
    conflict = "on conflict (store_id, sku_key) do nothing"
    made = insert_rows(Item, _COLUMNS, rows, returning=("id", "sku_key"), on_conflict=conflict)
    return {row.sku_key: row.id for row in made}


def save_item(item_id: int, facts: ItemFacts, version: int, user_id: int) -> Item:
    """Change an item; NoSuchItem, SkuTaken, HoldsStock, ItemChanged when `version` is not the one that the person saw.

    Whether there is stock is decided in one's turn: pieces that come in at the same moment find the kit, or are found.
    """
    if facts.kit:
        take_turns()
    item = locked_item(item_id)
    if item.version != version:
        raise ItemChanged(item.version)
    if facts.kit and not item.kit and item_holds_stock(item_id):
        raise HoldsStock
    products = product_ids([facts])
    try:
        with db.session.begin_nested():
            for name, value in _row(facts, products).items():
                setattr(item, name, value)
            item.version, item.changed_by, item.changed_at = version + 1, user_id, func.now()
    except IntegrityError:
        raise _taken(facts.sku) from None
    return item


def save_items(many: Sequence[tuple[int, int, ItemFacts]], user_id: int) -> None:
    """Change many items at once, each with the version that it has: (id, version, facts). Three statements at most.

    Whoever calls this holds the items' locks, so that the versions are right, and changes no SKU.
    """
    store_id, products = current_store_id(), product_ids([facts for _id, _version, facts in many])
    saved = {"store_id": store_id, "changed_by": user_id, "changed_at": datetime.now(UTC)}
    rows = [
        {"id": item_id, "version": version + 1, **saved, **_row(facts, products)} for item_id, version, facts in many
    ]
    columns = (*(name for name in _COLUMNS if name != "store_id"), "version", "changed_at")
    update_rows(Item, ("store_id", "id"), columns, rows)


def archive_item(item_id: int, user_id: int, *, archived: bool) -> Item:
    """Offer an item no longer, or again. NoSuchItem. That no listing means it is for the caller to see to."""
    item = locked_item(item_id)
    if (item.archived_at is not None) != archived:
        item.archived_at = func.now() if archived else None
        item.version, item.changed_by, item.changed_at = item.version + 1, user_id, func.now()
    db.session.flush()
    return item


def locked_item(item_id: int) -> Item:
    """The item, locked until the transaction ends; NoSuchItem."""
    query = select(Item).where(Item.store_id == current_store_id(), Item.id == item_id)
    item = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if item is None:
        raise NoSuchItem(item_id)
    return item


def require_items(item_ids: Sequence[int]) -> None:
    """NoSuchItem for the first of these that is none, or was archived. One statement."""
    wanted = set(item_ids)
    query = select(Item.id).where(Item.store_id == current_store_id(), Item.id.in_(wanted), Item.archived_at.is_(None))
    missing = wanted - set(db.session.scalars(query)) if wanted else set()
    if missing:
        raise NoSuchItem(min(missing))


def product_ids(many: Sequence[ItemFacts]) -> dict[str, int]:
    """The products that these are variants of, made where they are missing: `sku_key` of the name → id.

    A product gets the names of all options that its items were given. Two statements, none without products.
    """
    names = {sku_key(facts.product): facts.product for facts in many if facts.product}
    if not names:
        return {}
    store_id = current_store_id()
    query = select(Product.name_key, Product.options).where(
        Product.store_id == store_id, Product.name_key.in_(sorted(names))
    )
    options = {row.name_key: dict.fromkeys(row.options) for row in db.session.execute(query)}
    for facts in many:
        if facts.product:
            options.setdefault(sku_key(facts.product), {}).update(dict.fromkeys(facts.options))
    rows = [
        {"store_id": store_id, "name": names[key], "name_key": key, "options": list(options[key])}
        for key in sorted(names)
    ]
    columns = ("store_id", "name", "name_key", "options")
    conflict = "on conflict (store_id, name_key) do update set options = excluded.options"
    made = insert_rows(Product, columns, rows, returning=("id", "name_key"), on_conflict=conflict)
    return {row.name_key: row.id for row in made}


def _row(facts: ItemFacts, products: Mapping[str, int]) -> Mapping[str, Any]:
    row = asdict(facts)
    product = row.pop("product")
    return {
        **row,
        "product_id": products[sku_key(product)] if product else None,
        "sku_key": sku_key(facts.sku),
        "loose_key": loose_key(facts.sku),
        "barcode_key": barcode_key(facts.barcode),
        "name_key": name_key(facts.name, facts.variant),
    }


def _taken(sku: str) -> SkuTaken:
    query = select(Item.id, Item.archived_at).where(Item.store_id == current_store_id(), Item.sku_key == sku_key(sku))
    row = db.session.execute(query).one()
    return SkuTaken(row.id, is_archived=row.archived_at is not None)
