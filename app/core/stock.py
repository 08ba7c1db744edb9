"""What a movement of stock does to a level, and what it may not do.

A level is what one warehouse holds of one item: pieces on hand, and how many of them are reserved, promised to orders.
What is left is available. Everything is in whole pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST: Final = 999_999_999
"""The most pieces that a person may type; more is a slip of the finger."""


class Kind(StrEnum):
    """Why stock moved."""

    ADJUST = "adjust"
    """A person counted, broke, found or lost something."""
    RECEIVE = "receive"
    RESERVE = "reserve"
    RELEASE = "release"
    SHIP = "ship"
    RETURN = "return"
    PUSH = "push"
    """A main store said how many there are."""
    OVERWRITE = "overwrite"
    """The same, where it replaced what had been adjusted here."""
    COUNT = "count"
    """A channel counted how many there are."""


_PROMISES: Final = {Kind.RESERVE}
"""Only what is available can be promised. The other kinds tell what has happened already, wanted or not."""
_COUNTS: Final = {Kind.ADJUST, Kind.RECEIVE, Kind.RETURN, Kind.PUSH, Kind.OVERWRITE, Kind.COUNT}
"""Kinds after which somebody has looked: there cannot be fewer than no pieces. What is shipped has left the house,
even where nobody ever counted it in."""


class Reason(StrEnum):
    """Why a person adjusted stock."""

    COUNTED = "counted"
    RECEIVED = "received"
    RETURNED = "returned"
    DAMAGED = "damaged"
    LOST = "lost"
    FOUND = "found"
    USED = "used"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Level:
    """What one warehouse holds of one item."""

    on_hand: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        """What can still be promised; below zero when more was promised than is there."""
        return self.on_hand - self.reserved


def offered(available: int, buffer: int) -> int:
    """How many pieces a channel may offer of what is available, when `buffer` of them are kept back."""
    return max(available - buffer, 0)


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of one level, as it is asked for.

    `on_hand` and `reserved` are added; `on_hand_to` stands for `on_hand` where the new quantity is known instead. A
    movement with a `key` happens once in a store, however often it is asked for. `reason` is a code, `words` are a
    person's; `order_sku` is what the order names the item by.
    """

    item_id: int
    location_id: int
    kind: Kind
    on_hand: int = 0
    reserved: int = 0
    on_hand_to: int | None = None
    reason: str = ""
    words: str = ""
    user_id: int | None = None
    order_id: int | None = None
    order_sku: str = ""
    key: str | None = None


class Short(Exception):
    """There are fewer pieces than the movement takes or promises; `available` are left."""

    def __init__(self, movement: Movement, level: Level) -> None:
        super().__init__(movement, level)
        self.movement, self.level = movement, level


class NotReserved(ValueError):
    """More was to be taken out of what is reserved than is reserved: a mistake of the calling code."""


def level_after(level: Level, movement: Movement) -> Level:
    """The level once the movement has happened. Short, NotReserved."""
    added = movement.on_hand if movement.on_hand_to is None else movement.on_hand_to - level.on_hand
    after = Level(level.on_hand + added, level.reserved + movement.reserved)
    if after.reserved < 0:
        raise NotReserved(movement, level)
    if movement.kind in _PROMISES and after.available < 0:
        raise Short(movement, level)
    if movement.kind in _COUNTS and after.on_hand < min(level.on_hand, 0):
        raise Short(movement, level)
    return after
