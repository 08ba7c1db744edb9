"""Locations are places that hold stock; pages call them warehouses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class Location(StoreOwned, Base):
    """A warehouse, shop floor or van. Archived rather than deleted, because movements refer to it."""

    __tablename__ = "locations"
    __table_args__ = (Index("uq_locations_name", "store_id", text("lower(name)"), unique=True),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    address: Mapped[str] = mapped_column(server_default="")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
