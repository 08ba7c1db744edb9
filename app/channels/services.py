"""What can be done to a channel: connect, reconnect, pause, resume, set up, remove. Each verb owns its commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.channels.connecting import (
    full_config,
    kind_of,
    open_connector,
    same_account,
    same_address,
    test_connection,
)
from app.channels.models import Channel, Marketplace
from app.core.completeness import next_quiet_moment
from app.core.types import ChannelFacts
from app.extensions import db
from app.sealing import seal
from app.tenancy.models import Store
from app.tenancy.scope import current_store, current_store_id

__all__ = [
    "AlreadyConnected",
    "NoSuchChannel",
    "OtherAccount",
    "change_settings",
    "connect_channel",
    "first_day_of_year",
    "keep_back",
    "open_connector",
    "pause",
    "pause_by_error",
    "reconnect",
    "refresh_marketplaces",
    "remove",
    "resume",
    "set_auto_sync",
    "start_of",
    "store_marketplaces",
    "tell_stock_of",
    "test_connection",
]

UnmappedGateway = Literal["cash", "hold"]


class NoSuchChannel(LookupError):
    """The store has no such channel, or it was removed."""


class AlreadyConnected(Exception):
    """The account is connected to this store already, as `channel_id`."""

    def __init__(self, channel_id: int, name: str) -> None:
        super().__init__(name)
        self.channel_id, self.name = channel_id, name


class OtherAccount(Exception):
    """The new key opens another account than the channel's orders came from."""

    def __init__(self, account_name: str) -> None:
        super().__init__(account_name)
        self.account_name = account_name


@dataclass(frozen=True, slots=True)
class NewChannel:
    """What the add-channel steps found out. `unmapped_gateway` None leaves the store's rule as it is."""

    kind: str
    config: Mapping[str, str]
    name: str
    start_on: date
    unmapped_gateway: UnmappedGateway | None = None


def connect_channel(new: NewChannel) -> int:
    """Test the connection once more, then store the channel and its marketplaces; returns the channel's id.

    An account whose channel was removed gets that channel back, so that its booked orders are known and not booked
    again. Raises ChannelError when the test fails and AlreadyConnected; nothing is stored then.
    """
    facts = test_connection(new.kind, new.config)
    public, sealed = _split(new.kind, new.config)
    # Two presses of Connect at once: the second waits here and then finds the channel of the first.
    store = db.session.execute(
        select(Store).where(Store.id == current_store_id()).with_for_update(key_share=True)
    ).scalar_one()
    channel = _channel_of_account(new.kind, public, facts)
    if channel is not None and channel.status != "removed":
        raise AlreadyConnected(channel.id, channel.name)
    if channel is None:
        channel = Channel(store_id=store.id, kind=new.kind)
        db.session.add(channel)
    channel.name, channel.account_name = new.name, facts.account_name
    channel.config, channel.credentials = public, sealed
    channel.status, channel.paused_reason = "connected", ""
    channel.start_at, channel.swept_at = start_of(new.start_on, store.time_zone), None
    if kind_of(new.kind).is_set_up:
        _stop_all_flows(channel)
    if new.unmapped_gateway is not None:
        store.unmapped_gateway = new.unmapped_gateway
    db.session.flush()
    channel_id = channel.id
    # Not in the first hours, in which everything is read for the first time anyway.
    first_night = datetime.now(UTC) + timedelta(hours=12)
    channel.next_verify_at = next_quiet_moment(first_night, store.time_zone, channel_id)
    store_marketplaces(channel_id, facts)
    db.session.commit()
    return channel_id


def reconnect(channel_id: int, config: Mapping[str, str]) -> None:
    """Replace the key (and address) once the new one was tested, and let a paused channel go on.

    Raises ChannelError when the test fails, and OtherAccount; the old key stays then.
    """
    kind = _channel(channel_id).kind
    facts = test_connection(kind, config)
    channel = _channel(channel_id, lock=True)
    if not same_account(_known_marketplaces(channel_id), facts):
        raise OtherAccount(facts.account_name)
    channel.config, channel.credentials = _split(kind, config)
    channel.account_name = facts.account_name
    _set_going(channel)
    store_marketplaces(channel_id, facts)
    db.session.commit()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The ids of the marketplaces that a channel tells of now, and how many of them are new to us."""

    listed: frozenset[str]
    new: int


def refresh_marketplaces(channel_id: int) -> Refreshed:
    """Read the channel's marketplaces again. Raises ChannelError."""
    channel = _channel(channel_id)
    facts = test_connection(channel.kind, full_config(channel))
    _channel(channel_id, lock=True)
    known = _known_marketplaces(channel_id)
    store_marketplaces(channel_id, facts)
    db.session.commit()
    listed = frozenset(place.remote_id for place in facts.marketplaces)
    return Refreshed(listed, sum(remote_id not in known for remote_id in listed))


def change_settings(channel_id: int, *, name: str, start_on: date) -> None:
    """Rename the channel and say from which day on its orders are wanted; an earlier day makes Auto Sync read all.

    Does not commit: `app.orders.following.change_channel` judges the orders anew in the same transaction.
    """
    channel = _channel(channel_id, lock=True)
    start_at = start_of(start_on, current_store().time_zone)
    if start_at < channel.start_at:
        channel.swept_at = None
    channel.name, channel.start_at = name, start_at
    db.session.flush()


