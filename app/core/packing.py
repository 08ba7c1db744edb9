"""Packages of orders: split, merged back, combined, sent. Goods alone; what an order costs is no matter here.

Every function takes the packages as they stand and returns them as they stand after it; what may not be is refused by
`CannotPack`. However they are packed, all packages of an order together hold exactly what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.core.fulfilment import NOT_SENT, SENT
from app.core.types import OrderStatus

Packages = tuple["Package", ...]
PackageKey = tuple[int, int]
"""An order's id and the number of its line."""
MOST_PACKAGES: Final = 50
LABEL_LENGTH: Final = 60
"""How long the name of a courier or a tracking number may be."""
MAY_SPLIT: Final = NOT_SENT | {OrderStatus.ON_HOLD}
MAY_COMBINE: Final = frozenset({OrderStatus.PROCESSING, OrderStatus.READY_TO_SHIP})
_CUSTOMER: Final = ("name", "company", "phone", "email")
_ADDRESS: Final = ("address", "city", "state", "postcode", "country")


class Refusal(StrEnum):
    """Why packages stay as they are."""

    NO_SUCH_PACKAGE = "no_such_package"
    NOTHING_TAKEN = "nothing_taken"
    NOTHING_LEFT = "nothing_left"
    TOO_MUCH = "too_much"
    TOO_MANY = "too_many"
    ALREADY_SENT = "already_sent"
    NOT_SENT_YET = "not_sent_yet"
    PARTLY_SENT = "partly_sent"
    NOTHING_TO_JOIN = "nothing_to_join"
    NOT_SHARED = "not_shared"
    TOGETHER = "together"
    TOO_FEW = "too_few"
    IS_SPLIT = "is_split"
    STILL_OPEN = "still_open"
    ON_HOLD = "on_hold"
    ENDED = "ended"
    NO_CUSTOMER = "no_customer"
    DIFFERENT_CUSTOMER = "different_customer"
    NO_ADDRESS = "no_address"
    DIFFERENT_ADDRESS = "different_address"


class CannotPack(Exception):
    """It stays as it is; `order_number` is the order that is in the way, '' when it is the one that was asked about."""

    def __init__(self, refusal: Refusal, order_number: str = "") -> None:
        super().__init__(refusal)
        self.refusal, self.order_number = refusal, order_number


@dataclass(frozen=True, slots=True)
class PackageLine:
    """How much of one line of an order is in a package."""

    order_id: int
    order_number: str
    line_no: int
    quantity: Decimal

    @property
    def key(self) -> PackageKey:
        """Which line of which order it is."""
        return self.order_id, self.line_no


