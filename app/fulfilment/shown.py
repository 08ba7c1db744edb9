"""The packages of an order as its page shows them, and what may be done with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.core.fulfilment import NOT_SENT, SENT, next_of
from app.core.packing import MAY_COMBINE, MAY_SPLIT, CannotPack, Package, PackageLine, Packages, joins
from app.core.types import OrderStatus
from app.fulfilment.queries import Fulfilment
from app.fulfilment.words import ASKING


class SoldLine(Protocol):
    """A line of the order, as its page knows it."""

    @property
    def line_no(self) -> int: ...
    @property
    def sku(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class ShownLine:
    """How much of a line is in a package."""

    line_no: int
    words: str
    sku: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ShownPackage:
    """A package of an order; `number` is '' for the one that holds all of it and was never packed."""

    number: str
    courier: str
    tracking_number: str
    shipped_at: datetime | None
    lines: tuple[ShownLine, ...]
    others: Mapping[int, str]
    """The orders that share it, by id and number."""
    joins: str
    """The package into which it may be merged back; '' when there is none."""
    may_send: bool
    may_split: bool
    may_label: bool
    """Whether its courier and tracking number can be said: it was sent."""


@dataclass(frozen=True, slots=True)
class Packing:
    """An order on its way: where it stands, what may follow, and what it is packed in."""

    status: OrderStatus
    moves: tuple[OrderStatus, ...]
    packages: tuple[ShownPackage, ...]
    may_combine: bool
    fulfilment: Fulfilment

    def asks(self, to: OrderStatus) -> bool:
        """Whether a question comes before a move: it needs an answer, or it ends what is not even sent."""
        return to in ASKING or (to == OrderStatus.COMPLETED and self.status != OrderStatus.SHIPPED)

    @property
    def unsent(self) -> int:
        """How many of its packages are still here."""
        return sum(package.shipped_at is None for package in self.packages)

    @property
    def is_partly_sent(self) -> bool:
        """Whether some of its packages left and others did not."""
        return 0 < self.unsent < len(self.packages)


def packing_of(order_id: int, status: OrderStatus, lines: Sequence[SoldLine], fulfilment: Fulfilment) -> Packing:
    """The order's packages with the words of its lines; the whole of it as one package when nobody packed yet."""
    words = {line.line_no: line for line in lines}
    whole = tuple(PackageLine(order_id, "", line.line_no, line.quantity) for line in lines)
    packages = fulfilment.packages or (Package("", whole),)
    shown = tuple(_shown(package, packages, order_id, status, words) for package in packages)
    is_alone = len(packages) == 1 and not packages[0].is_sent
    is_begun = any(package.is_sent for package in packages)
    moves = tuple(one for one in next_of(status) if not (is_begun and one == OrderStatus.CANCELLED))
    return Packing(status, moves, shown, status in MAY_COMBINE and is_alone, fulfilment)


def _shown(
    package: Package, packages: Packages, order_id: int, status: OrderStatus, words: Mapping[int, SoldLine]
) -> ShownPackage:
    mine = [line for line in package.lines if line.order_id == order_id]
    pieces = len(package.lines) > 1 or any(line.quantity > 1 for line in package.lines)
    return ShownPackage(
        number=package.number,
        courier=package.courier,
        tracking_number=package.tracking_number,
        shipped_at=package.shipped_at,
        lines=tuple(_line(line, words.get(line.line_no)) for line in mine),
        others={line.order_id: line.order_number for line in package.lines if line.order_id != order_id},
        joins=_joins(package, packages),
        may_send=not package.is_sent and len(packages) > 1 and status in NOT_SENT,
        may_label=package.is_sent or (not package.number and status in SENT),
        may_split=not package.is_sent and pieces and status in MAY_SPLIT,
    )


def _joins(package: Package, packages: Packages) -> str:
    """Only a later package is offered to be put back, into the earliest."""
    try:
        into = joins(packages, package.number)
    except CannotPack:
        return ""
    numbers = [one.number for one in packages]
    return into if numbers.index(into) < numbers.index(package.number) else ""


def _line(line: PackageLine, sold: SoldLine | None) -> ShownLine:
    if sold is None:
        return ShownLine(line.line_no, "", "", line.quantity)
    words = " / ".join(part for part in (sold.name or sold.sku, sold.variant) if part)
    return ShownLine(line.line_no, words, sold.sku, line.quantity)
