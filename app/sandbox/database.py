"""A sandbox's data: one SQLite database behind one connection and one lock.

Every statement is short and the server is one process, so taking turns costs less than a pool would; and an
in-memory database works just like a file. Records are kept as the JSON text that is sent.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

MEMORY = ":memory:"

# What every sandbox keeps. Each kind has a table `webhooks` of its own, with at least shop_id, webhook_id, url, secret.
_SHARED_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    call_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER,  -- no shop: the token was wrong
    at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, route TEXT NOT NULL, query TEXT NOT NULL,
    request TEXT NOT NULL, status INTEGER, answer TEXT NOT NULL DEFAULT '', fault TEXT NOT NULL DEFAULT '',
    ms REAL  -- neither status nor ms while the call is being answered; no status when it got no answer
);
CREATE TABLE IF NOT EXISTS deliveries (  -- what is still to be called out, and what was given up
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER NOT NULL, webhook_id INTEGER NOT NULL,
    body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL,  -- in seconds since 1970
    held INTEGER NOT NULL DEFAULT 0, delayed INTEGER NOT NULL DEFAULT 0  -- 1 when a fault put it off
);
CREATE TABLE IF NOT EXISTS posts (  -- no status when nobody answered
    post_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER NOT NULL, at TEXT NOT NULL, url TEXT NOT NULL,
    body TEXT NOT NULL, signature TEXT NOT NULL, status INTEGER, answer TEXT NOT NULL, fault TEXT NOT NULL, ms REAL
);
"""


class Database:
    """One open database; `path` is a file or `MEMORY`, `image` the bytes of a database made elsewhere."""

    schema: ClassVar[str] = ""
    """The tables of one kind of sandbox, each made only if it is not there."""

    def __init__(self, path: str = MEMORY, *, image: bytes | None = None) -> None:
        self._turn = threading.RLock()
        self.posting = threading.Event()
        """There may be something to call out; set at first, since a file may hold what was not sent."""
        self.posting.set()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        if image is not None:
            self._connection.deserialize(image)
        # A killed process loses nothing with these settings, a power cut the last moments: right for a rehearsal.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SHARED_SCHEMA + self.schema)

    def rows(self, statement: str, parameters: Iterable[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """Run one statement and return all its rows."""
        with self._turn:
            return self._connection.execute(statement, _bound(parameters)).fetchall()

    def row(self, statement: str, parameters: Iterable[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """Run one statement and return its first row, if any."""
        return next(iter(self.rows(statement, parameters)), None)

    def pairs(self, statement: str, parameters: Iterable[Any] = ()) -> dict[Any, Any]:
        """Run a statement of two columns and return its rows as a mapping."""
        return {row[0]: row[1] for row in self.rows(statement, parameters)}

    def run_many(self, statement: str, parameters: Iterable[tuple[Any, ...]]) -> None:
        """Run one statement for each tuple of parameters; call it inside a transaction."""
        with self._turn:
            self._connection.executemany(statement, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the turn; keep everything done inside, or nothing when it raises. One inside another joins it."""
        with self._turn:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def image(self) -> bytes:
        """The whole database as bytes: how an in-memory one is handed to another process."""
        with self._turn:
            return self._connection.serialize()

    def close(self) -> None:
        """Close the connection; a file may then be opened by another process."""
        self._connection.close()


def _bound(parameters: Iterable[Any] | dict[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
    return parameters if isinstance(parameters, dict) else tuple(parameters)
