"""Connections that lie ready: one that died meanwhile is replaced before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app import embedded, pool
from app.extensions import db


@pytest.fixture
def engine(app: Flask) -> Iterator[Engine]:
    """The application's engine with nothing in its pool."""
    with app.app_context():
        db.engine.dispose()
        yield db.engine


def use(engine: Engine) -> int:
    """Use a connection; returns the server's process that served it."""
    with engine.connect() as connection:
        return int(connection.execute(text("select pg_backend_pid()")).scalar_one())


def test_connection_is_used_again_without_being_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(engine.dialect, "do_ping", asked.append)
    first = use(engine)
    assert use(engine) == first
    assert asked == []


def test_connection_that_the_server_ended_is_replaced(
    engine: Engine, servers: tuple[embedded.Postgres, embedded.Valkey]
) -> None:
    dead = use(engine)
    with psycopg.connect(servers[0].superuser_url, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", [dead])
    assert use(engine) != dead


def test_line_that_was_silent_for_long_is_asked_first(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = use(engine)
    monkeypatch.setattr(pool, "SILENT_SECONDS", -1.0)
    assert use(engine) == first
    monkeypatch.setattr(engine.dialect, "do_ping", lambda _connection: False)
    assert use(engine) != first


def test_newest_is_used_first_so_that_few_are_warm(engine: Engine) -> None:
    with engine.connect() as one, engine.connect() as other:
        pids = [c.execute(text("select pg_backend_pid()")).scalar_one() for c in (one, other)]
    last = use(engine)
    assert last in pids
    assert {use(engine) for _each in range(3)} == {last}


def prepared(connection: Connection) -> int:
    """How many statements its session in the server keeps."""
    return int(connection.exec_driver_sql("select count(*) from pg_prepared_statements").scalar_one())


def use_often(engine: Engine) -> None:
    """Run one statement so often that it is worth being prepared, on a connection that is given back each time."""
    for _turn in range(8):
        with engine.connect() as connection:
            connection.execute(text("select 1 + 1"))


def test_statements_stay_prepared_when_nothing_was_committed(engine: Engine) -> None:
    use_often(engine)
    with engine.connect() as connection:
        assert prepared(connection) > 0


def test_statements_are_forgotten_after_an_error(engine: Engine) -> None:
    use_often(engine)
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("select 1 / 0"))
    with engine.connect() as connection:
        assert prepared(connection) == 0


def test_what_was_not_committed_is_taken_back(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("select set_config('app.store_id', '7', false)"))
    with engine.connect() as connection:
        assert not connection.execute(text("select current_setting('app.store_id', true)")).scalar_one()
