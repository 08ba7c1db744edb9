"""Holding planned changes: which of them a run may claim, the claim, and giving it back.

A claim is committed before anything is sent. A change that another run claimed and never recorded is in doubt; it may
be claimed again, and whoever does finds out first whether it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, func, or_, select, update

from app.bulk import update_rows
from app.core.errors import AuthRejected, ChannelError, RateLimited, Unavailable, backoff_seconds, retry_at
from app.core.states import ChangeState, Reason
from app.extensions import db
from app.planning import fixed
from app.sync.lease import Run
from app.sync.models import Change
from app.tenancy.scope import store_scope


class Tried(Protocol):
    """A change of any kind that a run holds, and how often it was tried."""

    @property
    def id(self) -> int:
        """The change."""

    @property
    def attempts(self) -> int:
        """This time included."""


def due(run: Run, kind: str) -> list[ColumnElement[bool]]:
    """What this run may claim of a kind: planned and due, or claimed by a run that is gone."""
    return [
        Change.store_id == run.store_id,
        Change.channel_id == run.channel_id,
        Change.kind == kind,
        Change.state.in_([fixed(ChangeState.PLANNED), fixed(ChangeState.SENDING)]),
        or_(
            (Change.state == ChangeState.PLANNED) & or_(Change.not_before.is_(None), Change.not_before <= func.now()),
            (Change.state == ChangeState.SENDING) & (Change.fence != run.claim_mark),
        ),
    ]


def count(wanted: Sequence[ColumnElement[bool]]) -> int:
    """How many changes are so."""
    return db.session.scalar(select(func.count()).select_from(Change).where(*wanted)) or 0


def claim(
    run: Run,
    wanted: Sequence[ColumnElement[bool]],
    limit: int,
    columns: Sequence[str],
    *,
    state: Any = ChangeState.SENDING,
) -> list[tuple[Any, ...]]:
    """Mark the oldest of the wanted changes as claimed, or as `state` says; state and `columns` of each. Commits."""
    with store_scope(run.store_id):
        # A common table expression is read once; as a plain sub-query its limit might be applied again for each row.
        oldest = select(Change.id).where(*wanted).order_by(Change.id).limit(limit).with_for_update().cte("due")
        rows = db.session.execute(
            update(Change)
            .where(Change.store_id == run.store_id, Change.id.in_(select(oldest.c.id)))
            .values(
                state=state,
                reason=None,
                reason_detail={},
                fence=run.claim_mark,
                attempts=Change.attempts + 1,
                claimed_at=func.now(),
            )
            .returning(Change.state, *(getattr(Change, name) for name in columns))
            .execution_options(synchronize_session=False)
        ).all()
        run.save(worked=False)
        db.session.commit()
    return [tuple(row) for row in rows]


def put_off(run: Run, claimed: Sequence[Tried], error: Exception) -> None:
    """The batch could not be sent, or its answer was lost: it is tried again later, reading before writing. Commits."""
    if isinstance(error, ChannelError):
        reason, words = error.code, {"words": error.user_message, "reference": error.reference}
    else:
        reason, words = Reason.WRITEBACK_FAILED, {"words": ""}
    now = datetime.now(UTC)
    rows = [
        {
            "store_id": run.store_id,
            "id": change.id,
            "state": ChangeState.PLANNED,
            "not_before": retry_at(now, _seconds_to_wait(run, change, error)),
            "reason": reason,
            "reason_detail": words,
        }
        for change in claimed
    ]
    _store(run, ("state", "not_before", "reason", "reason_detail"), rows)


def plan_again(run: Run, claimed: Sequence[Tried]) -> None:
    """Take back a claim of which nothing was sent. Commits."""
    rows = [{"store_id": run.store_id, "id": change.id, "state": ChangeState.PLANNED} for change in claimed]
    _store(run, ("state",), rows)


def _store(run: Run, columns: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> None:
    with store_scope(run.store_id):
        update_rows(Change, ("store_id", "id"), columns, rows)
        run.save(worked=False)
        db.session.commit()


def _seconds_to_wait(run: Run, change: Tried, error: Exception) -> float:
    """Never longer than the job itself waits before it comes back (`app.sync.jobs`), or it would find nothing to do
    and end as if all were well. After an error that ends the job, each change waits longer from try to try."""
    match error:
        case RateLimited():
            return error.retry_after
        case Unavailable() | AuthRejected():
            return backoff_seconds(run.attempts + 1)
    return backoff_seconds(change.attempts)
