"""The orders behind one cause, page by page, and what became of some of them since they were shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from zlib import crc32

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, literal, null, select, tuple_

from app.core.states import ChangeState, InvoiceState, OrderState, SeenState
from app.extensions import db
from app.invoices.models import Invoice
from app.orders.detail import payload_text
from app.orders.failed import Cause, CauseKey, CauseKind, changes_of, orders_of, unread_of
from app.orders.models import Order, RawRecord, SeenOrder
from app.planning import read
from app.sync.models import Change
from app.tenancy.scope import THIS_STORE, current_store_id
from app.web.pagination import Cursor, Keyset, Page, page_of

PAYLOAD_AT_MOST: Final = 20_000
_LARGEST: Final = 2**63


@dataclass(frozen=True, slots=True)
class FailedRow:
    """One order behind a cause. `row_key` names it within the kind of cause, `since_at` is since when it waits.

    `is_here` says whether it still waits for that; `state` (a value of the enumeration `state_kind`) where it stands
    otherwise. `is_wanted` means that a retry has still to read it. `payload` is what was sent and not understood.
    """

    row_key: str
    order_id: int | None
    number: str
    placed_at: datetime | None
    currency: str
    total: int | None
    reason: str | None
    detail: Mapping[str, Any]
    since_at: datetime
    is_wanted: bool
    is_here: bool
    state: str
    state_kind: str
    invoice_id: int | None
    invoice_no: str
    problem: str
    payload: str

    @property
    def is_followed(self) -> bool:
        """Whether a page goes on asking for it: it waits here, or is on its way and will soon stand elsewhere."""
        return self.is_here or self.state in (OrderState.QUEUED, ChangeState.PLANNED, ChangeState.SENDING)

    @property
    def dom_id(self) -> str:
        """Names the row in a page: the channel's own ids may hold characters that a selector cannot."""
        return f"failed-{crc32(self.row_key.encode()):08x}"


@dataclass(frozen=True, slots=True)
class _Source:
    """How a kind of cause is read: the table's key, the order of its rows, and the conditions of a cause."""

    statement: Callable[[], Any]
    key: Any
    place: tuple[Any, ...]
    conditions: Callable[[CauseKey], list[ColumnElement[bool]]]
    newest_first: bool = True

    @property
    def key_is_text(self) -> bool:
        return self.key is SeenOrder.remote_id


def failed_page(cause: CauseKey, keyset: Keyset) -> Page[FailedRow]:
    """One page of the orders behind a cause, newest first. One statement."""
    source = _SOURCES[cause.kind]
    statement = source.statement().add_columns(literal(True).label("is_here")).where(*source.conditions(cause))
    down = source.newest_first != keyset.is_backward
    if keyset.cursor is not None:
        place, beyond = tuple_(*source.place), tuple_(*_values(keyset.cursor, source))
        statement = statement.where(place < beyond if down else place > beyond)
    order = [column.desc() if down else column.asc() for column in source.place]
    rows = [_row(row) for row in db.session.execute(statement.order_by(*order).limit(keyset.fetch))]
    return page_of(rows, keyset, lambda row: _place(row, source))


def failed_rows(cause: CauseKey, row_keys: Sequence[str]) -> list[FailedRow]:
    """These rows as they stand now, whether or not they still belong to the cause. One statement."""
    source = _SOURCES[cause.kind]
    keys = row_keys if source.key_is_text else [number for key in row_keys if (number := row_number(key)) is not None]
    if not keys:
        return []
    here = func.coalesce(and_(*source.conditions(cause)), False).label("is_here")
    model = source.key.class_
    statement = source.statement().add_columns(here)
    statement = statement.where(
        model.store_id == current_store_id(), model.channel_id == cause.channel_id, source.key.in_(keys)
    )
    return [_row(row) for row in db.session.execute(statement)]


def newest_rows(causes: Sequence[Cause]) -> dict[CauseKey, FailedRow]:
    """The newest row of each cause, to show what the channel said. One statement for each kind of cause."""
    found: dict[CauseKey, FailedRow] = {}
    for kind, source in _SOURCES.items():
        keys = {cause.newest: cause.key for cause in causes if cause.kind == kind}
        if not keys:
            continue
        wanted = list(keys) if source.key_is_text else [int(key) for key in keys]
        channels = list({key.channel_id for key in keys.values()})
        rows = [_row(row) for row in read(_these(kind), {"channels": channels, "keys": wanted})]
        found |= {keys[row.row_key]: row for row in rows}
    return found


@cache
def _these(kind: CauseKind) -> Select[Any]:
    source = _SOURCES[kind]
    model = source.key.class_
    found: Select[Any] = source.statement().add_columns(literal(True).label("is_here"))
    return found.where(
        model.store_id == THIS_STORE,
        model.channel_id.in_(bindparam("channels", expanding=True)),
        source.key.in_(bindparam("keys", expanding=True)),
    )


def payloads(order_ids: Sequence[int]) -> dict[int, str]:
    """What the channel sent last for these orders, as text, cut where it grows too long for a page."""
    if not order_ids:
        return {}
    rows = read(_payloads(), {"orders": list(order_ids)})
    return {row.order_id: payload_text(row.payload)[:PAYLOAD_AT_MOST] for row in rows}


