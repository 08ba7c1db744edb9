"""Stores in the four states in which somebody may meet a page: nothing yet, one of each, many, and much that failed.

Many is more than a page of each, with the words and amounts that break pages: long ones, other scripts, what looks
like mark-up, billions. Its rows are made by SQL out of the one row of each kind that the samples of every route have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson
from flask import Flask
from sqlalchemy import text

from app.core.roles import Role
from app.extensions import Base, db
from app.orders.reasons import _ALERTS, _TABLE
from app.sealing import seal
from tests.orders.factories import Books
from tests.support.factories import Make, SomePerson, SomeStore
from tests.tenancy.test_every_route import samples

COPIES: Final = 60
"""More than a page of each."""
LONG_NAME: Final = '<b>Nyonya & "Söhne"</b> 怡保白咖啡 Donaudampfschifffahrtselektrizitätenhauptbetriebswerk'
_WORDS: Final = (
    "Kopi Ipoh 怡保白咖啡",
    "Nguyễn Thị Hoàng Ánh – cà phê sữa đá",
    "முருகன் சுப்பிரமணியம்",
    '<b>O\'Brien & "Sons"</b> {{ 7 * 7 }}',
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2,
    "🌸 👩‍👩‍👧 Z̷a̷l̷g̷o̷ مرحبا",
    "x",
)


class State(StrEnum):
    """How full a store is, and how well it goes."""

    EMPTY = "empty"
    ONE = "one"
    MANY = "many"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A store in a state, with the ids that URLs can name and a member of each role."""

    state: State
    store: SomeStore
    values: Mapping[str, Any]
    staff: Mapping[Role, SomePerson]


def prepare(app: Flask, state: State) -> Prepared:
    """Make a store of this state; for an empty one the ids are those of rows in another store."""
    make = Make(app)
    store = make.store(LONG_NAME if state is State.MANY else "")
    values = samples(app, make.store() if state is State.EMPTY else store)
    books = Books(app, store)
    if state is not State.EMPTY:
        with app.app_context():
            sealed = seal({"api_key": "of no use"})
        _run(books, "update channels set credentials = :sealed where kind = 'sitegiant'", sealed=sealed)
    if state in (State.MANY, State.FAILED):
        for statement in _FIRST:
            _run(books, statement, **values, said=_SAID)
        for table, where, columns in _MANY if state is State.MANY else _BROKEN:
            _copy(books, table, where, columns, values)
    if state is State.FAILED:
        for statement in _STOPPED:
            _run(books, statement, **values)
    staff = make.staff(store)
    if state is State.MANY:
        for statement in _LAST:
            _run(books, statement, words=list(_WORDS), **values)
    return Prepared(state, store, values, staff)


_T: Final = "(cast(:words as text[]))[1 + i % 7]"
_BIG: Final = "98765432109876 + i"
_BUYER: Final = f"jsonb_build_object('name', {_T}, 'phone', '+601' || i, 'address', {_T})"
_ORDER: Final = "(select id from orders o where o.store_id = t.store_id and o.remote_id = 'many-' || i)"
_INVOICE: Final = "(select id from invoices o where o.store_id = t.store_id and o.number_text = 'MANY-' || i)"
_NOTE: Final = "(select id from credit_notes o where o.store_id = t.store_id and o.number_text = 'MANY-CN-' || i)"
_ITEM: Final = "(select id from items o where o.store_id = t.store_id and o.sku_key = 'many-' || i)"

