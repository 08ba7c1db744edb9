"""Lists of orders as plain rows: the page of a filter, its counts, and the ids that a bulk action is about.

Every statement names the store, takes a fixed number of round trips and reads a bounded number of rows: the orders
of a page are picked first, by an index, and only those few are joined with what is shown beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.selectable import LateralFromClause, TableValuedAlias

from app.channels.models import Channel, Marketplace
from app.core.reporting import Sale
from app.core.states import ChangeState, OrderState
from app.core.types import OrderStatus
from app.extensions import db
from app.invoices.models import Invoice
from app.mappings.models import PaymentMapping, PaymentMethod
from app.orders.due import due
from app.orders.filters import OrderFilter
from app.orders.models import Order, Shortage
from app.orders.packages import FulfilmentRow
from app.orders.searching import Search, Shape
from app.planning import fixed, read
from app.sync.models import WRITE_BACK, Change
from app.tenancy.scope import THIS_STORE, current_store
from app.web.pagination import Keyset, Page, page_of

Row = TypeVar("Row")

COUNTED_AT_MOST: Final = 10_001
"""Counting stops here; pages then say "10,000+"."""
LOOKED_AT_MOST: Final = 500
"""So many orders of a state are looked at, the newest, to count those that match what no index knows."""
WALKED_AT_MOST: Final = 2_000
"""So many orders are walked through for words that are common: first these, then ten times as many, before the index
of words is asked after all. To sort what it finds of a common word takes as long as to walk a hundred times as far."""
WALKED: Final = bindparam("walked", type_=BigInteger)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as a list shows it. Amounts in minor units, times aware.

    `payment_method` is the one on the invoice, else what the gateway maps to now, else the store's default;
    `gateway_mapped` tells whether the gateway has one of its own, `mapping_id` is its row in Payment Methods.
    `write_back` is the state of the newest write-back, None when there is none; `lacks` says why it lacks pieces of the
    stock (`app.core.reserving.Why`), None where it lacks none.
    """

    id: int
    number: str
    remote_id: str
    order_type: str
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
    lacks: str | None

    @property
    def moves(self) -> bool:
        """Whether something is happening to it now, so that its row is worth reading again."""
        return self.state == OrderState.QUEUED or self.write_back in {"planned", "sending"}


class Choice(NamedTuple):
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


def orders_page(where: OrderFilter, keyset: Keyset, found: Search | None = None) -> Page[OrderRow]:
    """One page of the matching orders, newest first by (placed_at, id). One statement, and one that searches.

    Common words soon fill a page, so the newest orders are walked through first; only when they do not suffice, all
    that the index of words finds are sorted. `found` is what `search_of` gave, if the caller asked already.
    """
    found = found or search_of(where)
    reading, values = _Reading.of(keyset), _edge(keyset) | (found.values if found else {})
    rows = None
    if found is not None and found.order_ids is None:
        rows = walked(
            keyset.fetch,
            values,
            lambda at: _order_rows(_kept(_walking_statement, where, reading, found.shape), at),
            lambda at: read(_kept(_going_on, where, reading), at).scalar_one(),
        )
    if rows is None:
        rows = _order_rows(_kept(_page_statement, where, reading, found.shape if found else None), values)
    return page_of(rows, keyset, lambda row: (row.placed_at, row.id))


