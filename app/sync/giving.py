"""The phase of a job that lets a channel have the orders that were made here: claimed, looked through, sent, recorded.

The change says only that the order is to be told; what is said is worked out of the order as it stands right before.
An order may change while it is on its way. Whoever changes it leaves the change alone then (`app.migrations.giving`),
so each outcome is recorded under the order's own lock, and one that says something else by then is planned again.

The channel knows no repeated order from a new one. So it is committed that an order is tried before it is sent, and
one that was tried and whose number is not known is looked for first by the mark that it carries (`OrderCopy`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, select, update

from app.bulk import update_rows
from app.channels.models import Channel
from app.connectors.base import Capability, Connector
from app.core.errors import backoff_seconds, retry_at
from app.core.states import ChangeState, Reason
from app.core.types import OrderReceipt, OrderStatus, OrderWrite, WriteOutcome
from app.extensions import db
from app.orders.models import Order
from app.orders.services import lock_channel
from app.orders.writing import JournalNote, write_journal
from app.sync import claiming
from app.sync.lease import LeaseLostError, Run, make_sure
from app.sync.models import ORDER, Change, OrderCopy
from app.sync.preflight import Parcel, Verdict, look_through
from app.tenancy.scope import current_store_id, store_scope

AT_ONCE: Final = 10
"""So many orders are claimed and recorded together. Each is a call of its own, so a worker that is killed leaves at
most that many to be looked for, and a pause or a *Cancel* is heard after that many."""
_BLOCKING: Final = {
    WriteOutcome.MISSING: Reason.ORDER_MISSING,
    WriteOutcome.REJECTED: Reason.ORDER_REFUSED,
    WriteOutcome.FOREIGN: Reason.ORDER_REFUSED,
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A change that this run holds."""

    id: int
    order_id: int
    attempts: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a change: its columns, what the copy learns, the note for its order, and what the job counts."""

    state: ChangeState
    reason: Reason | None = None
    detail: Mapping[str, Any] | None = None
    not_before: datetime | None = None
    copy: Mapping[str, Any] | None = None
    note: tuple[str, Mapping[str, Any]] | None = None
    counter: str = ""


def give(run: Run, connector: Connector) -> Iterator[None]:
    """Send everything that is due, oldest first; yields after each batch. Errors pass through, recorded."""
    if Capability.ORDER_CREATION not in connector.capabilities:
        return
    if not run.here:
        with store_scope(run.store_id):
            run.enter("give", {"begun": True}, claiming.count(_due(run)))
            run.save(sets_out=True)
            db.session.commit()
        yield
    while claimed := _claim(run):
        _send(run, connector, _look_through(run, claimed))
        yield


def _due(run: Run) -> list[ColumnElement[bool]]:
    """What this run may claim, as long as the channel is to have our orders."""
    gives = exists().where(Channel.store_id == Change.store_id, Channel.id == Change.channel_id, Channel.gives_orders)
    return [*claiming.due(run, ORDER), gives]


def _claim(run: Run) -> list[Claimed]:
    """Mark a batch as being sent, before anything is; empty when nothing is due."""
    rows = claiming.claim(run, _due(run), AT_ONCE, Claimed.__slots__)
    return sorted((Claimed(*row[1:]) for row in rows), key=lambda change: change.id)


def _look_through(run: Run, claimed: Sequence[Claimed]) -> list[tuple[Claimed, Parcel]]:
    """Settle what need not be sent, or cannot be; of the rest note that it is tried, before it is. Commits.

    Whoever links a product holds the channel alone until the orders that wait for it are planned again: so either the
    link is seen here, or what is blocked here is seen there.
    """
    with store_scope(run.store_id):
        lock_channel(run.channel_id, share=True)
        _lock_orders([change.order_id for change in claimed])
        verdicts = look_through(run.channel_id, [change.order_id for change in claimed])
        settled, going, first = [], [], []
        for change in claimed:
            match verdicts[change.order_id]:
                case Parcel() as parcel:
                    going.append((change, parcel))
                    if _is_new(parcel):
                        first.append(change.order_id)
                case Verdict() as verdict:
                    settled.append((change, _without_sending(verdict)))
        now = datetime.now(UTC)
        keys = {"store_id": run.store_id, "channel_id": run.channel_id}
        rows = [{**keys, "order_id": order_id, "tried_at": now} for order_id in first]
        update_rows(OrderCopy, ("store_id", "order_id", "channel_id"), ("tried_at",), rows)
        _write(run, settled, now)
        run.done += len(settled)
        run.total = max(run.total or 0, run.done)
        run.save(worked=False)
        db.session.commit()
    return going


def _without_sending(verdict: Verdict) -> _Outcome:
    return _Outcome(ChangeState.DONE) if verdict.reason is None else _blocked(verdict.reason, verdict.detail)


def _send(run: Run, connector: Connector, going: Sequence[tuple[Claimed, Parcel]]) -> None:
    """Send one after the other, and record what came of them; an error ends it, and what was not sent waits."""
    receipts: list[OrderReceipt] = []
    failed: Exception | None = None
    for _change, parcel in going:
        try:
            receipts.append(connector.write_order(parcel.write, partial(make_sure, run)))
        except LeaseLostError:
            raise
        except Exception as error:
            failed = error
            break
    if receipts:
        _record(run, [(*one, receipt) for one, receipt in zip(going, receipts, strict=False)])
    if failed is None:
        return
    _wind_up(run, going[len(receipts) :], failed)
    raise failed


def _wind_up(run: Run, left: Sequence[tuple[Claimed, Parcel]], error: Exception) -> None:
    """The first of these may have been made; the others were not sent, so they need not be looked for.

    That is said under the fence: whoever has taken the job over may be sending them by now. LeaseLostError then.
    """
    claiming.put_off(run, [left[0][0]], error)
    untried = [change.order_id for change, parcel in left[1:] if _is_new(parcel)]
    with store_scope(run.store_id):
        db.session.execute(
            update(OrderCopy)
            .where(
                OrderCopy.store_id == run.store_id,
                OrderCopy.channel_id == run.channel_id,
                OrderCopy.order_id.in_(untried),
                OrderCopy.remote_id == "",
            )
            .values(tried_at=None)
            .execution_options(synchronize_session=False)
        )
        run.save(worked=False)
        db.session.commit()
    claiming.plan_again(run, [change for change, _parcel in left[1:]])


def _is_new(parcel: Parcel) -> bool:
    """Whether nothing of the order was ever sent before."""
    return parcel.write.tried_at is None and not parcel.write.remote_id


def _record(run: Run, answered: Sequence[tuple[Claimed, Parcel, OrderReceipt]]) -> None:
    """Write down what became of each change and whose number it has there, in one transaction."""
    now = datetime.now(UTC)
    with store_scope(run.store_id):
        stands = _lock_orders([change.order_id for change, _parcel, _receipt in answered])
        outcomes = []
        for change, parcel, receipt in answered:
            outcome = _outcome(change, parcel, receipt, now)
            outcomes.append((change, _unless_changed(outcome, parcel, stands[change.order_id])))
        _write(run, outcomes, now)
        run.done += len(answered)
        run.total = max(run.total or 0, run.done)
        run.save()
        db.session.commit()


def _lock_orders(order_ids: Sequence[int]) -> dict[int, str]:
    """The digests of these orders, which nobody changes before this transaction ends."""
    rows = db.session.execute(
        select(Order.id, Order.digest)
        .where(Order.store_id == current_store_id(), Order.id.in_(order_ids))
        .order_by(Order.id)
        .with_for_update(read=True)
    )
    return {row.id: row.digest for row in rows}


def _outcome(change: Claimed, parcel: Parcel, receipt: OrderReceipt, now: datetime) -> _Outcome:
    """What the answer means. An order that stands there has its id, even if it does not take all that ours says."""
    write, known = parcel.write, parcel.copy
    number = receipt.number or known.number
    copy = {"remote_id": receipt.remote_id or known.remote_id, "number": number, "told_digest": known.told_digest}
    is_gone = write.status is OrderStatus.CANCELLED and receipt.outcome is WriteOutcome.MISSING
    if receipt.outcome in (WriteOutcome.DONE, WriteOutcome.OVERTAKEN) or is_gone:
        note = (_note_kind(write), {"number": number, "there": parcel.there})
        copy["told_digest"] = parcel.digest
        return _Outcome(ChangeState.DONE, copy=copy, note=note, counter="given")
    detail = {"words": receipt.words, "number": number, "there": parcel.there}
    if receipt.outcome is WriteOutcome.UNSENT:
        later = retry_at(now, backoff_seconds(change.attempts))
        return _Outcome(ChangeState.PLANNED, Reason.ORDER_REFUSED, detail, later, copy, counter="gives_unsent")
    return _blocked(_BLOCKING[receipt.outcome], detail, copy)


def _note_kind(write: OrderWrite) -> str:
    if write.status is OrderStatus.CANCELLED:
        return "given_cancelled"
    return "given_again" if write.remote_id else "given"


def _blocked(reason: Reason, detail: Mapping[str, Any], copy: Mapping[str, Any] | None = None) -> _Outcome:
    note = ("give_refused", {**detail, "reason": reason})
    return _Outcome(ChangeState.BLOCKED, reason, detail, copy=copy, note=note, counter="gives_refused")


def _unless_changed(outcome: _Outcome, parcel: Parcel, digest: str) -> _Outcome:
    """The order says something else by now: whatever came of what it said before, it is told again."""
    if digest == parcel.digest or outcome.state is ChangeState.PLANNED:
        return outcome
    note = outcome.note if outcome.state is ChangeState.DONE else None
    counter = outcome.counter if outcome.state is ChangeState.DONE else ""
    return _Outcome(ChangeState.PLANNED, copy=outcome.copy, note=note, counter=counter)


def _write(run: Run, outcomes: Sequence[tuple[Claimed, _Outcome]], now: datetime) -> None:
    """Four statements, however many there are."""
    notes = [
        JournalNote(outcome.note[0], run.channel_id, change.order_id, outcome.note[1])
        for change, outcome in outcomes
        if outcome.note is not None
    ]
    rows = [
        {
            "store_id": run.store_id,
            "id": change.id,
            "state": outcome.state,
            "not_before": outcome.not_before,
            "done_at": now if outcome.state is ChangeState.DONE else None,
            "reason": outcome.reason,
            "reason_detail": dict(outcome.detail or {}),
        }
        for change, outcome in outcomes
    ]
    copies = [
        {"store_id": run.store_id, "channel_id": run.channel_id, "order_id": change.order_id, **outcome.copy}
        for change, outcome in outcomes
        if outcome.copy is not None
    ]
    update_rows(Change, ("store_id", "id"), ("state", "not_before", "done_at", "reason", "reason_detail"), rows)
    columns = ("remote_id", "number", "told_digest")
    update_rows(OrderCopy, ("store_id", "order_id", "channel_id"), columns, copies)
    write_journal(notes, job_id=run.job_id, user_id=run.requested_by)
    for _change, outcome in outcomes:
        if outcome.counter:
            run.count(**{outcome.counter: 1})
