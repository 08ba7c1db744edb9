"""Set-based writes: any number of rows in one statement, whose text and cost in round trips never change.

The rows travel as one JSON parameter and PostgreSQL turns them back into columns, so a page of a hundred orders
is a handful of statements. COPY would be faster still, but row-level security does not allow it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
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
NOTHING_ALIKE: Final[Mapping[str, Any]] = MappingProxyType({})
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Rows as they travel: made of them while there is time, where what is left to say comes beside them."""

    text: str
    count: int


def encode_rows(rows: Sequence[Mapping[str, Any]]) -> EncodedRows:
    """Rows in the form that `insert_rows` sends."""
    return EncodedRows(_encoded(rows), len(rows))


def joined(parts: Iterable[EncodedRows]) -> EncodedRows:
    """The rows of all of these, in their order."""
    filled = [part for part in parts if part.count]
    return EncodedRows(f"[{','.join(part.text[1:-1] for part in filled)}]", sum(part.count for part in filled))


def insert_rows(
    model: type[Base],
    columns: tuple[str, ...],
    rows: Sequence[Mapping[str, Any]] | EncodedRows,
    *,
    beside: Mapping[str, Sequence[Any]] = NOTHING_BESIDE,
    alike: Mapping[str, Any] = NOTHING_ALIKE,
    returning: tuple[str, ...] = (),
    on_conflict: str = "",
) -> Sequence[Row[Any]]:
    """Insert `rows` (each a mapping of `columns`); returns the `returning` columns of what was inserted.

    `beside` holds columns that the rows lack, with one value for each row, in their order; `alike` those that are the
    same in all rows. `on_conflict` is the SQL of the conflict clause, a constant of the calling code.
    """
    sent = rows if isinstance(rows, EncodedRows) else encode_rows(rows)
    if not sent.count:
        return []
    statement = _insert(
        _table(model), columns, tuple(beside), tuple(alike), returning=returning, on_conflict=on_conflict
    )
    result = db.session.execute(statement, _parameters(sent, beside, alike))
    return result.all() if returning else []


def update_rows(
    model: type[Base],
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[Mapping[str, Any]] | EncodedRows,
    *,
    beside: Mapping[str, Sequence[Any]] = NOTHING_BESIDE,
    alike: Mapping[str, Any] = NOTHING_ALIKE,
) -> None:
    """Set `columns` and those `beside` and `alike` of the rows that `keys` (store_id among them) identify."""
    sent = rows if isinstance(rows, EncodedRows) else encode_rows(rows)
    if sent.count:
        statement = _update(_table(model), keys, columns, tuple(beside), tuple(alike))
        db.session.execute(statement, _parameters(sent, beside, alike))


def _parameters(rows: EncodedRows, beside: Mapping[str, Sequence[Any]], alike: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {"rows": rows.text, **alike}
    if beside:
        if any(len(values) != rows.count for values in beside.values()):
            raise ValueError(f"{rows.count} rows need as many values beside them")
        names = tuple(beside)
        parameters["beside"] = _encoded(
            [dict(zip(names, row, strict=True)) for row in zip(*beside.values(), strict=True)]
        )
    return parameters


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
    table: Table,
    columns: tuple[str, ...],
    beside: tuple[str, ...],
    alike: tuple[str, ...],
    *,
    returning: tuple[str, ...],
    on_conflict: str,
) -> TextClause:
    names = (*columns, *beside, *alike)
    source = _source(table, columns, beside, alike)
    sql = f"insert into {table.name} ({', '.join(names)}) select {', '.join(names)} from {source} {on_conflict}"  # noqa: S608
    return text(f"{sql} returning {', '.join(returning)}" if returning else sql)


@lru_cache(maxsize=256)
def _update(
    table: Table, keys: tuple[str, ...], columns: tuple[str, ...], beside: tuple[str, ...], alike: tuple[str, ...]
) -> TextClause:
    given = tuple(name for name in keys if name not in beside and name not in alike)
    changes = ", ".join(f"{name} = r.{name}" for name in (*columns, *beside, *alike) if name not in keys)
    match = " and ".join(f"t.{name} = r.{name}" for name in keys)
    # Says nothing new, but lets PostgreSQL expect few rows, so that it looks them up and does not read the whole store.
    match += " and r.store_id = cast(current_setting('app.store_id') as bigint)"
    source = _source(table, (*given, *columns), beside, alike)
    return text(f"update {table.name} t set {changes} from {source} where {match}")  # noqa: S608


def _source(table: Table, columns: tuple[str, ...], beside: tuple[str, ...], alike: tuple[str, ...]) -> str:
    """All the rows with all their columns, as `r`."""
    source = _rows_beside(table, columns, beside) if beside else f"{_records(table, columns, ' r')}"
    if not alike:
        return source
    same = ", ".join(f"cast(:{name} as {_type(table, name)}) as {name}" for name in alike)
    return f"(select r.*, {same} from {source}) as r"  # noqa: S608


def _rows_beside(table: Table, columns: tuple[str, ...], beside: tuple[str, ...]) -> str:
    both = f"{_records(table, columns)}, {_records(table, beside, parameter='beside')}"
    return f"rows from ({both}) as r({', '.join((*columns, *beside))})"


def _records(table: Table, columns: tuple[str, ...], name: str = "", *, parameter: str = "rows") -> str:
    types = {column: _type(table, column) for column in columns}
    # Read as it comes where no value is a document itself: what is kept as one had to be made one twice.
    kind = "jsonb" if "JSONB" in types.values() else "json"
    told = ", ".join(f"{column} {value}" for column, value in types.items())
    return f"{kind}_to_recordset(cast(:{parameter} as {kind})) as{name} ({told})"


def _type(table: Table, column: str) -> str:
    return str(table.c[column].type.compile(_DIALECT))


def _encoded(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as JSON; U+0000, which PostgreSQL cannot hold in text, becomes the replacement character."""
    try:
        found = orjson.dumps(rows, default=_plain).decode()
    except TypeError:  # A payload as it was received may hold a number of more than 64 bits.
        found = json.dumps(rows, default=_plain)
    return _NUL.sub(r"\1\\ufffd", found) if "\\u0000" in found else found


def _plain(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Mapping():
            return dict(value)
    raise TypeError(f"cannot send {type(value)} to the database")
