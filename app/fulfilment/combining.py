"""Which other orders of an order's buyer could share its package, and why the rest of them cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import or_, select

from app.core.packing import Refusal, why_not_combined, why_not_together
from app.core.types import OrderStatus
from app.extensions import db
from app.fulfilment.house import parcel
from app.fulfilment.queries import packages_with
from app.orders.models import Order
from app.own_orders.services import OwnOrderRow, own_orders
from app.tenancy.scope import current_store_id

MOST: Final = 50
"""So many orders of one buyer are looked at, the newest."""
LOOKED_BACK: Final = timedelta(days=180)
"""What was placed before is not looked at, so that a store of many years is not read for one parcel."""
_HERE: Final = (OrderStatus.OPEN, OrderStatus.PROCESSING, OrderStatus.READY_TO_SHIP, OrderStatus.ON_HOLD)
_KNOWN_BY: Final = ("name", "phone", "email")


@dataclass(frozen=True, slots=True)
class Company:
    """An order, why it may share with none (None when it may), and its buyer's others, each with why it may not."""

    row: OwnOrderRow
    refusal: Refusal | None
    others: tuple[tuple[OwnOrderRow, Refusal | None], ...]

    @property
    def may_join(self) -> bool:
        """Whether there is any other to combine it with."""
        return self.refusal is None and any(refusal is None for _row, refusal in self.others)


def company_of(row: OwnOrderRow) -> Company:
    """The orders that are still here of whoever has the same name, phone or e-mail. Three statements."""
    others = own_orders(_of_the_same_buyer(row))
    packages = packages_with([row.id, *others])
    mine = parcel(row, packages)
    judged = [(other, why_not_together(mine, parcel(other, packages))) for other in others.values()]
    judged.sort(key=lambda one: (one[1] is not None, -one[0].id))
    return Company(row, why_not_combined(mine), tuple(judged))


def _of_the_same_buyer(row: OwnOrderRow) -> list[int]:
    buyer: Mapping[str, str] = row.order.buyer
    same = [Order.buyer[name].astext == buyer[name] for name in _KNOWN_BY if buyer.get(name)]
    if not same:
        return []
    query = select(Order.id).where(
        Order.store_id == current_store_id(),
        Order.channel_id == row.channel_id,
        Order.id != row.id,
        Order.placed_at >= datetime.now(UTC) - LOOKED_BACK,
        Order.status.in_(_HERE),
        or_(*same),
    )
    return list(db.session.scalars(query.order_by(Order.id.desc()).limit(MOST)))
