"""The planner must not take a store for an empty one because nobody counted its rows yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from app.completeness.queries import last_verifications
from app.config import Settings
from app.extensions import db
from app.sync.queries import _last_ended as last_ended
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore
from tests.tenancy.test_isolation import OWNED

KNOWN_ROWS = 600


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


@pytest.mark.parametrize("ended", [last_verifications, last_ended], ids=["verifications", "jobs"])
def test_the_newest_of_a_channel_is_found_once_though_the_table_is_taken_for_a_small_one(
    make: Make, store: SomeStore, ended: Callable[[list[int]], object]
) -> None:
    books = Books(make.app, store)
    channel = books.channel()
    with books.scope():
        db.session.execute(text(_MANY), {"store": store.id, "channel": channel.id})
        db.session.commit()
        ended([channel.id])
        seen: list[tuple[str, Any]] = []
        event.listen(db.engine, "before_cursor_execute", note := lambda *said: seen.append((said[2], said[3])))
        ended([channel.id])
        event.remove(db.engine, "before_cursor_execute", note)
        ((statement, values),) = seen
        explained = db.session.connection().exec_driver_sql(f"explain (analyze, format json) {statement}", values)
        plan = explained.scalar_one()[0]["Plan"]
    assert max(_loops(plan)) < 5, "part of it runs once for each row"


_MANY = """
with jobs as (
    insert into sync_jobs (store_id, channel_id, kind, state)
    select :store, :channel, 'verify', 'succeeded' from generate_series(1, 40) returning id)
insert into verifications (store_id, channel_id, job_id, since, until, time_zone, finished_at)
select :store, :channel, id, current_date, current_date, 'UTC', now() from jobs
"""


def _loops(node: dict[str, Any]) -> Iterator[int]:
    yield node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _loops(below)


def owner(settings: Settings) -> psycopg.Connection[Any]:
    """A connection of the tables' owner, who may have them counted."""
    assert settings.database_owner_url
    return psycopg.connect(settings.database_owner_url, autocommit=True)
