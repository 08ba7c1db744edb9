"""How many orders stand behind a gateway: bounded counts, so that a page costs the same with a million orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select

from app.core.states import OrderState, Reason
from app.extensions import db
from app.mappings.models import PaymentMapping
from app.orders.models import Order
from app.orders.queries import COUNTED_AT_MOST
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class GatewayTally:
    """Orders of one gateway, each number counted up to COUNTED_AT_MOST."""

    orders: int
    waiting: int
    ready: int


NOTHING = GatewayTally(0, 0, 0)


def gateway_tallies(channel_id: int) -> dict[int, GatewayTally]:
    """Mapping id → how many orders use the gateway, wait for its payment method, and are ready. One statement."""
    rows = db.session.execute(
        select(
            PaymentMapping.id,
            _count(),
            _count(Order.state == OrderState.HELD, Order.reason == Reason.GATEWAY_UNMAPPED),
            _count(Order.state == OrderState.READY),
        ).where(PaymentMapping.store_id == current_store_id(), PaymentMapping.channel_id == channel_id)
    )
    return {mapping_id: GatewayTally(*counts) for mapping_id, *counts in rows}


def _count(*conditions: ColumnElement[bool]) -> Any:
    some = (
        select(literal(1))
        .where(
            Order.store_id == PaymentMapping.store_id,
            Order.channel_id == PaymentMapping.channel_id,
            Order.gateway_key == PaymentMapping.gateway_key,
            *conditions,
        )
        .limit(COUNTED_AT_MOST)
        .correlate(PaymentMapping)
        .subquery()
    )
    return select(func.count()).select_from(some).scalar_subquery()
