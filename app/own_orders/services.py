"""Making orders here, and changing them: each goes the way of an order that a channel sent.

Whoever makes or changes one holds the store's own channel, so that numbers, keys of requests and a booking that is on
its way take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import aliased

from app.channels.models import Channel, Marketplace
from app.channels.own import own_channel
from app.connectors.own import Own
from app.core.numbering import OWN_ORDER_SERIES
from app.core.own_orders import (
    Move,
    OwnOrder,
    digest_of,
    goods_of,
    moved,
    read_order,
    remote_order,
    stub_of,
    with_moments,
)
from app.core.states import OrderState, Reason
from app.core.types import PaymentStatus, RemoteOrder
from app.extensions import db
from app.invoices.services import take_numbers
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.models import Order, RawRecord
from app.orders.packages import PackageLineRow
from app.orders.services import lock_channel
from app.own_orders.models import OwnOrderRequest
from app.planning import read
from app.tenancy.scope import THIS_STORE, current_store_id

KEPT: Final = timedelta(days=7)
"""How long the key of a request is remembered."""


class NumberTaken(Exception):
    """Another order has this number already."""

    def __init__(self, number: str, order_id: int) -> None:
        super().__init__(number)
        self.number, self.order_id = number, order_id


class KeyReused(Exception):
    """The key of this request was used for something else; `answer` is what came of that."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("the key was used for another request")
        self.answer = answer


class Invoiced(Exception):
    """The order has an invoice, which says what it said then; only its status and payment may still move."""


class Packed(Exception):
    """What is in the order stays, because it is in packages already; so does who gets it, when others share one."""


class NoSuchOrder(LookupError):
    """The store has no such order that was made here."""


