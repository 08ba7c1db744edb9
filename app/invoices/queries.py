"""Lists of invoices as plain rows: the page of a filter, its totals, and batches for an export.

Every statement names the store. The invoices of a page are picked first, by an index, and only those few are joined
with what is shown beside them; names of buyer, payment method and salesperson are the stamped ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Subquery,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.accounts.models import User
from app.channels.models import Channel, Marketplace
from app.invoices.filters import NOBODY, InvoiceFilter
from app.invoices.models import Invoice
from app.mappings.models import PaymentMethod, Salesperson
from app.orders.queries import WALKED, WALKED_AT_MOST, buyer_name, walked
from app.orders.searching import Search, Shape
from app.planning import fixed, read
from app.sync.models import Change
from app.tenancy.scope import THIS_STORE
from app.web.pagination import Keyset, Page, page_of

TOTALLED_AT_MOST: Final = 20_000
"""A period with more invoices than this is not added up on a page; it asks for a shorter one instead."""
EXPORT_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice as lists and exports show it. Amounts in minor units, times aware.

    `write_back` is the state of the newest write-back of its number, None when there is none. `issued_by` is a
    person's name, None when a job issued it by itself; `credited` is the sum of its credit notes.
    """

    id: int
    number_text: str
    state: str
    invoice_date: date
    order_id: int
    order_number: str
    channel_id: int
    channel: str
    marketplace: str
    buyer: str
    company: str
    gateway: str
    payment_method: str
    payment_mapping_version: int
    salesperson: str
    paid_at: datetime | None
    currency: str
    subtotal: int
    discount: int
    shipping: int
    adjustment: int
    tax: int
    tax_included: bool
    rounding: int
    total: int
    credited: int
    issued_at: datetime
    issued_by: str | None
    write_back: str | None

    @property
    def by_default_method(self) -> bool:
        """Whether the gateway had no payment method of its own when the invoice was issued."""
        return self.payment_mapping_version == 0


@dataclass(frozen=True, slots=True)
class Sum:
    """What the invoices of one currency and state add up to, in minor units."""

    currency: str
    state: str
    count: int
    tax: int
    total: int

    @property
    def net(self) -> int:
        """The total without its tax, whether that was included in the prices or added to them."""
        return self.total - self.tax


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of all matching invoices; empty when there are too many of them to add up on a page."""

    rows: tuple[Sum, ...]
    too_many: bool

    @property
    def count(self) -> int:
        """How many invoices were added up."""
        return sum(row.count for row in self.rows)


class Choice(NamedTuple):
    """Something to filter by."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """What the store's invoices can be filtered by."""

    channels: tuple[Choice, ...]
    marketplaces: tuple[Choice, ...]
    methods: tuple[Choice, ...]
    salespeople: tuple[Choice, ...]


def search_of(where: InvoiceFilter) -> Search | None:
    """What the filter's words find: the orders of the wanted invoices, by words of theirs or by a number of an
    invoice; None when it has none. One statement."""
    wanted = Search.of(where.q or "", where.words)
    return None if wanted is None else wanted.asked()


def invoices_page(where: InvoiceFilter, keyset: Keyset, found: Search | None = None) -> Page[InvoiceRow]:
    """One page of the matching invoices, newest first by (invoice_date, id). One statement, and one that searches.

    Common words soon fill a page, so the newest invoices are walked through first (see `orders_page`). `found` is
    what `search_of` gave, if the caller asked already.
    """
    found = found or search_of(where)
    cursor, up, limit = keyset.cursor, keyset.is_backward, keyset.fetch
    edge = (cursor.value, cursor.id) if cursor is not None and type(cursor.value) is date else None
    rows = None
    if found is not None and found.order_ids is None:
        plain, has_edge = where.but(q=None), bool(edge)
        walking = _walking_page(plain, found.shape, has_edge, upwards=up, limit=limit)
        going_on = _going_on(plain, has_edge, upwards=up)
        rows = walked(
            limit,
            _values(edge, found),
            lambda at: [InvoiceRow(**row._mapping) for row in read(walking, at)],
            lambda at: read(going_on, at).scalar_one(),
        )
    if rows is None:
        rows = _rows(where, found, edge, upwards=up, limit=limit)
    return page_of(rows, keyset, lambda row: (row.invoice_date, row.id))


def invoice_batches(where: InvoiceFilter, size: int = EXPORT_BATCH) -> Iterator[Sequence[InvoiceRow]]:
    """All matching invoices, oldest first, `size` at a time: one statement each and never more rows in memory.

    Between batches the caller may give its connection back. What is issued meanwhile may or may not be among
    them; what was there at the start comes exactly once, because its date and id never change.
    """
    edge: tuple[date, int] | None = None
    found = Search.of(where.q or "", where.words)
    while rows := _rows(where, found, edge, upwards=True, limit=size):
        yield rows
        edge = (rows[-1].invoice_date, rows[-1].id)


