"""How much flowed over a link on each day: counted where it is done, in the same transaction, and read by both stores.

A job counts what it did as it saves how far it is; what was done and not saved is done again, and so counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import Date, cast, func, select
from sqlalchemy.dialects.postgresql import insert

from app.channels.models import Channel
from app.core.linking import LinkState
from app.extensions import db
from app.links.models import Link, LinkDay
from app.links.queries import CHANNEL_KIND
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id

SHOWN: Final = 14
_COUNTED: Final = {"new": "orders", "stock_told": "stock_told", "moved": "moves"}
"""Counters of jobs, and the column of each."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """What flowed on a day of the main store's zone."""

    day: date
    orders: int
    stock_told: int
    moves: int


def counter_of(channel: Channel) -> Callable[[Mapping[str, int]], None] | None:
    """What counts for a channel that stands for a linked store; None for any other."""
    return partial(_count, int(channel.config["store"])) if channel.kind == CHANNEL_KIND else None


def days(link_id: int) -> list[DayRow]:
    """The last days on which something flowed, newest first."""
    rows = db.session.execute(
        select(LinkDay.day, LinkDay.orders, LinkDay.stock_told, LinkDay.moves)
        .where(LinkDay.link_id == link_id)
        .order_by(LinkDay.day.desc())
        .limit(SHOWN)
    )
    return [DayRow(*row) for row in rows]


def _count(sub_store_id: int, counts: Mapping[str, int]) -> None:
    """Add to the day that it is in the main store. Does not commit; a link that just ended still counts."""
    more = {column: counts[name] for name, column in _COUNTED.items() if counts.get(name)}
    if not more:
        return
    today = cast(func.timezone(Store.time_zone, func.now()), Date)
    link = (
        select(Link.id, today, Link.main_store_id, Link.sub_store_id, *more.values())
        .join(Store, Store.id == Link.main_store_id)
        .where(
            Link.main_store_id == current_store_id(),
            Link.sub_store_id == sub_store_id,
            Link.state.in_((LinkState.CONNECTED, LinkState.SUSPENDED, LinkState.ENDED)),
        )
        .order_by(Link.id.desc())
        .limit(1)
    )
    made = insert(LinkDay).from_select(["link_id", "day", "main_store_id", "sub_store_id", *more], link)
    sums = {column: getattr(LinkDay, column) + made.excluded[column] for column in more}
    db.session.execute(made.on_conflict_do_update(index_elements=["link_id", "day"], set_=sums))
