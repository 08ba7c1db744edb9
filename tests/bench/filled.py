"""Stores filled by SQL alone: a million orders with their invoices and write-backs in a minute or two.

Written by the owner of the tables with the indexes taken away meanwhile, as one restores a dump. Names come from many
scripts; states, gateways and SKUs are spread as a shop's are. Each row is a function of its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

GIVEN = (
    *("Nur Aisyah", "Ahmad Faiz", "陈伟强", "李美玲", "Siti Nurhaliza", "முருகன்", "Priya", "Nguyễn Thị Hoa"),
    *("Trần Văn Đức", "John", "José", "Zoë", "Muhd Haziq", "林志明", "Anand Raj", "Đặng Lan"),
)
FAMILY = (
    *("binti Rahman", "bin Abdullah", "(Penang)", "Tan", "a/l Subramaniam", "Lim & Sons", "O'Brien", "Wong", "🌸"),
    *("Sdn. Bhd.", "Lê", "Ng"),
)
GATEWAYS = ("ShopeePay", "COD", "iPay88 FPX", "Lazada Wallet", "Touch 'n Go eWallet", "GrabPay", "Atome BNPL", "")
MARKETPLACES = ("Shopee MY", "Lazada MY", "TikTok Shop MY", "Webstore", "Shopee SG", "Zalora", "PG Mall", "eBay")
CHANNELS = ("SiteGiant", "Webstore 🛍", "Pasar malam")
TABLES = ("orders", "order_lines", "invoices", "invoice_lines", "changes", "journal", "search_texts")


@dataclass(frozen=True, slots=True)
class Filled:
    """A store with so many orders; what stands in the middle of the list can be looked for by its number."""

    store_id: int
    orders: int
    number: str
    """The number of one order in the middle, which no other order has."""


def fill(
    owner: psycopg.Connection[Any], sizes: dict[int, int], *, lines: int = 0, in_use: bool = False
) -> list[Filled]:
    """Put so many orders into each of these stores (id → orders); the newest `lines` of each get lines and a journal.

    `owner` must be the tables' owner and have autocommit on; indexes stay where a database is `in_use`. The orders are
    a minute apart, the newest is of today.
    """
    owner.execute("set maintenance_work_mem = '512MB'")
    with owner.transaction(), nullcontext() if in_use else _without_indexes(owner):
        for store_id, orders in sizes.items():
            _add_places(owner, store_id)
            values = {"store": store_id, "orders": orders, "lines": orders - lines}
            for statement in (_ORDERS, _LINES, _JOURNAL, _INVOICES, _INVOICE_LINES, _CHANGES):
                _run(owner, statement, values)
            _run(owner, "update number_series set next_number = %(orders)s + 1 where store_id = %(store)s", values)
    for table in TABLES:
        owner.execute(sql.SQL("vacuum (analyze) {}").format(sql.Identifier(table)))
    return [Filled(store_id, orders, _number(owner, store_id, orders)) for store_id, orders in sizes.items()]


def _run(owner: psycopg.Connection[Any], statement: str, values: dict[str, Any]) -> None:
    lists = {"given": list(GIVEN), "family": list(FAMILY), "gateways": list(GATEWAYS)}
    owner.execute(statement.encode(), values | lists)


def _number(owner: psycopg.Connection[Any], store_id: int, orders: int) -> str:
    row = owner.execute(
        "select number from orders where store_id = %s and remote_id = %s", [store_id, str(41_000_000 + orders // 2)]
    ).fetchone()
    assert row
    return str(row[0])


def _add_places(owner: psycopg.Connection[Any], store_id: int) -> None:
    """The store's channels with their marketplaces and gateways, all but one gateway mapped."""
    for name in CHANNELS:
        row = owner.execute(
            "insert into channels (store_id, kind, name, start_at, checked_at) "
            "values (%s, 'sitegiant', %s, now() - interval '3 years', now()) returning id",
            [store_id, name],
        ).fetchone()
        assert row
        owner.execute(
            "insert into marketplaces (store_id, channel_id, remote_id, kind, name, currency) "
            "select %s, %s, name, 'marketplace', name, 'MYR' from unnest(%s::text[]) name",
            [store_id, row[0], list(MARKETPLACES)],
        )
        owner.execute(
            "insert into payment_mappings (store_id, channel_id, gateway_key, gateway, payment_method_id, version) "
            "select %(store)s, %(channel)s, lower(name), name, "
            "case name when 'Atome BNPL' then null else method.id end, case name when 'Atome BNPL' then 0 else 1 end "
            "from unnest(%(gateways)s::text[]) name, "
            "(select id from payment_methods where store_id = %(store)s and is_default) method",
            {"store": store_id, "channel": row[0], "gateways": list(GATEWAYS)},
        )


@contextmanager
def _without_indexes(owner: psycopg.Connection[Any]) -> Iterator[None]:
    """Take away what slows a bulk load down: indexes that hold no constraint, and foreign keys."""
    indexes: Sequence[tuple[str, str]] = owner.execute(
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index "
        "where indrelid = any(%s::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid)",
        [list(TABLES)],
    ).fetchall()
    keys: Sequence[tuple[str, str, str]] = owner.execute(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
        "where contype = 'f' and conrelid = any(%s::regclass[])",
        [list(TABLES)],
    ).fetchall()
    for table, name, _definition in keys:
        owner.execute(sql.SQL("alter table {} drop constraint {}").format(sql.Identifier(table), sql.Identifier(name)))
    for name, _definition in indexes:
        owner.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    yield
    for _name, definition in indexes:
        owner.execute(definition.encode())
    for table, name, definition in keys:
        owner.execute(
            sql.SQL("alter table {} add constraint {} {} not valid").format(
                sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)
            )
        )


