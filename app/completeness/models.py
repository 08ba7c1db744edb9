"""What a verification read, counted and found: channel against books, day by day and order by order.

Days are days of the store's zone, amounts integers in the currency's minor unit. What was found is kept as it was
found: nothing here is edited but the note that a deviation was asked for or has gone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Identity, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class Verification(StoreOwned, Base):
    """One reading of a channel by the second road. Without `finished_at` it is on its way, or was given up.

    `until_at` is the moment up to which its orders were compared: the end of the last day, or the last check if that
    was before, for what is newer is only on its way.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "job_id"], ["sync_jobs.store_id", "sync_jobs.id"]),
        Index("uq_verifications_job", "store_id", "job_id", unique=True),
        Index("ix_verifications_channel", "store_id", "channel_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    job_id: Mapped[int]
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date] = mapped_column(Date)
    time_zone: Mapped[str]
    """The store's zone at the time: it cut the days."""
    by_update: Mapped[bool] = mapped_column(server_default="true")
    """Whether the channel was also asked what changed; otherwise only what was made."""
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    until_at: Mapped[datetime | None]
    orders: Mapped[int] = mapped_column(server_default="0")
    """Orders of these days on the channel."""
    older: Mapped[int] = mapped_column(server_default="0")
    """Orders of other days that were compared too, because they changed meanwhile or stand at the edge."""
    newer: Mapped[int] = mapped_column(server_default="0")
    """Orders that came or changed after the last check: the next one fetches them."""
    short: Mapped[int] = mapped_column(server_default="0")
    """How many orders the channel counted and did not list."""
    missing: Mapped[int] = mapped_column(server_default="0")
    extra: Mapped[int] = mapped_column(server_default="0")
    differing: Mapped[int] = mapped_column(server_default="0")


class VerificationDay(StoreOwned, Base):
    """One day in one currency: what the channel has, what is here, and how they differ.

    `difference` is the channel's total less ours; `invoice_difference` what the invoices should say less what they do.
    """

    __tablename__ = "verification_days"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "verification_id"], ["verifications.store_id", "verifications.id"]),
    )

    verification_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    remote_orders: Mapped[int]
    remote_total: Mapped[int]
    remote_paid: Mapped[int]
    orders: Mapped[int]
    total: Mapped[int]
    invoiced: Mapped[int]
    """The sum of the live invoices of the day's orders, less what was credited."""
    missing: Mapped[int]
    extra: Mapped[int]
    differing: Mapped[int]
    difference: Mapped[int]
    invoice_difference: Mapped[int]
    not_invoiced: Mapped[dict[str, Any]]
    """Paid orders without an invoice: how many, by reason or state."""


class Deviation(StoreOwned, Base):
    """One order that the channel and the books do not say the same of.

    `remote` and `local` are what each says: number, total, currency, statuses, refunded, invoice. `order_id` is ours,
    None when we do not have it.
    """

    __tablename__ = "deviations"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "verification_id"], ["verifications.store_id", "verifications.id"]),
        ForeignKeyConstraint(["store_id", "marketplace_id"], ["marketplaces.store_id", "marketplaces.id"]),
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"]),
        Index("ix_deviations_verification", "store_id", "verification_id", "id"),
        Index("ix_deviations_open", "store_id", "channel_id", "remote_id", postgresql_where=text("mended_at is null")),
        CheckConstraint(
            "kind in ('missing', 'extra', 'unreadable', 'currency', 'total', 'status', 'payment', 'invoice')",
            name="kind",
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    verification_id: Mapped[int]
    channel_id: Mapped[int]
    kind: Mapped[str]
    day: Mapped[date | None] = mapped_column(Date)
    marketplace_id: Mapped[int]
    remote_id: Mapped[str]
    number: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    difference: Mapped[int]
    remote: Mapped[dict[str, Any]]
    local: Mapped[dict[str, Any]]
    order_id: Mapped[int | None]
    asked_at: Mapped[datetime | None]
    """When a person pressed *Mend*; a job of kind `mend` reads the order again and takes the mark away."""
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    tried_at: Mapped[datetime | None]
    """When it was read again and still differed."""
    mended_at: Mapped[datetime | None]
    """When a later reading found both sides saying the same."""


class VerificationRead(StoreOwned, Base):
    """What the channel said of one order during a verification; gone when it ends."""

    __tablename__ = "verification_reads"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "verification_id"], ["verifications.store_id", "verifications.id"]),
        CheckConstraint("found in ('read', 'unreadable', 'absent')", name="found"),
    )

    verification_id: Mapped[int] = mapped_column(primary_key=True)
    remote_id: Mapped[str] = mapped_column(primary_key=True)
    marketplace_id: Mapped[int]
    found: Mapped[str]
    number: Mapped[str]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    status: Mapped[str]
    payment_status: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[int]
    refunded: Mapped[int]
    read_at: Mapped[datetime]
    """Before the channel was asked: what changed here since then may be newer than what it said."""
