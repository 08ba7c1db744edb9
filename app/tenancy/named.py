"""Lists that a store keeps by name: payment methods, salespeople, warehouses.

They behave alike: names are unique without regard to case, and a row is archived rather than deleted, because
invoices and movements refer to it. A row that something still leans on is not archived; its own service says what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.tenancy.models import Store
from app.tenancy.scope import current_store_id


@dataclass(frozen=True, slots=True)
class NamedRow:
    """One row of such a list, as its page shows it. `uses` counts what leans on it."""

    id: int
    name: str
    is_archived: bool
    is_default: bool = False
    uses: int = 0


class NoSuchRow(LookupError):
    """The store has no such row."""


class NameTaken(Exception):
    """The store has a row of this name already; `is_archived` tells that it is out of sight."""

    def __init__(self, *, is_archived: bool) -> None:
        super().__init__()
        self.is_archived = is_archived


class InUse(Exception):
    """The row cannot be archived while `uses` things lean on it."""

    def __init__(self, uses: int) -> None:
        super().__init__()
        self.uses = uses


class IsDefault(Exception):
    """The row stands in where nothing else was chosen, so it must stay."""


class IsLast(Exception):
    """The row is the last of its list, and the store cannot do without."""


def add_named(model: type[Any], name: str) -> int:
    """Add a row and commit; NameTaken."""
    row = model(store_id=current_store_id(), name=name)
    db.session.add(row)
    _flush(model, name)
    row_id = int(row.id)
    db.session.commit()
    return row_id


def rename_named(model: type[Any], row_id: int, name: str) -> None:
    """Give a row another name and commit. What was stamped with the old one keeps it. NoSuchRow, NameTaken."""
    locked_row(model, row_id).name = name
    _flush(model, name)
    db.session.commit()


def archive_named(model: type[Any], row_id: int) -> None:
    """Take a row out of every choice, and commit. NoSuchRow."""
    row = locked_row(model, row_id)
    row.archived_at = row.archived_at or func.now()
    db.session.commit()


def restore_named(model: type[Any], row_id: int) -> None:
    """Offer an archived row again, and commit. NoSuchRow."""
    locked_row(model, row_id).archived_at = None
    db.session.commit()


def locked_row(model: type[Any], row_id: int) -> Any:
    """The row, locked until the transaction ends; NoSuchRow."""
    query = select(model).where(model.store_id == current_store_id(), model.id == row_id)
    row = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NoSuchRow(row_id)
    return row


def take_turns() -> None:
    """Let one change at a time decide about a whole list, until its transaction ends.

    The lock on the store's row lets new rows refer to it, so no job waits for a settings page.
    """
    db.session.execute(select(Store.id).where(Store.id == current_store_id()).with_for_update(key_share=True))


def _flush(model: type[Any], name: str) -> None:
    """Write, and let the unique index decide about the name: a look beforehand could be overtaken."""
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        taken = select(model.archived_at).where(
            model.store_id == current_store_id(), func.lower(model.name) == func.lower(name)
        )
        row = db.session.execute(taken).one_or_none()
        raise NameTaken(is_archived=row is not None and row.archived_at is not None) from None