def walked(
    wanted: int,
    values: Mapping[str, Any],
    walk: Callable[[dict[str, Any]], list[Row]],
    goes_on: Callable[[dict[str, Any]], bool],
) -> list[Row] | None:
    """What is found by walking: enough, or all there is; None when it was too far. `values` are given to both, and how
    far is walked: `walk` gives the rows, `goes_on` tells whether there is more beyond."""
    for distance in (WALKED_AT_MOST, 10 * WALKED_AT_MOST):
        at = {**values, "walked": distance}
        rows = walk(at)
        if len(rows) >= wanted or not goes_on(at):
            return rows
    return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a page is read: which way, whether from an edge on, and how many rows."""

    is_backward: bool
    has_edge: bool
    fetch: int

    @classmethod
    def of(cls, keyset: Keyset) -> _Reading:
        return cls(keyset.is_backward, bool(_edge(keyset)), keyset.fetch)

    def sorted(self, picked: Select[Any], order: Any) -> Select[Any]:
        place = (order.placed_at, order.id)
        return picked.order_by(*(column.asc() if self.is_backward else column.desc() for column in place))

    def beyond(self, picked: Select[Any]) -> Select[Any]:
        """The orders on the far side of the edge, in the order of reading."""
        if self.has_edge:
            place, edge = tuple_(Order.placed_at, Order.id), tuple_(*_EDGE)
            picked = picked.where(place > edge if self.is_backward else place < edge)
        return self.sorted(picked, Order)

    def shown(self, picked: Select[Any]) -> Select[Any]:
        """So many of the picked orders with what is shown beside them."""
        inner = picked.limit(self.fetch).subquery("picked")
        return self.sorted(rows_statement(inner), inner.c)


_EDGE: Final = (bindparam("edge_at", type_=DateTime(timezone=True)), bindparam("edge_id", type_=BigInteger))


def _edge(keyset: Keyset) -> dict[str, Any]:
    cursor = keyset.cursor
    is_ours = cursor is not None and isinstance(cursor.value, datetime)
    return {"edge_at": cursor.value, "edge_id": cursor.id} if cursor is not None and is_ours else {}


@lru_cache(maxsize=256)
def _page_statement(where: OrderFilter, reading: _Reading, found: Shape | None) -> Select[Any]:
    words = [] if found is None else [found.quickest(Order.id)]
    return reading.shown(reading.beyond(select(*_PICKED).where(*_matching(where), *words)))


@lru_cache(maxsize=256)
def _walking_statement(where: OrderFilter, reading: _Reading, found: Shape) -> Select[Any]:
    near = reading.beyond(select(*_PICKED).where(*_matching(where))).limit(WALKED).subquery("near")
    return reading.shown(reading.sorted(select(near).where(found.walking(near.c.id)), near.c))


@lru_cache(maxsize=256)
def _going_on(where: OrderFilter, reading: _Reading) -> Select[bool]:
    return select(exists(reading.beyond(select(literal(1)).where(*_matching(where))).offset(WALKED).limit(1)))


def _kept(build: Any, where: OrderFilter, *more: Any) -> Any:
    """What `build` makes of the filter, built once for all stores: building costs more than running.

    Words are values of a search and not its concern. Days are of the store's own zone, so that a filter with days is
    built for each.
    """
    where = where.but(q=None)
    return build.__wrapped__(where, *more) if where.asks_for_days else build(where, *more)


def order_rows(order_ids: Sequence[int]) -> list[OrderRow]:
    """The rows of these orders, newest first; unknown ids are left out. One statement."""
    if not order_ids:
        return []
    return _order_rows(_some_orders(), {"order_ids": list(order_ids)})


@cache
def _some_orders() -> Select[Any]:
    wanted = Order.id == any_(bindparam("order_ids", type_=ARRAY(BigInteger)))
    inner = select(*_PICKED).where(Order.store_id == THIS_STORE, wanted).subquery("picked")
    return rows_statement(inner).order_by(inner.c.placed_at.desc(), inner.c.id.desc())


@dataclass(frozen=True, slots=True)
class Tallies:
    """How many orders match in each state; in those of `stopped` there may be more, because counting stopped.

    `unmapped` are the ready ones among them that came by a gateway without a payment method.
    """

    counts: Mapping[OrderState, int]
    stopped: frozenset[OrderState]
    unmapped: int


def search_of(where: OrderFilter) -> Search | None:
    """What the filter's words find; None when it has none. One statement."""
    wanted = Search.of(where.q or "", where.words)
    return None if wanted is None else wanted.asked()


