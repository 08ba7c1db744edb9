"""Links and their stories as plain rows, from the side of the store whose scope is open."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select

from app.catalog.models import Location
from app.channels.models import Channel
from app.channels.queries import ChannelRow
from app.core.linking import GRANTED, PENDING_DAYS, Act, LinkState, Side
from app.extensions import db
from app.links.models import Link, LinkEvent
from app.planning import read
from app.tenancy.scope import THIS_STORE, current_store_id

REMEMBERED: Final = timedelta(days=30)
"""How long a link that came to nothing stays on the Channels page."""
CHANNEL_KIND: Final = "store"
"""The kind of the channels that granted links become in the main store."""
_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as one of its stores sees it: `side` is that store's, `other_name` what the other one was called.

    `location` is the name of the warehouse, which only the main store can read; '' for the sub-store.
    """

    id: int
    side: Side
    state: LinkState
    main_store_id: int
    sub_store_id: int
    main_name: str
    sub_name: str
    channel_name: str
    location_id: int | None
    location: str
    reason: str
    reason_detail: dict[str, Any]
    stock_after: str
    asked_at: datetime | None
    asked_by: str
    answered_at: datetime | None
    answered_by: str
    ended_at: datetime | None
    ended_by_side: str
    version: int

    @property
    def is_main(self) -> bool:
        """Whether this store is the main store of the link."""
        return self.side is Side.MAIN

    @property
    def other_name(self) -> str:
        """What the other store was called when it was asked."""
        return self.sub_name if self.is_main else self.main_name

    @property
    def other_store_id(self) -> int:
        """The other store, for telling its pages; nothing of it can be read by this."""
        return self.sub_store_id if self.is_main else self.main_store_id

    @property
    def title(self) -> str:
        """What it is called here: the main store chose a name, the sub-store knows the other by its own."""
        return (self.channel_name or self.sub_name) if self.is_main else self.main_name

    @property
    def is_granted(self) -> bool:
        """Whether the agreement stands, even if it rests for a while."""
        return self.state in GRANTED

    @property
    def expires_at(self) -> datetime | None:
        """When a request that nobody answers is over."""
        return self.asked_at + timedelta(days=PENDING_DAYS) if self.asked_at else None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened to a link."""

    at: datetime
    kind: str
    side: Side
    person: str
    detail: dict[str, Any]


def link(link_id: int) -> LinkRow | None:
    """One link of the store, of either side; None when there is none that it may see."""
    row = db.session.execute(_links().where(Link.id == link_id)).one_or_none()
    return None if row is None else _row(row)


def links() -> list[LinkRow]:
    """Every link of the store, of either side, newest first."""
    rows = db.session.execute(_links().order_by(Link.id.desc()).limit(_AT_MOST))
    return [_row(row) for row in rows]


def shown_links(kept: Collection[int] = ()) -> list[LinkRow]:
    """The links that the Channels page shows: those that live, drafts, and what lately came to nothing.

    Of two stores only the newest is shown: who asks again has read how the last one ended. A granted link that has
    become a channel is told by the channel's own card, unless a page shows it already (`kept`) and knows no such card.
    """
    recent = func.coalesce(Link.answered_at, Link.ended_at, Link.asked_at) > func.now() - REMEMBERED
    lately = and_(Link.state.in_((LinkState.DENIED, LinkState.EXPIRED)), _mine(Side.MAIN), recent)
    at_work = Link.state.in_((LinkState.PENDING, *GRANTED))
    query = _links().where(or_(at_work, lately, and_(_mine(Side.MAIN), Link.state == LinkState.DRAFT)))
    found = [_row(row) for row in read(query.order_by(Link.id.desc()).limit(_AT_MOST))]
    newest: dict[tuple[Side, int], LinkRow] = {}
    for row in found:
        newest.setdefault((row.side, row.other_store_id), row)
    is_channel = set(_channels()) if any(row.is_main and row.is_granted for row in found) else set[int]()
    return [
        row
        for row in newest.values()
        if row.id in kept or not (row.is_main and row.is_granted and row.sub_store_id in is_channel)
    ]


def channel_of(link: LinkRow) -> int | None:
    """The channel that a granted link has become in the main store; None as long as there is none."""
    return _channels().get(link.sub_store_id) if link.is_main and link.is_granted else None


def link_of(channel: ChannelRow) -> LinkRow | None:
    """The granted link that a channel stands for; None for other channels, which cost no statement."""
    if channel.kind != CHANNEL_KIND:
        return None
    of_store = and_(_mine(Side.MAIN), Link.sub_store_id == int(channel.config["store"]), Link.state.in_(GRANTED))
    row = db.session.execute(_links().where(of_store)).one_or_none()
    return None if row is None else _row(row)


def _channels() -> dict[int, int]:
    """The channels that stand for sub-stores, by the sub-store's id."""
    rows = db.session.execute(
        select(Channel.config["store"].astext, Channel.id).where(
            Channel.store_id == current_store_id(), Channel.kind == CHANNEL_KIND, Channel.status != "removed"
        )
    )
    return {int(store): channel_id for store, channel_id in rows}


