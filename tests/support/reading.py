"""How many rows of a table a block of code reads, and by which road."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from app.extensions import db


@contextmanager
def reads(table: str) -> Iterator[dict[str, int]]:
    """Rows of the table that were read in the block, by walking through it (`walked`) and over an index."""
    asked = text("select seq_tup_read, idx_tup_fetch from pg_stat_xact_user_tables where relname = :table")
    before = db.session.execute(asked, {"table": table}).one()
    counts: dict[str, int] = {}
    yield counts
    after = db.session.execute(asked, {"table": table}).one()
    counts["walked"] = after.seq_tup_read - before.seq_tup_read
    counts["indexed"] = after.idx_tup_fetch - before.idx_tup_fetch
