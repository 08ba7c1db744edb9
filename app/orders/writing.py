"""Writing the journal: one statement for any number of notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.bulk import insert_rows
from app.orders.models import JournalEntry
from app.tenancy.scope import current_store_id

_COLUMNS = ("store_id", "kind", "channel_id", "job_id", "order_id", "invoice_id", "user_id", "detail")


@dataclass(frozen=True, slots=True)
class JournalNote:
    """One thing that happened; `kind` is one of `app.orders.journal.KINDS`, which says what `detail` holds.

    `user_id` is the person behind this one, where it is not the one behind all that are written together.
    """

    kind: str
    channel_id: int | None
    order_id: int | None
    detail: Mapping[str, Any]
    invoice_id: int | None = None
    user_id: int | None = None


def write_journal(notes: Sequence[JournalNote], *, job_id: int | None = None, user_id: int | None = None) -> None:
    """Append notes, all by the same job or person."""
    store_id = current_store_id()
    rows = [
        {
            "store_id": store_id,
            "kind": note.kind,
            "channel_id": note.channel_id,
            "job_id": job_id,
            "order_id": note.order_id,
            "invoice_id": note.invoice_id,
            "user_id": user_id if note.user_id is None else note.user_id,
            "detail": note.detail,
        }
        for note in notes
    ]
    insert_rows(JournalEntry, _COLUMNS, rows)