def events(link_id: int) -> list[EventRow]:
    """What happened to a link, newest first. Who denied a request is not told to the store that asked."""
    is_hidden = and_(LinkEvent.kind == Act.DENY.value, LinkEvent.main_store_id == current_store_id())
    person = case((is_hidden, ""), else_=LinkEvent.person)
    rows = db.session.execute(
        select(LinkEvent.at, LinkEvent.kind, LinkEvent.side, person, LinkEvent.detail)
        .where(LinkEvent.link_id == link_id)
        .order_by(LinkEvent.id.desc())
        .limit(_AT_MOST)
    )
    return [EventRow(at, kind, Side(side), person, detail) for at, kind, side, person, detail in rows]


def waiting_requests() -> int:
    """How many stores wait for this store's answer."""
    return db.session.scalar(select(counted_requests())) or 0


def counted_requests() -> ColumnElement[int]:
    """The same as a column."""
    mine = (Link.sub_store_id == THIS_STORE, Link.state == LinkState.PENDING.value)
    return select(func.count()).select_from(Link).where(*mine).scalar_subquery()


def main_link() -> LinkRow | None:
    """The link to the store's main store, connected or suspended; None when it stands by itself."""
    row = read(_reading_main_link()).one_or_none()
    return None if row is None else _row(row)


@cache
def _reading_main_link() -> Select[Any]:
    """Built once for all stores: the page of each order asks for it."""
    return _links().where(_mine(Side.SUB), Link.state.in_(GRANTED))


def _mine(side: Side) -> Any:
    return (Link.main_store_id if side is Side.MAIN else Link.sub_store_id) == THIS_STORE


@cache
def _links() -> Select[Any]:
    stored = (getattr(Link, name) for name in LinkRow.__dataclass_fields__ if name not in {"side", "location"})
    at_place = and_(Location.store_id == Link.main_store_id, Location.id == Link.location_id)
    of_mine = or_(_mine(Side.MAIN), and_(_mine(Side.SUB), Link.asked_at.is_not(None)))
    return select(*stored, Location.name.label("location")).outerjoin(Location, at_place).where(of_mine)


def _row(found: Row[Any]) -> LinkRow:
    side = Side.MAIN if found.main_store_id == current_store_id() else Side.SUB
    return LinkRow(
        id=found.id,
        side=side,
        state=LinkState(found.state),
        main_store_id=found.main_store_id,
        sub_store_id=found.sub_store_id,
        main_name=found.main_name,
        sub_name=found.sub_name,
        channel_name=found.channel_name,
        location_id=found.location_id,
        location=found.location or "",
        reason=found.reason,
        reason_detail=found.reason_detail,
        stock_after=found.stock_after,
        asked_at=found.asked_at,
        asked_by=found.asked_by,
        answered_at=found.answered_at,
        answered_by="" if side is Side.MAIN and found.state == LinkState.DENIED else found.answered_by,
        ended_at=found.ended_at,
        ended_by_side=found.ended_by_side,
        version=found.version,
    )
