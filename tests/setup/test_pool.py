"""Connections that lie ready: one that died meanwhile is replaced before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, text

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
