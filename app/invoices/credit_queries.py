"""Lists of credit notes as plain rows: the page of a filter, its totals, and batches for an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, select, tuple_
from werkzeug.datastructures import MultiDict

from app.accounts.models import User
from app.channels.models import Channel
from app.core.states import CreditCause
from app.extensions import db
from app.invoices.filters import NOBODY, InvoiceFilter
from app.invoices.models import CreditNote, Invoice
from app.invoices.queries import Sum, search_of
from app.orders.queries import buyer_name
from app.orders.searching import Search, Shape
from app.planning import read
from app.tenancy.scope import THIS_STORE
from app.web.args import read_args, write_args
from app.web.pagination import Keyset, Page, page_of

MAX_WORDS: Final = 8
EXPORT_BATCH: Final = 500
TOTALLED_AT_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class CreditFilter:
    """The field names are the parameters of the URL; what is left at its default does not restrict.

    `date_from` and `date_to` are credit dates, both included; `job` is the job that issued them.
    """

    q: str | None = None
    channel: int | None = None
    cause: CreditCause | None = None
    date_from: date | None = None
    date_to: date | None = None
    job: int | None = None

    @classmethod
    def from_args(cls, args: MultiDict[str, str]) -> CreditFilter:
        """Read the parameters of a URL; what cannot be read does not restrict."""
        return read_args(cls, args)

    def to_query(self) -> dict[str, str]:
        """The parameters that make this filter again."""
        return write_args(self)

    @property
    def is_empty(self) -> bool:
        """Whether every credit note is wanted."""
        return self == CreditFilter()


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A credit note as lists and exports show it. Amounts in minor units, positive: what is given back."""

    id: int
    number_text: str
    credit_date: date
    invoice_id: int
    invoice_number: str
    order_id: int
    order_number: str
    channel_id: int
    channel: str
    buyer: str
    cause: str
    words: str
    currency: str
    tax: int
    tax_included: bool
    total: int
    issued_at: datetime
    issued_by: str | None


@dataclass(frozen=True, slots=True)
class Net:
    """What invoices of one currency come to when the credit notes are taken off, in minor units."""

    currency: str
    tax: int
    total: int

    @property
    def net(self) -> int:
        """The total without its tax."""
        return self.total - self.tax


@dataclass(frozen=True, slots=True)
class CreditSum:
    """What the credit notes of one currency add up to, in minor units."""

    currency: str
    count: int
    tax: int
    total: int

    @property
    def net(self) -> int:
        """The total without its tax."""
        return self.total - self.tax


def credits_page(where: CreditFilter, keyset: Keyset) -> Page[CreditRow]:
    """One page of the matching credit notes, newest first by (date, id). One statement, and one that searches."""
    cursor = keyset.cursor
    beyond = (cursor.value, cursor.id) if cursor is not None and type(cursor.value) is date else None
    rows = _rows(where, keyset.fetch, beyond, upwards=keyset.is_backward)
    return page_of(rows, keyset, lambda row: (row.credit_date, row.id))


def credit_batches(where: CreditFilter, size: int = EXPORT_BATCH) -> Iterator[Sequence[CreditRow]]:
    """All matching credit notes, oldest first, `size` at a time: one statement each."""
    beyond: tuple[date, int] | None = None
    while rows := _rows(where, size, beyond, upwards=True):
        yield rows
        beyond = (rows[-1].credit_date, rows[-1].id)


def credit_sums(where: CreditFilter, at_most: int = TOTALLED_AT_MOST) -> tuple[CreditSum, ...] | None:
    """The matching credit notes added up by currency; None when there are too many. A bounded number of rows."""
    return _added(read(_adding(_matching(where), at_most)), at_most)


def credits_beside(where: InvoiceFilter, found: Search | None = None) -> tuple[CreditSum, ...]:
    """The credit notes to be taken off what the matching invoices add up to: those of the same days and choices.

    Empty when the invoices are chosen by what credit notes do not have, such as their write-back. `found` is what
    `search_of` gave, if the caller asked already.
    """
    if where.state is not None or where.write_back is not None or where.job is not None:
        return ()
    found = found or search_of(where)
    statement = _adding_beside(where.but(q=None), found.shape if found else None)
    return _added(read(statement, found.values if found else None), TOTALLED_AT_MOST) or ()


