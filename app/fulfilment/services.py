"""Moving orders that are made here on their way, and packing them: one verb each, each under its channel's lock.

All raise NotHere for an order that a channel sent, CannotPack for packages that stay as they are, and Mistakes for a
status that cannot follow. Each commits, but for `move_within`, which serves a store that reads the orders over a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from app.core import packing
from app.core.fulfilment import NOT_SENT, SENT
from app.core.own_orders import Mistake, Mistakes, Move, Wrong, moved
from app.core.packing import CannotPack, PackageKey, Refusal
from app.core.types import OrderStatus
from app.extensions import db
from app.fulfilment.house import NEW, By, House, close_house, open_house, parcel
from app.fulfilment.queries import HERE
from app.orders.ignoring import name_of
from app.own_orders.services import moved_by

_LEAVES: Final = {OrderStatus.ON_HOLD: Refusal.ON_HOLD}
"""Why an order keeps a package that it shares in the house; every other reason is that it has ended."""


def move(
    order_id: int,
    status: OrderStatus,
    user_id: int | None,
    *,
    person: str = "",
    at: datetime | None = None,
    courier: str = "",
    tracking_number: str = "",
    package: str | None = None,
) -> None:
    """Let the order go on to a status. With a package only that one is sent; the order is, when it was the last."""
    said = Move(status=status, package=package, courier=courier or None, tracking_number=tracking_number or None)
    tell(order_id, said, user_id, person=person, at=at)


def tell(order_id: int, said: Move, user_id: int | None, *, person: str = "", at: datetime | None = None) -> None:
    """Say what happened to an order: its status, its payment, a package of it. To say it twice does no harm."""
    by = _by(user_id, person, at)
    with _whole_or_not_at_all():
        house = open_house([order_id])
        move_within(house, order_id, said, by)
        close_house(house, by)


def move_within(house: House, order_id: int, said: Move, by: By) -> None:
    """The same among other acts of one house, which the caller opens and closes."""
    row = house.rows[order_id]
    if said.package is not None and said.status not in {None, OrderStatus.SHIPPED}:
        raise Mistakes([Mistake(("package",), Wrong.OF_SHIPPED)])
    # A package that is sent need not be the last; the order follows by itself when it is.
    house.says[order_id] = moved_by(row, replace(said, status=said.status if said.package is None else None), by.at)
    if said.status in SENT and (numbers := _leaving(house, order_id, said.package)):
        _send(house, order_id, numbers, said, by)
    elif said.is_of_packages:
        _relabel(house, order_id, said)
    elif said.status == OrderStatus.CANCELLED:
        house.becomes(packing.take_out(house.packages, order_id))


def split(
    order_id: int, package: str | None, taken: Mapping[PackageKey, Decimal], user_id: int | None, *, person: str = ""
) -> None:
    """Put so much of each line of one of its packages into a new package."""
    with _packing([order_id], user_id, person) as house:
        _only(house, order_id, packing.MAY_SPLIT)
        number = house.pick(order_id, package)
        names = house.becomes(packing.split(house.packages, number, taken, NEW))
        known = names.get(number, number)
        house.note("split", _in(house, known, names[NEW]), package=known, into=names[NEW])


def merge(order_id: int, package: str, user_id: int | None, *, person: str = "") -> None:
    """Put what is in one of its packages back into another."""
    with _packing([order_id], user_id, person) as house:
        number = house.pick(order_id, package)
        into = packing.joins(house.packages, number)
        house.note("merged_back", _in(house, number, into), package=number, into=into)
        house.becomes(packing.merge_back(house.packages, number))


def combine(order_ids: Sequence[int], user_id: int | None, *, person: str = "") -> None:
    """Let orders of one customer and one address share the package of the first of them."""
    with _packing(order_ids, user_id, person) as house:
        parcels = [parcel(house.rows[order_id], house.packages) for order_id in dict.fromkeys(order_ids)]
        (shared,) = packing.combine(parcels)
        gone = {package.number for parcel in parcels for package in parcel.packages}
        house.becomes((shared, *(package for package in house.packages if package.number not in gone)))
        (shared,) = house.of(order_ids[0])
        numbers = ", ".join(dict.fromkeys(line.order_number for line in shared.lines))
        house.note("combined", shared.order_ids & house.rows.keys(), package=shared.number, orders=numbers)


def separate(order_id: int, package: str, user_id: int | None, *, person: str = "") -> None:
    """Take the order out of a package that it shares."""
    with _packing([order_id], user_id, person) as house:
        number = house.pick(order_id, package)
        house.note("separated", _in(house, number), package=number, order=house.rows[order_id].order.number)
        house.becomes(packing.separate(house.packages, number, order_id, NEW))


def _leaving(house: House, order_id: int, package: str | None) -> list[str]:
    """What is sent now: the package that is named or all of the order, as far as it is still here."""
    named = None if package is None else house.pick(order_id, package)
    return [one.number for one in house.of(order_id) if not one.is_sent and named in {None, one.number}]


def _send(house: House, order_id: int, numbers: Sequence[str], said: Move, by: By) -> None:
    """Send packages; every order of which the last leaves now is sent."""
    label = {"courier": said.courier or "", "tracking_number": said.tracking_number or ""}
    moved(house.rows[order_id].order, now=by.at, status=OrderStatus.SHIPPED)  # refuses what may not leave
    sent = _in(house, *numbers)
    for other in sorted(sent - {order_id}):
        order = house.order(other)
        if order.status not in NOT_SENT:
            raise CannotPack(_LEAVES.get(order.status, Refusal.ENDED), order.number)
    packages = house.packages
    for number in numbers:
        packages = packing.ship(packages, number, **label, at=by.at)
    names = house.becomes(packages)
    for known in (names.get(number, number) for number in numbers):
        house.note("sent", _in(house, known), package=known, **label)
    for one in sent:
        says = house.order(one)
        status = packing.status_after(says.status, house.of(one))
        if status != says.status:
            house.says[one] = moved(says, now=by.at, status=status)


def _relabel(house: House, order_id: int, said: Move) -> None:
    """Say the courier and tracking number of what was sent already."""
    numbers = [said.package] if said.package is not None else [one.number for one in house.of(order_id)]
    for number in numbers:
        picked = house.pick(order_id, number)
        (package,) = (one for one in house.packages if one.number == picked)
        courier = package.courier if said.courier is None else said.courier
        tracking_number = package.tracking_number if said.tracking_number is None else said.tracking_number
        packages = packing.relabel(house.packages, picked, courier, tracking_number)
        if packages != house.packages:
            known = house.becomes(packages).get(picked, picked)
            house.note("relabelled", _in(house, known), package=known, courier=courier, tracking_number=tracking_number)


def _in(house: House, *numbers: str) -> set[int]:
    """The orders of which something is in one of these packages."""
    return {one for package in house.packages if package.number in numbers for one in package.order_ids}


def _only(house: House, order_id: int, statuses: frozenset[OrderStatus]) -> None:
    status = house.rows[order_id].order.status
    if status not in statuses:
        raise CannotPack(Refusal.ALREADY_SENT if status in SENT else Refusal.ENDED)


@contextmanager
def _packing(order_ids: Sequence[int], user_id: int | None, person: str) -> Iterator[House]:
    with _whole_or_not_at_all():
        house = open_house(order_ids)
        yield house
        close_house(house, _by(user_id, person))


def _by(user_id: int | None, person: str, at: datetime | None = None) -> By:
    name = person or (name_of(user_id) if user_id is not None else "")
    return By(user_id, name, at or datetime.now(UTC), HERE)


@contextmanager
def _whole_or_not_at_all() -> Iterator[None]:
    try:
        yield
    except Exception:
        db.session.rollback()
        raise
    db.session.commit()
