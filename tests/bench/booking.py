"""(b) Booking against COPY of the finished rows, and (c) writing back against a bare loop of the same calls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from tests.bench.bare import replay
from tests.bench.frame import Bar, Bench, Measure, Result, middle
from tests.bench.house import Database, Seller

COPIED = {
    "invoices": "",
    "invoice_lines": "",
    "changes": "",
    "journal": "and job_id = {job} and kind = 'booked'",
    "search_texts": "and part in (select number_text from invoices where store_id = {store})",
}
"""The tables that booking adds rows to, and which of a store's rows these are.

It changes as many orders besides, which no COPY can do and none is charged.
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave: orders a second."""

    booked: Result
    written: Result


def rounds(bench: Bench, delay: float) -> list[Round]:
    """Stores of their own that are booked and written back, the channel answering after `delay` seconds."""
    return bench.once(f"booked at {delay}", lambda: [_round(bench, delay) for _number in range(bench.rounds)])


def _round(bench: Bench, delay: float) -> Round:
    seller = bench.house.seller(bench.orders, paid_only=True)
    seller.run(seller.press_check())
    job = seller.press_sync()
    seller.shop.calls()
    seller.shop.pace(delay)
    seconds = seller.timed(job)
    calls = seller.shop.calls()
    seller.shop.forget_numbers()
    bare = replay(seller.shop, calls, 1)
    _insist_on_all(seller, bench.orders)
    seller.shop.close()
    copied = _copy_seconds(bench.house.main, seller.store.id, job)
    book, send = seconds["book"], seconds["send"]
    return Round(
        _rates(bench.orders, book, copied, f"booking {book:.2f} s, COPY of {', '.join(COPIED)} {copied:.2f} s"),
        _rates(bench.orders, send, bare, f"{len(calls)} calls, in turn; ours {send:.2f} s, bare {bare:.2f} s"),
    )


def _rates(orders: int, ours: float, limit: float, note: str) -> Result:
    return Result(orders / ours, orders / limit, "orders/s", note)


def _insist_on_all(seller: Seller, orders: int) -> None:
    """Fast and wrong does not count."""
    numbers = seller.one("select count(distinct number) from invoices where number between 1 and :n", n=orders)
    written = seller.one("select count(*) from changes where state = 'done'")
    charged = seller.one("select (select sum(total) from orders) = (select sum(total) from invoices)")
    assert (numbers, written, charged) == (orders, orders, True), f"{numbers} booked, {written} written back"


def _copy_seconds(database: Database, store_id: int, job_id: int) -> float:
    """Seconds that COPY needs for what the job's booking added, into tables with the same indexes and constraints."""
    with database.admin() as admin:
        rows = {table: _rows_of(admin, table, store_id, job_id) for table in COPIED}
        admin.execute("create schema limit_of_booking")
        for table in COPIED:
            _twin(admin, table)
        began = time.perf_counter()
        with admin.transaction():
            for table, data in rows.items():
                target = sql.SQL("copy limit_of_booking.{} from stdin").format(sql.Identifier(table))
                with admin.cursor().copy(target) as copy:
                    copy.write(data)
        seconds = time.perf_counter() - began
        admin.execute("drop schema limit_of_booking cascade")
    return seconds


def _rows_of(admin: psycopg.Connection[tuple[object, ...]], table: str, store_id: int, job_id: int) -> bytes:
    """The rows that booking added, in COPY's own words."""
    store = sql.Literal(store_id)
    which = sql.SQL(COPIED[table]).format(job=sql.Literal(job_id), store=store)
    chosen = sql.SQL("copy (select * from {} where store_id = {} {}) to stdout").format(
        sql.Identifier(table), store, which
    )
    with admin.cursor().copy(chosen) as copy:
        return b"".join(copy)


def _twin(admin: psycopg.Connection[tuple[object, ...]], table: str) -> None:
    """An empty table like this one, with its indexes, checks and foreign keys."""
    name = sql.Identifier(table)
    admin.execute(sql.SQL("create table limit_of_booking.{} (like public.{} including all)").format(name, name))
    keys = admin.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = %s::regclass", [table]
    ).fetchall()
    for (definition,) in keys:
        words = sql.SQL(str(definition))  # PostgreSQL's own words
        admin.execute(sql.SQL("alter table limit_of_booking.{} add {}").format(name, words))


def booking(bench: Bench) -> Result:
    """Orders that became invoices, lines, payments, numbers, planned write-backs and journal in a second."""
    return middle([one.booked for one in rounds(bench, 0.0)])


def sending(bench: Bench, delay: float) -> Result:
    """Orders whose invoice number was written back in a second; the bare loop makes the same reads and writes.

    Both read before they write, as nobody may overwrite a number that is not ours; both send lists of a hundred, one
    after the other, as two numbers of one order must not overtake each other.
    """
    return middle([one.written for one in rounds(bench, delay)])


MEASURES = (
    Measure("b booking", Bar(0.35), booking),
    Measure("c1 write-back, 50 ms an answer", Bar(0.8), partial(sending, delay=0.05)),
    Measure("c2 write-back, 0 ms an answer", None, partial(sending, delay=0.0)),
)
