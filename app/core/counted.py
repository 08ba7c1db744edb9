"""What a channel that counts stock says of our items: how many pieces lie where, and what one costs.

A branch counts listings, and a warehouse of ours holds items. Where two listings that mean one item are both counted
in a branch, nobody can say which of them is right, or whether they count the same pieces: then nothing is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Final

ONE: Final = Decimal(1)

Place = tuple[int, int]
"""An item and a warehouse, by their ids."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a branch counts of a listing that means an item; `location_id` is our warehouse of the branch."""

    listing_id: int
    item_id: int
    branch_id: int
    location_id: int
    on_hand: Decimal


@dataclass(frozen=True, slots=True)
class Counted:
    """How many pieces lie where, and the places of which the counts contradict each other."""

    pieces: Mapping[Place, int]
    contradicted: frozenset[Place]


@dataclass(frozen=True, slots=True)
class Price:
    """What a listing that means an item costs; one of it is `conversion` pieces."""

    item_id: int
    conversion: Decimal
    amount: int


@dataclass(slots=True)
class _Tally:
    pieces: int = 0
    branches: set[int] = field(default_factory=set)
    is_contradicted: bool = False


def whole_pieces(on_hand: Decimal) -> int:
    """What the ledger can hold of a count: half a piece cannot be promised to anybody, nor one that is missing."""
    return max(int(on_hand.to_integral_value(ROUND_FLOOR)), 0)


def counted(counts: Iterable[Count]) -> Counted:
    """What the counts come to. Branches that share a warehouse are counted together."""
    tallies: dict[Place, _Tally] = {}
    for one in counts:
        tally = tallies.setdefault((one.item_id, one.location_id), _Tally())
        tally.is_contradicted |= one.branch_id in tally.branches
        tally.branches.add(one.branch_id)
        tally.pieces += whole_pieces(one.on_hand)
    pieces = {place: tally.pieces for place, tally in tallies.items() if not tally.is_contradicted}
    return Counted(pieces, frozenset(tallies.keys() - pieces.keys()))


def agreed_prices(prices: Iterable[Price]) -> dict[int, int]:
    """What each item costs, by those of its listings that are single pieces where there are any.

    Listings that disagree say nothing.
    """
    singles: dict[int, set[int]] = {}
    packs: dict[int, set[int]] = {}
    for one in prices:
        (singles if one.conversion == ONE else packs).setdefault(one.item_id, set()).add(one.amount)
    found = packs | singles
    return {item_id: next(iter(amounts)) for item_id, amounts in found.items() if len(amounts) == 1}
