"""A shop's channels, and which of them an order belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.sandbox.sitegiant.orders import BadOrder, Order

_TYPES = (
    ("shopee", "Shopee"),
    ("lazada", "Lazada"),
    ("tiktok", "TikTok"),
    ("landing", "LandingPage"),
    ("facebook", "SocialCommerce"),
    ("instagram", "SocialCommerce"),
    ("live", "SocialCommerce"),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a shop; all its orders are in its one currency, which no order repeats."""

    channel_id: int
    marketplace: str
    name: str
    type: str
    currency: str

    def as_json(self) -> dict[str, Any]:
        """The channel as the channels route sends it."""
        return {"id": self.channel_id, "name": self.name, "type": self.type, "currency": self.currency}


class ChannelBook:
    """The channels known so far; `place` finds an order's channel or makes it, as a JSONL file may leave it out."""

    def __init__(self, known: Iterable[Channel], shop_name: str) -> None:
        self._shop_name = shop_name
        self._by_id = {channel.channel_id: channel for channel in known}
        self._by_marketplace: dict[str, int] = {}
        self._stated: dict[int, str] = {channel_id: found.currency for channel_id, found in self._by_id.items()}
        for channel in self._by_id.values():
            self._by_marketplace.setdefault(_folded(channel.marketplace), channel.channel_id)

    def place(self, order: Order) -> int:
        """Set the order's `channel_id` and return it, taking its optional `currency` off the order.

        Raises BadOrder when the order states another currency than its channel already has.
        """
        currency = order.pop("currency", None)
        channel_id = order["channel_id"] or self._by_marketplace.get(_folded(order["marketplace"]))
        if channel_id is None:
            channel_id = max(self._by_id, default=0) + 1
        if channel_id not in self._by_id:
            self._make(channel_id, order["marketplace"])
        if currency is not None:
            self._state_currency(channel_id, currency)
        order["channel_id"] = channel_id
        return int(channel_id)

    def all(self) -> list[Channel]:
        """Every channel, known or new."""
        return list(self._by_id.values())

    def _make(self, channel_id: int, marketplace: str) -> None:
        label = marketplace.strip() or "Webstore"
        made = Channel(channel_id, marketplace, f"{self._shop_name} - {label}", _type_of(label), "MYR")
        self._by_id[channel_id] = made
        self._by_marketplace.setdefault(_folded(marketplace), channel_id)

    def _state_currency(self, channel_id: int, currency: object) -> None:
        if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isupper()):
            raise BadOrder(f"currency {currency!r} is not a code like MYR")
        stated = self._stated.setdefault(channel_id, currency)
        if stated != currency:
            raise BadOrder(f"currency is {currency}, but its channel is in {stated}")
        self._by_id[channel_id] = replace(self._by_id[channel_id], currency=currency)


def _folded(marketplace: str) -> str:
    return marketplace.strip().casefold()


def _type_of(label: str) -> str:
    folded = label.casefold()
    for part, channel_type in _TYPES:
        if part in folded:
            return channel_type
    return "".join(label.split())
