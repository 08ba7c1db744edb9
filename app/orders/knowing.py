"""What is known of orders besides the channel's words: a person's choices, and the same sale by another road.

Read for a whole page at once, in a fixed number of statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import exists, or_, select

from app.bulk import each_of
from app.channels.models import Channel
from app.core.plan import NOTHING_KNOWN, Known
from app.core.same_sale import Twin, twin_of
from app.core.states import OrderState
from app.extensions import db
from app.orders.meaning import Doubts
from app.orders.models import Order
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class Subject:
    """An order to be decided about; `book_on` and `not_same_sale` are what a person chose, if it was stored before."""

    remote_id: str
    sale_key: str | None
    placed_at: datetime
    book_on: date | None = None
    not_same_sale: bool = False


def known_of(
    channel_id: int, subjects: Sequence[Subject], doubts: Mapping[str, Doubts] = MappingProxyType({})
) -> dict[str, Known]:
    """What is known of each of a channel's orders, by its remote id. One statement.

    `doubts` are the SKUs of each that mean no item, or several (`app.orders.meaning`).
    """
    twins = _twins(channel_id, [subject.sale_key for subject in subjects if not subject.not_same_sale])
    return {subject.remote_id: _known(subject, twins, doubts) for subject in subjects}


def _known(
    subject: Subject, twins: Mapping[str, Sequence[Twin]], doubts: Mapping[str, Doubts] = MappingProxyType({})
) -> Known:
    twin = None
    if subject.sale_key is not None and not subject.not_same_sale:
        twin = twin_of(subject.placed_at, twins.get(subject.sale_key, ()))
    unlinked, ambiguous = doubts.get(subject.remote_id, ((), ()))
    if not (twin or subject.book_on or unlinked or ambiguous):
        return NOTHING_KNOWN
    return Known(book_on=subject.book_on, twin=twin, unlinked=unlinked, ambiguous=ambiguous)


def _twins(channel_id: int, keys: Sequence[str | None], *, booked_only: bool = False) -> dict[str, list[Twin]]:
    """Orders of other channels with these sale keys that are in the books or on their way, by key.

    What a removed channel left unbooked is on no way any more.
    """
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    states = (OrderState.BOOKED,) if booked_only else (OrderState.READY, OrderState.QUEUED, OrderState.BOOKED)
    removed = exists().where(
        Channel.store_id == Order.store_id, Channel.id == Order.channel_id, Channel.status == "removed"
    )
    # The state is looked at here: in the statement, PostgreSQL might look for all that is booked, not for the key.
    query = select(Order.sale_key, Order.id, Order.channel_id, Order.number, Order.placed_at, Order.state).where(
        Order.channel_id != channel_id,
        or_(Order.state == OrderState.BOOKED, ~removed),
    )
    within = {Order.store_id: current_store_id()}
    twins: dict[str, list[Twin]] = {}
    for row in db.session.execute(each_of(query, Order.sale_key, wanted, within=within)):
        if row.state not in states:
            continue
        twins.setdefault(row.sale_key, []).append(Twin(row.id, row.channel_id, row.number, row.placed_at))
    return twins


def booked_twins(channel_id: int, subjects: Sequence[Subject]) -> dict[str, Twin]:
    """The orders whose sale another channel's invoice says already, by remote id.

    Asked once more while numbers are taken, whose lock all bookings of the store share: two channels that were read
    at the same moment could not see each other's orders.
    """
    twins = _twins(channel_id, [s.sale_key for s in subjects if not s.not_same_sale], booked_only=True)
    if not twins:
        return {}
    found = {subject.remote_id: _known(subject, twins).twin for subject in subjects}
    return {remote_id: twin for remote_id, twin in found.items() if twin is not None}
