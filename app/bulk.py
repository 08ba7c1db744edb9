"""Set-based writes: any number of rows in one statement, whose text and cost in round trips never change.

The rows travel as one JSON parameter and PostgreSQL turns them back into columns, so a page of a hundred orders
is a handful of statements. COPY would be faster still, but row-level security does not allow it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVarTuple, cast

import orjson
from sqlalchemy import ARRAY, Column, Select, Table, TextClause, func, literal, select, text, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Row
from sqlalchemy.orm import InstrumentedAttribute, QueryableAttribute

from app.extensions import Base, db

Columns = TypeVarTuple("Columns")

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(
    model: type[Base],
    columns: tuple[str, ...],
    rows: Sequence[Mapping[str, Any]],
    *,
    returning: tuple[str, ...] = (),
    on_conflict: str = "",
) -> Sequence[Row[Any]]:
    """Insert `rows` (each a mapping of `columns`); returns the `returning` columns of what was inserted.

    `on_conflict` is the SQL of the conflict clause, a constant of the calling code.
    """
    if not rows:
        return []
    result = db.session.execute(_insert(_table(model), columns, returning, on_conflict), {"rows": _encode(rows)})
    return result.all() if returning else []


def update_rows(
    model: type[Base], keys: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Set `columns` of the rows that `keys` (store_id among them) identify."""
    if rows:
        db.session.execute(_update(_table(model), keys, columns), {"rows": _encode(rows)})


def each_of(
    query: Select[*Columns],
    column: QueryableAttribute[Any],
    values: Collection[Any],
    *,
    within: Mapping[InstrumentedAttribute[int], int],
) -> Select[*Columns]:
    """The rows of `query` whose `column` is one of `values`, each value looked up by itself in an index.

    `within` is what else the index begins with, the store first. PostgreSQL must not see these values when it plans:
    of a store or channel that is new its statistics know nothing, so it would expect a single row there and read
    all there is of it for each value. With `in (…)` it would have to guess too. The text is the same for any number of
    values, so it is prepared but once.
    """
    names = [Column(f"key_{position}", key.type) for position, key in enumerate(within)]
    keys = zip(names, within.items(), strict=True)
    place = select(*(literal(value, key.type).label(name.name) for name, (key, value) in keys)).offset(0).subquery()
    listed = func.unnest(literal(list(values), ARRAY(column.type))).table_valued(Column("value", column.type))
    wanted = listed.render_derived()
    same = (key == place.c[name.name] for name, key in zip(names, within, strict=True))
    found = query.where(*same, column == wanted.c.value).offset(0).lateral()
    return cast("Select[*Columns]", select(found).select_from(wanted.join(place, true()).join(found, true())))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model} is not mapped to a table")
    return table


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], returning: tuple[str, ...], on_conflict: str) -> TextClause:
    names = ", ".join(columns)
    sql = f"insert into {table.name} ({names}) select {names} from {_recordset(table, columns)} {on_conflict}"  # noqa: S608
    return text(f"{sql} returning {', '.join(returning)}" if returning else sql)


@lru_cache(maxsize=256)
def _update(table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> TextClause:
    changes = ", ".join(f"{name} = r.{name}" for name in columns)
    match = " and ".join(f"t.{name} = r.{name}" for name in keys)
    # Says nothing new, but lets PostgreSQL expect few rows, so that it looks them up and does not read the whole store.
    match += " and r.store_id = cast(current_setting('app.store_id') as bigint)"
    return text(f"update {table.name} t set {changes} from {_recordset(table, keys + columns)} where {match}")  # noqa: S608


def _recordset(table: Table, columns: tuple[str, ...]) -> str:
    types = ", ".join(f"{name} {table.c[name].type.compile(_DIALECT)}" for name in columns)
    return f"jsonb_to_recordset(cast(:rows as jsonb)) as r({types})"


def _encode(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as JSON; U+0000, which PostgreSQL cannot hold in text, becomes the replacement character."""
    try:
        encoded = orjson.dumps(rows, default=_plain).decode()
    except TypeError:  # A payload as it was received may hold a number of more than 64 bits.
        encoded = json.dumps(rows, default=_plain)
    return _NUL.sub(r"\1\\ufffd", encoded) if "\\u0000" in encoded else encoded


def _plain(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Mapping():
            return dict(value)
    raise TypeError(f"cannot send {type(value)} to the database")
