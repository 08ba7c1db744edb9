"""Which item of ours does a listing mean? Proposals with their reason and certainty, and what an order's SKUs mean.

Nothing is guessed: where two items, or two listings of one channel, answer to the same words, the proposal is
UNCLEAR and names them, and a person says which one is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_SHORTEST_BARCODE: Final = 6


class Match(StrEnum):
    """Why a listing may mean an item."""

    SKU = "sku"
    BARCODE = "barcode"
    ALIKE_SKU = "alike_sku"
    """The same SKU but for case, spaces and punctuation."""
    NAME = "name"
    """The same name and variant."""


class Certainty(StrEnum):
    """How sure a proposal is; UNCLEAR ones name several candidates, or several listings answer."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNCLEAR = "unclear"


class ListingState(StrEnum):
    """How a listing stands."""

    LINKED = "linked"
    PROPOSED = "proposed"
    UNCLEAR = "unclear"
    UNLINKED = "unlinked"
    BARRED = "barred"
    """It can mean no item of ours, by what it is (`app.core.types.ListingObstacle`)."""
    GONE = "gone"
    """The channel does not list it any more."""


class Goods(Protocol):
    """What can be compared of an item or a listing: SKUs, barcode, name and variant.

    `is_pack` is so of what holds several of something else that has the same name, as a box of a dozen does: its name
    says nothing then.
    """

    @property
    def id(self) -> int: ...
    @property
    def skus(self) -> tuple[str, ...]: ...
    @property
    def barcode(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def is_pack(self) -> bool: ...


Thing = TypeVar("Thing", bound=Goods)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item of ours."""

    id: int
    skus: tuple[str, ...]
    barcode: str
    name: str
    variant: str
    is_pack: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing of a channel, what it is linked to, and the items that a person said it does not mean."""

    id: int
    skus: tuple[str, ...]
    barcode: str
    name: str
    variant: str
    item_id: int | None = None
    refused: frozenset[int] = frozenset()
    is_pack: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a listing may mean. `items` are one, or several when it is UNCLEAR; `rivals` other listings answer too."""

    items: tuple[int, ...]
    match: Match
    certainty: Certainty
    rivals: int = 0


def sku_key(sku: str) -> str:
    """A SKU as orders, listings and items are held against each other: trimmed, case and width folded."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", sku).casefold())
    return " ".join(folded.split())


def loose_key(sku: str) -> str:
    """A SKU without spaces and punctuation as well; one that consists of nothing else stays as it is."""
    key = sku_key(sku)
    return _NOT_A_LETTER.sub("", key) or key


def barcode_key(barcode: str) -> str:
    """A barcode without spaces and leading zeros, for UPC and EAN name the same goods; '' for what is none.

    Shops fill the field with "0", "N/A" or "000000" where there is no barcode: those would match each other.
    """
    key = _NOT_A_LETTER.sub("", sku_key(barcode)).lstrip("0")
    return key if len(key) >= _SHORTEST_BARCODE and len(set(key)) > 1 else ""


def name_key(name: str, variant: str) -> str:
    """Name and variant as compared; '' without a name."""
    parts = [sku_key(name), sku_key(variant)]
    return "\n".join(parts) if parts[0] else ""


class Shelf(Generic[Thing]):
    """Items or listings by what can be alike of them, so that nothing is compared with everything."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._found: dict[tuple[Match, str], dict[int, Thing]] = {}
        for thing in things:
            for match in Match:
                for key in _KEYS[match](thing):
                    self._found.setdefault((match, key), {})[thing.id] = thing

    def like(self, goods: Goods, match: Match) -> dict[int, Thing]:
        """What is like these goods in this way, by id."""
        found: dict[int, Thing] = {}
        for key in _KEYS[match](goods):
            found |= self._found.get((match, key), {})
        return found


def answers(listing: Listed, items: Shelf[Candidate]) -> tuple[tuple[Match, ...], list[Candidate]]:
    """The items that are most like the listing, and in which ways that was looked at; none of those refused for it.

    SKU and barcode are looked at together: where they point to different items, neither is believed.
    """
    for group in _GROUPS:
        found: dict[int, Candidate] = {}
        for match in group:
            found |= items.like(listing, match)
        left = [item for item_id, item in sorted(found.items()) if item_id not in listing.refused]
        if left:
            return group, left
    return (), []


def propose(listing: Listed, items: Shelf[Candidate], others: Shelf[Listed]) -> Proposal | None:
    """The item that the listing may mean, by the strongest likeness that anything has; None without any.

    `items` are those of the store, `others` the listings of the same channel; both may be narrowed down to what shares
    a key with the listing.
    """
    group, found = answers(listing, items)
    if not found:
        return None
    ids = tuple(item.id for item in found)
    match = next(match for match in group if items.like(listing, match).keys() & set(ids))
    rivals = {
        other.id
        for item in found
        for way in group
        for other in others.like(item, way).values()
        if _is_rival(listing, other, item)
    }
    if len(ids) > 1 or rivals:
        return Proposal(ids, match, Certainty.UNCLEAR, len(rivals))
    certainty = _CERTAINTY[match]
    if match == Match.SKU and _contradicts(listing, found[0]):
        certainty = Certainty.LIKELY
    return Proposal(ids, match, certainty)


def _is_rival(listing: Listed, other: Listed, item: Candidate) -> bool:
    """Whether another listing that is like the item may mean it: nobody said that it means another, or not this."""
    return other.id != listing.id and item.id not in other.refused and other.item_id in (None, item.id)


def _contradicts(listing: Goods, item: Goods) -> bool:
    """Whether both have a barcode, and not the same: a SKU that was used again for something else."""
    theirs, ours = barcode_key(listing.barcode), barcode_key(item.barcode)
    return bool(theirs and ours and theirs != ours)


_KEYS: Final[Mapping[Match, Callable[[Goods], set[str]]]] = {
    Match.SKU: lambda goods: {sku.strip() for sku in goods.skus} - {""},
    Match.BARCODE: lambda goods: {barcode_key(goods.barcode)} - {""},
    Match.ALIKE_SKU: lambda goods: {loose_key(sku) for sku in goods.skus} - {""},
    Match.NAME: lambda goods: set() if goods.is_pack else {name_key(goods.name, goods.variant)} - {""},
}
_GROUPS: Final = ((Match.SKU, Match.BARCODE), (Match.ALIKE_SKU,), (Match.NAME,))
_CERTAINTY: Final[Mapping[Match, Certainty]] = {
    Match.SKU: Certainty.CERTAIN,
    Match.BARCODE: Certainty.CERTAIN,
    Match.ALIKE_SKU: Certainty.LIKELY,
    Match.NAME: Certainty.POSSIBLE,
}


def meanings(
    skus: Iterable[str], linked: Mapping[str, frozenset[int]], ours: Mapping[str, frozenset[int]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(SKUs that mean no item, SKUs that mean several), each once and in the order given.

    `linked` maps keys (`sku_key`) to what linked listings of the channel mean by them, `ours` to the items that have
    exactly this SKU. A link that a person made goes before the likeness. A line without a SKU names no item at all:
    nothing could ever be linked to it, so it stops nothing.
    """
    unlinked, ambiguous = [], []
    for sku in dict.fromkeys(sku.strip() for sku in skus):
        key = sku_key(sku)
        meant = linked.get(key) or ours.get(key) or frozenset()
        if key and not meant:
            unlinked.append(sku)
        elif key and len(meant) > 1:
            ambiguous.append(sku)
    return tuple(unlinked), tuple(ambiguous)
