"""An order that another store keeps, on its way: where it stands there, what was said of it here, and what may be said.

What lost against the other store is told here as well, for the pages of both stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _

from app import connectors
from app.channels.models import Channel
from app.connectors.base import Capability
from app.core.types import OrderStatus, OrderType
from app.extensions import db
from app.fulfilment.queries import Fulfilment, fulfilments_of
from app.fulfilment.shown import Packing, packing_of
from app.orders.detail import OrderDetail
from app.orders.packages import FulfilmentRow
from app.sync.moving import MoveRow, heading_for, moves_of
from app.tenancy.scope import current_store_id
from app.web.badges import badge_of
from app.web.filters import moment

_MOVES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Told:
    """A move as the page shows it: what was said, how far that is, and why it stays where it is."""

    move: MoveRow
    words: str
    why: str


@dataclass(frozen=True, slots=True)
class Way:
    """The way of an order that another store keeps. `store` is what that is called here."""

    store: str
    packing: Packing
    may_move: bool
    """Whether it was made in the other store itself, so that we may say where it stands."""
    is_over: bool
    """Whether the link has ended: what is shown stays as it was then."""
    is_paused: bool
    moves: tuple[OrderStatus, ...]
    """What may be said of it now, after all that is on its way there."""
    under_way: tuple[Told, ...]
    stuck: tuple[Told, ...]
    """What was not taken over and waits for somebody here."""
    lost: str
    """What lost against the other store, or won, in a sentence; '' when nothing did."""

    def may_send(self, package: str) -> bool:
        """Whether a package can be sent by itself: there are others, and nothing was said of it yet."""
        packages = self.packing.packages
        is_here = any(one.number == package and one.shipped_at is None for one in packages)
        is_said = any(told.move.wanted.package == package for told in self.under_way)
        return is_here and not is_said and len(packages) > 1 and OrderStatus.SHIPPED in self.moves


def way_of(order: OrderDetail) -> Way | None:
    """The way of an order that a linked store keeps, None of any other. Five statements."""
    if order.order_type != OrderType.ERP_LINK:
        return None
    channel = db.session.get_one(Channel, (current_store_id(), order.row.channel_id))
    if Capability.MOVES not in connectors.REGISTRY[channel.kind].capabilities:
        return None
    fulfilment = fulfilments_of([order.row.id])[order.row.id]
    row = db.session.get(FulfilmentRow, (current_store_id(), order.row.id))
    moves = moves_of(order.row.id)
    may_move, is_over = row is not None and row.may_move, channel.status == "removed"
    after = packing_of(order.row.id, heading_for(order.status, moves), order.lines, fulfilment)
    under_way = [] if is_over else [move for move in moves if move.is_under_way]
    return Way(
        store=channel.name,
        packing=packing_of(order.row.id, order.status, order.lines, fulfilment),
        may_move=may_move,
        is_over=is_over,
        is_paused=channel.status == "paused",
        moves=after.moves if may_move and not is_over else (),
        under_way=tuple(_told(move, channel.name) for move in reversed(under_way)),
        stuck=tuple(_told(move, channel.name) for move in moves if move.is_stuck)[:_MOVES_SHOWN],
        lost=conflict_words(fulfilment.conflict, "main", channel.name) if fulfilment.conflict else "",
    )


def lost_there(fulfilment: Fulfilment) -> str:
    """The same for an order that this store keeps and another one reads; '' when nothing lost."""
    conflict = fulfilment.conflict
    return conflict_words(conflict, "sub", conflict["store"]) if conflict else ""


def conflict_words(conflict: Mapping[str, Any], here: str, other: str) -> str:
    """Which of two acts counts, as the store on the side `here` reads it; `other` is what the other one is called."""
    facts = {
        "wanted": status_words(conflict["wanted"]),
        "stands": status_words(conflict["stands"]),
        "loser": _who(conflict, "wanted", here, other),
        "winner": _who(conflict, "stands", here, other),
    }
    if conflict["outcome"] == "later":
        words = _(
            "%(loser)s said “%(wanted)s”. %(winner)s said “%(stands)s” after that, and the later counts.", **facts
        )
    else:
        words = _(
            "%(loser)s said “%(wanted)s”, but %(winner)s had said “%(stands)s”. From there it cannot go on to that.",
            **facts,
        )
    if tracking_number := conflict["tracking_number"]:
        words += " " + _("The tracking number %(number)s was not taken over.", number=tracking_number)
    return words


def status_words(status: str) -> str:
    """What a status is called."""
    return str(badge_of(status, "OrderStatus").label)


def _who(conflict: Mapping[str, Any], part: str, here: str, other: str) -> str:
    """ "Bala of Kedai Utara (22 Nov 2026, 12:30 pm)" """
    person, at = conflict[f"{part}_by"], conflict[f"{part}_at"]
    if conflict[f"{part}_side"] == here:
        who = person or _("This store")
    else:
        who = _("%(person)s of %(store)s", person=person, store=other) if person else other
    return f"{who} ({moment(datetime.fromisoformat(at))})" if at else who


def _told(move: MoveRow, store: str) -> Told:
    wanted = move.wanted
    parts = [status_words(wanted.status), wanted.courier, wanted.tracking_number]
    if wanted.package:
        parts.insert(0, _("Package %(number)s", number=wanted.package))
    return Told(move, " · ".join(part for part in parts if part), str(move.detail.get("words") or ""))
