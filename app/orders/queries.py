"""Lists of orders as plain rows: the page of a filter, its counts, and the ids that a bulk action is about.

Every statement names the store, takes a fixed number of round trips and reads a bounded number of rows: the orders
of a page are picked first, by an index, and only those few are joined with what is shown beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, ScalarSelect, Select, Subquery, and_, func, literal, or_, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.channels.models import Channel, Marketplace
from app.core.states import ChangeState, OrderState
from app.extensions import db
from app.invoices.models import Invoice
from app.mappings.models import PaymentMapping, PaymentMethod
from app.orders.filters import OrderFilter
from app.orders.models import Order
from app.sync.models import Change
from app.tenancy.scope import current_store, current_store_id
from app.web.pagination import Keyset, Page, page_of

COUNTED_AT_MOST: Final = 10_001
"""Counting stops here; pages then say "10,000+"."""
_PHONE_MARKS: Final = frozenset("+-() .")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as a list shows it. Amounts in minor units, times aware.

    `payment_method` is the one on the invoice, else what the gateway maps to now, else the store's default;
    `gateway_mapped` tells whether the gateway has one of its own, `mapping_id` is its row in Payment Methods.
    `write_back` is the state of the newest write-back, None when there is none.
    """

    id: int
    number: str
    remote_id: str
    placed_at: datetime
    channel_id: int
    channel: str
    marketplace_id: int
    marketplace: str
    buyer: str
    gateway: str
    gateway_key: str
    gateway_mapped: bool
    mapping_id: int | None
    payment_method: str
    currency: str
    total: int
    status: str
    status_text: str
    payment_status: str
    payment_status_text: str
    state: str
    reason: str | None
    reason_detail: dict[str, Any]
    alert: str | None
    remote_invoice_no: str
    invoice_id: int | None
    invoice_no: str | None
    change_id: int | None
    write_back: str | None
    write_back_reason: str | None
    write_back_detail: dict[str, Any] | None

    @property
    def moves(self) -> bool:
        """Whether something is happening to it now, so that its row is worth reading again."""
        return self.state == OrderState.QUEUED or self.write_back in {"planned", "sending"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to filter by; `within` is the channel of a marketplace or gateway."""

    id: int
    key: str
    name: str
    within: int


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """What the store's orders can be filtered by."""

    channels: tuple[Choice, ...]
    marketplaces: tuple[Choice, ...]
    gateways: tuple[Choice, ...]


def orders_page(where: OrderFilter, keyset: Keyset) -> Page[OrderRow]:
    """One page of the matching orders, newest first by (placed_at, id). One statement."""
    place = (Order.placed_at, Order.id)
    picked = select(*_PICKED).where(*matching(where))
    cursor = keyset.cursor
    if cursor is not None and isinstance(cursor.value, datetime):
        beyond = tuple_(literal(cursor.value), literal(cursor.id))
        picked = picked.where(tuple_(*place) > beyond if keyset.is_backward else tuple_(*place) < beyond)
    order = [column.asc() if keyset.is_backward else column.desc() for column in place]
    inner = picked.order_by(*order).limit(keyset.fetch).subquery("picked")
    again = (inner.c.placed_at, inner.c.id)
    statement = rows_statement(inner).order_by(
        *(column.asc() if keyset.is_backward else column.desc() for column in again)
    )
    return page_of(_order_rows(statement), keyset, lambda row: (row.placed_at, row.id))


def order_rows(order_ids: Sequence[int]) -> list[OrderRow]:
    """The rows of these orders, newest first; unknown ids are left out. One statement."""
    if not order_ids:
        return []
    inner = select(*_PICKED).where(Order.store_id == current_store_id(), Order.id.in_(order_ids)).subquery("picked")
    return _order_rows(rows_statement(inner).order_by(inner.c.placed_at.desc(), inner.c.id.desc()))


def count_matching(where: OrderFilter, at_most: int = COUNTED_AT_MOST) -> int:
    """How many orders match, counted up to `at_most`."""
    counted = select(literal(1)).select_from(Order).where(*matching(where)).limit(at_most).subquery()
    return db.session.execute(select(func.count()).select_from(counted)).scalar_one()


def state_counts(where: OrderFilter, at_most: int = COUNTED_AT_MOST) -> dict[OrderState, int]:
    """How many orders match in each state, whatever states the filter names. One statement, bounded per state."""
    conditions = matching(where.but(state=()))
    counts = [
        select(func.count())
        .select_from(
            select(literal(1)).select_from(Order).where(*conditions, Order.state == state).limit(at_most).subquery()
        )
        .scalar_subquery()
        .label(state.value)
        for state in OrderState
    ]
    row = db.session.execute(select(*counts)).one()
    return {state: row._mapping[state.value] for state in OrderState}


def filter_choices() -> FilterChoices:
    """The channels, marketplaces and gateways to choose from, by name. Three statements."""
    store_id = current_store_id()
    channels = db.session.execute(
        select(Channel.id, Channel.name).where(Channel.store_id == store_id).order_by(func.lower(Channel.name))
    )
    marketplaces = db.session.execute(
        select(Marketplace.id, Marketplace.name, Marketplace.channel_id)
        .where(Marketplace.store_id == store_id)
        .order_by(func.lower(Marketplace.name), Marketplace.id)
    )
    gateways = db.session.execute(
        select(PaymentMapping.id, PaymentMapping.gateway_key, PaymentMapping.gateway, PaymentMapping.channel_id)
        .where(PaymentMapping.store_id == store_id)
        .order_by(PaymentMapping.gateway_key, PaymentMapping.id)
    )
    return FilterChoices(
        channels=tuple(Choice(row.id, str(row.id), row.name, row.id) for row in channels),
        marketplaces=tuple(Choice(row.id, str(row.id), row.name, row.channel_id) for row in marketplaces),
        gateways=tuple(Choice(row.id, row.gateway_key, row.gateway, row.channel_id) for row in gateways),
    )


def matching(where: OrderFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on Order; the store's is always the first."""
    conditions = [Order.store_id == current_store_id()]
    plain = (
        (Order.channel_id, where.channel),
        (Order.marketplace_id, where.marketplace),
        (Order.reason, None if where.write_back else where.reason),
        (Order.alert, where.alert),
        (Order.payment_status, where.payment),
        (Order.gateway_key, where.gateway_key),
    )
    conditions += [column == value for column, value in plain if value is not None]
    if where.state:
        conditions.append(Order.state.in_(where.state))
    if where.unmapped:
        conditions.append(~_own_payment_method().exists())
    if where.write_back_states:
        conditions += _written_back(where)
    if where.date_from or where.date_to:
        conditions += _placed(where)
    if where.words:
        conditions.append(_found(where))
    return conditions


def rows_statement(picked: Subquery) -> Select[Any]:
    """The columns of OrderRow for the orders in `picked` (which has the columns of `_PICKED`)."""
    order, store_id = picked.c, current_store_id()
    newest = (
        select(Change.id, Change.state, Change.reason, Change.reason_detail)
        .where(Change.store_id == store_id, Change.order_id == order.id)
        .order_by(Change.id.desc())
        .limit(1)
        .lateral("newest")
    )
    default = (
        select(PaymentMethod.name).where(PaymentMethod.store_id == store_id, PaymentMethod.is_default).scalar_subquery()
    )
    return (
        select(
            *(column for column in order if column.name not in {"store_id", "buyer"}),
            Channel.name.label("channel"),
            Marketplace.name.label("marketplace"),
            buyer_name(order.buyer).label("buyer"),
            PaymentMapping.payment_method_id.is_not(None).label("gateway_mapped"),
            PaymentMapping.id.label("mapping_id"),
            func.coalesce(Invoice.payment_method, PaymentMethod.name, default, "").label("payment_method"),
            Invoice.id.label("invoice_id"),
            Invoice.number_text.label("invoice_no"),
            newest.c.id.label("change_id"),
            newest.c.state.label("write_back"),
            newest.c.reason.label("write_back_reason"),
            newest.c.reason_detail.label("write_back_detail"),
        )
        .select_from(picked)
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == order.channel_id))
        .join(Marketplace, and_(Marketplace.store_id == store_id, Marketplace.id == order.marketplace_id))
        .outerjoin(
            PaymentMapping,
            and_(
                PaymentMapping.store_id == store_id,
                PaymentMapping.channel_id == order.channel_id,
                PaymentMapping.gateway_key == order.gateway_key,
            ),
        )
        .outerjoin(
            PaymentMethod,
            and_(PaymentMethod.store_id == store_id, PaymentMethod.id == PaymentMapping.payment_method_id),
        )
        .outerjoin(
            Invoice,
            and_(Invoice.store_id == store_id, Invoice.order_id == order.id, Invoice.state == "posted"),
        )
        .outerjoin(newest, true())
    )


