"""The number register: what became of each number of each series, by the month in which it was taken.

Numbers are taken under a lock, so they rise with time. A month's line is complete when every number before each of
its documents is accounted for: by a document, or by the words of whoever left it out. What is read grows with the
months that are shown, never with the years that are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select

from app.accounts.models import User
from app.channels.models import Channel
from app.core.numbering import format_number
from app.core.register import Skip, Stretch, account_for
from app.core.states import CreditCause, InvoiceState
from app.extensions import db
from app.invoices.models import CreditNote, Invoice, NumberSeries, VoidNumbers
from app.tenancy.scope import current_store, current_store_id
from app.web.pagination import Keyset, Page, page_of

EXPORT_BATCH: Final = 1_000


class Series(StrEnum):
    """The series of numbers that a store keeps."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


_DOCUMENTS: Final[dict[Series, type[Invoice] | type[CreditNote]]] = {
    Series.INVOICE: Invoice,
    Series.CREDIT_NOTE: CreditNote,
}


@dataclass(frozen=True, slots=True)
class MonthLine:
    """A month of one series. `stretches` are the numbers before its documents that no document carries."""

    series: Series
    month: date
    first: str
    last: str
    documents: int
    credited: int
    stretches: tuple[Stretch, ...]

    @property
    def void(self) -> int:
        """How many numbers were left out on purpose."""
        return sum(stretch.count for stretch in self.stretches if stretch.skip)

    @property
    def gaps(self) -> tuple[Stretch, ...]:
        """What nobody can explain."""
        return tuple(stretch for stretch in self.stretches if stretch.skip is None)


@dataclass(frozen=True, slots=True)
class Taken:
    """A number that a document carries. `reason` is why it was credited (or, for a credit note, why it was made)."""

    id: int
    number: int
    number_text: str
    issued_at: datetime
    credited: bool
    currency: str
    total: int
    order_id: int
    order_number: str
    channel: str
    job_id: int | None
    person: str | None
    cause: CreditCause | None
    words: str
    credit_note_id: int | None
    credit_note: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the register: a document, or (without one) the numbers of a stretch."""

    document: Taken | None
    stretch: Stretch | None


@dataclass(frozen=True, slots=True)
class _Set:
    """Documents of one series that were issued in a span of time."""

    series: Series
    since: datetime
    until: datetime
    next_number: int

    @property
    def model(self) -> Any:
        return _DOCUMENTS[self.series]

    def conditions(self) -> list[ColumnElement[bool]]:
        # Without the bound a document that is issued while we read could stand behind one that is not seen yet.
        return [
            self.model.store_id == current_store_id(),
            self.model.series == self.series,
            self.model.issued_at >= self.since,
            self.model.issued_at < self.until,
            self.model.number < self.next_number,
        ]


def years(series: Series) -> list[int]:
    """The years in which numbers were taken, newest first; this one is always among them."""
    model, zone = _model(series), _zone()
    first = db.session.scalar(
        select(model.issued_at)
        .where(model.store_id == current_store_id(), model.series == series)
        .order_by(model.number)
        .limit(1)
    )
    this = datetime.now(zone).year
    return list(range(this, (first.astimezone(zone).year if first else this) - 1, -1))


def months(series: Series, year: int) -> list[MonthLine]:
    """The months of a year in which numbers were taken, newest first. Numbers at the very end that were left out
    since belong to the newest month."""
    docs = _documents(series, _midnight(year, 1), _midnight(year + 1, 1))
    month = func.date_trunc("month", func.timezone(str(_zone()), docs.model.issued_at))
    model = docs.model
    rows = db.session.execute(
        select(
            month.label("month"),
            func.count().label("documents"),
            func.min(model.number).label("low"),
            func.max(model.number).label("high"),
            _credited(model).label("credited"),
        )
        .where(*docs.conditions())
        .group_by(month)
        .order_by(month.desc())
    ).all()
    texts = _texts(model, [number for row in rows for number in (row.low, row.high)])
    found: dict[date, list[Stretch]] = {}
    for at, stretch in _stretches(docs):
        found.setdefault(at.astimezone(_zone()).date().replace(day=1), []).append(stretch)
    if rows:
        newest = rows[0].month.date()
        found.setdefault(newest, []).extend(_tail(docs, rows[0].high))
    return [
        MonthLine(
            series,
            row.month.date(),
            texts[row.low],
            texts[row.high],
            row.documents,
            row.credited,
            tuple(found.get(row.month.date(), ())),
        )
        for row in rows
    ]


def month_line(series: Series, month: date) -> MonthLine | None:
    """The line of one month, or None when no number was taken in it."""
    return next((line for line in months(series, month.year) if line.month == month), None)


def entries(series: Series, month: date, keyset: Keyset) -> Page[Entry]:
    """A page of a month's numbers, in their order, with the stretches before each document."""
    docs = _documents(series, _midnight(month.year, month.month), _after(month))
    page = page_of(_taken(docs, keyset), keyset, lambda taken: (taken.number, taken.id))
    return Page(_with_stretches(docs, page.rows), page.after, page.before)


