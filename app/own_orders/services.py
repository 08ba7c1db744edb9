"""Making orders here, and changing them: each goes the way of an order that a channel sent.

Whoever makes or changes one holds the store's own channel, so that numbers, keys of requests and a booking that is on
its way take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select

from app.channels.models import Channel, Marketplace
from app.channels.own import own_channel
from app.connectors.own import Own
from app.core.own_orders import OwnOrder, digest_of, moved, read_order, remote_order, stub_of, with_moments
from app.core.states import OrderState, Reason
from app.core.types import OrderStatus, PaymentStatus, RemoteOrder
from app.extensions import db
from app.invoices.services import OWN_ORDER_SERIES, take_numbers
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.models import Order, RawRecord
from app.orders.services import lock_channel
from app.own_orders.models import OwnOrderRequest
from app.tenancy.scope import current_store_id

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
    """Let the order say something else, under its number. Commits. Invoiced, NoSuchOrder, Mistakes."""

    def change(row: OwnOrderRow) -> OwnOrder:
        _refuse_invoiced(row)
        before = row.order
        times = {name: getattr(order, name) or getattr(before, name) for name in ("placed_at", "paid_at", "shipped_at")}
        said = replace(order, number=before.number, **times)
        moved(before, now=datetime.now(UTC), status=said.status, payment_status=said.payment_status)
        return with_moments(said, datetime.now(UTC))

    _change(order_id, change, user_id)


def move_order(
    order_id: int,
    user_id: int | None,
    *,
    status: OrderStatus | None = None,
    payment_status: PaymentStatus | None = None,
    payment_method: str | None = None,
) -> None:
    """Say what happened to the order: paid, sent, cancelled, paid back. Commits. Mistakes, Invoiced, NoSuchOrder."""

    def change(row: OwnOrderRow) -> OwnOrder:
        if payment_method is not None and payment_method != row.order.payment_method:
            _refuse_invoiced(row)
        return moved(
            row.order,
            now=datetime.now(UTC),
            status=status,
            payment_status=payment_status,
            payment_method=payment_method,
        )

    _change(order_id, change, user_id)


def own_order(order_id: int) -> OwnOrderRow | None:
    """An order that was made here; None when there is none, or a channel sent it."""
    row = db.session.execute(
        select(Order.id, Order.channel_id, Order.state, Order.reason, Order.currency, RawRecord.payload)
        .join(Channel, (Channel.store_id == Order.store_id) & (Channel.id == Order.channel_id))
        .join(RawRecord, (RawRecord.store_id == Order.store_id) & (RawRecord.order_id == Order.id))
        .where(Order.store_id == current_store_id(), Order.id == order_id, Channel.kind == Own.kind)
    ).one_or_none()
    if row is None:
        return None
    order = read_order(row.payload["order"], currency=row.currency, now=datetime.now(UTC))
    return OwnOrderRow(row.id, row.channel_id, OrderState(row.state), row.reason, order, row.payload["made_as"])


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
    except (Invoiced, ValueError):
        db.session.rollback()
        raise
    if after != row.order:
        _store(row.channel_id, [remote_order(after, updated_at=datetime.now(UTC), made_as=row.made_as)], user_id)
    db.session.commit()


def _refuse_invoiced(row: OwnOrderRow) -> None:
    if row.is_invoiced:
        raise Invoiced


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
