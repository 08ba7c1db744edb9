"""What becomes of a move that one store of a link makes of an order which the other keeps.

Both stores may act at once, and what one of them says may be on its way while the other acts. The store that keeps the
order decides, by what it knows: which version of the order was seen, when each act was made, and the table of moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from app.core.fulfilment import FORWARD, may_move
from app.core.types import MoveWrite, OrderStatus

Side = Literal["sub", "main"]
"""Which store of a link: the one that keeps the order, or the one that reads it."""


@dataclass(frozen=True, slots=True)
class Stands:
    """Where the order stands in the store that keeps it: the version, and who moved it there, when and by which name.

    `moved_at` and `side` are None as long as nobody did.
    """

    status: OrderStatus
    version: int
    moved_at: datetime | None
    side: Side | None
    person: str


class Verdict(StrEnum):
    """What is done about a move."""

    APPLY = "apply"
    AGREES = "agrees"
    """What it asks for is so already, or more: nothing is left to do, and nobody lost anything."""
    OVERTAKEN = "overtaken"
    """The other store said something else, and later."""
    REFUSED = "refused"
    """From where the order stands now it cannot go there; what is finished is never opened again."""


def judge(move: MoveWrite, stands: Stands) -> Verdict:
    """What the store that keeps the order does about a move of the other one.

    Whoever saw the newest version, or only what it said itself before, may move on by the table. Otherwise both acted
    without knowing of each other: the later moment counts, as far as the table allows it.
    """
    if _says_nothing_new(move, stands):
        return Verdict.AGREES
    if has_acted_unseen(move, stands) and stands.moved_at is not None and stands.moved_at > move.at:
        return Verdict.OVERTAKEN
    return Verdict.APPLY if may_move(stands.status, move.status) else Verdict.REFUSED


def has_acted_unseen(move: MoveWrite, stands: Stands) -> bool:
    """Whether the store that keeps the order said something that whoever made the move had not seen."""
    return move.version != stands.version and stands.side == "sub"


def conflict_of(move: MoveWrite, stands: Stands, verdict: Verdict) -> Mapping[str, Any] | None:
    """Which act lost against which, as it is kept and shown; None when none did.

    `wanted` is the status that did not come to be, `stands` the one that did, each with the moment, the side and the
    name of whoever said it. `outcome` is "later" when the later act counted, and "table" when the order could not go
    there any more.
    """
    asked = {"": move.status, "at": move.at.isoformat(), "side": "main", "by": move.person}
    stood = {
        "": stands.status,
        "at": stands.moved_at.isoformat() if stands.moved_at else None,
        "side": "sub" if stands.side is None else stands.side,
        "by": stands.person,
    }
    match verdict:
        case Verdict.APPLY if has_acted_unseen(move, stands) and not _both_go_forward(stands.status, move.status):
            return _told(stood, asked, "later", "", "")
        case Verdict.OVERTAKEN:
            return _told(asked, stood, "later", move.courier, move.tracking_number)
        case Verdict.REFUSED:
            return _told(asked, stood, "table", move.courier, move.tracking_number)
    return None


def _told(
    lost: Mapping[str, Any], won: Mapping[str, Any], outcome: str, courier: str, tracking_number: str
) -> Mapping[str, Any]:
    facts = {f"wanted_{name}".rstrip("_"): value for name, value in lost.items()}
    facts |= {f"stands_{name}".rstrip("_"): value for name, value in won.items()}
    return facts | {"outcome": outcome, "courier": courier, "tracking_number": tracking_number}


def _says_nothing_new(move: MoveWrite, stands: Stands) -> bool:
    """Whether the order is there already, or further on its way, and nothing but that was asked for."""
    if move.package or move.courier or move.tracking_number:
        return False
    return move.status == stands.status or _both_go_forward(move.status, stands.status)


def _both_go_forward(first: OrderStatus, then: OrderStatus) -> bool:
    """Whether the second is further along the way of an order that goes well."""
    return first in FORWARD and then in FORWARD and FORWARD.index(first) < FORWARD.index(then)