_MANY: Final[tuple[tuple[str, str, Mapping[str, str]], ...]] = (
    (
        "marketplaces",
        "id = :marketplace_id",
        {"remote_id": "'many-' || i", "name": f"{_T} || i"},
    ),
    (
        "orders",
        "id = :order_id",
        {
            "remote_id": "'many-' || i",
            "number": f"left({_T}, 60) || i",
            "gateway": _T,
            "state": "(array['booked', 'ready', 'waiting', 'held', 'queued', 'closed'])[1 + i % 6]",
            "reason": "(array[null, null, 'UNPAID', 'NO_LINES', null, 'CANCELLED'])[1 + i % 6]",
            "total": _BIG,
            "buyer": _BUYER,
            "note": _T,
            "placed_at": "t.placed_at - i * interval '7 hours'",
            "alert": "case when i % 9 = 0 then 'CANCELLED' end",
        },
    ),
    ("order_lines", "order_id = :order_id", {"line_no": "100 + i", "name": _T, "sku": _T, "gross": _BIG}),
    ("order_lines", "order_id = :own_order_id", {"line_no": "100 + i", "name": _T, "sku": _T, "gross": _BIG}),
    (
        "invoices",
        "id = :invoice_id",
        {
            "order_id": _ORDER,
            "number": "5000 + i",
            "number_text": "'MANY-' || i",
            "buyer": _BUYER,
            "payment_method": _T,
            "salesperson": _T,
            "seller": _T,
            "total": _BIG,
            "subtotal": _BIG,
            "invoice_date": "t.invoice_date - (i % 40)::int",
        },
    ),
    (
        "invoice_lines",
        "invoice_id = :invoice_id",
        {"line_no": "100 + i", "description": _T, "sku": _T, "amount": _BIG},
    ),
    (
        "credit_notes",
        "id = :credit_note_id",
        {
            "invoice_id": _INVOICE,
            "order_id": _ORDER,
            "number": "5000 + i",
            "number_text": "'MANY-CN-' || i",
            "buyer": _BUYER,
            "words": _T,
            "total": _BIG,
        },
    ),
    ("credit_note_lines", "credit_note_id = :credit_note_id", {"line_no": "100 + i", "description": _T, "sku": _T}),
    (
        "items",
        "id = :item_id",
        {
            "sku": f"left({_T}, 60) || i",
            "sku_key": "'many-' || i",
            "loose_key": "'many-' || i",
            "name": _T,
            "variant": _T,
            "price": _BIG,
        },
    ),
    (
        "listings",
        "id = :listing_id",
        {
            "remote_id": "'many-' || i",
            "sku": f"{_T} || i",
            "name": _T,
            "variant": _T,
            "price": _BIG,
            "digest": "'many-' || i",
            "item_id": f"case when i % 3 = 0 then {_ITEM} end",
            "match": "case when i % 3 = 0 then 'sku' end",
        },
    ),
    ("payment_methods", "id = :row_id", {"name": f"{_T} || i"}),
    (
        "payment_mappings",
        "id = :mapping_id",
        {"gateway": f"{_T} || i", "gateway_key": f"lower({_T} || i)"},
    ),
    ("locations", "id = (select min(id) from locations)", {"name": f"left({_T}, 70) || i"}),
    (
        "stock_movements",
        "item_id = :item_id",
        {"words": _T, "key": "'many-' || i", "on_hand_change": "i", "on_hand_after": _BIG},
    ),
    (
        "sync_jobs",
        "id = :job_id",
        {
            "state": "(array['succeeded', 'partly', 'failed', 'cancelled'])[1 + i % 4]",
            "kind": "(array['check', 'sync', 'auto', 'write_back', 'retry', 'products', 'stock'])[1 + i % 7]",
            "counts": "jsonb_build_object('seen', 1000 * i, 'new', i, 'booked', i)",
            "started_at": "now() - i * interval '1 hour'",
            "finished_at": "now() - i * interval '1 hour' + interval '50 minutes'",
        },
    ),
    ("journal", "id = (select max(id) from journal)", {"kind": "'imported'", "order_id": _ORDER, "job_id": ":job_id"}),
    ("changes", "id = :change_id", {"key": "'many-' || i", "order_id": _ORDER, "invoice_id": _INVOICE}),
    ("verification_days", "true", {"day": "t.day - i::int", "total": _BIG, "remote_total": _BIG}),
    ("deviations", "true", {"number": _T, "remote_id": "'many-' || i", "difference": _BIG}),
    (
        "api_keys",
        "id = :key_id",
        {
            "name": f"left({_T}, 70) || i",
            "token_hash": "decode(md5(t.store_id || 'many' || i), 'hex')",
            "revoked_at": "now()",
        },
    ),
    ("audit_entries", "id = (select max(id) from audit_entries)", {"label": _T, "who": _T}),
    ("salespeople", "true", {"name": f"{_T} || i"}),
    (
        "verifications",
        "id = :verification_id",
        {
            "job_id": "(select id from sync_jobs j where j.store_id = :store order by id desc offset i - 1 limit 1)",
            "finished_at": "t.finished_at - i * interval '1 day'",
        },
    ),
    (
        "hook_messages",
        "id = :message_id",
        {"message_id": "'many-' || i", "created_at": "now() - i * interval '1 hour'"},
    ),
    (
        "notices",
        "true",
        {
            "key": "'many-' || i",
            "kind": "(array['failed_sync', 'verification_difference', 'channel_paused'])[1 + i % 3]",
            "detail": f"t.detail || jsonb_build_object('channel', {_T})",
        },
    ),
    (
        "invitations",
        "id = :invitation_id",
        {"email": "'many-' || i || '@shop.example'", "token_hash": "decode(md5(t.store_id || 'many' || i), 'hex')"},
    ),
)
"""Table, which row of it, and what differs in its copies, as SQL of the row `t` and the copy's number `i`."""

