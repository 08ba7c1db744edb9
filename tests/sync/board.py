"""Jobs in any state, written straight into the table, for tests of what is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from app.extensions import db
from app.orders.models import JournalEntry
from app.sync.models import SyncJob
from app.sync.queries import JobRow, job_view
from tests.orders.factories import Books, SomeChannel

RUNNING: dict[str, Any] = {"state": "running", "phase": "pull", "lease_until": 10}
_TIMES = (
    "requested_at",
    "not_before",
    "started_at",
    "phase_started_at",
    "finished_at",
    "lease_until",
    "cancel_requested_at",
)


class Board:
    """Writes jobs of one store: `board.job(channel, state="failed")` returns the job's id.

    Times may be given as seconds from now: `started_at=-60`.
    """

    def __init__(self, books: Books) -> None:
        self.books = books

    def job(self, channel: SomeChannel, **values: Any) -> int:
        """One check that was just asked for, unless told otherwise."""
        row = _with_times({"kind": "check", "requested_at": 0} | values)
        with self.books.scope():
            statement = insert(SyncJob).values(store_id=self.books.store.id, channel_id=channel.id, **row)
            job_id = db.session.execute(statement.returning(SyncJob.id)).scalar_one()
            db.session.commit()
        return job_id

    def running(self, channel: SomeChannel, *, seconds: float = 10, **values: Any) -> int:
        """One check that has read orders for that many seconds."""
        times = dict.fromkeys(("requested_at", "started_at", "phase_started_at"), -seconds)
        return self.job(channel, **{**RUNNING, **times, **values})

    def ended(self, channel: SomeChannel, state: str = "succeeded", **values: Any) -> int:
        """One check that took ten seconds and ended just now."""
        times = {"requested_at": -10, "started_at": -10, "finished_at": 0}
        return self.job(channel, **{"state": state, "phase": "pull", **times, **values})

    def set(self, job_id: int, **values: Any) -> None:
        """Change columns of a job."""
        with self.books.scope():
            db.session.execute(update(SyncJob).where(SyncJob.id == job_id).values(**_with_times(values)))
            db.session.commit()

    def note(self, job_id: int, kind: str, order_id: int | None = None, **detail: Any) -> None:
        """A line in the job's journal."""
        with self.books.scope():
            row = {"store_id": self.books.store.id, "kind": kind, "job_id": job_id, "order_id": order_id}
            db.session.execute(insert(JournalEntry).values(**row, detail=detail))
            db.session.commit()

    def row(self, job_id: int) -> JobRow:
        """The job as pages get it."""
        with self.books.scope():
            row = job_view(job_id)
        assert row is not None
        return row


def _with_times(values: dict[str, Any]) -> dict[str, Any]:
    """The values with seconds from now turned into moments; negative ones have passed."""
    now = datetime.now(UTC)
    found = dict(values)
    for name in _TIMES:
        if isinstance(found.get(name), (int, float)):
            found[name] = now + timedelta(seconds=found[name])
    return found
