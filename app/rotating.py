"""Sealing everything that is secret with the newest key, while the portal runs.

A few rows at a time, each set only if it still holds what was read, and nothing is locked while it is encrypted: who
saves new credentials meanwhile is neither kept waiting nor overwritten. What is under the newest key already is
passed over, so that a run which was killed is simply run again. Processes that were started with another order of
keys go on: each key of the ring opens. What they seal meanwhile with an older key is found by going through once more,
until nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import ColumnElement, Engine, Table, create_engine, select, tuple_, update

import app.wiring  # noqa: F401 (every model is imported there)
from app.extensions import db
from app.secrecy import SEALED

BATCH: Final = 200
MOST_ROUNDS: Final = 20


@dataclass(frozen=True, slots=True)
class Rotated:
    """Of all sealed values: how many were sealed anew, were under the newest key already, and are opened by no key."""

    anew: int
    already: int
    broken: int

    @property
    def sealed(self) -> int:
        """How many are under the newest key now."""
        return self.anew + self.already


def rotate(owner_url: str, keys: Sequence[str], *, batch: int = BATCH) -> Rotated:
    """Go through every sealed value, as the owner of the tables, until nothing is under an older key."""
    anew = 0
    engine = create_engine(owner_url)
    try:
        for _round in range(MOST_ROUNDS):
            found = [_through(engine, keys, db.metadata.tables[table], name, batch) for table, name in sorted(SEALED)]
            older, already, broken = (sum(counts) for counts in zip(*found, strict=True))
            anew += older
            if not older:
                return Rotated(anew, max(already - anew, 0), broken)
    finally:
        engine.dispose()
    raise RuntimeError("somebody seals with an older key faster than it can be changed")


def _through(engine: Engine, keys: Sequence[str], table: Table, name: str, batch: int) -> tuple[int, int, int]:
    """Once through one column: how many were under an older key, under the newest, and under none of them."""
    newest, ring = Fernet(keys[0]), MultiFernet([Fernet(key) for key in keys])
    older = already = broken = 0
    for rows in _batches(engine, table, table.c[name], batch):
        with engine.begin() as connection:
            for *key, value in rows:
                if _opens(newest, value):
                    already += 1
                elif not _opens(ring, value):
                    broken += 1
                else:
                    same = (column == part for column, part in zip(table.primary_key, key, strict=True))
                    held = (*same, table.c[name] == value)
                    connection.execute(update(table).where(*held).values({name: ring.rotate(value)}))
                    older += 1
    return older, already, broken


def _batches(engine: Engine, table: Table, column: ColumnElement[Any], batch: int) -> Iterator[Sequence[Any]]:
    """The key and the value of each row that has one, in the order of the key, each batch read for itself."""
    key = tuple_(*table.primary_key)
    query = select(*table.primary_key, column).where(column.is_not(None)).order_by(*table.primary_key).limit(batch)
    after: tuple[Any, ...] | None = None
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query if after is None else query.where(key > after)).all()
        if not rows:
            return
        yield rows
        after = tuple(rows[-1][:-1])


def _opens(box: Fernet | MultiFernet, value: bytes) -> bool:
    try:
        box.decrypt(bytes(value))
    except InvalidToken:
        return False
    return True