def all_entries(series: Series, month: date) -> Iterator[Entry]:
    """Every number of a month, in batches, for a file."""
    docs = _documents(series, _midnight(month.year, month.month), _after(month))
    keyset = Keyset(limit=EXPORT_BATCH)
    while True:
        page = page_of(_taken(docs, keyset), keyset, lambda taken: (taken.number, taken.id))
        yield from _with_stretches(docs, page.rows)
        if page.after is None:
            return
        keyset = Keyset.from_args({"after": page.after}, EXPORT_BATCH)


def number_text(series: Series, number: int) -> str:
    """A number that no document carries, as it would be printed now."""
    row = db.session.get_one(NumberSeries, (current_store_id(), series))
    return format_number(row.prefix, row.padding, number)


def _model(series: Series) -> Any:
    return _DOCUMENTS[series]


def _documents(series: Series, since: datetime, until: datetime) -> _Set:
    """The counter is read before the documents: see `_Set.conditions`."""
    query = select(NumberSeries.next_number).where(
        NumberSeries.store_id == current_store_id(), NumberSeries.code == series
    )
    return _Set(series, since, until, db.session.scalars(query).one())


def _credited(model: Any) -> Any:
    return func.count().filter(model.state == InvoiceState.CREDITED) if model is Invoice else func.count() * 0


def _texts(model: Any, numbers: Iterable[int]) -> dict[int, str]:
    wanted = set(numbers)
    if not wanted:
        return {}
    series = Series.INVOICE if model is Invoice else Series.CREDIT_NOTE
    rows = db.session.execute(
        select(model.number, model.number_text).where(
            model.store_id == current_store_id(), model.series == series, model.number.in_(wanted)
        )
    )
    return {row.number: row.number_text for row in rows}


def _stretches(docs: _Set) -> list[tuple[datetime, Stretch]]:
    """The stretches before documents of the set, each with the time of the document that follows it."""
    model = docs.model
    numbers = (
        select(
            model.number,
            model.issued_at,
            func.lag(model.number).over(order_by=model.number).label("before"),
        )
        .where(*docs.conditions())
        .subquery()
    )
    jumps = db.session.execute(
        select(numbers).where(func.coalesce(numbers.c.before, 0) < numbers.c.number - 1).order_by(numbers.c.number)
    ).all()
    found: list[tuple[datetime, Stretch]] = []
    for row in jumps:
        before = row.before if row.before is not None else _number_before(docs, row.number)
        if before is not None:
            found += [(row.issued_at, stretch) for stretch in _between(docs, before, row.number)]
    return found


def _number_before(docs: _Set, number: int) -> int | None:
    """The highest number below that a document carries; None at the very start of the series."""
    model = docs.model
    return db.session.scalar(
        select(func.max(model.number)).where(
            model.store_id == current_store_id(), model.series == docs.series, model.number < number
        )
    )


def _tail(docs: _Set, high: int) -> list[Stretch]:
    """Numbers behind the last document that the counter has passed: left out, if the document is the series' last."""
    last = _number_before(docs, docs.next_number)
    if last != high or high + 1 >= docs.next_number:
        return []
    return _between(docs, high, docs.next_number)