@dataclass(frozen=True, slots=True)
class Request:
    """A press or a call, as whoever made it named it; `digest` identifies what it asked for."""

    caller: str
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """An order that was asked for; not new when the same one was made before."""

    order_id: int
    number: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a request; `answer` is what its first time was answered, and `is_repeated` says that this is not."""

    made: tuple[Made, ...]
    answer: Mapping[str, Any]
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class OwnOrderRow:
    """An order that was made here, and where it stands."""

    id: int
    channel_id: int
    state: OrderState
    reason: str | None
    order: OwnOrder
    made_as: str

    @property
    def may_edit(self) -> bool:
        """Whether it may still say something else."""
        return not self.is_invoiced and not self.order.has_ended

    @property
    def is_invoiced(self) -> bool:
        """Whether an invoice says what it said then, credited or not."""
        return self.state == OrderState.BOOKED or self.reason == Reason.CREDITED


def add_orders(
    orders: Sequence[OwnOrder],
    *,
    user_id: int | None,
    request: Request | None = None,
    answer: Callable[[Sequence[Made]], Mapping[str, Any]] = lambda _made: {},
) -> Added:
    """Make these orders, all or none. Commits.

    The same number with the same content is the same order; NumberTaken with another content. A request that came
    before makes nothing and is answered as it was then; KeyReused when it asked for something else.
    """
    channel_id = own_channel()
    lock_channel(channel_id)
    if request is not None and (known := _known(request)) is not None:
        db.session.rollback()
        if known.digest != request.digest:
            raise KeyReused(known.answer)
        return Added(tuple(Made(*one) for one in known.answer["made"]), known.answer, is_repeated=True)
    try:
        made = _make(channel_id, orders, user_id)
    except NumberTaken:
        db.session.rollback()
        raise
    told = {**answer(made), "made": [[one.order_id, one.number, one.is_new] for one in made]}
    if request is not None:
        _remember(request, told)
    db.session.commit()
    return Added(tuple(made), told, is_repeated=False)


def replace_order(order_id: int, order: OwnOrder, user_id: int | None) -> None:
    """Let the order say something else, under its number. Commits. Invoiced, Packed, NoSuchOrder, Mistakes."""

    def change(row: OwnOrderRow) -> OwnOrder:
        if row.is_invoiced:
            raise Invoiced
        before = row.order
        times = {name: getattr(order, name) or getattr(before, name) for name in ("placed_at", "paid_at", "shipped_at")}
        said = replace(order, number=before.number, status=before.status, **times)
        _refuse_packed(row.id, before, said)
        moved(before, now=datetime.now(UTC), payment_status=said.payment_status)
        return with_moments(said, datetime.now(UTC))

    _change(order_id, change, user_id)


def pay_order(order_id: int, user_id: int | None, payment_status: PaymentStatus) -> None:
    """Say that the order was paid, or paid back. Commits. Mistakes, NoSuchOrder."""
    _change(order_id, lambda row: moved(row.order, now=datetime.now(UTC), payment_status=payment_status), user_id)


def moved_by(row: OwnOrderRow, move: Move, at: datetime) -> OwnOrder:
    """The order after a move, as far as the order itself is concerned. Mistakes, Invoiced."""
    if row.is_invoiced and move.payment_method not in (None, row.order.payment_method):
        raise Invoiced
    return moved(
        row.order,
        now=at,
        status=move.status,
        payment_status=move.payment_status,
        payment_method=move.payment_method,
    )


def keep_changed(channel_id: int, changed: Sequence[tuple[OwnOrderRow, OwnOrder]], user_id: int | None) -> None:
    """Store what these orders say now; the caller holds the channel. Does not commit."""
    now = datetime.now(UTC)
    orders = [remote_order(after, updated_at=now, made_as=row.made_as) for row, after in changed if after != row.order]
    _store(channel_id, orders, user_id)


def own_order(order_id: int) -> OwnOrderRow | None:
    """An order that was made here; None when there is none, or a channel sent it."""
    return own_orders([order_id]).get(order_id)


def own_orders(order_ids: Collection[int]) -> dict[int, OwnOrderRow]:
    """Those of the orders that were made here. One statement."""
    rows = read(_reading_own(), {"orders": list(order_ids)})
    now = datetime.now(UTC)
    found = {}
    for row in rows:
        order = read_order(row.payload["order"], currency=row.currency, now=now)
        state, made_as = OrderState(row.state), row.payload["made_as"]
        found[row.id] = OwnOrderRow(row.id, row.channel_id, state, row.reason, order, made_as)
    return found


@cache
def _reading_own() -> Any:
    return (
        select(Order.id, Order.channel_id, Order.state, Order.reason, Order.currency, RawRecord.payload)
        .join(Channel, (Channel.store_id == Order.store_id) & (Channel.id == Order.channel_id))
        .join(RawRecord, (RawRecord.store_id == Order.store_id) & (RawRecord.order_id == Order.id))
        .where(
            Order.store_id == THIS_STORE, Order.id.in_(bindparam("orders", expanding=True)), Channel.kind == Own.kind
        )
        .order_by(Order.id)
    )


def order_id_of(number: str) -> int | None:
    """The order of that number that was made here."""
    return db.session.scalar(
        select(Order.id)
        .join(Channel, (Channel.store_id == Order.store_id) & (Channel.id == Order.channel_id))
        .where(Order.store_id == current_store_id(), Order.remote_id == number, Channel.kind == Own.kind)
    )


def taken_numbers(numbers: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Which of these numbers are taken: by which order, and what that was made as."""
    rows = db.session.execute(
        select(Order.remote_id, Order.id, RawRecord.payload["made_as"].astext)
        .join(Channel, (Channel.store_id == Order.store_id) & (Channel.id == Order.channel_id))
        .join(RawRecord, (RawRecord.store_id == Order.store_id) & (RawRecord.order_id == Order.id))
        .where(Order.store_id == current_store_id(), Channel.kind == Own.kind, Order.remote_id.in_(numbers))
    )
    return {number: (order_id, made_as) for number, order_id, made_as in rows}


