"""What a channel lists and is no order to bring in: another paper of an order, or an order that we made there.

An order that we made carries its mark from the moment it is there (`app.sync.models.OrderCopy`), and the mark is
committed here before that. So whoever reads it there finds the mark here, also when the answer to its making was lost.
What was put aside once stays so, whatever somebody does to its mark. These functions write and do not commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, or_, select, text

from app.bulk import update_rows
from app.core.states import Reason
from app.core.types import OrderStub, RemoteOrder
from app.extensions import db
from app.sync.models import OrderCopy
from app.tenancy.scope import current_store_id

PUT_ASIDE: Final = (Reason.PART_OF_ORDER, Reason.MADE_HERE)


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a listed id is no order to bring in, and which order it belongs to."""

    reason: Reason
    facts: Mapping[str, Any]


def put_aside(
    channel_id: int, stubs: Iterable[OrderStub], orders: Mapping[str, RemoteOrder], *, look_for_ours: bool
) -> dict[str, Aside]:
    """Those that are not to be brought in, by id; copies of orders of ours learn what the channel calls them.

    At most two statements, and none where nothing bears a mark, unless we are to `look_for_ours` without one.
    """
    told = {stub.remote_id: _told(stub, orders.get(stub.remote_id)) for stub in stubs}
    told |= {one: _told(order, None) for one, order in orders.items() if one not in told}
    found = {one: Aside(Reason.PART_OF_ORDER, {"part_of": row.part_of}) for one, row in told.items() if row.part_of}
    rest = {one: row for one, row in told.items() if one not in found}
    if rest and (look_for_ours or any(row.mark for row in rest.values())):
        ours = _ours(channel_id, rest)
        found |= {one: Aside(Reason.MADE_HERE, {"order_id": order_id}) for one, order_id in ours.items()}
    return found


@dataclass(frozen=True, slots=True)
class _Told:
    """What a row or an order says of itself."""

    part_of: str
    mark: str
    number: str


def _told(row: OrderStub | RemoteOrder, order: RemoteOrder | None) -> _Told:
    if order is None:
        return _Told(row.part_of, row.made_by, row.number)
    return _Told(row.part_of or order.part_of, row.made_by or order.made_by, row.number or order.number)


def _ours(channel_id: int, told: Mapping[str, _Told]) -> dict[str, int]:
    """Their ids → our orders. A mark that somebody copied into another order is that order's no more."""
    first = {row.mark: one for one, row in reversed(list(told.items())) if row.mark}
    found: dict[str, int] = {}
    learned = []
    for copy in _copies(channel_id, list(first), list(told)):
        remote_id = copy.remote_id or first[copy.mark]
        if remote_id not in told:
            continue
        found[remote_id] = copy.order_id
        number = copy.number or told[remote_id].number
        if (remote_id, number) != (copy.remote_id, copy.number):
            keys = {"store_id": current_store_id(), "order_id": copy.order_id, "channel_id": channel_id}
            learned.append({**keys, "remote_id": remote_id, "number": number})
    update_rows(OrderCopy, ("store_id", "order_id", "channel_id"), ("remote_id", "number"), learned)
    return found


def _copies(channel_id: int, marks: Sequence[str], remote_ids: Sequence[str]) -> Sequence[Any]:
    named = and_(text("order_copies.remote_id <> ''"), OrderCopy.remote_id.in_(remote_ids))
    return db.session.execute(
        select(OrderCopy.order_id, OrderCopy.mark, OrderCopy.remote_id, OrderCopy.number)
        .where(
            OrderCopy.store_id == current_store_id(),
            OrderCopy.channel_id == channel_id,
            or_(OrderCopy.mark.in_(marks), named),
        )
        .order_by(OrderCopy.order_id)
    ).all()
