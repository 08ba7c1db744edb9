"""What an order holds of a warehouse's stock: promised to it, taken out for it, or nothing any more.

Nothing is done step by step: what the ledger says that an order holds is compared with what it should hold as it
stands now, and the difference is moved. So what comes twice, late or not at all leads to the same in the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.core.matching import sku_key
from app.core.stock import Kind, Level, Movement, level_after
from app.core.types import OrderStatus, PaymentStatus

Place = tuple[int, int]
"""An item and a warehouse, by their ids."""


class Hold(StrEnum):
    """What an order should hold."""

    NOTHING = "nothing"
    """It came to nothing: all of it comes back, also what was sent."""
    FREED = "freed"
    """Nothing is promised to it. What was sent has been sent."""
    RESERVED = "reserved"
    TAKEN = "taken"
    """It left the house."""
    KEPT = "kept"
    """Nobody knows, so it stays as it is."""


class Why(StrEnum):
    """Why an order lacks pieces."""

    OVERSOLD = "oversold"
    """There are too few of them."""
    UNLINKED = "unlinked"
    """Its SKU means no item of ours, or several."""


def wanted(status: OrderStatus, payment_status: PaymentStatus) -> Hold:
    """What an order should hold as it stands on its channel.

    What is sent has left the house, paid or not: much is paid on delivery. Before that, only what is paid for is
    promised; money that went back says nothing of where the pieces are, so it alone brings none back.
    """
    match status:
        case OrderStatus.UNKNOWN:
            return Hold.KEPT
        case OrderStatus.CANCELLED | OrderStatus.RETURNED:
            return Hold.NOTHING
        case OrderStatus.SHIPPED | OrderStatus.COMPLETED:
            return Hold.TAKEN
    match payment_status:
        case PaymentStatus.PAID | PaymentStatus.PARTLY_REFUNDED:
            return Hold.RESERVED
        case PaymentStatus.UNKNOWN:
            return Hold.KEPT
    return Hold.FREED


def pieces_of(quantities: Iterable[Decimal]) -> int:
    """Whole pieces: one that is started counts as one."""
    return max(math.ceil(sum(quantities, Decimal(0))), 0)


@dataclass(frozen=True, slots=True)
class Need:
    """So many pieces of what an order names by a SKU.

    `item_id` is what the SKU means now, None where it means nothing, or several items. Of a kit nothing can lack: it
    holds no stock of its own.
    """

    sku: str
    pieces: int
    item_id: int | None
    is_kit: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """What an order holds of an item in a warehouse, for one of its SKUs, by the ledger."""

    sku: str
    item_id: int
    location_id: int
    taken: int = 0
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """An order as stock sees it. What it takes anew comes from the warehouse `location_id`."""

    order_id: int
    location_id: int
    hold: Hold
    needs: tuple[Need, ...] = ()
    holdings: tuple[Holding, ...] = ()


@dataclass(frozen=True, slots=True)
class Lack:
    """Pieces that an order should hold and does not; `item_id` is None where the SKU says of no item."""

    order_id: int
    sku: str
    item_id: int | None
    pieces: int
    why: Why


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be moved, in this order, and what the orders lack after that."""

    movements: tuple[Movement, ...]
    lacks: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class _Wish:
    """Pieces that are to be promised, if there are enough: all of them or none."""

    order_id: int
    sku: str
    place: Place
    pieces: int


def settle(cases: Sequence[Case], levels: Mapping[Place, Level]) -> Settled:
    """Bring what the orders hold to what they should hold; who stands first in `cases` is served first.

    What some give back is there for the others. `levels` are those of all items that the cases name.
    """
    now, movements, lacks = dict(levels), list[Movement](), list[Lack]()

    def apply(movement: Movement) -> None:
        place = (movement.item_id, movement.location_id)
        now[place] = level_after(now.get(place, Level()), movement)
        movements.append(movement)

    wishes = list[_Wish]()
    for case in cases:
        for step in _steps(case):
            match step:
                case Movement():
                    apply(step)
                case _Wish():
                    wishes.append(step)
                case Lack():
                    lacks.append(step)
    for wish in wishes:
        item_id, location_id = wish.place
        if now.get(wish.place, Level()).available < wish.pieces:
            lacks.append(Lack(wish.order_id, wish.sku, item_id, wish.pieces, Why.OVERSOLD))
            continue
        apply(
            Movement(
                item_id, location_id, Kind.RESERVE, reserved=wish.pieces, order_id=wish.order_id, order_sku=wish.sku
            )
        )
    return Settled(tuple(movements), tuple(lacks))