def buyer_name(buyer: ColumnElement[Any]) -> ColumnElement[str]:
    """The buyer's name of a stored buyer, else the company's, else ''."""
    return func.coalesce(func.nullif(buyer["name"].astext, ""), buyer["company"].astext, "")


_PICKED: Final = (
    Order.store_id,
    Order.id,
    Order.number,
    Order.remote_id,
    Order.placed_at,
    Order.channel_id,
    Order.marketplace_id,
    Order.buyer,
    Order.gateway,
    Order.gateway_key,
    Order.currency,
    Order.total,
    Order.status,
    Order.status_text,
    Order.payment_status,
    Order.payment_status_text,
    Order.state,
    Order.reason,
    Order.reason_detail,
    Order.alert,
    Order.remote_invoice_no,
)


def _order_rows(statement: Select[Any]) -> list[OrderRow]:
    return [OrderRow(**row._mapping) for row in db.session.execute(statement)]


def _own_payment_method() -> Select[int]:
    """The mapping that gives an order's gateway a payment method of its own."""
    return select(literal(1)).where(
        PaymentMapping.store_id == Order.store_id,
        PaymentMapping.channel_id == Order.channel_id,
        PaymentMapping.gateway_key == Order.gateway_key,
        PaymentMapping.payment_method_id.is_not(None),
    )