@cache
def _payloads() -> Select[Any]:
    wanted = RawRecord.order_id.in_(bindparam("orders", expanding=True))
    return select(RawRecord.order_id, RawRecord.payload).where(RawRecord.store_id == THIS_STORE, wanted)


def row_number(text: str) -> int | None:
    """The id that a row's key holds, for kinds of causes whose rows have one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) < _LARGEST else None


def _orders() -> Select[Any]:
    """Orders, with what the ledger keeps of those that could not be read again."""
    return (
        select(
            Order.id.label("row_key"),
            Order.id.label("order_id"),
            Order.number,
            Order.placed_at,
            Order.currency,
            Order.total,
            Order.reason,
            Order.reason_detail.label("detail"),
            Order.state_at.label("since_at"),
            Order.state,
            literal(OrderState.__name__).label("state_kind"),
            SeenOrder.wanted_at,
            SeenOrder.raw,
            Invoice.id.label("invoice_id"),
            Invoice.number_text.label("invoice_no"),
        )
        .outerjoin(
            SeenOrder,
            and_(
                SeenOrder.store_id == Order.store_id,
                SeenOrder.channel_id == Order.channel_id,
                SeenOrder.remote_id == Order.remote_id,
            ),
        )
        .outerjoin(
            Invoice,
            and_(
                Invoice.store_id == Order.store_id,
                Invoice.order_id == Order.id,
                Invoice.state == InvoiceState.POSTED,
            ),
        )
    )


def _changes() -> Select[Any]:
    return (
        select(
            Change.id.label("row_key"),
            Order.id.label("order_id"),
            Order.number,
            Order.placed_at,
            Order.currency,
            Order.total,
            Change.reason,
            Change.reason_detail.label("detail"),
            func.coalesce(Change.claimed_at, Change.planned_at).label("since_at"),
            Change.state,
            literal(ChangeState.__name__).label("state_kind"),
            null().label("wanted_at"),
            null().label("raw"),
            Invoice.id.label("invoice_id"),
            Invoice.number_text.label("invoice_no"),
        )
        .join(Order, and_(Order.store_id == Change.store_id, Order.id == Change.order_id))
        .outerjoin(Invoice, and_(Invoice.store_id == Change.store_id, Invoice.id == Change.invoice_id))
    )


def _seen() -> Any:
    return select(
        SeenOrder.remote_id.label("row_key"),
        null().label("order_id"),
        SeenOrder.called.label("number"),
        SeenOrder.remote_created_at.label("placed_at"),
        literal("").label("currency"),
        null().label("total"),
        SeenOrder.reason,
        null().label("detail"),
        SeenOrder.first_seen_at.label("since_at"),
        SeenOrder.state,
        literal(SeenState.__name__).label("state_kind"),
        SeenOrder.wanted_at,
        SeenOrder.raw,
        null().label("invoice_id"),
        null().label("invoice_no"),
    )


_SOURCES: Final[Mapping[CauseKind, _Source]] = {
    CauseKind.ORDERS: _Source(_orders, Order.id, (Order.placed_at, Order.id), orders_of),
    CauseKind.ALERTS: _Source(_orders, Order.id, (Order.placed_at, Order.id), orders_of),
    CauseKind.WRITE_BACKS: _Source(_changes, Change.id, (Change.id,), changes_of),
    CauseKind.MOVES: _Source(_changes, Change.id, (Change.id,), changes_of),
    CauseKind.GIVEN: _Source(_changes, Change.id, (Change.id,), changes_of),
    CauseKind.UNREADABLE: _Source(_seen, SeenOrder.remote_id, (SeenOrder.remote_id,), unread_of, newest_first=False),
}


def _place(row: FailedRow, source: _Source) -> tuple[Any, int]:
    if source.key_is_text:
        return row.row_key, 0
    return (row.placed_at if len(source.place) > 1 else None), int(row.row_key)


def _values(cursor: Cursor, source: _Source) -> tuple[Any, ...]:
    """The cursor as the row's place; one of another list starts this one from its first row."""
    if source.key_is_text:
        return (literal(str(cursor.value or "")),)
    if len(source.place) == 1:
        return (literal(cursor.id),)
    placed_at = cursor.value if isinstance(cursor.value, datetime) else datetime.fromisoformat("9999-01-01T00:00+00:00")
    return literal(placed_at), literal(cursor.id)


def _row(row: Row[Any]) -> FailedRow:
    raw = row.raw or {}
    payload = raw.get("payload")
    return FailedRow(
        row_key=str(row.row_key),
        order_id=row.order_id,
        number=row.number,
        placed_at=row.placed_at,
        currency=row.currency,
        total=row.total,
        reason=row.reason,
        detail=row.detail or {},
        since_at=row.since_at,
        is_wanted=row.wanted_at is not None,
        is_here=row.is_here,
        state=row.state,
        state_kind=row.state_kind,
        invoice_id=row.invoice_id,
        invoice_no=row.invoice_no or "",
        problem=str(raw.get("problem") or ""),
        payload=payload_text(payload)[:PAYLOAD_AT_MOST] if payload else "",
    )
