"""What runs (SyncJob), what shall happen outside (Change) and where to resume (Checkpoint)."""

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

OPEN: Final = "state in ('planned', 'sending')"
"""The changes still to be made. Text and no parameters, so that every plan knows that the index of it will do."""
LEFT: Final = "state = 'dropped' and reason is not null"
"""The changes that a person gave up; one that a newer number of its order replaced has no reason."""
WRITE_BACK: Final = "write_back"
"""The kind of a change that writes an invoice's number to its order's channel."""
MOVE: Final = "move"
"""The kind of a change that says on the channel where an order stands (`app.sync.moving`)."""
ORDER: Final = "order"
"""The kind of a change that lets a channel have an order of ours as it stands (`OrderCopy`)."""


class SyncJob(StoreOwned, Base):
    """One run for one channel. A worker holds it by a lease and writes under its fencing number.

    At most one job of a kind waits or runs per channel, and at most one job of any kind runs per channel:
    both are unique indexes, so no press, race or restart can get round them.
    """

    __tablename__ = "sync_jobs"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        Index(
            "uq_sync_jobs_active_kind",
            "store_id",
            "channel_id",
            "kind",
            unique=True,
            postgresql_where=text("state in ('queued', 'running')"),
        ),
        Index(
            "uq_sync_jobs_running",
            "store_id",
            "channel_id",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_sync_jobs_recent", "store_id", "id"),
        Index("ix_sync_jobs_channel", "store_id", "channel_id", "id"),
        Index("ix_sync_jobs_active", "state", postgresql_where=text("state in ('queued', 'running')")),
        CheckConstraint(
            "kind in ('check', 'sync', 'auto', 'write_back', 'retry', 'verify', 'mend', 'products', 'announced', "
            "'stock', 'refresh')",
            name="kind",
        ),
        CheckConstraint("state in ('queued', 'running', 'succeeded', 'partly', 'failed', 'cancelled')", name="state"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    phase: Mapped[str] = mapped_column(server_default="")
    cursor: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Where the phase goes on; moves in the same transaction as the rows it stands for."""
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    """`done` of `total` things of this phase; None while the total is unknown."""
    counts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    not_before: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    phase_started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    """Failures in a row, for backing off; back to 0 with each page that worked."""
    cancel_requested_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    problem_detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class Change(StoreOwnedByParent, Base):
    """One intended effect on a channel, written in the transaction that wants it. `key` makes it repeatable."""

    __tablename__ = "changes"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"]),
        ForeignKeyConstraint(["store_id", "invoice_id"], ["invoices.store_id", "invoices.id"]),
        UniqueConstraint("store_id", "channel_id", "key"),
        Index("ix_changes_order", "store_id", "order_id"),
        Index(
            "ix_changes_open",
            "store_id",
            "channel_id",
            "id",
            postgresql_where=text(OPEN),
        ),
        Index("ix_changes_left", "store_id", "id", postgresql_where=text(LEFT)),
        Index("ix_changes_blocked", "store_id", "channel_id", postgresql_where=text("state = 'blocked'")),
        CheckConstraint("state in ('planned', 'sending', 'done', 'blocked', 'dropped')", name="state"),
        CheckConstraint("kind in ('write_back', 'move', 'order')", name="kind"),
        CheckConstraint("(kind = 'write_back') = (invoice_id is not null)", name="invoice"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    kind: Mapped[str]
    key: Mapped[str]
    order_id: Mapped[int]
    invoice_id: Mapped[int | None]
    """The invoice whose number is written; None of any other kind."""
    remote_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="planned")
    fence: Mapped[int | None]
    """Marks the hold on a job that claimed it (`app.sync.lease.Run.claim_mark`)."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime | None]
    reason: Mapped[str | None]
    reason_detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    planned_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class OrderCopy(StoreOwned, Base):
    """An order of ours that a channel has, or is to have. `mark` is kept with it there, so that it is known again.

    `remote_id` and `number` are theirs, '' until they are known. `tried_at` is when it was first sent.
    """

    __tablename__ = "order_copies"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.id"]),
        UniqueConstraint("store_id", "channel_id", "mark"),
        Index(
            "uq_order_copies_remote",
            "store_id",
            "channel_id",
            "remote_id",
            unique=True,
            postgresql_where=text("remote_id <> ''"),
        ),
        Index("ix_order_copies_number", "store_id", "number", postgresql_where=text("number <> ''")),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str]
    remote_id: Mapped[str] = mapped_column(server_default="")
    number: Mapped[str] = mapped_column(server_default="")
    tried_at: Mapped[datetime | None]
    told_digest: Mapped[str] = mapped_column(server_default="")
    """What it was last told of the order (`RemoteOrder.digest`)."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Checkpoint(StoreOwned, Base):
    """Up to where one stream of a channel has been read completely."""

    __tablename__ = "checkpoints"
    __table_args__ = (ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),)

    channel_id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    through_at: Mapped[datetime]


class WebhookDelivery(StoreOwnedByParent, Base):
    """A call that a channel made by itself, kept as it came. It says which orders to look at, and nothing else."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "channel_id"], ["webhooks.store_id", "webhooks.channel_id"], ondelete="CASCADE"
        ),
        UniqueConstraint("store_id", "channel_id", "key"),
        Index("ix_webhook_deliveries_open", "store_id", "channel_id", "id", postgresql_where=text("worked_at is null")),
        Index("ix_webhook_deliveries_received", "received_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    key: Mapped[str]
    """The same when a call comes twice."""
    topic: Mapped[str]
    order_ids: Mapped[list[str]] = mapped_column(ARRAY(String))
    product_ids: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")
    body: Mapped[bytes]
    """The raw body, cut where it is very long."""
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    worked_at: Mapped[datetime | None]


class Heartbeat(Base):
    """When a part of the installation that has no address last said that it lives."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]