@lru_cache(maxsize=256)
def _adding_beside(where: InvoiceFilter, found: Shape | None) -> Select[Any]:
    own = CreditFilter(channel=where.channel, date_from=where.date_from, date_to=where.date_to)
    words = [] if found is None else [found.among(CreditNote.order_id)]
    picked = (
        (Invoice.marketplace_id, where.marketplace),
        (Invoice.payment_method_id, where.method),
        (Invoice.payment_mapping_version, 0 if where.default_method else None),
    )
    conditions = [column == value for column, value in picked if value is not None]
    if where.salesperson is not None:
        nobody = where.salesperson == NOBODY
        conditions.append(Invoice.salesperson_id.is_(None) if nobody else Invoice.salesperson_id == where.salesperson)
    same = and_(Invoice.store_id == CreditNote.store_id, Invoice.id == CreditNote.invoice_id, *conditions)
    return _adding([*_matching(own), *words, *([exists().where(same)] if conditions else [])], TOTALLED_AT_MOST)


def _adding(conditions: Sequence[ColumnElement[bool]], at_most: int) -> Select[Any]:
    some = (
        select(CreditNote.currency, CreditNote.tax, CreditNote.total).where(*conditions).limit(at_most + 1).subquery()
    )
    return (
        select(some.c.currency, func.count(), func.sum(some.c.tax), func.sum(some.c.total))
        .group_by(some.c.currency)
        .order_by(some.c.currency)
    )


def _added(rows: Iterable[Any], at_most: int) -> tuple[CreditSum, ...] | None:
    found = tuple(CreditSum(row[0], row[1], int(row[2]), int(row[3])) for row in rows)
    return None if sum(row.count for row in found) > at_most else found


def net_sums(invoices: Sequence[Sum], credit_notes: Sequence[CreditSum]) -> tuple[Net, ...]:
    """The invoices, whatever became of them, less the credit notes; only of currencies that have some."""
    return tuple(
        Net(
            off.currency,
            sum(row.tax for row in invoices if row.currency == off.currency) - off.tax,
            sum(row.total for row in invoices if row.currency == off.currency) - off.total,
        )
        for off in credit_notes
    )


_OWN: Final = tuple(name for name in CreditRow.__dataclass_fields__ if name not in {"channel", "buyer", "issued_by"})


def _rows(where: CreditFilter, limit: int, beyond: tuple[Any, int] | None, *, upwards: bool) -> list[CreditRow]:
    """Up to `limit` matching credit notes beyond a place (date, id), in the order they are read."""
    place = (CreditNote.credit_date, CreditNote.id)
    picked = select(CreditNote).where(*_matching(where)).limit(limit)
    if beyond is not None:
        edge = tuple_(*(literal(part) for part in beyond))
        picked = picked.where(tuple_(*place) > edge if upwards else tuple_(*place) < edge)
    note = picked.order_by(*(column.asc() if upwards else column.desc() for column in place)).subquery("picked").c
    again = (note.credit_date, note.id)
    statement = (
        select(
            *(note[name] for name in _OWN),
            Channel.name.label("channel"),
            buyer_name(note.buyer).label("buyer"),
            User.name.label("issued_by"),
        )
        .join(Channel, and_(Channel.store_id == note.store_id, Channel.id == note.channel_id))
        .outerjoin(User, User.id == note.issued_by)
        .order_by(*(column.asc() if upwards else column.desc() for column in again))
    )
    return [CreditRow(**row._mapping) for row in db.session.execute(statement)]


def _matching(where: CreditFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on CreditNote; the store's is always the first."""
    plain = ((CreditNote.channel_id, where.channel), (CreditNote.cause, where.cause), (CreditNote.job_id, where.job))
    conditions = [CreditNote.store_id == THIS_STORE]
    conditions += [column == value for column, value in plain if value is not None]
    if where.date_from is not None:
        conditions.append(CreditNote.credit_date >= where.date_from)
    if where.date_to is not None:
        conditions.append(CreditNote.credit_date <= where.date_to)
    wanted = Search.of(where.q or "", (where.q or "").casefold().split()[:MAX_WORDS])
    return conditions if wanted is None else [*conditions, wanted.asked().among(CreditNote.order_id)]