def set_auto_sync(channel_id: int, *, on: bool, minutes: int) -> None:
    """Switch Auto Sync; its first run is one interval from now, so that a wrong press can be taken back."""
    channel = _channel(channel_id, lock=True)
    channel.auto_sync, channel.auto_sync_minutes = on, minutes
    channel.next_sync_at = datetime.now(UTC) + timedelta(minutes=minutes) if on else None
    db.session.commit()


def tell_stock_of(channel_id: int, location_id: int | None) -> None:
    """From now on the channel is told the stock of this warehouse, all of it at first, and its orders take out of it;
    of none, it is told nothing."""
    channel = _channel(channel_id, lock=True)
    channel.stock_location_id, channel.stock_seq = location_id, 0
    channel.stock_unsettled = location_id is not None
    db.session.commit()


def keep_back(channel_id: int, pieces: int) -> None:
    """From now on so many pieces of each item are kept back from the channel. What it may offer is told anew."""
    channel = _channel(channel_id, lock=True)
    if channel.stock_buffer != pieces:
        channel.stock_buffer, channel.stock_seq = pieces, 0
    db.session.commit()


def pause(channel_id: int) -> None:
    """A person stops the channel: nothing is read from it or written to it until it is resumed."""
    channel = _channel(channel_id, lock=True)
    if channel.status == "connected":
        channel.status, channel.paused_reason = "paused", ""
    db.session.commit()


def pause_by_error(channel_id: int, reason: str, *, told: bool = False) -> None:
    """The channel does not let us in (`reason` is the error's code): stop until somebody reconnects it.

    The store's people are told, unless whoever knows the reason has `told` them.
    """
    channel = _channel(channel_id, lock=True)
    if channel.status == "connected":
        channel.status, channel.paused_reason = "paused", reason
        channel.owners_told_at = datetime.now(UTC) if told else None
    db.session.commit()


def resume(channel_id: int) -> None:
    """Let a paused channel go on. After an error its key is tried first; ChannelError leaves it paused."""
    channel = _channel(channel_id)
    if channel.status == "paused" and channel.paused_reason:
        test_connection(channel.kind, full_config(channel))
    _set_going(_channel(channel_id, lock=True))
    db.session.commit()


def remove(channel_id: int) -> None:
    """Forget the key and stop; orders and invoices stay, and so does the row that they belong to."""
    channel = _channel(channel_id, lock=True)
    channel.status, channel.paused_reason, channel.credentials = "removed", "", None
    channel.auto_sync, channel.next_sync_at = False, None
    if kind_of(channel.kind).is_set_up:
        _stop_all_flows(channel)
    db.session.commit()


def start_of(day: date, time_zone: str) -> datetime:
    """The moment at which a day begins in the store's time zone."""
    return datetime.combine(day, time.min, ZoneInfo(time_zone)).astimezone(UTC)


def first_day_of_year(now: datetime, time_zone: str) -> date:
    """1 January of the year that it is in the store's time zone."""
    return date(now.astimezone(ZoneInfo(time_zone)).year, 1, 1)


def _channel(channel_id: int, *, lock: bool = False) -> Channel:
    query = select(Channel).where(
        Channel.store_id == current_store_id(), Channel.id == channel_id, Channel.status != "removed"
    )
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    channel = db.session.execute(query).scalar_one_or_none()
    if channel is None:
        raise NoSuchChannel(channel_id)
    return channel


def _set_going(channel: Channel) -> None:
    if channel.status == "paused" and channel.auto_sync:
        channel.next_sync_at = datetime.now(UTC)
    channel.status, channel.paused_reason = "connected", ""


def _stop_all_flows(channel: Channel) -> None:
    """Nothing flows either way before somebody has said what shall (`app.channels.setup`)."""
    channel.takes_products = channel.takes_orders = channel.gives_orders = False
    channel.takes_stock = channel.takes_prices = False
    channel.next_refresh_at = None


def _split(kind: str, config: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """The connect form's values as they are stored: the open ones, and the sealed ones."""
    secret = kind_of(kind).secret_names
    public = {name: value for name, value in config.items() if name not in secret}
    return public, seal({name: value for name, value in config.items() if name in secret})


def _channel_of_account(kind: str, public: Mapping[str, str], facts: ChannelFacts) -> Channel | None:
    """The channel, removed ones included, that stands for this account; a living one before a removed one."""
    found = db.session.scalars(
        select(Channel)
        .where(Channel.store_id == current_store_id(), Channel.kind == kind)
        .order_by(Channel.status == "removed", Channel.id.desc())
    )
    for channel in found:
        if same_address(channel.config, public) and same_account(_known_marketplaces(channel.id), facts):
            return channel
    return None


def _known_marketplaces(channel_id: int) -> set[str]:
    return set(
        db.session.scalars(
            select(Marketplace.remote_id).where(
                Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id
            )
        )
    )


def store_marketplaces(channel_id: int, facts: ChannelFacts) -> None:
    """Add new marketplaces and follow renamed ones; one that disappeared stays, for its orders' sake."""
    if not facts.marketplaces:
        return
    rows = [
        {
            "store_id": current_store_id(),
            "channel_id": channel_id,
            "remote_id": place.remote_id,
            "name": place.name,
            "kind": place.kind,
            "currency": place.currency,
        }
        for place in {place.remote_id: place for place in facts.marketplaces}.values()
    ]
    statement = insert(Marketplace).values(rows)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "channel_id", "remote_id"],
            set_={name: statement.excluded[name] for name in ("name", "kind", "currency")},
        )
    )
