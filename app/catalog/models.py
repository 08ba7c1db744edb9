"""What a store sells (items, grouped by products), the places that hold stock (locations; pages call them warehouses),
what lies there and how it came to be so."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned, StoreOwnedByParent

UNLINKABLE: Final = "archived_at is null and (kit or tracking <> 'none')"
"""The items that a sub-store may not hold. Text and no parameters, so that every plan knows that the index will do."""


class Location(StoreOwned, Base):
    """A warehouse, shop floor or van. Archived rather than deleted, because movements refer to it."""

    __tablename__ = "locations"
    __table_args__ = (Index("uq_locations_name", "store_id", text("lower(name)"), unique=True),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    address: Mapped[str] = mapped_column(server_default="")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Product(StoreOwned, Base):
    """What is sold in several variants: the name that its items share, and the names of their options, such as Size."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("store_id", "name_key"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str]
    options: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Item(StoreOwned, Base):
    """One variant, one SKU: what is sold and stocked. Archived rather than deleted, because listings mean it.

    `sku_key`, `loose_key`, `barcode_key` and `name_key` are what `app.core.matching` compares. `price` is in minor
    units of `currency`; None when none is known. `version` counts the saves.
    """

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("store_id", "sku_key"),
        Index("ix_items_loose", "store_id", "loose_key"),
        Index("ix_items_barcode", "store_id", "barcode_key", postgresql_where=text("barcode_key <> ''")),
        Index("ix_items_name", "store_id", "name_key", postgresql_where=text("name_key <> ''")),
        Index("ix_items_unlinkable", "store_id", "id", postgresql_where=text(UNLINKABLE)),
        Index("ix_items_product", "store_id", "product_id", postgresql_where=text("product_id is not null")),
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"]),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("weight_grams >= 0", name="weight_grams"),
        CheckConstraint("tracking in ('none', 'batch', 'serial')", name="tracking"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    sku: Mapped[str]
    sku_key: Mapped[str]
    loose_key: Mapped[str]
    barcode: Mapped[str] = mapped_column(server_default="")
    barcode_key: Mapped[str] = mapped_column(server_default="")
    name: Mapped[str] = mapped_column(server_default="")
    variant: Mapped[str] = mapped_column(server_default="")
    name_key: Mapped[str] = mapped_column(server_default="")
    tracking: Mapped[str] = mapped_column(server_default="none")
    """Whether its pieces are told apart: by batch, by serial number, or not at all."""
    kit: Mapped[bool] = mapped_column(server_default="false")
    """Put together from other items when it is sold; it holds no stock of its own."""
    product_id: Mapped[int | None]
    """The product that it is a variant of; None when it is sold in one form only."""
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What makes it this variant: the name of each option and its value."""
    weight_grams: Mapped[int | None]
    picture_url: Mapped[str] = mapped_column(server_default="")
    price: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    version: Mapped[int] = mapped_column(server_default="1")
    archived_at: Mapped[datetime | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StockLevel(StoreOwnedByParent, Base):
    """What one warehouse holds of one item, in pieces; only `app.catalog.stock` writes it.

    `version` counts the movements that were written together. `changed_seq` grows whenever what is available changes,
    in the order in which a store's transactions commit: who remembers the largest one that was read misses nothing.
    """

    __tablename__ = "stock_levels"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "item_id"], ["items.store_id", "items.id"]),
        ForeignKeyConstraint(["store_id", "location_id"], ["locations.store_id", "locations.id"]),
        Index("ix_stock_levels_changed", "store_id", "changed_seq"),
        CheckConstraint("reserved >= 0", name="reserved"),
    )

    item_id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    changed_seq: Mapped[int] = mapped_column(server_default=text("nextval('stock_changes')"))


class StockMovement(StoreOwnedByParent, Base):
    """One line of the ledger of stock: what changed, why, by whom and for which order. Written once, never changed."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "item_id"], ["items.store_id", "items.id"]),
        ForeignKeyConstraint(["store_id", "location_id"], ["locations.store_id", "locations.id"]),
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"]),
        UniqueConstraint("store_id", "key"),
        Index("ix_stock_movements_item", "store_id", "item_id", "id"),
        Index("ix_stock_movements_order", "store_id", "order_id", postgresql_where=text("order_id is not null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    item_id: Mapped[int]
    location_id: Mapped[int]
    kind: Mapped[str]
    on_hand_change: Mapped[int]
    reserved_change: Mapped[int]
    on_hand_after: Mapped[int]
    reserved_after: Mapped[int]
    reason: Mapped[str] = mapped_column(server_default="")
    words: Mapped[str] = mapped_column(server_default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    order_id: Mapped[int | None]
    order_sku: Mapped[str] = mapped_column(server_default="")
    """What the order names the item by; it may come to mean another item later."""
    key: Mapped[str | None]
    """What makes it repeatable: a second movement with this key changes nothing."""