_ORDERS = """
insert into orders (
    store_id, channel_id, marketplace_id, remote_id, number, order_type, status, status_text, payment_status,
    payment_status_text, gateway, gateway_key, remote_invoice_no, currency, placed_at, paid_at, remote_updated_at,
    buyer, note, shipping, discount, adjustment, tax, tax_included, total, refunded, units, digest, content_key, search,
    state, reason, alert, imported_at, changed_at)
select %(store)s, m.channel_id, m.id, (41000000 + i)::text, number, 'marketplace', status, initcap(status),
    case when p < 84 then 'paid' else 'unpaid' end, case when p < 84 then 'Paid' else 'Unpaid' end,
    gateway, lower(gateway), case when state = 'booked' then 'INV' || lpad(i::text, 8, '0') else '' end, 'MYR',
    placed_at, case when p < 84 then placed_at + interval '5 minutes' end, placed_at + interval '2 hours',
    jsonb_build_object('name', buyer, 'phone', phone, 'email', 'buyer' || c || '@example.com'), '', 490, 0, 0, 0, false,
    3990 + i %% 40000, 0, 2, md5(i::text), 'content', lower(concat_ws(' ', number, (41000000 + i)::text, buyer, phone,
        'buyer' || c || '@example.com', 'SKU' || lpad((h %% 500)::text, 4, '0'),
        'KOPI-' || lpad((h / 7 %% 5000)::text, 4, '0'))),
    state,
    case state when 'waiting' then 'UNPAID' when 'held' then 'GATEWAY_UNMAPPED' when 'closed' then 'CANCELLED' end,
    case when state = 'booked' and i %% 997 = 0 then 'CANCELLED' end, placed_at, placed_at
from generate_series(1, %(orders)s) i
cross join lateral (select (hashint4(i) & 2147483647) h, i %% 100 p, now() - (%(orders)s - i) * interval '1 minute'
    placed_at) a
cross join lateral (select h %% 20011 c, (%(gateways)s::text[])[1 + h / 3 %% 8] gateway,
    to_char(placed_at, 'YYMMDD') || upper(substr(md5(i::text), 1, 8)) number) b
cross join lateral (select (%(given)s::text[])[1 + c %% 16] || ' ' || (%(family)s::text[])[1 + c / 16 %% 12] || ' ' || c
    buyer, '+601' || lpad((c * 7919 %% 100000000)::text, 8, '0') phone,
    case when p < 78 then 'booked' when p < 81 then 'ready' when p < 84 then 'held' when p < 91 then 'waiting'
    else 'closed' end state, case when p < 91 then 'completed' else 'cancelled' end status) d
join (select id, channel_id, row_number() over (order by id) - 1 place from marketplaces where store_id = %(store)s) m
    on m.place = h / 11 %% 24
order by i
"""
_LINES = """
insert into order_lines (
    store_id, order_id, line_no, remote_id, sku, isku, name, variant, quantity, unit_price, gross, discount, tax)
select store_id, id, line, line::text, 'SKU' || line, '', 'Kopi Ipoh 怡保白咖啡 ' || line, 'Đen', 1, 1750, 1750, 0, 0
from orders cross join generate_series(1, 2) line
where store_id = %(store)s and remote_id::bigint > 41000000 + %(lines)s
"""
_JOURNAL = """
insert into journal (store_id, at, kind, channel_id, order_id, detail)
select store_id, imported_at, 'imported', channel_id, id, '{}' from orders
where store_id = %(store)s and remote_id::bigint > 41000000 + %(lines)s order by id
"""
_INVOICES = """
insert into invoices (
    store_id, series, number, number_text, order_id, channel_id, marketplace_id, invoice_date, currency, order_number,
    buyer, gateway, payment_method_id, payment_method, payment_mapping_version, salesperson,
    salesperson_mapping_version, paid_at, subtotal, discount, shipping, adjustment, tax, tax_included, rounding, total,
    content_key, issued_at)
select o.store_id, 'invoice', o.remote_id::bigint - 41000000, o.remote_invoice_no, o.id, o.channel_id, o.marketplace_id,
    o.placed_at::date, 'MYR', o.number, o.buyer, o.gateway, m.id, m.name, 1, '', 0, o.paid_at, o.total - o.shipping, 0,
    o.shipping, 0, 0, false, 0, o.total, o.content_key, o.placed_at
from orders o join payment_methods m on m.store_id = o.store_id and m.is_default
where o.store_id = %(store)s and o.state = 'booked' order by o.id
"""
_INVOICE_LINES = """
insert into invoice_lines (
    store_id, invoice_id, line_no, kind, sku, description, quantity, unit_price, discount, tax, amount)
select i.store_id, i.id, l.line_no, 'item', l.sku, l.name, l.quantity, l.unit_price, 0, 0, l.gross
from invoices i join order_lines l on l.store_id = i.store_id and l.order_id = i.order_id
where i.store_id = %(store)s
"""
_CHANGES = """
insert into changes (store_id, channel_id, kind, key, order_id, invoice_id, remote_id, payload, state, reason, done_at)
select i.store_id, i.channel_id, 'write_back', 'invoice:' || i.id, i.order_id, i.id, (41000000 + i.number)::text, '{}',
    case when i.number %% 1009 = 0 then 'blocked' else 'done' end,
    case when i.number %% 1009 = 0 then 'FOREIGN_NUMBER' end, i.issued_at
from invoices i where i.store_id = %(store)s order by i.id
"""