_REASON: Final = "(cast(:reasons as text[]))[i]"
_BROKEN: Final = (
    (
        "orders",
        "id = :order_id",
        {
            "remote_id": "'broken-' || i",
            "number": "'BROKEN' || i",
            "state": "'held'",
            "reason": f"coalesce({_REASON}, 'NO_LINES')",
            "alert": "case when i % 4 = 0 then coalesce((cast(:alerts as text[]))[i / 4], 'CANCELLED') end",
            "reason_detail": "jsonb_build_object('gateway', 'ShopeePay', 'skus', 'A1, B2', 'currency', 'VND')",
        },
    ),
    (
        "sync_jobs",
        "id = :job_id",
        {
            "state": "(array['failed', 'partly', 'cancelled'])[1 + i % 3]",
            "kind": "(array['check', 'sync', 'auto', 'write_back', 'products', 'stock', 'refresh'])[1 + i % 7]",
            "problem": f"coalesce({_REASON}, 'INTERNAL')",
            "problem_detail": "jsonb_build_object('said', 'No. " + "x" * 300 + "', 'reference', 'ab12cd34')",
            "finished_at": "now()",
        },
    ),
    (
        "changes",
        "id = :change_id",
        {
            "key": "'broken-' || i",
            "reason": "(array['FOREIGN_NUMBER', 'ORDER_MISSING', 'WRITEBACK_FAILED'])[1 + i % 3]",
        },
    ),
    (
        "listings",
        "id = :listing_id",
        {
            "remote_id": "'broken-' || i",
            "digest": "'broken-' || i",
            "problem": "case when i % 4 = 0 then 'no SKU' else '' end",
            "obstacle": "case when i % 4 = 1 then 'batch' end",
            "gone_at": "case when i % 4 = 2 then now() end",
        },
    ),
    (
        "deviations",
        "true",
        {
            "kind": "(array['missing', 'extra', 'unreadable', 'currency', 'total', 'status', 'payment', 'invoice'])"
            "[1 + i % 8]",
            "remote_id": "'broken-' || i",
        },
    ),
)

