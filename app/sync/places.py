"""The marketplaces of a job's channel, and what is done about orders of one that is new to us."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from app.channels.models import Marketplace
from app.channels.services import refresh_marketplaces, store_marketplaces
from app.core.types import ChannelFacts, RemoteMarketplace, RemoteOrder, UnreadableOrder
from app.extensions import db
from app.sync.lease import Run
from app.tenancy.scope import current_store, store_scope


@dataclass(frozen=True, slots=True)
class Places:
    """The channel's marketplaces: their ids → ours, and their currencies."""

    ids: dict[str, int]
    currencies: dict[str, str]


def places_of(run: Run) -> Places:
    """The marketplaces of the job's channel."""
    with store_scope(run.store_id):
        return places_in_scope(run)


def places_in_scope(run: Run) -> Places:
    """The same where the store's scope is open."""
    rows = db.session.execute(
        select(Marketplace.remote_id, Marketplace.id, Marketplace.currency)
        .where(Marketplace.store_id == run.store_id, Marketplace.channel_id == run.channel_id)
        .order_by(Marketplace.id)
    ).all()
    return Places({row.remote_id: row.id for row in rows}, {row.remote_id: row.currency for row in rows})


def make_room(run: Run, places: Places, named: Iterable[str]) -> None:
    """See to it that `places` knows every marketplace that orders name; commits. Raises ChannelError.

    Where one list holds the orders of all marketplaces, it may name one that was opened a moment ago, or that the
    channel does not tell of any more, such as a branch that was closed: its orders count all the same.
    """
    wanted = set(named)
    if wanted <= places.ids.keys():
        return
    with store_scope(run.store_id):
        refresh_marketplaces(run.channel_id)
        _take_in(run, wanted - places_in_scope(run).ids.keys())
        found = places_in_scope(run)
        db.session.commit()
    places.ids.update(found.ids)
    places.currencies.update(found.currencies)


def make_room_for(run: Run, places: Places, read: Iterable[RemoteOrder | UnreadableOrder]) -> None:
    """The same for orders that were read by their ids."""
    make_room(run, places, (order.marketplace_id for order in read if isinstance(order, RemoteOrder)))


def _take_in(run: Run, untold: Iterable[str]) -> None:
    """Marketplaces of which nothing is known but their id, with what the channel's others have in common."""
    like = db.session.execute(
        select(Marketplace.kind, Marketplace.currency)
        .where(Marketplace.store_id == run.store_id, Marketplace.channel_id == run.channel_id)
        .order_by(Marketplace.id)
        .limit(1)
    ).one_or_none()
    kind, currency = (like.kind, like.currency) if like else ("", current_store().currency)
    places = tuple(RemoteMarketplace(one, f"#{one}", kind, currency) for one in sorted(untold))
    store_marketplaces(run.channel_id, ChannelFacts("", places))
