"""How a sub-store's orders leave it, as its main store is told. Inside the sub-store's own scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from app.connectors.own import Own
from app.core.packing import Package
from app.core.types import RemoteFulfilment, RemotePackage
from app.fulfilment.queries import HERE, THERE, Fulfilment, fulfilments_of

SIDES: Final[Mapping[str | None, Literal["sub", "main"] | None]] = {HERE: "sub", THERE: "main", None: None}
"""Who moved an order, by the sub-store's own words for it."""


def told_fulfilments(kinds: Mapping[int, str]) -> dict[int, RemoteFulfilment]:
    """The fulfilment of these orders, given as order id → the kind of its channel. Two statements.

    Only what was made in the store itself may be moved from outside; the status of the others is made elsewhere. Of a
    package that orders share, each tells its own lines: one that does not flow is not named to anybody.
    """
    found = fulfilments_of(kinds.keys())
    return {order_id: _told(order_id, kinds[order_id], one) for order_id, one in found.items()}


def versioned(digest: str, version: int | None) -> str:
    """Identifies what an order says together with how it leaves the store."""
    return f"{digest}:{version}" if version else digest


def _told(order_id: int, kind: str, one: Fulfilment) -> RemoteFulfilment:
    return RemoteFulfilment(
        version=one.version,
        moved_at=one.moved_at,
        side=SIDES[one.moved_by],
        person=one.person,
        may_move=kind == Own.kind,
        conflict=one.conflict,
        packages=tuple(_package(order_id, package) for package in one.packages),
    )


def _package(order_id: int, package: Package) -> RemotePackage:
    return RemotePackage(
        number=package.number,
        courier=package.courier,
        tracking_number=package.tracking_number,
        shipped_at=package.shipped_at,
        lines=tuple((line.line_no, line.quantity) for line in package.lines if line.order_id == order_id),
    )
