"""Where orders stand on their way out of the house, as plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from app.bulk import each_of
from app.core.packing import Package, PackageLine, Packages, packages_of
from app.extensions import db
from app.orders.models import Order
from app.orders.packages import FulfilmentRow, PackageLineRow, PackageRow
from app.tenancy.scope import current_store_id

_LATEST: Final = 200
HERE: Final = "here"
"""Said in the store whose order it is."""
THERE: Final = "there"
"""Said in the store that reads it over a link."""


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What was last said of an order's way, and the packages that were made of it; none is one that holds all of it.

    A package that others share comes with their lines, too.
    """

    version: int = 0
    moved_at: datetime | None = None
    moved_by: str | None = None
    person: str = ""
    conflict: Mapping[str, Any] | None = None
    packages: Packages = ()


def fulfilments_of(order_ids: Collection[int]) -> dict[int, Fulfilment]:
    """The same for each of these orders. Two statements, however many they are."""
    if not order_ids:
        return {}
    query = select(
        FulfilmentRow.order_id,
        FulfilmentRow.version,
        FulfilmentRow.moved_at,
        FulfilmentRow.moved_by,
        FulfilmentRow.person,
        FulfilmentRow.conflict,
    )
    within = {FulfilmentRow.store_id: current_store_id()}
    rows = db.session.execute(each_of(query, FulfilmentRow.order_id, order_ids, within=within)).all()
    said = {row.order_id: row for row in rows}
    packages = packages_with(order_ids)
    found = {}
    for order_id in order_ids:
        mine, row = packages_of(order_id, packages), said.get(order_id)
        found[order_id] = (
            Fulfilment(packages=mine)
            if row is None
            else Fulfilment(row.version, row.moved_at, row.moved_by, row.person, row.conflict, mine)
        )
    return found


def packages_with(order_ids: Collection[int]) -> Packages:
    """Every package that holds something of one of these orders, whole, the oldest first. One statement."""
    within = {PackageLineRow.store_id: current_store_id()}
    touched = each_of(select(PackageLineRow.package_id), PackageLineRow.order_id, order_ids, within=within)
    rows = db.session.execute(
        select(
            PackageRow.id,
            PackageRow.number,
            PackageRow.courier,
            PackageRow.tracking_number,
            PackageRow.shipped_at,
            PackageLineRow.order_id,
            Order.number.label("order_number"),
            PackageLineRow.line_no,
            PackageLineRow.quantity,
        )
        .join(
            PackageLineRow,
            (PackageLineRow.store_id == PackageRow.store_id) & (PackageLineRow.package_id == PackageRow.id),
        )
        .join(Order, (Order.store_id == PackageLineRow.store_id) & (Order.id == PackageLineRow.order_id))
        .where(PackageRow.store_id == current_store_id(), PackageRow.id.in_(touched.distinct()))
        .order_by(PackageRow.id, PackageLineRow.order_id, PackageLineRow.line_no)
    ).all()
    lines: dict[int, list[PackageLine]] = {}
    for row in rows:
        line = PackageLine(row.order_id, row.order_number, row.line_no, row.quantity)
        lines.setdefault(row.id, []).append(line)
    found = {row.id: row for row in rows}
    return tuple(
        Package(row.number, tuple(lines[row.id]), row.courier, row.tracking_number, row.shipped_at)
        for row in found.values()
    )


def couriers() -> list[str]:
    """Who carried the store's latest packages, to choose from."""
    latest = (
        select(PackageRow.courier)
        .where(PackageRow.store_id == current_store_id())
        .order_by(PackageRow.id.desc())
        .limit(_LATEST)
        .subquery()
    )
    return list(db.session.scalars(select(latest.c.courier).distinct().where(latest.c.courier != "")))
