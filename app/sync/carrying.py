"""The phase of a job that makes planned moves where the orders are kept: claimed, made, read back and recorded.

A move that an earlier worker claimed and never recorded is in doubt. It is claimed again and sent under the same key,
by which the other store knows whether it was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased

from app.bulk import update_rows
from app.connectors.base import Capability, Connector
from app.core.errors import ChannelError, backoff_seconds, retry_at
from app.core.states import ChangeState, Reason
from app.core.types import MoveWrite, News, OrderStatus, Receipt, RemoteOrder, WriteOutcome
from app.extensions import db
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.writing import JournalNote, write_journal
from app.sync import claiming
from app.sync.details import Details, read_details
from app.sync.lease import LeaseLostError, Run, make_sure
from app.sync.models import MOVE, Change
from app.sync.moving import said_of
from app.sync.places import Places, places_of
from app.tenancy.scope import store_scope

_BLOCKING: Final = {
    WriteOutcome.MISSING: Reason.ORDER_MISSING,
    WriteOutcome.REJECTED: Reason.MOVE_REFUSED,
    WriteOutcome.FOREIGN: Reason.MOVE_REFUSED,
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A move that this run holds."""

    id: int
    key: str
    order_id: int
    remote_id: str
    payload: dict[str, Any]
    attempts: int


def carry(run: Run, connector: Connector) -> Iterator[None]:
    """Make everything that is due, oldest first and of each order one at a time; yields after each batch."""
    if Capability.MOVES not in connector.capabilities:
        return
    if not run.here:
        with store_scope(run.store_id):
            run.enter("move", {"begun": True}, claiming.count(_due(run)))
            run.save(sets_out=True)
            db.session.commit()
        yield
    places = places_of(run)
    while claimed := _claim(run, connector.page_size):
        try:
            receipts = connector.move_orders([_write(move) for move in claimed], partial(make_sure, run))
            asked = [move.remote_id for move in claimed]
            news = _news_of(connector, asked)
            stand = read_details(connector, asked, places.currencies, attempts=run.attempts)
        except LeaseLostError:
            raise
        except Exception as error:
            claiming.put_off(run, claimed, error)
            raise
        _record(run, claimed, receipts, stand, places)
        if news is not None:
            with suppress(ChannelError):  # then they are looked at once more
                connector.heard(news)
        yield


def _due(run: Run) -> list[ColumnElement[bool]]:
    """What this run may claim: of each order the oldest."""
    older = aliased(Change)
    same = (older.store_id == Change.store_id, older.order_id == Change.order_id, older.kind == MOVE)
    waits = exists().where(*same, older.state.in_((ChangeState.PLANNED, ChangeState.SENDING)), older.id < Change.id)
    return [*claiming.due(run, MOVE), ~waits]


def _claim(run: Run, limit: int) -> list[Claimed]:
    """Mark a batch as being made, before anything is; empty when nothing is due."""
    rows = claiming.claim(run, _due(run), limit, Claimed.__slots__)
    return sorted((Claimed(*row[1:]) for row in rows), key=lambda move: move.id)


def _news_of(connector: Connector, asked: Sequence[str]) -> News | None:
    """What we did ourselves is news there, too: it need not be looked at again, if nothing else is."""
    if Capability.NEWS not in connector.capabilities:
        return None
    news = connector.news(len(asked) + 1)
    return news if news.order_ids and set(news.order_ids) <= set(asked) else None


def _write(move: Claimed) -> MoveWrite:
    said = move.payload
    return MoveWrite(
        key=move.key,
        remote_id=move.remote_id,
        status=OrderStatus(said["status"]),
        package=said["package"],
        courier=said["courier"],
        tracking_number=said["tracking_number"],
        at=datetime.fromisoformat(said["at"]),
        version=said["version"],
        person=said["person"],
    )


def _record(run: Run, claimed: Sequence[Claimed], receipts: Sequence[Receipt], stand: Details, places: Places) -> None:
    """Write down how the orders stand there now, and what became of each move, in one transaction."""
    now = datetime.now(UTC)
    outcomes = {receipt.key: receipt for receipt in receipts}
    settled = [_settled(run, move, outcomes[move.key], now) for move in claimed]
    notes = [note for _row, note in settled if note is not None]
    with store_scope(run.store_id):
        write_journal(notes, job_id=run.job_id)  # first what was said, then what came of it
        counts = store_page(_page(run, stand), store_rules(run.channel_id), places.ids, run.job_id)
        columns = ("state", "not_before", "done_at", "reason", "reason_detail")
        update_rows(Change, ("store_id", "id"), columns, [row for row, _note in settled])
        run.done += len(claimed)
        run.total = max(run.total or 0, run.done)
        run.count(changed=counts.changed)
        run.save()
        db.session.commit()


def _page(run: Run, stand: Details) -> PulledPage:
    """The orders as they were read back. What the list said of them last is left as it is: the next check reads it."""
    orders = tuple(order for order in stand if isinstance(order, RemoteOrder))
    stubs = tuple(order.stub for order in orders)
    return PulledPage(run.channel_id, stubs, wanted=frozenset(), details=orders, skipped={})


def _settled(run: Run, move: Claimed, receipt: Receipt, now: datetime) -> tuple[Mapping[str, Any], JournalNote | None]:
    """The change's row after the answer, and the note for its order."""
    said = said_of(move.payload)
    row: dict[str, Any] = {"store_id": run.store_id, "id": move.id, "not_before": None, "done_at": None}
    row |= {"reason": None, "reason_detail": {}}
    if receipt.outcome is WriteOutcome.DONE:
        run.count(moved=1)
        return row | {"state": ChangeState.DONE, "done_at": now}, _note(run, move, "move_made", said)
    if receipt.outcome is WriteOutcome.OVERTAKEN:
        run.count(moves_overtaken=1)
        row |= {"state": ChangeState.DONE, "done_at": now, "reason": Reason.OVERTAKEN}
        return row, _note(run, move, "move_overtaken", said)
    detail = {**said, "words": receipt.words}
    if receipt.outcome is WriteOutcome.UNSENT:
        run.count(moves_unsent=1)
        row |= {"state": ChangeState.PLANNED, "not_before": retry_at(now, backoff_seconds(move.attempts))}
        return row | {"reason": Reason.MOVE_REFUSED, "reason_detail": detail}, None
    run.count(moves_refused=1)
    reason = _BLOCKING[receipt.outcome]
    row |= {"state": ChangeState.BLOCKED, "reason": reason, "reason_detail": detail}
    return row, _note(run, move, "move_failed", {**detail, "reason": reason})


def _note(run: Run, move: Claimed, kind: str, detail: Mapping[str, Any]) -> JournalNote:
    return JournalNote(kind, run.channel_id, move.order_id, detail)
