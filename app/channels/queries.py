"""Channels and their marketplaces as plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Row, Select, bindparam, func, select

from app.channels.connecting import kind_of
from app.channels.models import Channel, Marketplace
from app.extensions import db
from app.planning import read
from app.sealing import sealed_at
from app.tenancy.scope import THIS_STORE, current_store_id

LINK_SUSPENDED: Final = "LINK_SUSPENDED"
"""Why a channel rests that stands for another store: no key mends it, and it goes on by itself."""
_MADE: Final = frozenset({"key_set_at", "is_set_up"})
"""What a ChannelRow says that no column does."""


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel without its secrets. `key_set_at` is when its key was stored, None when it cannot be read.

    Until `is_set_up` nothing is read from it: somebody has to say first what flows which way.
    """

    id: int
    kind: str
    name: str
    account_name: str
    config: dict[str, str]
    key_set_at: datetime | None
    status: str
    paused_reason: str
    start_at: datetime
    auto_sync: bool
    auto_sync_minutes: int
    next_sync_at: datetime | None
    checked_at: datetime | None
    swept_at: datetime | None
    created_at: datetime
    options: dict[str, str]
    takes_products: bool
    takes_orders: bool
    gives_orders: bool
    takes_stock: bool
    takes_prices: bool
    next_refresh_at: datetime | None
    is_set_up: bool

    @property
    def next_run_at(self) -> datetime | None:
        """When Auto Sync looks at it next; None where it does not."""
        return self.next_sync_at if self.status == "connected" and self.auto_sync else None

    @property
    def needs_reconnecting(self) -> bool:
        """Whether only a new key lets it go on: the channel refused the old one, or it cannot be read."""
        return self.key_set_at is None or (self.status == "paused" and self.paused_reason not in ("", LINK_SUSPENDED))


@dataclass(frozen=True, slots=True)
class MarketplaceRow:
    """A place inside a channel where orders are made."""

    id: int
    remote_id: str
    name: str
    kind: str
    currency: str
    location_id: int | None


def channels() -> list[ChannelRow]:
    """The store's channels, removed ones left out, oldest first."""
    return [_row(found) for found in read(_all())]


def channel(channel_id: int) -> ChannelRow | None:
    """One channel of the store; None when there is none or it was removed."""
    found = read(_one(), {"channel": channel_id}).one_or_none()
    return None if found is None else _row(found)


def had_channel() -> bool:
    """Whether the store ever connected a channel, removed ones included."""
    query = select(Channel.id).where(Channel.store_id == current_store_id()).limit(1)
    return db.session.scalar(query) is not None


def marketplaces(channel_id: int) -> list[MarketplaceRow]:
    """The marketplaces of one channel, by name."""
    found = db.session.execute(
        select(
            Marketplace.id,
            Marketplace.remote_id,
            Marketplace.name,
            Marketplace.kind,
            Marketplace.currency,
            Marketplace.location_id,
        )
        .where(Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id)
        .order_by(func.lower(Marketplace.name), Marketplace.id)
    )
    return [MarketplaceRow(*row) for row in found]


@cache
def _all() -> Select[Any]:
    stored = (getattr(Channel, name) for name in ("credentials", *ChannelRow.__dataclass_fields__) if name not in _MADE)
    return select(*stored).where(Channel.store_id == THIS_STORE, Channel.status != "removed").order_by(Channel.id)


@cache
def _one() -> Select[Any]:
    return _all().where(Channel.id == bindparam("channel", type_=BigInteger))


def _row(channel: Row[Any]) -> ChannelRow:
    return ChannelRow(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        account_name=channel.account_name,
        config={name: str(value) for name, value in channel.config.items()},
        key_set_at=sealed_at(channel.credentials) if channel.credentials else None,
        status=channel.status,
        paused_reason=channel.paused_reason,
        start_at=channel.start_at,
        auto_sync=channel.auto_sync,
        auto_sync_minutes=channel.auto_sync_minutes,
        next_sync_at=channel.next_sync_at,
        checked_at=channel.checked_at,
        swept_at=channel.swept_at,
        created_at=channel.created_at,
        options={name: value for name, value in channel.options.items() if isinstance(value, str)},
        takes_products=channel.takes_products,
        takes_orders=channel.takes_orders,
        gives_orders=channel.gives_orders,
        takes_stock=channel.takes_stock,
        takes_prices=channel.takes_prices,
        next_refresh_at=channel.next_refresh_at,
        is_set_up=channel.next_refresh_at is not None or not kind_of(channel.kind).is_set_up,
    )
