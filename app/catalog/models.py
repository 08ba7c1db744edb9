"""What a store sells (items) and the places that hold stock (locations; pages call them warehouses)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned

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
        CheckConstraint("price >= 0", name="price"),
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
    price: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    version: Mapped[int] = mapped_column(server_default="1")
    archived_at: Mapped[datetime | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
