"""What the reports read instead of the orders: sums by day, kept by triggers (`app.migrations.reporting`)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import Date, ForeignKeyConstraint, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwnedByParent


class OrderDay(StoreOwnedByParent, Base):
    """The orders that were placed on a day of the store's zone, of one marketplace and in one currency, added up.

    `orders` are those that are not cancelled, and all sums are over them alone; amounts are in minor units. `gross` is
    what they would come to without any discount, so that their totals are gross less `discount`.
    """

    __tablename__ = "order_days"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
    )

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    channel_id: Mapped[int] = mapped_column(primary_key=True)
    marketplace_id: Mapped[int] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    orders: Mapped[int]
    cancelled: Mapped[int]
    units: Mapped[Decimal] = mapped_column(Numeric(24, 4))
    gross: Mapped[int]
    discount: Mapped[int]
    refunded: Mapped[int]
