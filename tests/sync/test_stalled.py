"""A worker that stands still in the middle of its transaction keeps nobody waiting for ever."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, create_engine, text

from app.extensions import db
from app.sync import lease

LOCK = text("select pg_advisory_xact_lock(4711)")


@pytest.fixture
def stalling(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine as a worker has it, with short patience."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1)
    monkeypatch.setattr(lease, "TRANSACTION_SECONDS", 2)
    with app.app_context():
        engine = create_engine(db.engine.url)
    lease.end_stalled_transactions(engine)
    yield engine
    engine.dispose()


def between_statements(_connection: Connection) -> None:
    """Fall asleep with nothing to say."""


def within_a_statement(connection: Connection) -> None:
    """Fall asleep with half of a statement's parameters sent: the server waits for the rest."""
    wire = connection.connection.dbapi_connection
    assert wire is not None
    parse = b"\0insert into journal values ($1)\0" + struct.pack("!h", 0)
    bind = struct.pack("!i", 1_000_000) + b"\0\0"
    os.write(wire.fileno(), b"P" + struct.pack("!i", len(parse) + 4) + parse + b"B" + bind)


@pytest.mark.parametrize("fall_asleep", [between_statements, within_a_statement])
def test_its_locks_are_given_back(stalling: Engine, fall_asleep: Callable[[Connection], None]) -> None:
    sleeper = stalling.connect()
    sleeper.execute(LOCK)
    fall_asleep(sleeper)
    with stalling.connect() as other, other.begin():
        other.execute(text("set local transaction_timeout = 0"))
        other.execute(text("set local lock_timeout = '30s'"))
        other.execute(LOCK)
    sleeper.invalidate()