def sums(where: InvoiceFilter, at_most: int = TOTALLED_AT_MOST, found: Search | None = None) -> Sums:
    """The matching invoices added up by currency and state, unless their period holds more than `at_most`.

    An index counts the invoices of a period; to add up those that match, each of them must be read. Words that are
    common leave no other way than to look at each, so that fewer are too many. One statement, and one that searches.
    """
    found = found or search_of(where)
    walks = found is not None and found.order_ids is None
    limit = min(at_most, WALKED_AT_MOST) if walks else at_most
    statement = _summing(where.but(q=None), found.shape if found else None, limit)
    rows = read(statement, found.values if found else None).all()
    some = [row for row in rows if row.currency is not None]
    return Sums(
        tuple(Sum(row.currency, row.state, row.many, int(row.tax), int(row.total)) for row in some),
        too_many=rows[0].too_many,
    )


def sums_of(rows: Iterable[InvoiceRow]) -> Sums:
    """The same of invoices that were read already. Asks nothing."""
    added: dict[tuple[str, str], Sum] = {}
    for row in rows:
        key = (row.currency, row.state)
        before = added.get(key, Sum(*key, 0, 0, 0))
        added[key] = Sum(*key, before.count + 1, before.tax + row.tax, before.total + row.total)
    by_state = sorted(added.values(), key=lambda one: one.state, reverse=True)
    return Sums(tuple(sorted(by_state, key=lambda one: one.currency)), too_many=False)


@lru_cache(maxsize=256)
def _summing(where: InvoiceFilter, found: Shape | None, limit: int) -> Select[Any]:
    """Whether there are too many, and beside it the sums, which are looked for only when there are not.

    Those of the period are counted, or of them the listed ones alone.
    """
    period = InvoiceFilter(date_from=where.date_from, date_to=where.date_to)
    words = [] if found is None else [found.among(Invoice.order_id)]
    some = select(literal(1)).where(*_matching(period), *(words if found and found.is_listed else [])).limit(limit + 1)
    counted = select((func.count() > limit).label("too_many")).select_from(some.subquery()).cte("counted")
    summed = (
        select(
            Invoice.currency,
            Invoice.state,
            func.count().label("many"),
            func.sum(Invoice.tax).label("tax"),
            func.sum(Invoice.total).label("total"),
        )
        .where(*_matching(where), *words, ~select(counted.c.too_many).scalar_subquery())
        .group_by(Invoice.currency, Invoice.state)
        .subquery("summed")
    )
    return (
        select(counted.c.too_many, summed)
        .select_from(counted)
        .outerjoin(summed, true())
        .order_by(summed.c.currency, summed.c.state.desc())
    )


def filter_choices(rows: Iterable[Sequence[Any]] | None = None) -> FilterChoices:
    """The channels, marketplaces, payment methods and salespeople to choose from, by name. One statement, unless
    `rows` is what it gives, read along with something else."""
    found: dict[str, list[Choice]] = {kind.__tablename__: [] for kind in _CHOICES}
    for kind, *choice in read(select(choosing())).scalar_one() if rows is None else rows:
        found[kind].append(Choice(*choice))
    return FilterChoices(*(tuple(choices) for choices in found.values()))


_CHOICES: Final = (Channel, Marketplace, PaymentMethod, Salesperson)


def choosing() -> ColumnElement[list[list[Any]]]:
    """The rows of the choices as one value."""
    each = (
        select(
            literal(kind.__tablename__).label("kind"), kind.id, kind.name, func.lower(kind.name).label("place")
        ).where(kind.store_id == THIS_STORE)
        for kind in _CHOICES
    )
    every = union_all(*each).subquery("every").c
    rows = func.json_agg(
        aggregate_order_by(func.json_build_array(every.kind, every.id, every.name), every.place, every.id)
    )
    return select(func.coalesce(rows, func.json_build_array())).scalar_subquery()


_EDGE: Final = (bindparam("edge_date", type_=Date), bindparam("edge_id", type_=BigInteger))


def _rows(
    where: InvoiceFilter, found: Search | None, edge: tuple[Any, int] | None, *, upwards: bool, limit: int
) -> list[InvoiceRow]:
    """Up to `limit` matching invoices beyond a place (date, id), in the order they are read."""
    shape = found.shape if found else None
    return _read(_plain_page(where.but(q=None), shape, bool(edge), upwards=upwards, limit=limit), edge, found)


@lru_cache(maxsize=256)
def _plain_page(where: InvoiceFilter, found: Shape | None, has_edge: bool, *, upwards: bool, limit: int) -> Select[Any]:
    picked = _picked(where, has_edge, upwards=upwards)
    if found is not None:
        picked = picked.where(found.quickest(Invoice.order_id))
    return _page(picked, Invoice, upwards=upwards, limit=limit)


@lru_cache(maxsize=256)
def _walking_page(where: InvoiceFilter, found: Shape, has_edge: bool, *, upwards: bool, limit: int) -> Select[Any]:
    near = _picked(where, has_edge, upwards=upwards).limit(WALKED).subquery("near")
    return _page(select(near).where(found.walking(near.c.order_id)), near.c, upwards=upwards, limit=limit)


