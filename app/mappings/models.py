"""Mappings translate a channel's words into the store's books: gateway → payment method, marketplace → salesperson."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class PaymentMethod(StoreOwned, Base):
    """How money arrives in the store's books. The default one (Cash) stands in for unmapped gateways."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index("uq_payment_methods_default", "store_id", unique=True, postgresql_where=text("is_default")),
        Index("uq_payment_methods_name", "store_id", text("lower(name)"), unique=True),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    is_default: Mapped[bool] = mapped_column(server_default="false")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Salesperson(StoreOwned, Base):
    """Somebody in charge of sales; need not be a person who signs in."""

    __tablename__ = "salespeople"
    __table_args__ = (Index("uq_salespeople_name", "store_id", text("lower(name)"), unique=True),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PaymentMapping(StoreOwned, Base):
    """One gateway of one channel and the payment method it means; none yet while `payment_method_id` is empty.

    `gateway_key` is the gateway trimmed and case-folded, for matching; `gateway` is what the channel wrote.
    `version` counts the saves, and is stamped on each invoice that used it.
    """

    __tablename__ = "payment_mappings"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "payment_method_id"], ["payment_methods.store_id", "payment_methods.id"]),
        UniqueConstraint("store_id", "channel_id", "gateway_key"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    gateway_key: Mapped[str]
    gateway: Mapped[str]
    payment_method_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="0")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SalespersonMapping(StoreOwned, Base):
    """One marketplace and the salesperson in charge of it, if any; `version` as in PaymentMapping."""

    __tablename__ = "salesperson_mappings"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
        ForeignKeyConstraint(["store_id", "salesperson_id"], ["salespeople.store_id", "salespeople.id"]),
    )

    marketplace_id: Mapped[int] = mapped_column(primary_key=True)
    salesperson_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="0")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime | None]