def count_matching(where: OrderFilter, at_most: int = COUNTED_AT_MOST, found: Search | None = None) -> int:
    """How many orders match, counted up to `at_most`. Reads a bounded number of orders, the newest."""
    found = found or search_of(where)
    counted = _counted(where, at_most, found.shape if found else None)
    many: int = db.session.execute(select(counted.c.many), found.values if found else {}).scalar_one()
    return many


def state_tallies(where: OrderFilter, at_most: int = COUNTED_AT_MOST, found: Search | None = None) -> Tallies:
    """How many orders match in each state, whatever states the filter names. One statement, bounded per state."""
    found = found or search_of(where)
    statement = _kept(_tallying, where, at_most, found.shape if found else None)
    rows = read(statement, found.values if found else None).all()
    return Tallies(
        counts={OrderState(row.value): row.many for row in rows},
        stopped=frozenset(OrderState(row.value) for row in rows if row.stopped),
        unmapped=rows[0].unmapped,
    )


@lru_cache(maxsize=256)
def _tallying(where: OrderFilter, at_most: int, found: Shape | None) -> Select[Any]:
    names = func.unnest(literal([state.value for state in OrderState], ARRAY(Text)))
    state = names.table_valued(column("value", Text), name="state").render_derived()
    if found is not None and found.is_listed:
        return _tallying_listed(where, at_most, found, state)
    each = _counted(where.but(state=()), at_most, found, state)
    unmapped = _counted(where.but(state=(OrderState.READY,), unmapped=True), at_most, found)
    counts = (each.c.many, each.c.stopped, select(unmapped.c.many).scalar_subquery().label("unmapped"))
    return select(state.c.value, *counts).select_from(state).join(each, true())


def _tallying_listed(where: OrderFilter, at_most: int, found: Shape, state: TableValuedAlias) -> Select[Any]:
    """Those that a search listed are few enough to look at each of them once."""
    some = select(Order.state, Order.channel_id, Order.gateway_key)
    near = some.where(*_matching(where.but(state=())), found.among(Order.id)).cte("near")
    many = func.count(near.c.state)
    unmapped = select(func.least(func.count(), at_most)).where(
        near.c.state == OrderState.READY,
        tuple_(near.c.channel_id, near.c.gateway_key).not_in(_with_own_payment_method()),
    )
    counts = (func.least(many, at_most).label("many"), (many >= at_most).label("stopped"))
    return (
        select(state.c.value, *counts, unmapped.scalar_subquery().label("unmapped"))
        .select_from(state)
        .outerjoin(near, near.c.state == state.c.value)
        .group_by(state.c.value)
    )


def state_counts(where: OrderFilter, at_most: int = COUNTED_AT_MOST) -> Mapping[OrderState, int]:
    """The same without a word about where counting stopped."""
    return state_tallies(where, at_most).counts


def _counted(
    where: OrderFilter, at_most: int, found: Shape | None, state: TableValuedAlias | None = None
) -> LateralFromClause:
    """One row: how `many` match (in the `state` of an outer row), and whether counting `stopped`: there may be more.

    What few orders have is found by an index of its own, and an index tells channel, state and day. For whatever else
    is asked only the newest of those are looked at, because each of them must be read.
    """
    of_state = [] if state is None else [Order.state == state.c.value]
    listed = [found.among(Order.id)] if found is not None and found.is_listed else []
    told = OrderFilter(channel=where.channel, state=where.state, date_from=where.date_from, date_to=where.date_to)
    rest = where.but(channel=None, state=(), date_from=None, date_to=None, q=None)
    if listed or where.asks_for_few or (found is None and rest == OrderFilter()):
        some = select(literal(1)).select_from(Order).where(*_matching(where), *of_state, *listed).correlate(state)
        return _summed(some.limit(at_most).lateral("some"), func.count(), at_most)
    limit = min(LOOKED_AT_MOST, at_most)
    ids = select(Order.id).where(*_matching(told), *of_state).order_by(Order.placed_at.desc(), Order.id.desc())
    near, order = ids.correlate(state).limit(limit).lateral("near"), aliased(Order)
    walking = [] if found is None else [found.walking(near.c.id)]
    asked = [] if rest == OrderFilter() else _matching(rest, order)
    of_it = and_(order.store_id == THIS_STORE, order.id == near.c.id)
    return _summed(near.join(order, of_it) if asked else near, func.count().filter(*asked, *walking), limit)


