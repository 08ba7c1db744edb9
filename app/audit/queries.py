"""The audit log as plain rows: the page of a filter, the people in it, batches for an export, and what still exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    cast,
    func,
    literal,
    null,
    select,
    text,
    tuple_,
    union_all,
)

from app.audit.models import AuditEntry
from app.audit.words import Thing
from app.catalog.models import Item
from app.channels.models import Channel
from app.extensions import db
from app.invoices.models import CreditNote
from app.links.models import Link
from app.mappings.models import Listing
from app.orders.models import Order
from app.sync.models import SyncJob
from app.tenancy.scope import current_store_id
from app.web.args import read_args, write_args
from app.web.pagination import Keyset, Page, page_of

EXPORT_BATCH: Final = 500
BY_ITSELF: Final = "itself"
BY_KEY: Final = "keys"
_MAX_WORDS: Final = 8
_EARLIEST, _LATEST = date(2000, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The field names are the parameters of the URL; what is left at its default does not restrict.

    `person` is a person's id, BY_KEY or BY_ITSELF; `date_from` and `date_to` are days of the store, both included.
    """

    q: str | None = None
    person: str | None = None
    thing: Thing | None = None
    date_from: date | None = None
    date_to: date | None = None

    @classmethod
    def from_args(cls, args: Any) -> AuditFilter:
        """Read the parameters of a URL; what cannot be read does not restrict."""
        return read_args(cls, args)

    def to_query(self) -> dict[str, str]:
        """The parameters that make this filter again."""
        return write_args(self)

    @property
    def is_empty(self) -> bool:
        """Whether every entry is wanted."""
        return self == AuditFilter()


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry; `changes` holds [what it was, what it is] of each field."""

    id: int
    at: datetime
    user_id: int | None
    key_id: int | None
    job_id: int | None
    who: str
    address: str
    browser: str
    verb: str
    thing: str
    thing_id: str
    label: str
    changes: Mapping[str, Any]
    many: int


def entries_page(where: AuditFilter, keyset: Keyset, zone: ZoneInfo) -> Page[EntryRow]:
    """One page of the matching entries, newest first. One statement."""
    cursor = keyset.cursor
    beyond = (cursor.value, cursor.id) if cursor is not None and isinstance(cursor.value, datetime) else None
    rows = _rows(where, zone, beyond, keyset.fetch, upwards=keyset.is_backward)
    return page_of(rows, keyset, lambda row: (row.at, row.id))


def entry_batches(where: AuditFilter, zone: ZoneInfo) -> Iterator[Sequence[EntryRow]]:
    """All matching entries, oldest first, so many at a time."""
    beyond: tuple[Any, int] | None = None
    while rows := _rows(where, zone, beyond, EXPORT_BATCH, upwards=True):
        yield rows
        beyond = (rows[-1].at, rows[-1].id)


def people() -> list[tuple[str, str]]:
    """Everybody who did something, (id, the name they had last), by name. It looks at one entry of each."""
    rows = db.session.execute(_PEOPLE, {"store_id": current_store_id()})
    return [(str(row.user_id), row.name) for row in rows]


_PEOPLE: Final = text(
    """
with recursive one as (
    select min(user_id) as user_id from audit_entries where store_id = :store_id
    union all
    select (select min(e.user_id) from audit_entries e where e.store_id = :store_id and e.user_id > one.user_id)
    from one where one.user_id is not null
)
select one.user_id, last.who as name
from one cross join lateral (
    select e.who from audit_entries e where e.store_id = :store_id and e.user_id = one.user_id
    order by e.id desc limit 1
) last
order by lower(last.who), one.user_id
"""
)


def still_there(rows: Iterable[EntryRow]) -> Mapping[tuple[str, str], int | None]:
    """(thing, id) of those that have a page of their own and are still there, each with the channel that its page is
    of, if it is of one. One statement, none for none.
    """
    wanted: dict[str, set[int]] = {}
    for row in rows:
        if row.thing in _PAGES and row.thing_id.isdigit():
            wanted.setdefault(row.thing, set()).add(int(row.thing_id))
        if row.job_id is not None:
            wanted.setdefault("job", set()).add(row.job_id)
    if not wanted:
        return {}
    queries = [_existing(thing, ids) for thing, ids in sorted(wanted.items())]
    return {(row.thing, row.id): row.channel_id for row in db.session.execute(union_all(*queries))}


_PAGES: Final[Mapping[str, Any]] = {
    Thing.CHANNEL: Channel,
    Thing.ANNOUNCEMENTS: Channel,
    Thing.GATEWAY: Channel,
    Thing.ITEM: Item,
    Thing.LINK: Link,
    Thing.LISTING: Listing,
    Thing.CREDIT_NOTE: CreditNote,
    Thing.ORDER: Order,
    "job": SyncJob,
}


def _existing(thing: str, ids: Collection[int]) -> Any:
    model = _PAGES[thing]
    channel_id = Listing.channel_id if model is Listing else null().cast(BigInteger)
    columns = (literal(str(thing)).label("thing"), cast(model.id, Text).label("id"), channel_id.label("channel_id"))
    query = select(*columns).where(model.id.in_(ids))
    if model is not Link:  # a link is of two stores, and shows itself to no other
        query = query.where(model.store_id == current_store_id())
    if model is Listing:
        query = query.join(Channel, and_(Channel.store_id == Listing.store_id, Channel.id == Listing.channel_id))
    return query.where(Channel.status != "removed") if model in (Channel, Listing) else query


def _rows(
    where: AuditFilter, zone: ZoneInfo, beyond: tuple[Any, int] | None, most: int, *, upwards: bool
) -> list[EntryRow]:
    place = (AuditEntry.at, AuditEntry.id)
    columns = [getattr(AuditEntry, field.name) for field in fields(EntryRow)]
    query = select(*columns).where(AuditEntry.store_id == current_store_id(), *_conditions(where, zone))
    if beyond is not None:
        other = tuple_(*(literal(value) for value in beyond))
        query = query.where(tuple_(*place) > other if upwards else tuple_(*place) < other)
    order = place if upwards else tuple(column.desc() for column in place)
    return [EntryRow(*row) for row in db.session.execute(query.order_by(*order).limit(most))]


def _conditions(where: AuditFilter, zone: ZoneInfo) -> Iterator[ColumnElement[bool]]:
    if where.thing is not None:
        yield AuditEntry.thing == where.thing.value
    if where.person == BY_ITSELF:
        yield AuditEntry.user_id.is_(None) & AuditEntry.key_id.is_(None)
    elif where.person == BY_KEY:
        yield AuditEntry.key_id.is_not(None)
    elif where.person and where.person.isascii() and where.person.isdigit() and len(where.person) < 19:
        yield AuditEntry.user_id == int(where.person)
    if where.date_from is not None:
        yield AuditEntry.at >= _midnight(where.date_from, zone)
    if where.date_to is not None:
        yield AuditEntry.at < _midnight(min(where.date_to, _LATEST) + timedelta(days=1), zone)
    everything = func.concat_ws(
        " ", AuditEntry.label, AuditEntry.who, AuditEntry.address, cast(AuditEntry.changes, Text)
    )
    for word in (where.q or "").split()[:_MAX_WORDS]:
        yield everything.icontains(word, autoescape=True)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(min(max(day, _EARLIEST), _LATEST), time.min, zone)
