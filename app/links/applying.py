"""What a main store says of a sub-store's orders, made there: judged, written and remembered in one transaction.

Inside the sub-store's own scope, under the link that the caller holds. The store's own verbs do the moving, so that an
order goes the same way whoever moves it. A fixed number of statements for any number of orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import and_, select

from app.bulk import each_of, insert_rows
from app.channels.models import Channel
from app.connectors.own import Own
from app.core.moves import Stands, Verdict, conflict_of, judge
from app.core.own_orders import Mistakes, Move
from app.core.packing import CannotPack
from app.core.types import MoveWrite, OrderType, Receipt, WriteOutcome
from app.extensions import db
from app.fulfilment.house import By, House, close_house, open_house
from app.fulfilment.queries import THERE
from app.fulfilment.services import move_within
from app.fulfilment.words import why
from app.links.fulfilling import SIDES
from app.orders.models import Order
from app.orders.packages import FulfilmentRow
from app.own_orders.words import words_of
from app.tenancy.scope import current_store_id

_COLUMNS: Final = (
    *("store_id", "order_id", "version", "moved_at", "moved_by", "person"),
    *("conflict", "heard"),
)
_ON_CONFLICT: Final = "on conflict (store_id, order_id) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS[2:]
)


@dataclass(slots=True)
class _Desk:
    """The orders of a batch as they stand, and what was answered so far."""

    house: House
    store: str
    """What the main store is called."""
    rows: Mapping[int, Any]
    """What the store remembers of their fulfilment, by order."""
    said: list[dict[str, Any]] = field(default_factory=list)

    def stands(self, order_id: int) -> Stands:
        """Where an order stands now."""
        row, order = self.rows.get(order_id), self.house.rows[order_id].order
        if row is None:
            return Stands(order.status, 0, None, None, "")
        return Stands(order.status, row.version, row.moved_at, SIDES[row.moved_by], row.person)


def apply_moves(writes: Sequence[MoveWrite], store: str, go_ahead: Callable[[], None]) -> tuple[Receipt, ...]:
    """Make these moves, each of another order, as far as the rules allow. Does not commit.

    `store` is what the main store is called. `go_ahead` is called when all is decided, before anything is written.
    """
    kinds = _kinds(writes)
    own = [key for write in writes if kinds.get(key := _order_id(write)) == Own.kind]
    desk = None if not own else _open(own, store)
    receipts = tuple(_receipt(write, kinds.get(_order_id(write)), desk) for write in writes)
    if desk is not None and desk.said:
        go_ahead()
        people = {write.person for write in writes}
        close_house(desk.house, By(None, people.pop() if len(people) == 1 else "", datetime.now(UTC), THERE))
        insert_rows(FulfilmentRow, _COLUMNS, desk.said, on_conflict=_ON_CONFLICT)
    return receipts


def _open(order_ids: Sequence[int], store: str) -> _Desk:
    house = open_house(sorted(order_ids))
    query = select(*(getattr(FulfilmentRow, name) for name in _COLUMNS))
    within = {FulfilmentRow.store_id: current_store_id()}
    rows = db.session.execute(each_of(query, FulfilmentRow.order_id, order_ids, within=within)).all()
    return _Desk(house, store, {row.order_id: row for row in rows})


def _receipt(write: MoveWrite, kind: str | None, desk: _Desk | None) -> Receipt:
    if kind is None:
        return Receipt(write.key, WriteOutcome.MISSING)
    if kind != Own.kind or desk is None:
        words = _("It came there from another channel, and its status is made on that one.")
        return Receipt(write.key, WriteOutcome.REJECTED, words=words)
    order_id = _order_id(write)
    row = desk.rows.get(order_id)
    if row is not None and row.heard and row.heard["key"] == write.key:
        return Receipt(write.key, WriteOutcome(row.heard["outcome"]))
    if order_id in desk.house.says:  # it left in a package of another order of this batch: once more, by itself
        return Receipt(write.key, WriteOutcome.UNSENT)
    return _judged(write, desk)


def _judged(write: MoveWrite, desk: _Desk) -> Receipt:
    order_id = _order_id(write)
    stands = desk.stands(order_id)
    verdict = judge(write, stands)
    if verdict is Verdict.APPLY and (words := _made(write, desk)):
        return Receipt(write.key, WriteOutcome.REJECTED, words=words)
    lost = verdict in (Verdict.OVERTAKEN, Verdict.REFUSED)
    outcome = WriteOutcome.OVERTAKEN if lost else WriteOutcome.DONE
    lost_act = conflict_of(write, stands, verdict)
    conflict = None if lost_act is None else {**lost_act, "store": desk.store}
    before = desk.rows.get(order_id)
    if conflict is None and before is not None and (verdict is Verdict.AGREES or write.version < stands.version):
        conflict = before.conflict  # whoever said this had not read it
    is_made = verdict is Verdict.APPLY
    desk.said.append(
        {
            "store_id": current_store_id(),
            "order_id": order_id,
            "version": stands.version + (verdict is not Verdict.AGREES),
            "moved_at": write.at if is_made else stands.moved_at,
            "moved_by": THERE if is_made else before and before.moved_by,
            "person": write.person if is_made else stands.person,
            "conflict": conflict,
            "heard": {"key": write.key, "outcome": outcome},
        }
    )
    if lost_act is not None:
        desk.house.note("move_conflict", [order_id], store=desk.store, **lost_act)
    return Receipt(write.key, outcome)


def _made(write: MoveWrite, desk: _Desk) -> str:
    """Move the order in its house; what stands in the way in words, and all is as it was then."""
    house, order_id = desk.house, _order_id(write)
    said = Move(
        status=write.status,
        package=write.package or None,
        courier=write.courier or None,
        tracking_number=write.tracking_number or None,
    )
    packages, says, notes = house.packages, dict(house.says), list(house.notes)
    try:
        said_of = {"person": write.person, "status": write.status, "package": write.package}
        house.note("moved_there", [order_id], store=desk.store, **said_of)
        move_within(house, order_id, said, By(None, write.person, write.at, THERE))
    except (CannotPack, Mistakes) as error:
        house.packages, house.says, house.notes = packages, says, notes
        if isinstance(error, CannotPack):
            return why(error)
        return " ".join(words_of(one) for one in error.found)
    return ""


def _kinds(writes: Sequence[MoveWrite]) -> dict[int, str]:
    """Those of the orders that flow, each with the kind of channel that it came by."""
    rows = db.session.execute(
        select(Order.id, Channel.kind)
        .join(Channel, and_(Channel.store_id == Order.store_id, Channel.id == Order.channel_id))
        .where(
            Order.store_id == current_store_id(),
            Order.order_type == OrderType.WEBSTORE,
            Order.id.in_([_order_id(write) for write in writes]),
        )
    )
    return {row.id: row.kind for row in rows}


def _order_id(write: MoveWrite) -> int:
    return int(write.remote_id)