def _summed(rows: Any, many: ColumnElement[int], limit: int) -> LateralFromClause:
    counted = select(many.label("many"), (func.count() >= limit).label("stopped"))
    return counted.select_from(rows).lateral()


def filter_choices(rows: Iterable[Sequence[Any]] | None = None) -> FilterChoices:
    """The channels, marketplaces and gateways to choose from, by name. One statement, unless `rows` is what it gives,
    read along with something else."""
    found: dict[str, list[Choice]] = {"channel": [], "marketplace": [], "gateway": []}
    for kind, *choice in read(select(choosing())).scalar_one() if rows is None else rows:
        found[kind].append(Choice(*choice))
    return FilterChoices(*(tuple(choices) for choices in found.values()))


def choosing() -> ColumnElement[list[list[Any]]]:
    """The rows of the choices as one value."""
    store_id = THIS_STORE
    channels = select(
        literal("channel").label("kind"),
        Channel.id,
        cast(Channel.id, Text).label("key"),
        Channel.name,
        Channel.id.label("within"),
        func.lower(Channel.name).label("place"),
    ).where(Channel.store_id == store_id)
    marketplaces = select(
        literal("marketplace"),
        Marketplace.id,
        cast(Marketplace.id, Text),
        Marketplace.name,
        Marketplace.channel_id,
        func.lower(Marketplace.name),
    ).where(Marketplace.store_id == store_id)
    gateways = select(
        literal("gateway"),
        PaymentMapping.id,
        PaymentMapping.gateway_key,
        PaymentMapping.gateway,
        PaymentMapping.channel_id,
        PaymentMapping.gateway_key,
    ).where(PaymentMapping.store_id == store_id)
    every = union_all(channels, marketplaces, gateways).subquery("every").c
    row = func.json_build_array(every.kind, every.id, every.key, every.name, every.within)
    rows = func.json_agg(aggregate_order_by(row, every.place, every.id))
    return select(func.coalesce(rows, func.json_build_array())).scalar_subquery()


def matching(where: OrderFilter) -> list[ColumnElement[bool]]:
    """The whole filter as conditions on Order; the store's is always the first."""
    wanted = Search.of(where.q or "", where.words)
    return [*_matching(where), *([] if wanted is None else [wanted.indexed(Order.id)])]


def _matching(where: OrderFilter, order: Any = Order) -> list[ColumnElement[bool]]:
    """The filter but its words as conditions on `order`, which is Order or an alias of it."""
    conditions = [order.store_id == THIS_STORE]
    plain = (
        (order.channel_id, where.channel),
        (order.marketplace_id, where.marketplace),
        (order.reason, None if where.write_back else where.reason),
        (order.alert, where.alert),
        (order.status, where.status),
        (order.payment_status, where.payment),
        (order.gateway_key, where.gateway_key),
        (order.currency, where.currency),
    )
    conditions += [column == value for column, value in plain if value is not None]
    if where.state:
        conditions.append(order.state.in_(where.state))
    if where.unmapped:
        conditions.append(tuple_(order.channel_id, order.gateway_key).not_in(_with_own_payment_method()))
    if where.write_back_states:
        conditions += _written_back(where, order)
    if where.date_from or where.date_to:
        conditions += _placed(where, order)
    if where.due_from or where.due_to:
        conditions += due(where.due_from, where.due_to, order)
    if where.stock:
        lacking = select(Shortage.order_id).where(Shortage.store_id == THIS_STORE, Shortage.why == where.stock)
        conditions.append(order.id.in_(lacking))
    if where.contested:
        lost = select(FulfilmentRow.order_id).where(
            FulfilmentRow.store_id == THIS_STORE, FulfilmentRow.conflict.is_not(None)
        )
        conditions.append(order.id.in_(lost))
    if where.sale:
        conditions += _of_sale(where.sale, order)
    return conditions


