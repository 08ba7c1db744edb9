"""How the statements of a page are planned and read: once for each connection, not once more for each page.

To plan a page's statement takes as long as to run it, and what the planner then thinks of this store's values is often
worse than what holds for any values: most statements here walk along an index until a page is full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Executable,
    Result,
    SelectBase,
    String,
    any_,
    func,
    literal_column,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnClause

from app.extensions import db


def plan_once() -> None:
    """Let the rest of the transaction use plans that hold for any values, which the connection keeps."""
    db.session.connection().exec_driver_sql("set local plan_cache_mode = force_generic_plan")


def fixed(word: str) -> ColumnClause[str]:
    """A word of our own as part of the statement: so every plan knows that a partial index of it will do."""
    if not word.isidentifier():
        raise ValueError(f"{word!r} is no plain word")
    return literal_column(f"'{word}'", String)


def among(column: ColumnElement[int] | InstrumentedAttribute[int], ids: SelectBase) -> ColumnElement[bool]:
    """Whether the column is one of a few ids, which are found first and once.

    With `in_` the planner joins them, and finds them anew for each row of a table that it takes for a small one.
    """
    return column == any_(func.array(ids.scalar_subquery(), type_=ARRAY(BigInteger)))


def read(statement: Executable, values: Mapping[str, Any] | None = None) -> Result[*tuple[Any, ...]]:
    """Plain rows of the store whose scope is open, without what a session does for the sake of entities."""
    return db.session.connection().execute(statement, dict(values) if values else None)
