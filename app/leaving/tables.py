"""Which tables hold what of a store: found in the schema itself, so that a new table cannot be forgotten."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

import app.wiring  # noqa: F401 (every model is imported there)
from app.extensions import db

OF_NO_STORE: Final = frozenset(
    {
        "users",
        "user_sessions",
        "password_resets",
        "two_step_secrets",
        "recovery_codes",
        "half_sign_ins",
        "devices",
        "heartbeats",
        "erased_stores",
    }
)
"""Of people and of the installation. A table that stands neither here nor below fails a test."""
_LAST: Final = "audit_entries"
"""Erasing other tables is told of in it."""


def owned() -> list[Table]:
    """The tables of which each row is of one store, those that others point at first."""
    return [table for table in db.metadata.sorted_tables if "store_id" in table.c]


def shared() -> list[Table]:
    """The tables of which each row is of two stores, the one that the others point at first."""
    return [table for table in db.metadata.sorted_tables if "main_store_id" in table.c]


def to_erase() -> list[Table]:
    """The tables of a store in an order in which their rows can go: nothing is left pointing at what is gone."""
    children_first = owned()[::-1]
    return [table for table in children_first if table.name != _LAST] + [db.metadata.tables[_LAST]]
