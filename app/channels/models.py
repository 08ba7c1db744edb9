"""A channel is one connected account; its marketplaces are the places inside it where orders are made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Identity, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.tenancy.models import StoreOwned


class Channel(StoreOwned, Base):
    """One connected account: credentials, settings, status. Removing it keeps the row, for its orders' sake."""

    __tablename__ = "channels"
    __table_args__ = (
        CheckConstraint("status in ('connected', 'paused', 'removed')", name="status"),
        CheckConstraint("auto_sync_minutes between 5 and 1440", name="auto_sync_minutes"),
        CheckConstraint("stock_buffer >= 0", name="stock_buffer"),
        Index("uq_channels_own", "store_id", unique=True, postgresql_where=text("kind = 'own'")),
        Index("uq_channels_gives_orders", "store_id", unique=True, postgresql_where=text("gives_orders")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    account_name: Mapped[str] = mapped_column(server_default="")
    config: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """The connect form's fields that are no secrets."""
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What else its connector is told, and a person chose after it was connected, such as a unit of weights."""
    credentials: Mapped[bytes | None]
    """The secret fields as encrypted JSON; opened only by `app.sealing`."""
    status: Mapped[str] = mapped_column(server_default="connected")
    paused_reason: Mapped[str] = mapped_column(server_default="")
    """A reason code of the error that paused it, or '' when a person did."""
    owners_told_at: Mapped[datetime | None]
    """When the store's people were told that an error paused it (`app.notices.looking`)."""
    takes_products: Mapped[bool] = mapped_column(server_default="true")
    """Whether what it sells is read from it."""
    takes_orders: Mapped[bool] = mapped_column(server_default="true")
    """Whether its orders are read from it."""
    gives_orders: Mapped[bool] = mapped_column(server_default="false")
    """Whether orders that are made here are made there too; of a store's channels at most one."""
    takes_stock: Mapped[bool] = mapped_column(server_default="false")
    """Whether it counts the stock: what its branches count becomes what our warehouses of them hold."""
    takes_prices: Mapped[bool] = mapped_column(server_default="false")
    """Whether its prices become those of the items that its listings mean."""
    next_refresh_at: Mapped[datetime | None]
    """When everything that changed is next read by the clock; None where that is not done."""
    start_at: Mapped[datetime]
    """Orders made before this moment are listed, never imported."""
    auto_sync: Mapped[bool] = mapped_column(server_default="false")
    auto_sync_minutes: Mapped[int] = mapped_column(server_default="30")
    next_sync_at: Mapped[datetime | None]
    next_verify_at: Mapped[datetime | None]
    """When its orders are next held against the books by the clock, at night."""
    checked_at: Mapped[datetime | None]
    """Up to this moment every order is in: the start of the last check that read everything it set out to."""
    swept_at: Mapped[datetime | None]
    """The same for the last check that read again from `start_at` on."""
    stock_location_id: Mapped[int | None]
    """The warehouse whose stock the channel is told; None: it is told none."""
    stock_buffer: Mapped[int] = mapped_column(server_default="0")
    """Pieces of each item that are kept back from it."""
    stock_seq: Mapped[int] = mapped_column(server_default="0")
    """Up to this number of `stock_levels.changed_seq` it was told every change."""
    stock_unsettled: Mapped[bool] = mapped_column(server_default="false")
    """Whether orders that came while it took no stock of ours are still to be settled."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Webhook(StoreOwned, Base):
    """What a channel was told to call when an order is made or changes. Its address and secret are new each time."""

    __tablename__ = "webhooks"
    __table_args__ = (ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),)

    channel_id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of what stands in the address; the address itself is known to the channel alone."""
    secret: Mapped[bytes]
    """What the channel signs with, encrypted; opened only by `app.sealing`."""
    remote_id: Mapped[str] = mapped_column(server_default="")
    """Their id for it; '' until the channel has said that it will call."""
    registered_at: Mapped[datetime | None]
    last_received_at: Mapped[datetime | None]
    """When it called last, to a few seconds."""


class Marketplace(StoreOwned, Base):
    """A place inside a channel where orders are made, as the channel names it."""

    __tablename__ = "marketplaces"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "channel_id"], ["channels.store_id", "channels.id"]),
        ForeignKeyConstraint(["store_id", "location_id"], ["locations.store_id", "locations.id"]),
        UniqueConstraint("store_id", "channel_id", "remote_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    channel_id: Mapped[int]
    remote_id: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    location_id: Mapped[int | None]
    """The warehouse of ours that stands for it, where it is a branch that counts stock."""
