"""The orders of one act together with their packages, under the lock of their channel, and what became of them.

An order that nobody packed yet has one package under a name of its own here, which is kept only when it is split,
combined or sent. An order that was made as one that is sent already has it as well, until somebody names its courier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete

from app.bulk import insert_rows
from app.core.fulfilment import SENT
from app.core.numbering import PACKAGE_SERIES
from app.core.own_orders import OwnOrder
from app.core.packing import CannotPack, Package, PackageLine, Packages, Parcel, Refusal, is_whole, packages_of
from app.extensions import db
from app.fulfilment.queries import packages_with
from app.invoices.services import take_numbers
from app.orders.packages import FulfilmentRow, PackageLineRow, PackageRow
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.own_orders.services import OwnOrderRow, keep_changed, own_order, own_orders
from app.tenancy.scope import current_store_id

NEW: Final = "#new"
"""What a package is called until it has its number."""
_PACKAGE = ("store_id", "channel_id", "number", "courier", "tracking_number", "shipped_at")
_SENT_ANEW: Final = (
    "on conflict (store_id, channel_id, number) do update set courier = excluded.courier, "
    "tracking_number = excluded.tracking_number, shipped_at = excluded.shipped_at"
)
_VERSION = ("store_id", "order_id", "version", "moved_at", "moved_by", "person")
_ONE_MORE: Final = (
    "on conflict (store_id, order_id) do update set version = fulfilments.version + 1, moved_at = excluded.moved_at, "
    "moved_by = excluded.moved_by, person = excluded.person, conflict = null"
)


class NotHere(LookupError):
    """The store has no such order that was made here; one of a channel is packed and sent there."""


@dataclass(frozen=True, slots=True)
class By:
    """Who says it, by id and name, when, and on which side of a link."""

    user_id: int | None
    person: str
    at: datetime
    side: str


@dataclass(slots=True)
class House:
    """Some orders, everything they are packed in, and the orders that share that."""

    channel_id: int
    rows: Mapping[int, OwnOrderRow]
    before: Packages
    """As they are kept."""
    packages: Packages
    """As they stand now, with those that are not kept."""
    says: dict[int, OwnOrder] = field(default_factory=dict)
    """The orders that say something else now."""
    notes: list[JournalNote] = field(default_factory=list)

    def order(self, order_id: int) -> OwnOrder:
        """What an order says now."""
        return self.says.get(order_id, self.rows[order_id].order)

    def of(self, order_id: int) -> Packages:
        """What an order is packed in now."""
        return packages_of(order_id, self.packages)

    def pick(self, order_id: int, number: str | None) -> str:
        """The package that is meant: the one named, or the only one that is not sent yet."""
        mine = [package.number for package in self.of(order_id)]
        if number:
            if number not in mine:
                raise CannotPack(Refusal.NO_SUCH_PACKAGE)
            return number
        unsent = [package.number for package in self.of(order_id) if not package.is_sent]
        if len(unsent) != 1:
            raise CannotPack(Refusal.NO_SUCH_PACKAGE if unsent else Refusal.ALREADY_SENT)
        return unsent[0]

    def becomes(self, packages: Packages) -> Mapping[str, str]:
        """Let the packages stand so; returns what those that are kept from now on were called until now."""
        new = (one for one in packages if one.number.startswith("#") and one not in self.packages)
        nameless = [one for one in new if not is_whole(one, packages)]
        numbers = take_numbers(PACKAGE_SERIES, len(nameless)) if nameless else []
        names = {one.number: text for one, (_number, text) in zip(nameless, numbers, strict=True)}
        self.packages = tuple(replace(one, number=names.get(one.number, one.number)) for one in packages)
        return names

    def note(self, kind: str, order_ids: Collection[int], **detail: Any) -> None:
        """Write the same into the journal of each of these orders."""
        self.notes += [JournalNote(kind, self.channel_id, order_id, detail) for order_id in sorted(order_ids)]


def open_house(order_ids: Sequence[int]) -> House:
    """These orders, under the lock of the channel that they were made in. NotHere when one was made elsewhere."""
    first = own_order(order_ids[0])
    if first is None:
        raise NotHere(order_ids[0])
    lock_channel(first.channel_id)
    kept = packages_with(order_ids)
    sharing = {order_id for package in kept for order_id in package.order_ids}
    if sharing - set(order_ids):
        kept = packages_with(sharing.union(order_ids))
    rows = own_orders(sharing.union(order_ids))
    if missing := [order_id for order_id in order_ids if order_id not in rows]:
        raise NotHere(missing[0])
    packed = {order_id for package in kept for order_id in package.order_ids}
    unpacked = tuple(_all_of(row) for order_id, row in rows.items() if order_id not in packed)
    return House(first.channel_id, rows, kept, (*kept, *unpacked))


def close_house(house: House, by: By) -> None:
    """Write what became of the orders and packages, and who said so. Does not commit."""
    named = (package for package in house.packages if not package.number.startswith("#"))
    after = tuple(package for package in named if not is_whole(package, house.packages))
    changed = set(house.before) ^ set(after)
    _write_packages(house, changed, after)
    keep_changed(house.channel_id, [(house.rows[order_id], says) for order_id, says in house.says.items()], by.user_id)
    moved = {order_id for order_id, says in house.says.items() if says.status != house.rows[order_id].order.status}
    # Of packages that touch others only by the orders of this act, those others are not told anything.
    moved |= {order_id for package in changed for order_id in package.order_ids if order_id in house.rows}
    _write_versions(moved, by)
    write_journal(house.notes, user_id=by.user_id)


def parcel(row: OwnOrderRow, packages: Packages) -> Parcel:
    """The order as one that might share a package; these are packages of it and of others."""
    order = row.order
    return Parcel(row.id, order.number, order.status, order.buyer, packages_of(row.id, packages) or (_all_of(row),))


def _all_of(row: OwnOrderRow) -> Package:
    lines = enumerate(row.order.lines, start=1)
    held = (PackageLine(row.id, row.order.number, number, line.quantity) for number, line in lines)
    order = row.order
    return Package(f"#{row.id}", tuple(held), shipped_at=order.shipped_at if order.status in SENT else None)


def _write_packages(house: House, changed: set[Package], after: Packages) -> None:
    if not changed:
        return
    store_id = current_store_id()
    written = [package for package in after if package in changed]
    gone = {package.number for package in changed} - {package.number for package in written}
    mine = (PackageRow.store_id == store_id, PackageRow.channel_id == house.channel_id)
    db.session.execute(delete(PackageRow).where(*mine, PackageRow.number.in_(gone)))
    rows = [
        {
            "store_id": store_id,
            "channel_id": house.channel_id,
            "number": package.number,
            "courier": package.courier,
            "tracking_number": package.tracking_number,
            "shipped_at": package.shipped_at,
        }
        for package in written
    ]
    kept = insert_rows(PackageRow, _PACKAGE, rows, on_conflict=_SENT_ANEW, returning=("id", "number"))
    ids = {row.number: row.id for row in kept}
    db.session.execute(
        delete(PackageLineRow).where(PackageLineRow.store_id == store_id, PackageLineRow.package_id.in_(ids.values()))
    )
    lines = [
        {
            "store_id": store_id,
            "package_id": ids[package.number],
            "order_id": line.order_id,
            "line_no": line.line_no,
            "quantity": line.quantity,
        }
        for package in written
        for line in package.lines
    ]
    insert_rows(PackageLineRow, ("store_id", "package_id", "order_id", "line_no", "quantity"), lines)


def _write_versions(order_ids: Collection[int], by: By) -> None:
    rows = [
        {
            "store_id": current_store_id(),
            "order_id": order_id,
            "version": 1,
            "moved_at": by.at,
            "moved_by": by.side,
            "person": by.person,
        }
        for order_id in sorted(order_ids)
    ]
    insert_rows(FulfilmentRow, _VERSION, rows, on_conflict=_ONE_MORE)
