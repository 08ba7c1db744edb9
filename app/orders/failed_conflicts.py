"""Orders of which two linked stores said different things, as a cause for Failed Sync until somebody has read it."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import and_, func, select

from app.channels.models import Channel
from app.orders.causes import Cause, CauseKey, CauseKind
from app.orders.filters import OrderFilter
from app.orders.models import Order
from app.orders.packages import FulfilmentRow
from app.planning import read
from app.tenancy.scope import THIS_STORE

CONTESTED: Final = "CONTESTED"


def conflict_causes() -> list[Cause]:
    """One for each channel that has such orders. One statement."""
    causes: dict[int, Cause] = {}
    for row in read(_contested()):
        so_far = causes.get(row.channel_id)
        causes[row.channel_id] = Cause(
            key=CauseKey(CauseKind.CONFLICTS, CONTESTED, row.channel_id),
            channel=row.channel,
            count=row.many + (so_far.count if so_far else 0),
            first_at=min(row.first_at, so_far.first_at) if so_far else row.first_at,
            last_at=max(row.last_at, so_far.last_at) if so_far else row.last_at,
            money={**(so_far.money if so_far else {}), row.currency: int(row.total)},
            where=OrderFilter(channel=row.channel_id, contested=True),
        )
    return list(causes.values())


@cache
def _contested() -> Any:
    at = func.coalesce(FulfilmentRow.moved_at, Order.changed_at)
    return (
        select(
            Order.channel_id,
            Channel.name.label("channel"),
            Order.currency,
            func.count().label("many"),
            func.sum(Order.total).label("total"),
            func.min(at).label("first_at"),
            func.max(at).label("last_at"),
        )
        .select_from(FulfilmentRow)
        .join(Order, and_(Order.store_id == THIS_STORE, Order.id == FulfilmentRow.order_id))
        .join(Channel, and_(Channel.store_id == THIS_STORE, Channel.id == Order.channel_id))
        .where(FulfilmentRow.store_id == THIS_STORE, FulfilmentRow.conflict.is_not(None), Channel.status != "removed")
        .group_by(Order.channel_id, Channel.name, Order.currency)
    )
