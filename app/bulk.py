"""Set-based writes: any number of rows in one statement, whose text and cost in round trips never change.

The rows travel as one JSON parameter and PostgreSQL turns them back into columns, so a page of a hundred orders
is a handful of statements. COPY would be faster still, but row-level security does not allow it. Whole documents
travel beside them, for PostgreSQL would read each three times within the rows.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVarTuple, cast

import orjson
import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from sqlalchemy import Column, Select, Table, Text, TextClause, func, literal, select, text, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Row
from sqlalchemy.orm import InstrumentedAttribute, QueryableAttribute

from app.extensions import Base, db

Columns = TypeVarTuple("Columns")

NOTHING_BESIDE: Final[Mapping[str, Sequence[Any]]] = MappingProxyType({})
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_JSON = ("JSON", "JSONB")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Rows as they travel: made of them while there is time, where what is left to say comes beside them."""

    json: _Json
    count: int


def encode_rows(rows: Sequence[Mapping[str, Any]]) -> EncodedRows:
    """Rows in the form that `insert_rows` sends."""
    return EncodedRows(_Json(_encode(rows)), len(rows))


class Documents(list[bytes]):
    """Values of a column of JSON in the form that `insert_rows` sends."""

    @classmethod
    def of(cls, values: Iterable[Any]) -> Documents:
        """Each value as a document of its own."""
        return cls(map(_encode, values))


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

    `beside` holds columns that the rows lack, with one value for each row, in their order: those of JSON as
    `Documents`. `on_conflict` is the SQL of the conflict clause, a constant of the calling code.
    """
    encoded = rows if isinstance(rows, EncodedRows) else encode_rows(rows)
    if not encoded.count:
        return []
    if any(len(values) != encoded.count for values in beside.values()):
        raise ValueError(f"{encoded.count} rows need as many values beside them")
    statement = _insert(_table(model), columns, tuple(beside), returning, on_conflict)
    parameters = {"rows": encoded.json, **{column: _sent(values) for column, values in beside.items()}}
    result = db.session.execute(statement, parameters)
    return result.all() if returning else []


def update_rows(
    model: type[Base],
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[Mapping[str, Any]],
    *,
    alike: str = "",
) -> None:
    """Set `columns` of the rows that `keys` (store_id among them) identify.

    `alike` is what is set in all of them, SQL that is a constant of the calling code; the row is `t` there.
    """
    if rows:
        db.session.execute(_update(_table(model), keys, columns, alike), {"rows": _Json(_encode(rows))})


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
    listed = func.json_array_elements_text(literal(_encode(list(values)).decode(), Text).cast(postgresql.JSON))
    wanted = listed.table_valued(Column("value", Text)).render_derived()
    same = (key == place.c[name.name] for name, key in zip(names, within, strict=True))
    found = query.where(*same, column == wanted.c.value.cast(column.type)).offset(0).lateral()
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
    values = [*(_value(table, column) for column in columns), *(_value_beside(table, column) for column in beside)]
    source = _records(table, columns, beside)
    sql = f"insert into {table.name} ({names}) select {', '.join(values)} from {source} {on_conflict}"  # noqa: S608
    return text(f"{sql} returning {', '.join(returning)}" if returning else sql)


@lru_cache(maxsize=256)
def _update(table: Table, keys: tuple[str, ...], columns: tuple[str, ...], alike: str) -> TextClause:
    changes = ", ".join(filter(None, (*(f"{name} = {_value(table, name)}" for name in columns), alike)))
    match = " and ".join(f"t.{name} = r.{name}" for name in keys)
    # Says nothing new, but lets PostgreSQL expect few rows, so that it looks them up and does not read the whole store.
    match += " and r.store_id = cast(current_setting('app.store_id') as bigint)"
    return text(f"update {table.name} t set {changes} from {_records(table, keys + columns)} where {match}")  # noqa: S608


def _records(table: Table, columns: tuple[str, ...], beside: tuple[str, ...] = ()) -> str:
    """What was sent, as rows `r`: the records of the parameter `rows`, and what stands beside them in their order.

    Read as JSON as it comes, and only what is kept as a document made one: `jsonb` would make one of all of it first.
    """
    types = ((column, _type(table, column)) for column in columns)
    told = ", ".join(f"{column} {'json' if kind == 'JSONB' else kind}" for column, kind in types)
    lists = (_list(table, column) for column in beside)
    sources = ", ".join((f"json_to_recordset(cast(:rows as json)) as ({told})", *lists))
    return f"rows from ({sources}) as r({', '.join((*columns, *beside))})"


def _list(table: Table, column: str) -> str:
    if _type(table, column) in _JSON:
        return f"unnest(cast(:{column} as text[]))"
    return f"json_array_elements_text(cast(:{column} as json))"


def _value(table: Table, column: str) -> str:
    return f"cast(r.{column} as jsonb)" if _type(table, column) == "JSONB" else f"r.{column}"


def _value_beside(table: Table, column: str) -> str:
    return f"cast(r.{column} as {_type(table, column)})"


def _type(table: Table, column: str) -> str:
    return str(table.c[column].type.compile(_DIALECT))


def _sent(values: Sequence[Any]) -> object:
    return values if isinstance(values, Documents) else _Json(_encode(values))


def _encode(value: Any) -> bytes:
    """The value as JSON; U+0000, which PostgreSQL cannot hold in text, becomes the replacement character."""
    try:
        encoded = orjson.dumps(value, default=_plain)
    except TypeError:  # A payload as it was received may hold a number of more than 64 bits.
        encoded = json.dumps(value, default=_plain).encode()
    return _NUL.sub(rb"\1\\ufffd", encoded) if b"\\u0000" in encoded else encoded


def _plain(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Mapping():
            return dict(value)
    raise TypeError(f"cannot send {type(value)} to the database")


@dataclass(frozen=True, slots=True)
class _Json:
    """JSON that is sent as it is."""

    data: bytes


class _JsonDumper(Dumper):
    oid = psycopg.postgres.types["json"].oid

    def dump(self, obj: _Json) -> Buffer:
        return obj.data


class _DocumentsDumper(Dumper):
    """An array of text in PostgreSQL's own format, in which nothing need be escaped."""

    format = Format.BINARY
    oid = psycopg.postgres.types["text"].array_oid

    def dump(self, obj: Documents) -> Buffer:
        dimensions, nulls, first = 1, 0, 1
        head = struct.pack("!iiIii", dimensions, nulls, psycopg.postgres.types["text"].oid, len(obj), first)
        return head + b"".join([part for one in obj for part in (struct.pack("!i", len(one)), one)])


psycopg.adapters.register_dumper(_Json, _JsonDumper)
psycopg.adapters.register_dumper(Documents, _DocumentsDumper)
