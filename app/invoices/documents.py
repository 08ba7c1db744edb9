"""Invoices and credit notes in one list, as plain rows: what was issued, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, String, and_, literal, literal_column, select, tuple_, union_all
from sqlalchemy import cast as sql_cast
from werkzeug.datastructures import MultiDict

from app.channels.models import Channel
from app.extensions import db
from app.invoices.filters import InvoiceFilter
from app.invoices.models import CreditNote, Invoice
from app.orders.queries import buyer_name
from app.tenancy.scope import current_store_id
from app.web.args import read_args
from app.web.pagination import Keyset, Page, page_of

INVOICE: Final = "invoice"
CREDIT_NOTE: Final = "credit_note"


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """The field names are the parameters of the URL; the dates are those of the documents, both included."""

    channel: int | None = None
    date_from: date | None = None
    date_to: date | None = None

    @classmethod
    def from_args(cls, args: MultiDict[str, str]) -> DocumentFilter:
        """Read the parameters of a URL; what cannot be read does not restrict."""
        return read_args(cls, args)

    @property
    def is_empty(self) -> bool:
        """Whether every document is wanted."""
        return self == DocumentFilter()

    @property
    def invoices(self) -> InvoiceFilter:
        """The same choice among invoices."""
        return InvoiceFilter(channel=self.channel, date_from=self.date_from, date_to=self.date_to)


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """An invoice or a credit note (`kind`), `total` in minor units and below zero when it is given back.

    `place` orders the documents of a day; `state` is an invoice's, `invoice_number` the one that a note credits.
    """

    kind: str
    place: int
    id: int
    number_text: str
    day: date
    state: str | None
    invoice_number: str | None
    order_id: int
    order_number: str
    channel: str
    buyer: str
    currency: str
    total: int


def documents_page(where: DocumentFilter, keyset: Keyset) -> Page[DocumentRow]:
    """One page of all documents, newest first by (day, place). One statement that reads a page of each kind.

    A document's place is made of its id and its kind, so that both kinds stand in one order: 2 × id for an invoice,
    one more for a credit note. What lies beyond a place is told by ids again, which the index holds.
    """
    cursor, up = keyset.cursor, keyset.is_backward
    beyond = (cursor.value, cursor.id) if cursor is not None and type(cursor.value) is date else None
    both = union_all(
        _some(Invoice, where, beyond, keyset.fetch, upwards=up).subquery().select(),
        _some(CreditNote, where, beyond, keyset.fetch, upwards=up).subquery().select(),
    ).subquery("documents")
    place = (both.c.day, both.c.place)
    statement = (
        select(*(c for c in both.c if c.key != "channel_id"), Channel.name.label("channel"))
        .join(Channel, and_(Channel.store_id == current_store_id(), Channel.id == both.c.channel_id))
        .order_by(*(column.asc() if up else column.desc() for column in place))
        .limit(keyset.fetch)
    )
    rows = [DocumentRow(**row._mapping) for row in db.session.execute(statement)]
    return page_of(rows, keyset, lambda row: (row.day, row.place))


def _some(
    model: type[Invoice] | type[CreditNote],
    where: DocumentFilter,
    beyond: tuple[Any, int] | None,
    limit: int,
    *,
    upwards: bool,
) -> Select[Any]:
    """Up to `limit` documents of one kind beyond a place, in the order they are read."""
    is_note = model is CreditNote
    day: Any = CreditNote.credit_date if is_note else Invoice.invoice_date
    buyer: Any = model.buyer
    nothing = sql_cast(literal_column("null"), String)
    columns: tuple[Any, ...] = (
        literal(CREDIT_NOTE if is_note else INVOICE).label("kind"),
        (model.id * 2 + int(is_note)).label("place"),
        model.id,
        model.number_text,
        day.label("day"),
        (nothing if is_note else Invoice.state).label("state"),
        (CreditNote.invoice_number if is_note else nothing).label("invoice_number"),
        model.order_id,
        model.order_number,
        model.channel_id,
        buyer_name(buyer).label("buyer"),
        model.currency,
        (-CreditNote.total if is_note else Invoice.total).label("total"),
    )
    query = select(*columns).where(model.store_id == current_store_id())
    if where.channel is not None:
        query = query.where(model.channel_id == where.channel)
    if where.date_from is not None:
        query = query.where(day >= where.date_from)
    if where.date_to is not None:
        query = query.where(day <= where.date_to)
    if beyond is not None:
        edge = tuple_(literal(beyond[0]), literal(_edge(beyond[1], is_note=is_note, upwards=upwards)))
        mine = tuple_(day, model.id)
        query = query.where(mine > edge if upwards else mine < edge)
    return query.order_by(*(c.asc() if upwards else c.desc() for c in (day, model.id))).limit(limit)


def _edge(place: int, *, is_note: bool, upwards: bool) -> int:
    """The id on the near side of a place: those of its kind beyond it lie beyond the place, and no others."""
    if upwards:
        return (place - int(is_note)) // 2
    return (place - int(is_note) + 1) // 2
