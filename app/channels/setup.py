"""What flows which way between us and a channel: a person says so before anything does, and may change it later.

Until *Finish* it is a draft beside the channel, so that leaving the page loses nothing and nothing happens by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select, update

from app.channels.connecting import kind_of, open_connector
from app.channels.models import Channel, Marketplace
from app.channels.services import NoSuchChannel
from app.core.types import RemoteListing, UnreadableListing
from app.extensions import db
from app.tenancy.scope import current_store_id

DRAFT: Final = "set_up"
"""Where the draft lies among the channel's options; no connector is told of it."""
UNIT: Final = "weight_unit"
ORDER_BRANCH: Final = "order_branch_id"
EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class SetUp:
    """What is chosen. `places` maps the id of a marketplace of ours to the warehouse that stands for it.

    `weight_unit` is "g", "kg" or "" for not chosen, `order_branch` the channel's id of the branch that our orders are
    made at. With `counts_there` the channel counts the stock, and with `prices_there` it sets the prices.
    """

    takes_products: bool = True
    takes_orders: bool = True
    gives_orders: bool = False
    announces: bool = True
    weight_unit: str = ""
    order_branch: str = ""
    counts_there: bool = True
    prices_there: bool = True
    places: Mapping[int, str] = field(default_factory=dict)
    """A warehouse's id as text, NEW for one of the branch's name, '' for none."""

    @property
    def takes_stock(self) -> bool:
        """Whether the channel's counts become ours."""
        return self.takes_products and self.counts_there

    @property
    def takes_prices(self) -> bool:
        """Whether the channel's prices become ours."""
        return self.takes_products and self.prices_there


NEW: Final = "new"


@dataclass(frozen=True, slots=True)
class WeightExample:
    """A product of the channel, and the number that it says it weighs."""

    name: str
    number: Decimal

    @property
    def from_grams(self) -> Decimal:
        """The kilograms that it weighs if the number means grams."""
        return self.number / 1000


def chosen_so_far(channel_id: int, *, announces: bool) -> SetUp:
    """What the page shows: the draft, else what holds, else what most shops want. `announces`: whether it does now."""
    channel = _channel(channel_id)
    kept = channel.options.get(DRAFT)
    locations = _locations(channel_id)
    if channel.next_refresh_at is None and isinstance(kept, Mapping):
        return _read(kept)
    if channel.next_refresh_at is None:
        return SetUp(
            weight_unit=str(channel.options.get(UNIT, "")),
            order_branch=str(channel.options.get(ORDER_BRANCH, "")),
            places={place: NEW if location is None else str(location) for place, location in locations.items()},
        )
    return SetUp(
        takes_products=channel.takes_products,
        takes_orders=channel.takes_orders,
        gives_orders=channel.gives_orders,
        announces=announces,
        weight_unit=str(channel.options.get(UNIT, "")),
        order_branch=str(channel.options.get(ORDER_BRANCH, "")),
        counts_there=channel.takes_stock,
        prices_there=channel.takes_prices,
        places={place: "" if location is None else str(location) for place, location in locations.items()},
    )


def keep_draft(channel_id: int, chosen: SetUp) -> None:
    """Keep what was chosen for whoever comes back to the page. Commits."""
    channel = _channel(channel_id, lock=True)
    kept = asdict(chosen) | {"places": {str(place): value for place, value in chosen.places.items()}}
    channel.options = {**channel.options, DRAFT: kept}
    db.session.commit()


def put_in_place(channel_id: int, chosen: SetUp, places: Mapping[int, int | None]) -> bool:
    """Let it hold from now on, `places` being the warehouses; whether all products must be read again for it.

    The channel's orders of ours are switched by whoever sends them. Does not commit.
    """
    channel = _channel(channel_id, lock=True)
    told = {UNIT: chosen.weight_unit, ORDER_BRANCH: chosen.order_branch if chosen.gives_orders else ""}
    reweighed = channel.options.get(UNIT, "") not in ("", chosen.weight_unit)
    kept = {name: value for name, value in channel.options.items() if name not in (DRAFT, *told)}
    channel.options = kept | {name: value for name, value in told.items() if value}
    channel.takes_products, channel.takes_orders = chosen.takes_products, chosen.takes_orders
    channel.takes_stock, channel.takes_prices = chosen.takes_stock, chosen.takes_prices
    if chosen.takes_stock:
        for place, location in places.items():
            db.session.execute(
                update(Marketplace)
                .where(
                    Marketplace.store_id == current_store_id(),
                    Marketplace.channel_id == channel_id,
                    Marketplace.id == place,
                )
                .values(location_id=location)
                .execution_options(synchronize_session=False)
            )
    db.session.flush()
    return reweighed


def counted_elsewhere(channel_id: int) -> dict[int, str]:
    """The warehouses whose stock another channel counts already, each with that channel's name."""
    found = db.session.execute(
        select(Marketplace.location_id, Channel.name)
        .join(Channel, (Channel.store_id == Marketplace.store_id) & (Channel.id == Marketplace.channel_id))
        .where(
            Marketplace.store_id == current_store_id(),
            Marketplace.channel_id != channel_id,
            Marketplace.location_id.is_not(None),
            Channel.takes_stock,
            Channel.status != "removed",
        )
    )
    return {location: name for location, name in found if location is not None}


def weight_examples(channel_id: int) -> list[WeightExample]:
    """A few products of the channel as it weighs them, read now; ChannelError when it cannot be asked.

    Nothing is stored, and no transaction stays open while it is asked.
    """
    channel = _channel(channel_id)
    connector = open_connector(channel, {UNIT: "kg"})
    db.session.rollback()
    try:
        listings = connector.list_products(1).listings
    finally:
        connector.close()
    return _weighed(listings)[:EXAMPLES]


def _weighed(listings: Sequence[RemoteListing | UnreadableListing]) -> list[WeightExample]:
    """Each weight once, under the name of the first product that has it."""
    found: dict[Decimal, WeightExample] = {}
    for listing in listings:
        if isinstance(listing, RemoteListing) and listing.weight:
            name = " ".join(filter(None, (listing.name, listing.variant)))
            found.setdefault(listing.weight, WeightExample(name, listing.weight))
    return list(found.values())


def _read(kept: Mapping[str, Any]) -> SetUp:
    """A draft as it was kept, perhaps by another version of this program."""
    known = {name.name for name in fields(SetUp)} - {"places"}
    places = {int(place): str(value) for place, value in dict(kept.get("places", {})).items()}
    return SetUp(**{name: value for name, value in kept.items() if name in known}, places=places)


def _locations(channel_id: int) -> dict[int, int | None]:
    found = db.session.execute(
        select(Marketplace.id, Marketplace.location_id).where(
            Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id
        )
    )
    return {row.id: row.location_id for row in found}


def _channel(channel_id: int, *, lock: bool = False) -> Channel:
    query = select(Channel).where(
        Channel.store_id == current_store_id(), Channel.id == channel_id, Channel.status != "removed"
    )
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    channel = db.session.execute(query).scalar_one_or_none()
    if channel is None or not kind_of(channel.kind).is_set_up:
        raise NoSuchChannel(channel_id)
    return channel