def _make(channel_id: int, orders: Sequence[OwnOrder], user_id: int | None) -> list[Made]:
    now = datetime.now(UTC)
    taken = taken_numbers([order.number for order in orders if order.number])
    known = {number: made_as for number, (_id, made_as) in taken.items()}
    fresh: list[RemoteOrder] = []
    numbers: list[str] = []
    for order in orders:
        made_as, number = digest_of(order), order.number or _next_number(known)
        numbers.append(number)
        if number not in known:
            known[number] = made_as
            numbered = replace(with_moments(order, now), number=number)
            fresh.append(remote_order(numbered, updated_at=now, made_as=made_as))
        elif known[number] != made_as:
            raise NumberTaken(number, taken[number][0] if number in taken else 0)
    _store(channel_id, fresh, user_id)
    new = {order.remote_id for order in fresh}
    ids = {number: order_id for number, (order_id, _made_as) in taken_numbers(numbers).items()}
    return [Made(ids[number], number, number in new) for number in numbers]


def _next_number(known: Mapping[str, str]) -> str:
    """The next of the store's own numbers that no shop has given to an order of its own."""
    while True:
        ((_number, text),) = take_numbers(OWN_ORDER_SERIES, 1)
        if text not in known and order_id_of(text) is None:
            return text


def _change(order_id: int, change: Callable[[OwnOrderRow], OwnOrder], user_id: int | None) -> None:
    found = own_order(order_id)
    if found is None:
        raise NoSuchOrder(order_id)
    lock_channel(found.channel_id)
    row = own_order(order_id)
    if row is None:
        raise NoSuchOrder(order_id)
    try:
        after = change(row)
    except (Invoiced, Packed, ValueError):
        db.session.rollback()
        raise
    keep_changed(row.channel_id, [(row, after)], user_id)
    db.session.commit()


def _refuse_packed(order_id: int, before: OwnOrder, after: OwnOrder) -> None:
    """Packages name the lines by their numbers, and what several orders share goes to one place."""
    same_goods, same_place = goods_of(before) == goods_of(after), dict(before.buyer) == dict(after.buyer)
    if same_goods and same_place:
        return
    mine, every = aliased(PackageLineRow), aliased(PackageLineRow)
    packed_with = db.session.scalars(
        select(every.order_id)
        .distinct()
        .join(mine, (mine.store_id == every.store_id) & (mine.package_id == every.package_id))
        .where(mine.store_id == current_store_id(), mine.order_id == order_id)
    ).all()
    if (packed_with and not same_goods) or (len(packed_with) > 1 and not same_place):
        raise Packed


def _store(channel_id: int, orders: Sequence[RemoteOrder], user_id: int | None) -> None:
    if not orders:
        return
    page = PulledPage(
        channel_id=channel_id,
        stubs=tuple(stub_of(order) for order in orders),
        wanted=frozenset(order.remote_id for order in orders),
        details=tuple(orders),
        skipped={},
    )
    store_page(page, store_rules(channel_id), _places(channel_id), None, user_id=user_id)


def _places(channel_id: int) -> dict[str, int]:
    rows = db.session.execute(
        select(Marketplace.remote_id, Marketplace.id).where(
            Marketplace.store_id == current_store_id(), Marketplace.channel_id == channel_id
        )
    )
    return {row.remote_id: row.id for row in rows}


def _known(request: Request) -> OwnOrderRequest | None:
    key = (current_store_id(), request.caller, request.key)
    return db.session.get(OwnOrderRequest, key, populate_existing=True)


def _remember(request: Request, answer: Mapping[str, Any]) -> None:
    store_id = current_store_id()
    db.session.execute(
        delete(OwnOrderRequest).where(
            OwnOrderRequest.store_id == store_id, OwnOrderRequest.created_at < datetime.now(UTC) - KEPT
        )
    )
    row = OwnOrderRequest(
        store_id=store_id, caller=request.caller, key=request.key, digest=request.digest, answer=dict(answer)
    )
    db.session.add(row)
