"""The sending phase of a job: each planned change is claimed, sent and recorded.

A change that an earlier worker claimed and never recorded is in doubt. It is claimed again, and nothing is sent
blindly: the connector reads what stands on the channel before it writes, so an effect that already happened is
recognised and only recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import case, exists
from sqlalchemy.orm import aliased

from app.bulk import update_rows
from app.connectors.base import Capability, Connector
from app.core.errors import ChannelError, backoff_seconds, retry_at
from app.core.states import ChangeState, Reason
from app.core.types import InvoiceNumberWrite, Receipt, WriteOutcome
from app.extensions import db
from app.orders.services import set_remote_numbers
from app.orders.writing import JournalNote, write_journal
from app.sync import claiming
from app.sync.lease import LeaseLostError, Run, make_sure
from app.sync.models import WRITE_BACK, Change
from app.sync.threads import threads
from app.tenancy.scope import store_scope

_BLOCKING = {
    WriteOutcome.FOREIGN: (Reason.FOREIGN_NUMBER, "write_back_conflict", "conflicts"),
    WriteOutcome.MISSING: (Reason.ORDER_MISSING, "write_back_failed", "rejected"),
    WriteOutcome.REJECTED: (Reason.WRITEBACK_FAILED, "write_back_failed", "rejected"),
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A change that this run holds."""

    id: int
    key: str
    order_id: int
    invoice_id: int
    remote_id: str
    payload: dict[str, Any]
    attempts: int


def send(run: Run, connector: Connector) -> Iterator[None]:
    """Send everything that is due, oldest first; yields after each batch. Errors pass through, recorded.

    One batch is sent after the other, so that no number overtakes another of the same order; but what became of one
    is recorded while the next is on its way.
    """
    if Capability.INVOICE_WRITEBACK not in connector.capabilities:
        return
    if not run.here:
        with store_scope(run.store_id):
            run.enter("send", {"begun": True}, claiming.count(claiming.due(run, WRITE_BACK)))
            run.save(sets_out=True)
            db.session.commit()
        yield
    with threads(1, "send") as sender:
        on_the_way = _next(run, connector, sender)
        while on_the_way is not None:
            present, on_the_way = on_the_way, None
            try:
                on_the_way = _next(run, connector, sender)
                _settle(run, present)
                yield
            except BaseException:
                # An error, or the job is to stop: what has left the house is recorded before anybody else goes on.
                _wind_up(run, on_the_way)
                raise


@dataclass(frozen=True, slots=True)
class _Batch:
    """Claimed changes that are being sent, or wait for the batch before them."""

    claimed: Sequence[Claimed]
    answer: Future[tuple[Receipt, ...]]


def _next(run: Run, connector: Connector, sender: Executor) -> _Batch | None:
    """Claim the next batch and have it sent; None when nothing is due."""
    claimed = _claim(run, connector.page_size)
    if not claimed:
        return None
    writes = [
        InvoiceNumberWrite(
            key=change.key,
            remote_id=change.remote_id,
            invoice_no=change.payload["invoice_no"],
            expected=frozenset(change.payload["expected"]),
        )
        for change in claimed
    ]
    return _Batch(claimed, sender.submit(connector.write_invoice_numbers, writes, partial(make_sure, run)))


def _settle(run: Run, batch: _Batch) -> None:
    """Wait for the answer and write down what became of each change."""
    try:
        receipts = batch.answer.result()
    except LeaseLostError:
        raise
    except Exception as error:
        claiming.put_off(run, batch.claimed, error)
        raise
    _record(run, batch.claimed, receipts)


def _wind_up(run: Run, batch: _Batch | None) -> None:
    """No more is sent. A batch that was not begun is planned again; of one that was, the answer is recorded.

    Whatever goes wrong now has gone wrong before, and is being told already.
    """
    if batch is None:
        return
    with suppress(LeaseLostError, ChannelError):
        if batch.answer.cancel():
            claiming.plan_again(run, batch.claimed)
        else:
            _settle(run, batch)


def _claim(run: Run, limit: int) -> list[Claimed]:
    """Mark a batch as being sent, before anything is sent; empty when nothing is due.

    The newest number of an order is the one to be written: what was planned before it is dropped and never sent. The
    newer change expects the older number on the channel, in case that it was written after all.
    """
    claimed: list[Claimed] | None = []
    while claimed == []:
        claimed = _claimed(run, limit)
    return claimed or []


def _claimed(run: Run, limit: int) -> list[Claimed] | None:
    """The oldest changes that are due, without those that newer ones have taken the place of; None: nothing is due."""
    newer = aliased(Change)
    same = (newer.store_id == Change.store_id, newer.order_id == Change.order_id, newer.kind == Change.kind)
    is_old = exists().where(*same, newer.id > Change.id)
    state = case((is_old, ChangeState.DROPPED), else_=ChangeState.SENDING)
    rows = claiming.claim(run, claiming.due(run, WRITE_BACK), limit, Claimed.__slots__, state=state)
    kept = (Claimed(*row[1:]) for row in rows if row[0] == ChangeState.SENDING)
    return sorted(kept, key=lambda change: change.id) if rows else None


def _record(run: Run, claimed: Sequence[Claimed], receipts: Sequence[Receipt]) -> None:
    """Write down what became of each change, in one transaction."""
    now = datetime.now(UTC)
    outcome = {receipt.key: receipt for receipt in receipts}
    rows: list[dict[str, Any]] = []
    notes: list[JournalNote] = []
    numbers: dict[int, str] = {}
    for change in claimed:
        receipt = outcome[change.key]
        ours = change.payload["invoice_no"]
        row: dict[str, Any] = {"store_id": run.store_id, "id": change.id, "reason": None, "reason_detail": {}}
        row |= {"not_before": None, "done_at": None}
        if receipt.outcome == WriteOutcome.DONE:
            row |= {"state": ChangeState.DONE, "done_at": now}
            numbers[change.order_id] = ours
            notes.append(_note(run, change, "written_back", {"number": ours}))
            run.count(written=1)
        elif receipt.outcome == WriteOutcome.UNSENT:
            row |= {"state": ChangeState.PLANNED, "not_before": retry_at(now, backoff_seconds(change.attempts))}
            row |= {"reason": Reason.WRITEBACK_FAILED, "reason_detail": {"words": receipt.words}}
            run.count(unsent=1)
        else:
            reason, kind, counter = _BLOCKING[receipt.outcome]
            detail = {"number": ours, "found": receipt.found, "words": receipt.words, "reason": reason}
            row |= {"state": ChangeState.BLOCKED, "reason": reason, "reason_detail": detail}
            if receipt.outcome == WriteOutcome.FOREIGN:
                numbers[change.order_id] = receipt.found
            notes.append(_note(run, change, kind, detail))
            run.count(**{counter: 1})
        rows.append(row)
    with store_scope(run.store_id):
        columns = ("state", "not_before", "done_at", "reason", "reason_detail")
        update_rows(Change, ("store_id", "id"), columns, rows)
        set_remote_numbers(numbers)
        write_journal(notes, job_id=run.job_id, user_id=run.requested_by)
        run.done += len(claimed)
        run.total = max(run.total or 0, run.done)
        run.save()
        db.session.commit()


def _note(run: Run, change: Claimed, kind: str, detail: dict[str, Any]) -> JournalNote:
    return JournalNote(kind, run.channel_id, change.order_id, detail, invoice_id=change.invoice_id)
