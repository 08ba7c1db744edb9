"""The planner must not take a store for an empty one because nobody counted its rows yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from app.completeness.comparing import Comparison, compare
from app.completeness.queries import last_verifications
from app.config import Settings
from app.extensions import db
from app.sync.queries import newest_jobs
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore
from tests.tenancy.test_isolation import OWNED

KNOWN_ROWS = 600
READ_ROWS = 200


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__tablename__)
def test_nobody_counts_which_stores_a_table_holds(settings: Settings, model: Any) -> None:
    with owner(settings) as connection:
        target = connection.execute(
            "select attstattarget from pg_attribute where attrelid = %s::regclass and attname = 'store_id'",
            [model.__tablename__],
        ).fetchone()
    assert target == (0,)


def test_store_that_came_after_the_last_count_is_not_taken_for_an_empty_one(
    settings: Settings, make: Make, store: SomeStore, other_store: SomeStore
) -> None:
    books = Books(make.app, store)
    books.orders(books.channel(), [{}] * KNOWN_ROWS)
    with owner(settings) as connection:
        connection.execute("analyze orders")
        explained = connection.execute(
            f"explain (format json) select from orders where store_id = {other_store.id}".encode()
        ).fetchone()
    assert explained is not None
    assert explained[0][0]["Plan"]["Plan Rows"] > 1


@pytest.mark.parametrize("ended", [last_verifications, newest_jobs], ids=["verifications", "jobs"])
def test_the_newest_of_a_channel_is_found_once_though_the_table_is_taken_for_a_small_one(
    make: Make, store: SomeStore, ended: Callable[[list[int]], object]
) -> None:
    books = Books(make.app, store)
    channel = books.channel()
    with books.scope():
        db.session.execute(text(_MANY), {"store": store.id, "channel": channel.id})
        db.session.commit()
        ended([channel.id])
        plan = _plan_of(lambda: ended([channel.id]))
    assert max(_loops(plan)) < 5, "part of it runs once for each row"


def test_what_was_read_is_not_joined_with_all_of_a_store_that_is_taken_for_a_small_one(
    settings: Settings, make: Make, store: SomeStore
) -> None:
    books = Books(make.app, store)
    channel = books.channel()
    with owner(settings) as connection:
        connection.execute("analyze orders, seen_orders, invoices, verification_reads, deviations")
    for order_id in books.orders(channel, [{}] * READ_ROWS):
        books.invoice(order_id)
    with books.scope():
        verification = db.session.scalar(text(_READ), {"store": store.id, "channel": channel.id})
        db.session.commit()
        today = datetime.now(UTC).date()
        what = Comparison(verification, channel.id, "UTC", today, today, datetime.now(UTC))
        plan = _plan_of(lambda: compare(what, until_at=datetime.now(UTC), by_update=False, short=0), "with pairs")
    assert sum(_rows(plan)) < 2 * READ_ROWS**2, "all of it is joined with all of it"


_READ = """
with job as (
    insert into sync_jobs (store_id, channel_id, kind, state) values (:store, :channel, 'verify', 'running')
    returning id),
verification as (
    insert into verifications (store_id, channel_id, job_id, since, until, time_zone)
    select :store, :channel, id, current_date, current_date, 'UTC' from job returning id),
reads as (
    insert into verification_reads (store_id, verification_id, remote_id, marketplace_id, found, number, created_at,
        updated_at, status, payment_status, currency, total, refunded, read_at)
    select :store, v.id, o.remote_id, o.marketplace_id, 'read', o.number, o.placed_at, now(), o.status,
        o.payment_status, o.currency, o.total, o.refunded, now()
    from orders o, verification v where o.store_id = :store)
select id from verification
"""
_MANY = """
with jobs as (
    insert into sync_jobs (store_id, channel_id, kind, state)
    select :store, :channel, 'verify', 'succeeded' from generate_series(1, 40) returning id)
insert into verifications (store_id, channel_id, job_id, since, until, time_zone, finished_at)
select :store, :channel, id, current_date, current_date, 'UTC', now() from jobs
"""


def _plan_of(act: Callable[[], object], words: str = "") -> dict[str, Any]:
    """How the first statement with these words is carried out when somebody acts; what is done is taken back first."""
    seen: list[tuple[str, Any]] = []
    event.listen(db.engine, "before_cursor_execute", note := lambda *said: seen.append((said[2], said[3])))
    act()
    event.remove(db.engine, "before_cursor_execute", note)
    db.session.rollback()
    statement, values = next(said for said in seen if words in said[0])
    explained = db.session.connection().exec_driver_sql(f"explain (analyze, format json) {statement}", values)
    plan: dict[str, Any] = explained.scalar_one()[0]["Plan"]
    return plan


def _loops(node: dict[str, Any]) -> Iterator[int]:
    yield node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _loops(below)


def _rows(node: dict[str, Any]) -> Iterator[float]:
    """How many rows each part of the plan met."""
    passed_over = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    yield (node["Actual Rows"] + passed_over) * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _rows(below)


def owner(settings: Settings) -> psycopg.Connection[Any]:
    """A connection of the tables' owner, who may have them counted."""
    assert settings.database_owner_url
    return psycopg.connect(settings.database_owner_url, autocommit=True)