@lru_cache(maxsize=256)
def _going_on(where: InvoiceFilter, has_edge: bool, *, upwards: bool) -> Select[bool]:
    return select(exists(_picked(where, has_edge, literal(1), upwards=upwards).offset(WALKED).limit(1)))


def _picked(where: InvoiceFilter, has_edge: bool, what: Any = Invoice, *, upwards: bool) -> Select[Any]:
    """The matching invoices beyond the edge, in the order they are read."""
    picked = select(what).where(*_matching(where))
    if has_edge:
        place, edge = tuple_(Invoice.invoice_date, Invoice.id), tuple_(*_EDGE)
        picked = picked.where(place > edge if upwards else place < edge)
    return _sorted(picked, Invoice, upwards=upwards)


def _sorted(picked: Select[Any], invoice: Any, *, upwards: bool) -> Select[Any]:
    place = (invoice.invoice_date, invoice.id)
    return picked.order_by(*(column.asc() if upwards else column.desc() for column in place))


def _page(picked: Select[Any], invoice: Any, *, upwards: bool, limit: int) -> Select[Any]:
    """Up to `limit` of the picked invoices with what is shown beside them."""
    inner = _sorted(picked.order_by(None), invoice, upwards=upwards).limit(limit).subquery("picked")
    return _sorted(_shown(inner), inner.c, upwards=upwards)


def _read(statement: Select[Any], edge: tuple[Any, int] | None, found: Search | None) -> list[InvoiceRow]:
    return [InvoiceRow(**row._mapping) for row in read(statement, _values(edge, found))]


def _values(edge: tuple[Any, int] | None, found: Search | None) -> dict[str, Any]:
    values = {"edge_date": edge[0], "edge_id": edge[1]} if edge else {}
    return values | (found.values if found else {})


_OWN: Final = (
    "id",
    "number_text",
    "state",
    "invoice_date",
    "order_id",
    "order_number",
    "channel_id",
    "gateway",
    "payment_method",
    "payment_mapping_version",
    "salesperson",
    "paid_at",
    "currency",
    "subtotal",
    "discount",
    "shipping",
    "adjustment",
    "tax",
    "tax_included",
    "rounding",
    "total",
    "credited",
    "issued_at",
)


def _shown(picked: Subquery) -> Select[Any]:
    """The columns of InvoiceRow for the invoices in `picked`."""
    invoice, store_id = picked.c, THIS_STORE
    newest = (
        select(Change.state)
        .where(Change.store_id == store_id, Change.order_id == invoice.order_id, Change.invoice_id == invoice.id)
        .order_by(Change.id.desc())
        .limit(1)
        .lateral("newest")
    )
    return (
        select(
            *(invoice[name] for name in _OWN),
            Channel.name.label("channel"),
            Marketplace.name.label("marketplace"),
            buyer_name(invoice.buyer).label("buyer"),
            func.coalesce(invoice.buyer["company"].astext, "").label("company"),
            User.name.label("issued_by"),
            newest.c.state.label("write_back"),
        )
        .select_from(picked)
        .join(Channel, and_(Channel.store_id == store_id, Channel.id == invoice.channel_id))
        .join(Marketplace, and_(Marketplace.store_id == store_id, Marketplace.id == invoice.marketplace_id))
        .outerjoin(User, User.id == invoice.issued_by)
        .outerjoin(newest, true())
    )


def _matching(where: InvoiceFilter) -> list[ColumnElement[bool]]:
    """The filter but its words as conditions on Invoice; the store's is always the first."""
    conditions = [Invoice.store_id == THIS_STORE]
    plain = (
        (Invoice.channel_id, where.channel),
        (Invoice.marketplace_id, where.marketplace),
        (Invoice.payment_method_id, where.method),
        (Invoice.state, where.state),
        (Invoice.job_id, where.job),
    )
    conditions += [column == value for column, value in plain if value is not None]
    if where.salesperson is not None:
        nobody = where.salesperson == NOBODY
        conditions.append(Invoice.salesperson_id.is_(None) if nobody else Invoice.salesperson_id == where.salesperson)
    if where.default_method:
        conditions.append(Invoice.payment_mapping_version == 0)
    if where.date_from is not None:
        conditions.append(Invoice.invoice_date >= where.date_from)
    if where.date_to is not None:
        conditions.append(Invoice.invoice_date <= where.date_to)
    if where.write_back_states:
        conditions += _written_back(where)
    return conditions


def _written_back(where: InvoiceFilter) -> list[ColumnElement[bool]]:
    """Invoices with a write-back in these states that is also their newest one.

    The first condition can use the partial indexes of open and blocked changes; the second makes it exact.
    """
    states, store_id = where.write_back_states, THIS_STORE
    some = select(Change.invoice_id).where(
        Change.store_id == store_id, Change.state.in_([fixed(state) for state in states])
    )
    newest = (
        select(Change.state)
        .where(Change.store_id == store_id, Change.order_id == Invoice.order_id, Change.invoice_id == Invoice.id)
        .order_by(Change.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return [Invoice.id.in_(some), newest.in_(states)]
