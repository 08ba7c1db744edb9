"""Opening the connection behind a channel, and telling whose account it is.

An order is booked once because it is stored once per channel. So one account must not be connected twice to a
store, and a channel that was removed comes back as itself when its account is connected again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flask import current_app
from flask_babel import gettext as _
from redis import Redis

from app import connectors
from app.channels.allowance import SharedReads, Spent, Use, spent
from app.channels.models import Channel
from app.channels.tokens import SharedTokens
from app.connectors.base import Capability, ConfigField, Connector, ConnectorOptions
from app.core.errors import AuthRejected
from app.core.types import ChannelFacts
from app.extensions import db, shared_memory
from app.sealing import BrokenSeal, open_sealed
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of system that can be connected, for pages."""

    kind: str
    label: str
    description: str
    fields: tuple[ConfigField, ...]
    capabilities: frozenset[Capability]
    connects_by_itself: bool = False
    asks_weight_unit: bool = False

    @property
    def lists_orders(self) -> bool:
        """Whether its orders are read from it; those of a kind without are stored here as they are made."""
        return Capability.ORDERS in self.capabilities

    @property
    def tells_news(self) -> bool:
        """Whether its new orders come in without a check, because it says by itself which they are."""
        return Capability.NEWS in self.capabilities

    @property
    def lists_products(self) -> bool:
        """Whether it tells what it sells."""
        return Capability.PRODUCTS in self.capabilities

    @property
    def has_branches(self) -> bool:
        """Whether its marketplaces are branches, each with a stock of its own."""
        return Capability.BRANCHES in self.capabilities

    @property
    def takes_orders_of_ours(self) -> bool:
        """Whether orders that are made here can be made there too."""
        return Capability.ORDER_CREATION in self.capabilities

    @property
    def announces(self) -> bool:
        """Whether it can call us when something happens there."""
        return Capability.WEBHOOKS in self.capabilities

    @property
    def is_set_up(self) -> bool:
        """Whether a person says what flows which way before anything does (`app.channels.setup`)."""
        return self.has_branches or self.takes_orders_of_ours

    @property
    def secret_names(self) -> frozenset[str]:
        """The fields that are stored encrypted and never shown again."""
        return frozenset(field.name for field in self.fields if field.secret)


def kinds() -> list[Kind]:
    """Every kind that a person can connect, in the order of the registry."""
    return [kind_of(name) for name, connector in connectors.REGISTRY.items() if not connector.connects_by_itself]


def kind_of(name: str) -> Kind:
    """The kind of that name; KeyError when there is none."""
    found = connectors.REGISTRY[name]
    return Kind(
        kind=found.kind,
        label=str(found.label),
        description=str(found.description),
        fields=found.config_fields,
        capabilities=found.capabilities,
        connects_by_itself=found.connects_by_itself,
        asks_weight_unit=found.asks_weight_unit,
    )


def kinds_made_here() -> list[str]:
    """The kinds whose orders are made here: there is nothing to read, to ask for or to hold against ours."""
    return [name for name, connector in connectors.REGISTRY.items() if Capability.ORDERS not in connector.capabilities]


def test_connection(kind: str, config: Mapping[str, str]) -> ChannelFacts:
    """Prove that these settings work and say whose account it is; stores nothing, raises ChannelError.

    The session's transaction ends first: a slow channel must not keep a database connection and its locks.
    """
    db.session.rollback()
    connector = connectors.connect(kind, config, _options())
    try:
        return connector.check()
    finally:
        connector.close()


def open_connector(channel: Channel, told: Mapping[str, str] | None = None, *, use: Use = Use.ORDERS) -> Connector:
    """The connector of a stored channel; does no I/O. AuthRejected when its key is gone or cannot be read.

    It is told the channel's options as well, and `told` are such that hold this once. What it reads counts as `use`.
    """
    config = full_config(channel)
    options = {name: value for name, value in channel.options.items() if isinstance(value, str)}
    shared = replace(
        _options(),
        tokens=SharedTokens(_memory(), channel.store_id, channel.id, config),
        reads=_reads(channel, use),
    )
    return connectors.connect(channel.kind, {**config, **options, **(told or {})}, shared)


def reads_spent(kind: str, channel_id: int) -> Spent | None:
    """What was read of a channel of the store in the last hour, for pages; None where nothing limits it."""
    limit = connectors.REGISTRY[kind].reads_an_hour
    return None if limit is None else spent(_memory(), current_store_id(), channel_id, limit)


def full_config(channel: Channel) -> dict[str, str]:
    """The connect form's values, secrets included."""
    if channel.credentials is None:
        raise AuthRejected(_("This channel has no key any more. Reconnect it."))
    try:
        secrets = open_sealed(channel.credentials)
    except BrokenSeal as error:
        raise AuthRejected(
            _("The key of this channel cannot be read any more. Reconnect it."), detail=str(error)
        ) from None
    return {**{name: str(value) for name, value in channel.config.items()}, **secrets}


def same_address(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two connect forms name the same place, however it was typed."""
    return {name: _plain(value) for name, value in one.items()} == {
        name: _plain(value) for name, value in other.items()
    }


def same_account(known: Iterable[str], facts: ChannelFacts) -> bool:
    """Whether an account may be the one whose marketplaces we know: it shows one of them, or we know none."""
    known = set(known)
    return not known or not facts.marketplaces or any(place.remote_id in known for place in facts.marketplaces)


def _plain(value: object) -> str:
    text = str(value).strip().casefold()
    return text.partition("://")[2].rstrip("/") if "://" in text else text.rstrip("/")


def _reads(channel: Channel, use: Use) -> SharedReads | None:
    limit = connectors.REGISTRY[channel.kind].reads_an_hour
    return None if limit is None else SharedReads(_memory(), channel.store_id, channel.id, limit, use)


def _memory() -> Redis:
    return shared_memory(current_app.extensions["settings"].redis_url)


def _options() -> ConnectorOptions:
    return ConnectorOptions(
        allow_sandboxes=current_app.extensions["settings"].allow_sandboxes, peer=current_app.extensions["peer"]
    )
