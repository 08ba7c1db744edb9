"""How orders leave the house: what was last said of each, and the packages they leave in.

An order without package rows is one package that holds all of it; rows come to be when it is split, combined or sent.
Packages are about goods alone: an invoice is always made of the order, never of a package.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwnedByParent


class FulfilmentRow(StoreOwnedByParent, Base):
    """Where an order's fulfilment stands; no row is as good as one of version 0.

    `version` rises by one with every change of the order's status or packages where it was made; a store that reads
    the order over a link keeps the number as it read it.
    """

    __tablename__ = "fulfilments"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
        CheckConstraint("moved_by in ('here', 'there')", name="moved_by"),
        Index("ix_fulfilments_conflict", "store_id", "order_id", postgresql_where=text("conflict is not null")),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default="0")
    moved_at: Mapped[datetime | None]
    moved_by: Mapped[str | None]
    """Which side of a link said it: the store whose order it is, or the other."""
    person: Mapped[str] = mapped_column(server_default="")
    """Who said it, by name; '' when a program did."""
    conflict: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """A move that lost against another, until the next move or until somebody has read it."""
    may_move: Mapped[bool] = mapped_column(server_default="false")
    """Whether this store may say where an order stands that it reads over a link."""
    heard: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The last move that the other store of a link asked for, by its key, and what it was answered."""


class PackageRow(StoreOwnedByParent, Base):
    """A parcel; one of several orders when it has lines of more than one."""

    __tablename__ = "packages"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        UniqueConstraint("store_id", "channel_id", "number"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    number: Mapped[str]
    courier: Mapped[str] = mapped_column(server_default="")
    tracking_number: Mapped[str] = mapped_column(server_default="")
    shipped_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PackageLineRow(StoreOwnedByParent, Base):
    """How much of one line of an order is in a package.

    It names the line by its number alone, because an order's lines are replaced as a whole whenever it changes.
    """

    __tablename__ = "package_lines"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "package_id"], ["packages.store_id", "packages.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_package_lines_order", "store_id", "order_id"),
    )

    package_id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4))