def _between(docs: _Set, before: int, after: int) -> list[Stretch]:
    """The stretches strictly between two numbers, as documents of other times may carry some of them."""
    model = docs.model
    carried = db.session.scalars(
        select(model.number)
        .where(
            model.store_id == current_store_id(),
            model.series == docs.series,
            model.number > before,
            model.number < after,
        )
        .order_by(model.number)
    ).all()
    bounds = [before, *carried, after]
    return [
        stretch
        for low, high in pairwise(bounds)
        if high - low > 1
        for stretch in account_for(low + 1, high - 1, _skips(docs.series, low + 1, high - 1))
    ]


def _skips(series: Series, first: int, last: int) -> list[Skip]:
    rows = db.session.execute(
        select(VoidNumbers.first_number, VoidNumbers.last_number, VoidNumbers.words, User.name, VoidNumbers.at)
        .outerjoin(User, User.id == VoidNumbers.user_id)
        .where(
            VoidNumbers.store_id == current_store_id(),
            VoidNumbers.series == series,
            VoidNumbers.first_number <= last,
            VoidNumbers.last_number >= first,
        )
    )
    return [Skip(*row) for row in rows]


def _taken(docs: _Set, keyset: Keyset) -> list[Taken]:
    """The rows of a page, with what credited each invoice."""
    model = docs.model
    query = (
        select(model, Channel.name.label("channel"), User.name.label("person"))
        .join(Channel, and_(Channel.store_id == model.store_id, Channel.id == model.channel_id))
        .outerjoin(User, User.id == model.issued_by)
        .where(*docs.conditions())
        .limit(keyset.fetch)
    )
    if keyset.cursor is not None and isinstance(keyset.cursor.value, int):
        bound = keyset.cursor.value
        query = query.where(model.number < bound if keyset.is_backward else model.number > bound)
    query = query.order_by(model.number.desc() if keyset.is_backward else model.number)
    rows = db.session.execute(query).all()
    notes = {} if model is CreditNote else _last_notes([row[0].id for row in rows])
    return [_as_taken(row[0], row.channel, row.person, notes) for row in rows]


def _last_notes(invoice_ids: Sequence[int]) -> dict[int, CreditNote]:
    """The newest credit note of each invoice that has one."""
    query = (
        select(CreditNote)
        .where(CreditNote.store_id == current_store_id(), CreditNote.invoice_id.in_(invoice_ids))
        .order_by(CreditNote.id)
    )
    return {note.invoice_id: note for note in db.session.scalars(query)}


def _as_taken(document: Any, channel: str, person: str | None, notes: dict[int, CreditNote]) -> Taken:
    note = document if isinstance(document, CreditNote) else notes.get(document.id)
    return Taken(
        id=document.id,
        number=document.number,
        number_text=document.number_text,
        issued_at=document.issued_at,
        credited=isinstance(document, Invoice) and document.state == InvoiceState.CREDITED,
        currency=document.currency,
        total=document.total,
        order_id=document.order_id,
        order_number=document.order_number,
        channel=channel,
        job_id=document.job_id,
        person=person,
        cause=CreditCause(note.cause) if note else None,
        words=note.words if note else "",
        credit_note_id=note.id if note and note is not document else None,
        credit_note=note.number_text if note and note is not document else "",
    )


def _with_stretches(docs: _Set, rows: Sequence[Taken]) -> list[Entry]:
    listed: list[Entry] = []
    before = _number_before(docs, rows[0].number) if rows else None
    for taken in rows:
        if before is not None and taken.number > before + 1:
            listed += [Entry(None, stretch) for stretch in _between(docs, before, taken.number)]
        listed.append(Entry(taken, None))
        before = taken.number
    if rows:
        listed += [Entry(None, stretch) for stretch in _tail(docs, rows[-1].number)]
    return listed


def _zone() -> ZoneInfo:
    return ZoneInfo(current_store().time_zone)


def _midnight(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=_zone()).astimezone(UTC)


def _after(month: date) -> datetime:
    return _midnight(month.year + month.month // 12, month.month % 12 + 1)
