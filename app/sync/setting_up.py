"""*Finish*: what a person chose for a channel holds from now on, all of it or nothing, and is acted on at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, update

from app.catalog.services import warehouse_of
from app.channels.announcing import announcing, switch_off, switch_on
from app.channels.models import Channel
from app.channels.queries import channel as channel_row
from app.channels.queries import marketplaces
from app.channels.services import NoSuchChannel
from app.channels.setup import NEW, SetUp, counted_elsewhere, put_in_place
from app.core.errors import ChannelError
from app.extensions import db
from app.orders.services import lock_channel
from app.sync.checkpoints import forget_products_through
from app.sync.counted import follow_counts
from app.sync.refreshing import request_refresh, start_refresh
from app.sync.services import ChannelNotReadyError, JobStart
from app.sync.switching import start_giving, stop_giving
from app.tenancy.scope import current_store_id

LONGEST_NAME = 60


class SameWarehouse(Exception):
    """Two branches would count one warehouse, and each would overwrite what the other counted.

    `marketplace_id` is the second of them; `channel` names the other channel that counts it, '' for this one.
    """

    def __init__(self, marketplace_id: int, channel: str = "") -> None:
        super().__init__(marketplace_id, channel)
        self.marketplace_id, self.channel = marketplace_id, channel


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of it. `trouble` says why the channel announces nothing although that was wanted, "" if it does."""

    start: JobStart | None
    trouble: str


def finish(channel_id: int, chosen: SetUp, user_id: int) -> Finished:
    """Store what was chosen, then start reading. Warehouses of branches that have none yet are made, and hold what is
    known already of what is counted there.

    Everything is stored in one transaction, in which the refresh is due as well, so that it starts even if this
    process ends right afterwards. SameWarehouse, GivenElsewhere (`app.sync.switching`), NoSuchChannel.
    """
    before = channel_row(channel_id)
    if before is None:
        raise NoSuchChannel(channel_id)
    lock_channel(channel_id)
    places = _warehouses(channel_id, chosen.places) if chosen.takes_stock else {}
    if put_in_place(channel_id, chosen, places):
        # What did not change there changes here, by the other unit.
        forget_products_through(channel_id)
    db.session.execute(
        update(Channel)
        .where(Channel.store_id == current_store_id(), Channel.id == channel_id)
        .values(next_refresh_at=func.now())
        .execution_options(synchronize_session=False)
    )
    if chosen.gives_orders and not before.gives_orders:
        start_giving(channel_id, user_id)
    elif before.gives_orders and not chosen.gives_orders:
        stop_giving(channel_id, user_id)
    db.session.commit()
    if chosen.takes_stock or chosen.takes_prices:
        follow_counts(channel_id)
    trouble = _announce(channel_id, before.kind, wanted=chosen.announces)
    return Finished(_start(channel_id, user_id), trouble)


def _warehouses(channel_id: int, places: Mapping[int, str]) -> dict[int, int | None]:
    """The warehouse of each branch by its id; SameWarehouse when one would stand for two."""
    found: dict[int, int | None] = {}
    taken: Counter[int] = Counter()
    elsewhere = counted_elsewhere(channel_id)
    for place in marketplaces(channel_id):
        wanted = places.get(place.id, "")
        location = warehouse_of(place.name[:LONGEST_NAME].strip()) if wanted == NEW else int(wanted or 0) or None
        if location is not None and (taken[location] or location in elsewhere):
            db.session.rollback()
            raise SameWarehouse(place.id, elsewhere.get(location, ""))
        if location is not None:
            taken[location] += 1
        found[place.id] = location
    return found


def _announce(channel_id: int, kind: str, *, wanted: bool) -> str:
    """Register or take away what the channel calls; the words of what went wrong."""
    stands = announcing(channel_id, kind)
    if stands is None or stands.is_on == wanted or (wanted and stands.hindrance):
        return ""
    if not wanted:
        switch_off(channel_id)
        return ""
    try:
        switch_on(channel_id)
    except ChannelError as error:
        return error.user_message
    return ""


def _start(channel_id: int, user_id: int) -> JobStart | None:
    """The refresh that is due since *Finish*, unless the clock was faster; None where the channel is paused, and it
    waits for that to end."""
    try:
        return start_refresh(channel_id, user_id) or request_refresh(channel_id, user_id)
    except ChannelNotReadyError:
        db.session.rollback()
        return None
