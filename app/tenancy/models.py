"""A store is the tenant: one merchant's business, the owner of all its rows."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Identity, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base


class StoreOwned:
    """A row that belongs to one store. `store_id` leads its primary key, and row-level security guards it."""

    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True, sort_order=-2)


class StoreOwnedByParent(StoreOwned):
    """A row that is of the store because the row it hangs on is: `store_id` leads its foreign key, which is never null.

    Such rows come by the thousands, and to look the store itself up for each of them once more would say nothing new.
    """

    store_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-2)


class Store(Base):
    """One merchant's business, with the settings that decide how its books are kept."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint("invoice_date_rule in ('created', 'paid', 'shipped')", name="invoice_date_rule"),
        CheckConstraint("unmapped_gateway in ('cash', 'hold')", name="unmapped_gateway"),
        CheckConstraint("auto_delivery_order in ('none', 'on_save', 'on_delivery')", name="auto_delivery_order"),
        CheckConstraint("unlinked_items in ('book', 'hold')", name="unlinked_items"),
        CheckConstraint("plan in ('starter', 'growth', 'premium', 'enterprise')", name="plan"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3), server_default="MYR")
    time_zone: Mapped[str] = mapped_column(server_default="Asia/Kuala_Lumpur")
    language: Mapped[str] = mapped_column(server_default="en")
    plan: Mapped[str] = mapped_column(server_default="starter")
    invoice_date_rule: Mapped[str] = mapped_column(server_default="created")
    invoice_currencies: Mapped[list[str]] = mapped_column(ARRAY(String(3)), server_default="{}")
    """Further currencies, besides the store's own, in which orders may be invoiced."""
    unmapped_gateway: Mapped[str] = mapped_column(server_default="cash")
    auto_delivery_order: Mapped[str] = mapped_column(server_default="none")
    unlinked_items: Mapped[str] = mapped_column(server_default="book")
    """Whether an order with a SKU that means no item of ours is booked by its own words, or held."""
    auto_credit: Mapped[bool] = mapped_column(server_default="false")
    """Whether what a channel cancels, returns or refunds after invoicing is credited at once."""
    closed_through: Mapped[date | None] = mapped_column(Date)
    """The last day of the closed books: no invoice and no credit note is dated on it or before."""
    seller_details: Mapped[str] = mapped_column(server_default="")
    """What invoices print below the store's name: registration and tax numbers, address, a line each."""
    requires_two_step: Mapped[bool] = mapped_column(server_default="false")
    """Whether only members get in who sign in with a code as well."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