_SAID: Final = orjson.dumps(
    {
        "number": "2611X",
        "invoice": "INV00001",
        "currency": "MYR",
        "status": "completed",
        "payment": "paid",
        "total": 9900,
        "owed": 9900,
        "refunded": 1100,
        "invoiced": 8800,
    }
).decode()
"""What a channel and the books may say of an order."""
_FIRST: Final = (
    """
    insert into verification_days (
        store_id, verification_id, day, currency, remote_orders, remote_total, remote_paid, orders, total, invoiced,
        missing, extra, differing, difference, invoice_difference, not_invoiced)
    values (
        :store, :verification_id, '2026-11-20', 'MYR', 9, 9900, 9, 8, 8800, 7700, 1, 1, 1, 1100, 1100,
        jsonb_build_object('held', 2))
    """,
    """
    insert into deviations (
        store_id, verification_id, channel_id, kind, day, marketplace_id, remote_id, number, currency, difference,
        remote, local, order_id)
    values (
        :store, :verification_id, :channel_id, 'total', '2026-11-20', :marketplace_id, '77', '2611X', 'MYR', 1100,
        cast(:said as jsonb), cast(:said as jsonb), :order_id)
    """,
    """
    insert into invoice_lines (
        store_id, invoice_id, line_no, kind, sku, description, quantity, unit_price, discount, tax, amount)
    values (:store, :invoice_id, 1, 'item', 'A-1', 'Kopi', 2, 2100, 200, 0, 4000)
    """,
    """
    insert into stock_movements (
        store_id, item_id, location_id, kind, on_hand_change, reserved_change, on_hand_after, reserved_after)
    select :store, :item_id, min(id), 'receive', 5, 0, 5, 0 from locations where store_id = :store
    """,
    "update verifications set missing = 1, differing = 1, extra = 1 where id = :verification_id",
    "insert into salespeople (store_id, name) values (:store, 'Aminah')",
    """
    insert into notices (store_id, kind, key, detail)
    values (:store, 'failed_sync', 'first', jsonb_build_object('count', 3, 'channel', 'SiteGiant', 'code', 'PAID_LESS',
        'cause', 'orders', 'channel_id', :channel_id, 'verification_id', :verification_id))
    """,
)
"""What the samples lack: lines of an invoice, what a verification found, a salesperson, something to be told of."""
_LAST: Final = (
    f"""
    with people as (
        insert into users (email, name, password_hash)
        select 'many-' || :store || '-' || i || '@shop.example', {_T}, '' from generate_series(1, {COPIES}) i
        returning id)
    insert into memberships (store_id, user_id, role) select :store, id, 'read_only' from people
    """,
    """
    insert into notice_copies (store_id, notice_id, user_id, in_portal, read_at)
    select n.store_id, n.id, m.user_id, true, case when n.id % 2 = 0 then now() end
    from notices n cross join memberships m where n.store_id = :store and m.store_id = :store
    """,
)
"""More colleagues, and everybody is told of everything."""
_STOPPED: Final = (
    "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where id = :channel_id",
    """
    insert into seen_orders (store_id, channel_id, remote_id, marketplace_id, state, reason, raw)
    select :store, :channel_id, 'unread-' || i, :marketplace_id, 'unreadable', 'BAD_PAYLOAD',
        jsonb_build_object('problem', 'total: not a number', 'payload', 'x') from generate_series(1, 5) i
    """,
    """
    insert into shortages (store_id, order_id, sku, item_id, missing, why)
    values (:store, :order_id, 'A1', :item_id, 3, 'oversold'), (:store, :order_id, 'B1', null, 3, 'unlinked')
    """,
)


def _copy(books: Books, table: str, where: str, columns: Mapping[str, str], values: Mapping[str, Any]) -> None:
    kept = [c.name for c in Base.metadata.tables[table].columns if c.identity is None and c.computed is None]
    assert columns.keys() <= set(kept), f"{table} has no {columns.keys() - set(kept)}"
    chosen = ", ".join(columns.get(name, f"t.{name}") for name in kept)
    source = f"(select * from {table} where store_id = :store and {where} limit 1) t"
    made = _run(
        books,
        f"insert into {table} ({', '.join(kept)}) select {chosen} from {source}, generate_series(1, {COPIES}) i",
        **values,
        words=list(_WORDS),
        reasons=list(_TABLE),
        alerts=list(_ALERTS),
    )
    assert made == COPIES, f"there is no row of {table} to copy"


def _run(books: Books, statement: str, **values: Any) -> int:
    with books.scope():
        done = db.session.execute(text(statement), {"store": books.store.id, **values})
        db.session.commit()
        return int(done.rowcount)  # type: ignore[attr-defined]
