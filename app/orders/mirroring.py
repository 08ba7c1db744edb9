"""How orders leave another store, as that store tells it: kept here to be read, and never changed here.

Writes and does not commit, five statements for any number of orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, exists

from app.bulk import insert_rows
from app.core.types import RemoteFulfilment, RemotePackage
from app.extensions import db
from app.orders.packages import FulfilmentRow, PackageLineRow, PackageRow
from app.tenancy.scope import current_store_id

_FULFILMENT: Final = (
    *("store_id", "order_id", "version", "moved_at", "moved_by", "person"),
    *("conflict", "may_move"),
)
_FULFILMENT_CONFLICT: Final = (
    "on conflict (store_id, order_id) do update set version = excluded.version, moved_at = excluded.moved_at, "
    "moved_by = excluded.moved_by, person = excluded.person, may_move = excluded.may_move, conflict = "
    # What somebody here has read is not told again, as long as nothing else happened.
    "case when fulfilments.version = excluded.version then fulfilments.conflict else excluded.conflict end"
)
_PACKAGE: Final = ("store_id", "channel_id", "number", "courier", "tracking_number", "shipped_at")
_PACKAGE_CONFLICT: Final = (
    "on conflict (store_id, channel_id, number) do update set courier = excluded.courier, "
    "tracking_number = excluded.tracking_number, shipped_at = excluded.shipped_at"
)
_LINE: Final = ("store_id", "package_id", "order_id", "line_no", "quantity")


def mirror(channel_id: int, told: Mapping[int, RemoteFulfilment]) -> None:
    """Let these orders, by their ids, be packed as their store says now."""
    if not told:
        return
    store_id = current_store_id()
    rows = [_row(order_id, fulfilment) for order_id, fulfilment in told.items()]
    insert_rows(FulfilmentRow, _FULFILMENT, rows, on_conflict=_FULFILMENT_CONFLICT)
    former = db.session.scalars(
        delete(PackageLineRow)
        .where(PackageLineRow.store_id == store_id, PackageLineRow.order_id.in_(told))
        .returning(PackageLineRow.package_id)
        .execution_options(synchronize_session=False)
    )
    touched = set(former)
    ids = _packages(channel_id, [package for one in told.values() for package in one.packages])
    lines = [
        {
            "store_id": store_id,
            "package_id": ids[package.number],
            "order_id": order_id,
            "line_no": line_no,
            "quantity": many,
        }
        for order_id, fulfilment in told.items()
        for package in fulfilment.packages
        for line_no, many in package.lines
    ]
    insert_rows(PackageLineRow, _LINE, lines)
    _drop_empty(touched - set(ids.values()))


def _row(order_id: int, told: RemoteFulfilment) -> dict[str, Any]:
    """`moved_by` is as this store sees it: what the store that reads the order said, it said here."""
    sides = {"main": "here", "sub": "there", None: None}
    return {
        "store_id": current_store_id(),
        "order_id": order_id,
        "version": told.version,
        "moved_at": told.moved_at,
        "moved_by": sides[told.side],
        "person": told.person,
        "conflict": told.conflict,
        "may_move": told.may_move,
    }


def _packages(channel_id: int, packages: Sequence[RemotePackage]) -> dict[str, int]:
    """The packages by their numbers, made or brought up to date; one that orders share is told by each of them."""
    rows = {
        package.number: {
            "store_id": current_store_id(),
            "channel_id": channel_id,
            "number": package.number,
            "courier": package.courier,
            "tracking_number": package.tracking_number,
            "shipped_at": package.shipped_at,
        }
        for package in packages
    }
    stored = insert_rows(
        PackageRow,
        _PACKAGE,
        [rows[number] for number in sorted(rows)],
        returning=("id", "number"),
        on_conflict=_PACKAGE_CONFLICT,
    )
    return {row.number: row.id for row in stored}


def _drop_empty(package_ids: set[int]) -> None:
    """Packages that hold nothing more are gone there too."""
    if not package_ids:
        return
    store_id = current_store_id()
    held = exists().where(PackageLineRow.store_id == store_id, PackageLineRow.package_id == PackageRow.id)
    db.session.execute(
        delete(PackageRow)
        .where(PackageRow.store_id == store_id, PackageRow.id.in_(package_ids), ~held)
        .execution_options(synchronize_session=False)
    )
