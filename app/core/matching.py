"""Which item of ours does a listing mean? Proposals with their reason and certainty, and what an order's SKUs mean.

Nothing is guessed: where two items, or two listings of one channel, answer to the same words, the proposal is
UNCLEAR and names them, and a person says which one is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

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
    GONE = "gone"
    """The channel does not list it any more."""


class Goods(Protocol):
    """What can be compared of an item, as its SKUs, barcode, name and variant."""

    @property
    def skus(self) -> tuple[str, ...]: ...
    @property
    def barcode(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def variant(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item of ours."""

    id: int
    skus: tuple[str, ...]
    barcode: str
    name: str
    variant: str


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


def propose(listing: Listed, items: Iterable[Candidate], others: Sequence[Listed]) -> Proposal | None:
    """The item that the listing may mean, by the strongest likeness that anything has; None without any.

    `items` are those of the store, `others` the listings of the same channel; both may be narrowed down to what
    shares a key with the listing. Items that were refused for it are no candidates. SKU and barcode are looked at
    together: where they point to different items, neither is believed.
    """
    candidates = [item for item in items if item.id not in listing.refused]
    for group in _GROUPS:
        answers = {match: [item for item in candidates if _SAME[match](listing, item)] for match in group}
        found = {item.id: item for found in answers.values() for item in found}
        if found:
            match = next(match for match, answer in answers.items() if answer)
            rivals = {other.id for other in others for item in found.values() if _rivals(listing, other, item, group)}
            return _proposal(listing, match, tuple(found.values()), len(rivals))
    return None


def _proposal(listing: Listed, match: Match, found: Sequence[Candidate], rivals: int) -> Proposal:
    ids = tuple(sorted(item.id for item in found))
    if len(ids) > 1 or rivals:
        return Proposal(ids, match, Certainty.UNCLEAR, rivals)
    (item,) = found
    certainty = _CERTAINTY[match]
    if match == Match.SKU and _contradicts(listing, item):
        certainty = Certainty.LIKELY
    return Proposal(ids, match, certainty)


def _rivals(listing: Listed, other: Listed, item: Candidate, group: Sequence[Match]) -> bool:
    """Whether another listing answers to the same item as strongly, and nobody said that it means another."""
    if other.id == listing.id or item.id in other.refused or other.item_id not in (None, item.id):
        return False
    return any(_SAME[match](other, item) for match in group)


def _contradicts(listing: Goods, item: Goods) -> bool:
    """Whether both have a barcode, and not the same: a SKU that was used again for something else."""
    theirs, ours = barcode_key(listing.barcode), barcode_key(item.barcode)
    return bool(theirs and ours and theirs != ours)


def _same_sku(one: Goods, other: Goods) -> bool:
    return not {sku.strip() for sku in one.skus if sku.strip()}.isdisjoint(sku.strip() for sku in other.skus)


def _alike_sku(one: Goods, other: Goods) -> bool:
    return not {loose_key(sku) for sku in one.skus if sku.strip()}.isdisjoint(loose_key(sku) for sku in other.skus)


def _same_barcode(one: Goods, other: Goods) -> bool:
    return barcode_key(one.barcode) == barcode_key(other.barcode) != ""


def _same_name(one: Goods, other: Goods) -> bool:
    return name_key(one.name, one.variant) == name_key(other.name, other.variant) != ""


_SAME: Final[Mapping[Match, Callable[[Goods, Goods], bool]]] = {
    Match.SKU: _same_sku,
    Match.BARCODE: _same_barcode,
    Match.ALIKE_SKU: _alike_sku,
    Match.NAME: _same_name,
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
