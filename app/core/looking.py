"""When a channel was last asked about an order: worked out, because an order that did not change is not written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.states import OrderState
from app.core.types import OrderStatus

OVERLAP = timedelta(hours=48)
"""How far Auto Sync reads back before the last time."""
CHANGES_OVERLAP = timedelta(hours=1)
"""The same where a channel lists by the last change: only its clock may differ from ours."""


_UNBOOKED = (OrderState.WAITING, OrderState.READY, OrderState.QUEUED, OrderState.HELD)
_ENDED = (OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.RETURNED)


@dataclass(frozen=True, slots=True)
class Reading:
    """Up to when a channel was read: `checked_at` the newest orders and the open ones, `swept_at` all of them."""

    checked_at: datetime | None
    swept_at: datetime | None


def is_still_open(state: OrderState, status: OrderStatus) -> bool:
    """Whether each check asks for the order again, because it may still change (`app.orders.models.STILL_OPEN`)."""
    return state in _UNBOOKED or (state == OrderState.BOOKED and status not in _ENDED)


def last_looked_at(written_at: datetime, placed_at: datetime | None, *, still_open: bool, reading: Reading) -> datetime:
    """The last moment at which the channel was asked about an order that was written down at `written_at`."""
    moments = [written_at]
    if reading.swept_at is not None:
        moments.append(reading.swept_at)
    if reading.checked_at is not None and (still_open or _is_new(placed_at, reading.checked_at)):
        moments.append(reading.checked_at)
    return max(moments)


def _is_new(placed_at: datetime | None, checked_at: datetime) -> bool:
    return placed_at is not None and placed_at >= checked_at - OVERLAP
