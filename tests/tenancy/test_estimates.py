"""The planner must not take a store for an empty one because nobody counted its rows yet."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app.config import Settings
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


def owner(settings: Settings) -> psycopg.Connection[Any]:
    """A connection of the tables' owner, who may have them counted."""
    assert settings.database_owner_url
    return psycopg.connect(settings.database_owner_url, autocommit=True)
