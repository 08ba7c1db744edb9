"""Set-based writes: any number of rows in one statement, whose text and cost in round trips never change.

The rows travel as one JSON parameter and PostgreSQL turns them back into columns, so a page of a hundred orders
is a handful of statements. COPY would be faster still, but row-level security does not allow it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVarTuple, cast

import orjson
from sqlalchemy import ARRAY, Column, Select, Table, TextClause, func, literal, select, text, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Row
from sqlalchemy.orm import InstrumentedAttribute, QueryableAttribute

from app.extensions import Base, db

Columns = TypeVarTuple("Columns")

NOTHING_BESIDE: Final[Mapping[str, Sequence[Any]]] = MappingProxyType({})
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Rows as they travel: made of them while there is time, where what is left to say comes beside them."""

    text: str
    count: int


def encode_rows(rows: Sequence[Mapping[str, Any]]) -> EncodedRows:
    """Rows in the form that `insert_rows` sends."""
    return EncodedRows(_encode(rows), len(rows))


def insert_rows(
    model: type[Base],
    columns: tuple[str, ...],
    rows: Sequence[Mapping[str, Any]] | EncodedRows,
    *,
    beside: Mapping[str, Sequence[Any]] = NOTHING_BESIDE,
    returning: tuple[str, ...] = (),
    on_conflict: str = "",
) -> Sequence[Row[Any]]:
    """Insert `rows` (each a mapping of `columns`); returns the `returning` columns of what was inserted.

    `beside` holds columns that the rows lack, with one value for each row, in their order. `on_conflict` is the SQL of
    the conflict clause, a constant of the calling code.
    """
    encoded = rows if isinstance(rows, EncodedRows) else encode_rows(rows)
    if not encoded.count:
        return []
    if any(len(values) != encoded.count for values in beside.values()):
        raise ValueError(f"{encoded.count} rows need as many values beside them")
    statement = _insert(_table(model), columns, tuple(beside), returning, on_conflict)
    parameters = {"rows": encoded.text}
    if beside:
        parameters["beside"] = _encode(
            [dict(zip(beside, values, strict=True)) for values in zip(*beside.values(), strict=True)]
        )
    result = db.session.execute(statement, parameters)
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
def _insert(
    table: Table, columns: tuple[str, ...], beside: tuple[str, ...], returning: tuple[str, ...], on_conflict: str
) -> TextClause:
    names = ", ".join((*columns, *beside))
    source = _rows_beside(table, columns, beside) if beside else _recordset(table, columns)
    sql = f"insert into {table.name} ({names}) select {names} from {source} {on_conflict}"  # noqa: S608
    return text(f"{sql} returning {', '.join(returning)}" if returning else sql)


def _rows_beside(table: Table, columns: tuple[str, ...], beside: tuple[str, ...]) -> str:
    both = f"{_records(table, columns)}, {_records(table, beside, parameter='beside')}"
    return f"rows from ({both}) as r({', '.join((*columns, *beside))})"


@lru_cache(maxsize=256)
def _update(table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> TextClause:
    changes = ", ".join(f"{name} = r.{name}" for name in columns)
    match = " and ".join(f"t.{name} = r.{name}" for name in keys)
    # Says nothing new, but lets PostgreSQL expect few rows, so that it looks them up and does not read the whole store.
    match += " and r.store_id = cast(current_setting('app.store_id') as bigint)"
    return text(f"update {table.name} t set {changes} from {_recordset(table, keys + columns)} where {match}")  # noqa: S608


def _recordset(table: Table, columns: tuple[str, ...]) -> str:
    return _records(table, columns, " r")


def _records(table: Table, columns: tuple[str, ...], name: str = "", *, parameter: str = "rows") -> str:
    types = {column: _type(table, column) for column in columns}
    # Read as it comes where no value is a document itself: what is kept as one had to be made one twice.
    kind = "jsonb" if "JSONB" in types.values() else "json"
    told = ", ".join(f"{column} {value}" for column, value in types.items())
    return f"{kind}_to_recordset(cast(:{parameter} as {kind})) as{name} ({told})"


def _type(table: Table, column: str) -> str:
    return str(table.c[column].type.compile(_DIALECT))


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