def _written_back(where: OrderFilter) -> list[ColumnElement[bool]]:
    """Orders whose newest write-back is in these states (and waits for this reason).

    Most are done, and asking each order in turn soon fills a page. The others are few: they are picked first, by the
    partial indexes of open and blocked changes.
    """
    states = where.write_back_states
    conditions: list[ColumnElement[bool]] = [_of_newest_change(Change.state).in_(states)]
    if where.reason:
        conditions.append(_of_newest_change(Change.reason) == where.reason)
    if ChangeState.DONE not in states:
        few = select(Change.order_id).where(Change.store_id == current_store_id(), Change.state.in_(states))
        conditions.append(Order.id.in_(few))
    return conditions


def _of_newest_change(column: InstrumentedAttribute[Any]) -> ScalarSelect[Any]:
    """What the newest write-back of an order says; NULL when it has none."""
    newest = select(column).where(Change.store_id == current_store_id(), Change.order_id == Order.id)
    return newest.order_by(Change.id.desc()).limit(1).correlate(Order).scalar_subquery()


def _placed(where: OrderFilter) -> list[ColumnElement[bool]]:
    start, end = where.placed_between(ZoneInfo(current_store().time_zone))
    conditions = [] if start is None else [Order.placed_at >= start]
    return conditions if end is None else [*conditions, Order.placed_at < end]


def _found(where: OrderFilter) -> ColumnElement[bool]:
    """Every word stands in the order's search text or in a number of its invoices; or the digits are a phone's."""
    found = and_(*(_word_found(word) for word in where.words))
    digits = _phone_digits(where.q or "")
    return or_(found, Order.search.contains(digits)) if digits else found


def _word_found(word: str) -> ColumnElement[bool]:
    invoiced = select(Invoice.order_id).where(
        Invoice.store_id == current_store_id(), func.lower(Invoice.number_text).contains(word, autoescape=True)
    )
    return or_(
        Order.search.contains(word, autoescape=True),
        func.lower(Order.remote_invoice_no).contains(word, autoescape=True),
        Order.id.in_(invoiced),
    )


def _phone_digits(text: str) -> str:
    """The digits of what looks like a phone number, without the 0 that stands for the country; else ''."""
    digits = "".join(char for char in text if char.isdecimal())
    others = {char for char in text if not char.isdecimal()}
    return digits.lstrip("0") if len(digits) >= 7 and others <= _PHONE_MARKS else ""
