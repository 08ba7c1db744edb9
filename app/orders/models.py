"""Orders as the channels gave them, the ledger of every order id ever seen, and the journal of what happened.

Amounts are integers in the currency's minor unit. Times of the channel are kept as instants.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned, StoreOwnedByParent

STILL_OPEN: Final = (
    "state in ('waiting', 'ready', 'queued', 'held') "
    "or (state = 'booked' and status not in ('completed', 'cancelled', 'returned'))"
)
"""The orders that may still change. Text and no parameters, so that every plan knows that the index of it will do."""
IGNORED: Final = "reason = 'IGNORED' or ignored_alert is not null"
"""The orders that a person left out, or whose alert a person left as it is; text for the same reason."""
IGNORED_UNREAD: Final = "reason = 'IGNORED'"
"""The same among those that could not be read."""
NUMBERED: Final = "number <> ''"
"""The listed ids of which the ledger knows what people call them."""


class SeenOrder(StoreOwnedByParent, Base):
    """An order id that a channel listed, from the moment it was first seen, whatever became of it.

    `digest` is the list row's; as long as it stays the same the details need not be read again.
    """

    __tablename__ = "seen_orders"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        Index("ix_seen_orders_listed", "store_id", "channel_id", postgresql_where=text("state = 'listed'")),
        Index("ix_seen_orders_unreadable", "store_id", "channel_id", postgresql_where=text("state = 'unreadable'")),
        Index(
            "ix_seen_orders_wanted",
            "store_id",
            "channel_id",
            "remote_id",
            postgresql_where=text("wanted_at is not null"),
        ),
        Index("ix_seen_orders_ignored", "store_id", "channel_id", "remote_id", postgresql_where=text(IGNORED_UNREAD)),
        Index("ix_seen_orders_number", "store_id", "number", postgresql_where=text(NUMBERED)),
    )

    channel_id: Mapped[int] = mapped_column(primary_key=True)
    remote_id: Mapped[str] = mapped_column(primary_key=True)
    marketplace_id: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str | None]
    digest: Mapped[str | None]
    remote_created_at: Mapped[datetime | None]
    number: Mapped[str] = mapped_column(server_default="")
    """What people there call it, kept where it is told and there is no order of ours that knows it."""
    raw: Mapped[dict[str, Any] | None]
    """What the channel sent, kept only when it could not be read; of what was put aside, which order it belongs to."""
    wanted_at: Mapped[datetime | None]
    """When a person asked that it be read again; a job of kind `retry` reads it and takes the mark away."""
    wanted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @hybrid_property
    def called(self) -> str:
        """What to call it on a page."""
        return self.number or self.remote_id

    @called.inplace.expression
    @classmethod
    def _called(cls) -> ColumnElement[str]:
        return func.coalesce(func.nullif(cls.number, ""), cls.remote_id)


class Order(StoreOwnedByParent, Base):
    """A buyer's request, as the channel gave it, and where it stands on its way into the books."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
        UniqueConstraint("store_id", "channel_id", "remote_id"),
        Index("ix_orders_placed", "store_id", "placed_at", "id"),
        Index("ix_orders_state", "store_id", "state", "placed_at", "id"),
        # The channel stands behind others here: where a store is thought to be small, PostgreSQL takes any index that
        # begins with store and channel for as good as that of their orders' ids, and would read all there is of them.
        Index("ix_orders_channel_state", "store_id", "state", "channel_id", "placed_at", "id"),
        Index("ix_orders_gateway", "store_id", "gateway_key", "channel_id", "state"),
        Index("ix_orders_number", "store_id", "number"),
        Index("ix_orders_open", "store_id", "channel_id", "id", postgresql_where=text(STILL_OPEN)),
        Index("ix_orders_alert", "store_id", "alert", "channel_id", postgresql_where=text("alert is not null")),
        Index("ix_orders_ignored", "store_id", "id", postgresql_where=text(IGNORED)),
        Index("ix_orders_sale", "store_id", "sale_key", postgresql_where=text("sale_key is not null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    marketplace_id: Mapped[int]
    remote_id: Mapped[str]
    number: Mapped[str]
    """The number the buyer knows: the marketplace's own, or the channel's when it has none."""
    order_type: Mapped[str]
    status: Mapped[str]
    status_text: Mapped[str]
    payment_status: Mapped[str]
    payment_status_text: Mapped[str]
    gateway: Mapped[str]
    gateway_key: Mapped[str]
    remote_invoice_no: Mapped[str]
    """The invoice number that stood on the channel when it was last read."""
    currency: Mapped[str] = mapped_column(String(3))
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    remote_updated_at: Mapped[datetime | None]
    buyer: Mapped[dict[str, Any]]
    note: Mapped[str]
    shipping: Mapped[int]
    discount: Mapped[int]
    adjustment: Mapped[int]
    tax: Mapped[int]
    tax_included: Mapped[bool]
    total: Mapped[int]
    refunded: Mapped[int]
    units: Mapped[Decimal] = mapped_column(Numeric(20, 4), server_default="0")
    """How many pieces its lines hold together; reports add it up."""
    line_discount: Mapped[int] = mapped_column(server_default="0")
    """What its lines are discounted by together; `discount` is what the order is besides."""
    digest: Mapped[str]
    content_key: Mapped[str]
    """Identifies its lines and amounts (`app.core.same_sale.content_key`)."""
    booked_content_key: Mapped[str | None]
    """The same as it was when its live invoice was made."""
    credited: Mapped[int] = mapped_column(server_default="0")
    """How much of its live invoice was credited."""
    sale_key: Mapped[str | None]
    """The same as that of another order when both look like one sale (`app.core.same_sale.sale_key`)."""
    not_same_sale: Mapped[bool] = mapped_column(server_default="false")
    """A person said that it is a sale of its own, whatever it looks like."""
    book_on: Mapped[date | None] = mapped_column(Date)
    """The day that a person chose for its invoice, because its own lies in closed books."""
    search: Mapped[str]
    """Everything one may look for, lower-case: numbers, buyer, phone, SKUs."""
    state: Mapped[str]
    reason: Mapped[str | None]
    reason_detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    alert: Mapped[str | None]
    """What the channel says about a booked order that its invoice does not: cancelled, returned, refunded, changed."""
    ignored_alert: Mapped[str | None]
    """The alert that a person chose to leave as it is; another one is told again."""
    state_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Since when it is in this state for this reason; kept by a trigger."""
    queued_at: Mapped[datetime | None]
    queued_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderLine(StoreOwnedByParent, Base):
    """One line of an order, replaced as a whole whenever the order changes."""

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    remote_id: Mapped[str]
    sku: Mapped[str]
    isku: Mapped[str]
    name: Mapped[str]
    variant: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    unit_price: Mapped[int]
    gross: Mapped[int]
    discount: Mapped[int]
    tax: Mapped[int]


class Shortage(StoreOwnedByParent, Base):
    """Pieces that an order should hold of the stock and does not; gone as soon as it holds them, or needs none."""

    __tablename__ = "shortages"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["store_id", "item_id"], ["items.store_id", "items.id"]),
        Index("ix_shortages_item", "store_id", "item_id", postgresql_where=text("item_id is not null")),
        CheckConstraint("missing > 0", name="missing"),
        CheckConstraint("(why = 'oversold') = (item_id is not null)", name="item_id"),
        CheckConstraint("why in ('oversold', 'unlinked')", name="why"),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[int | None]
    """What the SKU means; None where it means no item of ours, or several."""
    missing: Mapped[int]
    why: Mapped[str]
    """A value of `app.core.reserving.Why`."""
    since: Mapped[datetime] = mapped_column(server_default=func.now())


class RawRecord(StoreOwnedByParent, Base):
    """The order exactly as the channel sent it last, for support."""

    __tablename__ = "raw_records"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"], ondelete="CASCADE"),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[dict[str, Any]] = mapped_column(postgresql.JSON)
    """As text: nobody looks for anything in it."""
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class JournalEntry(StoreOwned, Base):
    """What happened, when, and by whom: the line of time of an order, an invoice and a job."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_order", "store_id", "order_id", "id", postgresql_where=text("order_id is not null")),
        Index("ix_journal_job", "store_id", "job_id", "id", postgresql_where=text("job_id is not null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    kind: Mapped[str]
    channel_id: Mapped[int | None]
    job_id: Mapped[int | None]
    order_id: Mapped[int | None]
    invoice_id: Mapped[int | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
