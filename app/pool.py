"""The connections to the database that lie ready, and how one that died meanwhile is noticed before it is used.

To ask each connection whether it lives, each time it is taken, is a round trip for every page. A server that stopped
has closed its side, which the socket tells for nothing; only a line that was silent for long, and may have been cut
without a word, is asked.

Nor does a connection forget its statements when a page ends, which psycopg lets it do with every transaction that is
not committed, as no page's is that only reads: each statement of each page would be parsed and planned anew. And an
answer is not told more of its columns than anybody asks.
"""

from __future__ import annotations

import select
import time
from typing import Any, Final

from psycopg import Connection, Cursor, Error, OperationalError
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

OPTIONS: Final[dict[str, object]] = {
    "pool_size": 24,
    "max_overflow": 6,
    "pool_use_lifo": True,
    "hide_parameters": True,  # an error is logged, and what was written may be a secret
}
"""Of one process. As many are kept as a burst of pages takes, because one that is opened for each of them costs more
than the page; the one that was used last is used next, so that few are warm rather than many cold."""
SILENT_SECONDS: Final = 30.0
_USED_AT: Final = "used_at"


class Plain(Cursor[Any]):
    """A cursor that describes its columns by name and type alone, which is all that SQLAlchemy asks of each answer."""

    @property
    def description(self) -> Any:
        """The columns as DB-API has them; None where the statement gives no rows."""
        found = self.pgresult
        if found is None or not found.nfields:
            return None
        encoding = self._encoding
        return [
            ((found.fname(at) or b"").decode(encoding), found.ftype(at), None, None, None, None, None)
            for at in range(found.nfields)
        ]


class Remembering(Connection[Any]):
    """A connection that keeps its prepared statements when a transaction is rolled back, as PostgreSQL itself does.

    After an error it forgets them: a statement may have failed because a table is no longer what it was. Otherwise
    they could be wrong only if the transaction had changed the schema, which the app's role cannot.
    """

    def rollback(self) -> None:
        """Take back what was done since the last commit."""
        status = self.pgconn.transaction_status
        if status == TransactionStatus.IDLE:
            return
        is_well = status == TransactionStatus.INTRANS
        if not is_well or self.pgconn.exec_(b"ROLLBACK").status != ExecStatus.COMMAND_OK:
            super().rollback()


def watch(engine: Engine) -> None:
    """Replace a connection that died while it lay in the engine's pool by a new one, without anybody noticing."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: Any, options: Any) -> Remembering:
        return Remembering.connect(*arguments, **options, cursor_factory=Plain)

    @event.listens_for(engine, "checkin")
    def note(_connection: object, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: Any, _taker: object) -> None:
        used_at = record.info.get(_USED_AT)
        if used_at is None:
            return  # it was opened just now
        was_silent = time.monotonic() - used_at > SILENT_SECONDS
        if _has_something_to_say(connection) or (was_silent and not _answers(engine, connection)):
            raise DisconnectionError("the database's side of the connection is gone")


def _has_something_to_say(connection: Connection[Any]) -> bool:
    """Whether anything came from the server unasked: its last words, or the end. It is not worth finding out which."""
    try:
        waiting = select.poll()
        waiting.register(connection.pgconn.socket, select.POLLIN)
        return bool(waiting.poll(0))
    except OperationalError:
        return True  # it is closed on our side


def _answers(engine: Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except Error:
        return False