@dataclass(frozen=True, slots=True)
class Package:
    """A parcel, by its number; sent once it has a moment of that."""

    number: str
    lines: tuple[PackageLine, ...]
    courier: str = ""
    tracking_number: str = ""
    shipped_at: datetime | None = None

    @property
    def is_sent(self) -> bool:
        """Whether it left the house."""
        return self.shipped_at is not None

    @property
    def order_ids(self) -> frozenset[int]:
        """The orders of which something is in it."""
        return frozenset(line.order_id for line in self.lines)

    @property
    def is_shared(self) -> bool:
        """Whether several orders share it."""
        return len(self.order_ids) > 1

    def shared_with(self, order_id: int) -> tuple[str, ...]:
        """The numbers of the other orders in it."""
        return tuple(dict.fromkeys(line.order_number for line in self.lines if line.order_id != order_id))


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order that might share a package: where it stands, whose it is, where it goes, and what it is packed in."""

    order_id: int
    order_number: str
    status: OrderStatus
    buyer: Mapping[str, str]
    packages: Packages

    @property
    def customer(self) -> tuple[str, ...]:
        """Who gets it: all that is known, to the letter."""
        return tuple(self.buyer.get(name, "") for name in _CUSTOMER)

    @property
    def address(self) -> tuple[str, ...]:
        """Where it goes, to the letter: spaces and case count."""
        return tuple(self.buyer.get(name, "") for name in _ADDRESS)


def packages_of(order_id: int, packages: Packages) -> Packages:
    """Those in which something of the order is."""
    return tuple(package for package in packages if order_id in package.order_ids)


def is_whole(package: Package, packages: Packages) -> bool:
    """Whether it is what an order is packed in before anybody packs: all of it, unsent and by itself.

    Such a package is not kept: the order alone says as much.
    """
    if package.is_sent or package.is_shared:
        return False
    return all(other == package or not other.order_ids & package.order_ids for other in packages)


def status_after(status: OrderStatus, packages: Packages) -> OrderStatus:
    """Where an order stands once its packages stand so: sent when the last of them is."""
    is_sent = bool(packages) and all(package.is_sent for package in packages)
    return OrderStatus.SHIPPED if is_sent and status not in SENT else status


def split(packages: Packages, number: str, taken: Mapping[PackageKey, Decimal], new_number: str) -> Packages:
    """Put so much of each line of a package into a new one, behind it."""
    package = _unsent(packages, number)
    if len(packages) >= MOST_PACKAGES:
        raise CannotPack(Refusal.TOO_MANY)
    held = {line.key: line.quantity for line in package.lines}
    if any(not 0 <= many <= held.get(key, 0) for key, many in taken.items()):
        raise CannotPack(Refusal.TOO_MUCH)
    moved = {key: many for key, many in taken.items() if many}
    if not moved:
        raise CannotPack(Refusal.NOTHING_TAKEN)
    rest = {key: many - moved.get(key, 0) for key, many in held.items()}
    if not any(rest.values()):
        raise CannotPack(Refusal.NOTHING_LEFT)
    parts = (_holding(package, rest), Package(new_number, _holding(package, moved).lines))
    return tuple(part for one in packages for part in (parts if one == package else (one,)))


def joins(packages: Packages, number: str) -> str:
    """The package into which one would be merged back: the first unsent one with something of the same orders."""
    package = _unsent(packages, number)
    for other in packages:
        if other != package and not other.is_sent and other.order_ids & package.order_ids:
            return other.number
    raise CannotPack(Refusal.NOTHING_TO_JOIN)


def merge_back(packages: Packages, number: str) -> Packages:
    """Put what is in a package back into the one that it joins; the package is gone then."""
    package, into = _unsent(packages, number), joins(packages, number)
    kept = (one for one in packages if one != package)
    return tuple(_joined(one, package.lines) if one.number == into else one for one in kept)


def why_not_combined(parcel: Parcel) -> Refusal | None:
    """Why an order may share a package with no other; None when it may."""
    was_sent = parcel.status in SENT or any(package.is_sent for package in parcel.packages)
    reasons = (
        (parcel.status == OrderStatus.OPEN, Refusal.STILL_OPEN),
        (parcel.status == OrderStatus.ON_HOLD, Refusal.ON_HOLD),
        (was_sent, Refusal.ALREADY_SENT),
        (parcel.status not in MAY_COMBINE, Refusal.ENDED),
        (len(parcel.packages) > 1, Refusal.IS_SPLIT),
        (not any(parcel.customer), Refusal.NO_CUSTOMER),
        (not any(parcel.address), Refusal.NO_ADDRESS),
    )
    return next((refusal for stands, refusal in reasons if stands), None)


def why_not_together(one: Parcel, other: Parcel) -> Refusal | None:
    """Why the other order may not share a package with the one; None when it may."""
    if other.customer != one.customer:
        return Refusal.DIFFERENT_CUSTOMER
    if other.address != one.address:
        return Refusal.DIFFERENT_ADDRESS
    if any(other.order_id in package.order_ids for package in one.packages):
        return Refusal.TOGETHER
    return why_not_combined(other)


def combine(parcels: Sequence[Parcel]) -> Packages:
    """Put the orders into one package: that of the first of them. Who shares a package with one of them comes along."""
    if len({parcel.order_id for parcel in parcels}) < 2:
        raise CannotPack(Refusal.TOO_FEW)
    first, *others = parcels
    if (refusal := why_not_combined(first)) is not None:
        raise CannotPack(refusal, first.order_number)
    for other in others:
        if (refusal := why_not_together(first, other)) is not None:
            raise CannotPack(refusal, other.order_number)
    (package,) = first.packages
    for joined in dict.fromkeys(package for other in others for package in other.packages):
        package = _joined(package, joined.lines)
    return (package,)


def separate(packages: Packages, number: str, order_id: int, new_number: str) -> Packages:
    """Take an order out of a package that it shares, into a package of its own behind it."""
    package = _unsent(packages, number)
    if not package.is_shared or order_id not in package.order_ids:
        raise CannotPack(Refusal.NOT_SHARED)
    mine = tuple(line for line in package.lines if line.order_id == order_id)
    rest = tuple(line for line in package.lines if line.order_id != order_id)
    parts = (replace(package, lines=rest), Package(new_number, mine))
    return tuple(part for one in packages for part in (parts if one == package else (one,)))


def take_out(packages: Packages, order_id: int) -> Packages:
    """Unpack an order that is not to be sent after all; packages that held nothing else are gone."""
    if any(package.is_sent for package in packages_of(order_id, packages)):
        raise CannotPack(Refusal.PARTLY_SENT)
    kept = (replace(one, lines=tuple(line for line in one.lines if line.order_id != order_id)) for one in packages)
    return tuple(package for package in kept if package.lines)


def ship(packages: Packages, number: str, courier: str, tracking_number: str, at: datetime) -> Packages:
    """Send a package."""
    sent = replace(_unsent(packages, number), courier=courier, tracking_number=tracking_number, shipped_at=at)
    return tuple(sent if one.number == number else one for one in packages)


def relabel(packages: Packages, number: str, courier: str, tracking_number: str) -> Packages:
    """Say another courier or tracking number of a package that was sent."""
    package = _found(packages, number)
    if not package.is_sent:
        raise CannotPack(Refusal.NOT_SENT_YET)
    told = replace(package, courier=courier, tracking_number=tracking_number)
    return tuple(told if one == package else one for one in packages)


def _found(packages: Packages, number: str) -> Package:
    for package in packages:
        if package.number == number:
            return package
    raise CannotPack(Refusal.NO_SUCH_PACKAGE)


def _unsent(packages: Packages, number: str) -> Package:
    package = _found(packages, number)
    if package.is_sent:
        raise CannotPack(Refusal.ALREADY_SENT)
    return package


def _holding(package: Package, quantities: Mapping[PackageKey, Decimal]) -> Package:
    lines = (replace(line, quantity=quantities.get(line.key, Decimal(0))) for line in package.lines)
    return replace(package, lines=tuple(line for line in lines if line.quantity))


def _joined(package: Package, lines: Sequence[PackageLine]) -> Package:
    sums = {line.key: line for line in package.lines}
    for line in lines:
        held = sums.get(line.key)
        sums[line.key] = replace(line, quantity=line.quantity + (held.quantity if held else 0))
    return replace(package, lines=tuple(sums[key] for key in sorted(sums)))