def rows_statement(picked: Subquery) -> Select[Any]:
    """The columns of OrderRow for the orders in `picked` (which has the columns of `_PICKED`)."""
    order, store_id = picked.c, THIS_STORE
    newest = (
        select(Change.id, Change.state, Change.reason, Change.reason_detail)
        .where(Change.store_id == store_id, Change.order_id == order.id, Change.kind == WRITE_BACK)
        .order_by(Change.id.desc())
        .limit(1)
        .lateral("newest")
    )
    lacks = (
        select(func.min(Shortage.why))
        .where(Shortage.store_id == store_id, Shortage.order_id == order.id)
        .correlate(picked)
        .scalar_subquery()
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
            lacks.label("lacks"),
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
    Order.order_type,
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


def _order_rows(statement: Select[Any], values: Mapping[str, Any] | None = None) -> list[OrderRow]:
    return [OrderRow(**row._mapping) for row in read(statement, values)]


def _with_own_payment_method() -> Select[int, str]:
    """The store's gateways that have a payment method of their own: few, so that one look does for all orders."""
    return select(PaymentMapping.channel_id, PaymentMapping.gateway_key).where(
        PaymentMapping.store_id == THIS_STORE, PaymentMapping.payment_method_id.is_not(None)
    )


def _written_back(where: OrderFilter, order: Any) -> list[ColumnElement[bool]]:
    """Orders whose newest write-back is in these states (and waits for this reason).

    Most are done, and asking each order in turn soon fills a page. The others are few: they are picked first, by the
    partial indexes of open and blocked changes.
    """
    states = where.write_back_states
    conditions: list[ColumnElement[bool]] = [_of_newest_change(Change.state, order).in_(states)]
    if where.reason:
        conditions.append(_of_newest_change(Change.reason, order) == where.reason)
    if ChangeState.DONE not in states:
        few = select(Change.order_id).where(
            Change.store_id == THIS_STORE,
            Change.kind == WRITE_BACK,
            Change.state.in_([fixed(state) for state in states]),
        )
        conditions.append(order.id.in_(few))
    return conditions


def _of_newest_change(column: InstrumentedAttribute[Any], order: Any) -> ScalarSelect[Any]:
    """What the newest write-back of an order says; NULL when it has none."""
    newest = select(column).where(Change.store_id == THIS_STORE, Change.order_id == order.id, Change.kind == WRITE_BACK)
    return newest.order_by(Change.id.desc()).limit(1).correlate(order).scalar_subquery()


def _of_sale(sale: Sale, order: Any) -> list[ColumnElement[bool]]:
    """What the sales reports count in one figure (`order_days`, kept by triggers, says the same of each day)."""
    if sale is Sale.CANCELLED:
        return [order.status == OrderStatus.CANCELLED]
    sold = order.status != OrderStatus.CANCELLED
    more = {Sale.DISCOUNTED: order.discount + order.line_discount != 0, Sale.REFUNDED: order.refunded != 0}
    return [sold, more[sale]] if sale in more else [sold]


def _placed(where: OrderFilter, order: Any) -> list[ColumnElement[bool]]:
    start, end = where.placed_between(ZoneInfo(current_store().time_zone))
    conditions = [] if start is None else [order.placed_at >= start]
    return conditions if end is None else [*conditions, order.placed_at < end]