def _steps(case: Case) -> Iterator[Movement | _Wish | Lack]:
    """SKU by SKU, so that two of one item do not stand in for each other."""
    if case.hold is Hold.KEPT:
        return
    needs = {sku_key(need.sku): need for need in case.needs}
    held: dict[str, list[Holding]] = {}
    for one in case.holdings:
        held.setdefault(sku_key(one.sku), []).append(one)
    for key in dict.fromkeys((*held, *needs)):
        holdings = held.get(key, [])
        need = needs.get(key) or Need(holdings[0].sku, 0, None)
        match case.hold:
            case Hold.RESERVED:
                yield from _reserved(case, need, holdings)
            case Hold.TAKEN:
                yield from _taken(case, need, holdings)
            case _:
                for one in holdings:
                    yield from _released(case, one, one.reserved)
                    yield from _returned(case, one, one.taken if case.hold is Hold.NOTHING else 0)


def _reserved(case: Case, need: Need, holdings: Sequence[Holding]) -> Iterator[Movement | _Wish | Lack]:
    """Promised, no more and no less; a promise follows the SKU to the item that it means now."""
    item_id, kept = _meant(need, holdings), 0
    for one in holdings:
        yield from _returned(case, one, one.taken)
        is_right = one.item_id == item_id and one.location_id == case.location_id
        stays = min(one.reserved, need.pieces) if is_right else 0
        yield from _released(case, one, one.reserved - stays)
        kept += stays
    if kept < need.pieces:
        yield from _wish(case, need, item_id, need.pieces - kept)


def _wish(case: Case, need: Need, item_id: int | None, pieces: int) -> Iterator[_Wish | Lack]:
    if item_id is not None:
        yield _Wish(case.order_id, need.sku, (item_id, case.location_id), pieces)
    elif not need.is_kit:
        yield Lack(case.order_id, need.sku, None, pieces, Why.UNLINKED)


def _taken(case: Case, need: Need, holdings: Sequence[Holding]) -> Iterator[Movement | Lack]:
    """Out of the house. What left it stays the item that left, whatever its SKU came to mean since."""
    item_id = _meant(need, holdings)
    surplus = sum(one.taken for one in holdings) - need.pieces
    for one in sorted(holdings, key=lambda one: one.item_id == item_id):
        back = min(one.taken, max(surplus, 0))
        yield from _returned(case, one, back)
        surplus -= back
    lacking = max(-surplus, 0)
    for one in holdings:
        is_right = one.item_id == item_id and one.location_id == case.location_id
        sent = min(one.reserved, lacking) if is_right else 0
        yield from _released(case, one, one.reserved - sent)
    if lacking and item_id is not None:
        place = (item_id, case.location_id)
        promised = sum(one.reserved for one in holdings if (one.item_id, one.location_id) == place)
        yield Movement(
            *place,
            Kind.SHIP,
            on_hand=-lacking,
            reserved=-min(promised, lacking),
            order_id=case.order_id,
            order_sku=need.sku,
        )
    elif lacking and not need.is_kit:
        yield Lack(case.order_id, need.sku, None, lacking, Why.UNLINKED)


def _meant(need: Need, holdings: Sequence[Holding]) -> int | None:
    """What the SKU means; one that means nothing any more still means what the order holds for it."""
    if need.item_id is not None or not holdings:
        return need.item_id
    return holdings[0].item_id


def _released(case: Case, one: Holding, pieces: int) -> Iterator[Movement]:
    if pieces:
        place = (one.item_id, one.location_id)
        yield Movement(*place, Kind.RELEASE, reserved=-pieces, order_id=case.order_id, order_sku=one.sku)


def _returned(case: Case, one: Holding, pieces: int) -> Iterator[Movement]:
    if pieces:
        place = (one.item_id, one.location_id)
        yield Movement(*place, Kind.RETURN, on_hand=pieces, order_id=case.order_id, order_sku=one.sku)
