"""Calling an endpoint: one worker holds it by a lease, sends some messages at a time, and writes down what came.

A message is planned until an answer to it is written down, so that a worker that is killed loses none: the lease runs
out, and another sends them once more under the same ids. An address that does not answer at all is left alone for a
while with everything that waits for it; so it costs one patience now and then, and not one for each message.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import current_app
from sqlalchemy import func, insert, or_, select, update

from app.connectors.http import Door, Timeouts
from app.core import calling
from app.core.errors import AddressRefused, CertificateTrouble, ChannelError, Unreachable
from app.extensions import db
from app.hooks.models import Endpoint, HookAttempt, HookMessage
from app.hooks.services import secrets_of
from app.sealing import BrokenSeal
from app.sync import queue
from app.sync.nudge import nudge
from app.sync.threads import threads
from app.tenancy.scope import current_store, current_store_id, store_scope

log = logging.getLogger(__name__)
TASK: Final = "app.hooks.jobs.run"
TIMEOUTS: Final = Timeouts(connect=5.0, read=10.0, total=15.0)
KEPT_ANSWER: Final = 1024
AT_ONCE: Final = 4
BATCH: Final = 8
SLICE_SECONDS: Final = 1.0
"""How long one bell may go on while others wait; what is left is rung for again."""
LONGEST_SLICE_SECONDS: Final = 60.0
_LEASE: Final = timedelta(seconds=45)
"""Longer than a batch may take."""
_GONE: Final = 410
_SLOWER: Final = (429, 503)


@dataclass(frozen=True, slots=True)
class Held:
    """An endpoint that this worker may call. `only_tests`: it is paused."""

    store_id: int
    id: int
    url: str
    store: str
    secrets: tuple[str, ...]
    only_tests: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it goes onto the wire."""

    id: int
    message_id: str
    is_test: bool
    attempts: int
    planned_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: a status and the beginning of the answer, or a trouble."""

    letter: Letter
    at: datetime
    duration_ms: int
    status: int | None = None
    answer: str = ""
    trouble: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_lost(self) -> bool:
        """Whether the address is better left alone for a while: it did not answer, or asks for it."""
        return self.status is None or self.status in _SLOWER


def ring_for(store_id: int, endpoint_id: int) -> None:
    """Have a worker call an endpoint, and note when, so that the tick does not ring again at once. Commits."""
    with store_scope(store_id):
        db.session.execute(_change(endpoint_id).values(rung_at=func.now()))
        db.session.commit()
    queue.ring(current_app.extensions["settings"].redis_url, store_id, endpoint_id, task=TASK)


def deliver(store_id: int, endpoint_id: int) -> None:
    """Send what is due, for a while. Safe to call twice, late, or for an endpoint that is gone."""
    with store_scope(store_id):
        held = _claim(endpoint_id)
    if held is None:
        return
    settings, began = current_app.extensions["settings"], time.monotonic()
    allowed = settings.allow_sandboxes
    door = Door(held.url, label=held.url, headers={}, allow_sandboxes=allowed, timeouts=TIMEOUTS)
    try:
        with threads(AT_ONCE, "hooks") as pool:
            while _deliver_some(held, door, pool) and not _must_pass(settings.redis_url, time.monotonic() - began):
                nudge(store_id, f"endpoint-{endpoint_id}")
    finally:
        door.close()
        with store_scope(store_id):
            db.session.execute(_change(endpoint_id).values(leased_until=None, rung_at=None))
            db.session.commit()
        nudge(store_id, f"endpoint-{endpoint_id}")


def _must_pass(redis_url: str, seconds: float) -> bool:
    """Whether it is somebody else's turn."""
    return seconds > LONGEST_SLICE_SECONDS or (seconds > SLICE_SECONDS and queue.somebody_waits(redis_url))


def _claim(endpoint_id: int) -> Held | None:
    """Take the endpoint's lease; None when somebody has it, or there is no such endpoint. Commits."""
    row = db.session.execute(
        _change(endpoint_id)
        .where(or_(Endpoint.leased_until.is_(None), Endpoint.leased_until < func.now()))
        .values(leased_until=func.now() + _LEASE)
        .returning(Endpoint.url, Endpoint.state, Endpoint.secret, Endpoint.old_secret, Endpoint.old_until)
    ).one_or_none()
    db.session.commit()
    if row is None:
        return None
    try:
        secrets = secrets_of(row, datetime.now(UTC))
    except BrokenSeal:
        log.error("the secret of endpoint %s of store %s cannot be opened", endpoint_id, current_store_id())
        _stop(endpoint_id, "SECRET")
        db.session.commit()
        return None
    store = current_store()
    return Held(store.id, endpoint_id, row.url, store.slug, tuple(secrets), row.state == "paused")


def _deliver_some(held: Held, door: Door, pool: Executor) -> bool:
    """One batch, from the database onto the wire and back; whether there may be more to do at once."""
    with store_scope(held.store_id):
        letters = _due(held)
    if not letters:
        return False
    outcomes = list(pool.map(lambda letter: _call(held, door, letter), letters))
    with store_scope(held.store_id):
        goes_on = _write_down(held, outcomes)
        db.session.commit()
    return goes_on and len(letters) == BATCH


def _due(held: Held) -> list[Letter]:
    """The next messages, those that wait longest first. Renews the lease; commits."""
    only = (HookMessage.type == calling.TEST,) if held.only_tests else ()
    rows = db.session.scalars(
        select(HookMessage)
        .where(*_open(held.id), HookMessage.next_at <= func.now(), *only)
        .order_by(HookMessage.next_at, HookMessage.id)
        .limit(BATCH)
    ).all()
    letters = [
        Letter(
            row.id,
            row.message_id,
            row.type == calling.TEST,
            row.attempts,
            row.planned_at,
            calling.body_of(
                message_id=row.message_id, type_=row.type, created_at=row.created_at, store=held.store, data=row.data
            ),
        )
        for row in rows
    ]
    db.session.execute(_change(held.id).values(leased_until=func.now() + _LEASE))
    db.session.commit()
    return letters


def _call(held: Held, door: Door, letter: Letter) -> Outcome:
    at, started = datetime.now(UTC), time.monotonic()

    def took() -> int:
        return round((time.monotonic() - started) * 1000)

    try:
        sent = calling.headers(held.secrets, letter.message_id, at, letter.body)
        reply = door.post(letter.body, sent, keep=KEPT_ANSWER)
    except ChannelError as error:
        return Outcome(letter, at, took(), trouble=_trouble_of(error))
    except Exception:
        log.exception("message %s of store %s could not be sent", letter.message_id, held.store_id)
        return Outcome(letter, at, took(), trouble="BROKEN_OFF")
    answer = reply.body.decode("utf-8", "replace").replace("\x00", "")
    return Outcome(letter, at, took(), status=reply.status, answer=answer)


def _trouble_of(error: ChannelError) -> str:
    match error:
        case AddressRefused():
            return "ADDRESS_REFUSED"
        case CertificateTrouble():
            return "CERTIFICATE"
        case Unreachable():
            return "UNREACHABLE"
        case _:
            return "BROKEN_OFF"


def _write_down(held: Held, outcomes: Sequence[Outcome]) -> bool:
    """Record what came of each, and decide what becomes of the endpoint; whether to go on calling it now.

    A message that a person took away meanwhile with its endpoint takes its outcome along.
    """
    locked = db.session.execute(
        select(Endpoint.id, Endpoint.failures)
        .where(Endpoint.store_id == held.store_id, Endpoint.id == held.id)
        .with_for_update(key_share=True)  # whoever plans a message for it need not wait
    ).one_or_none()
    if locked is None:
        return False
    db.session.execute(insert(HookAttempt), [_attempt(held, outcome) for outcome in outcomes])
    now, given_up = datetime.now(UTC), False
    for outcome in outcomes:
        given_up = _settle(held, outcome, now) or given_up
    if any(outcome.status == _GONE for outcome in outcomes if not outcome.letter.is_test):
        _stop(held.id, "GONE")
        return False
    if given_up:
        _stop(held.id, "FAILING")
        return False
    lost = all(outcome.is_lost for outcome in outcomes)
    if not lost:
        db.session.execute(_change(held.id).values(failures=0, rests_until=None))
        return True
    rest = timedelta(seconds=calling.rest_seconds(locked.failures + 1))
    db.session.execute(_change(held.id).values(failures=Endpoint.failures + 1, rests_until=now + rest))
    return False


def _settle(held: Held, outcome: Outcome, now: datetime) -> bool:
    """What becomes of a message: delivered, tried again later, or failed. Whether it was tried for too long."""
    letter = outcome.letter
    state, next_at, late = "delivered", now, False
    if not outcome.is_good:
        roll = random.random()  # noqa: S311  # it spreads tries, and keeps no secret
        next_at = now + timedelta(seconds=calling.wait_seconds(letter.attempts + 1, roll))
        late = calling.is_given_up(letter.planned_at, next_at)
        state = "failed" if late or letter.is_test else "planned"
    db.session.execute(
        update(HookMessage)
        .where(HookMessage.store_id == held.store_id, HookMessage.id == letter.id)
        .values(state=state, attempts=letter.attempts + 1, next_at=next_at)
        .execution_options(synchronize_session=False)
    )
    return late and not letter.is_test


def _attempt(held: Held, outcome: Outcome) -> dict[str, Any]:
    return {
        "store_id": held.store_id,
        "hook_message_id": outcome.letter.id,
        "number": outcome.letter.attempts + 1,
        "at": outcome.at,
        "status": outcome.status,
        "duration_ms": outcome.duration_ms,
        "answer": outcome.answer,
        "trouble": outcome.trouble,
    }


def _stop(endpoint_id: int, reason: str) -> None:
    """Give the endpoint up until a person resumes it; its trigger has the store's people told."""
    db.session.execute(
        _change(endpoint_id)
        .where(Endpoint.state == "active")
        .values(state="paused", paused_reason=reason, paused_at=func.now())
    )


def _open(endpoint_id: int) -> tuple[Any, ...]:
    mine = (HookMessage.store_id == current_store_id(), HookMessage.endpoint_id == endpoint_id)
    return (*mine, HookMessage.state == "planned")


def _change(endpoint_id: int) -> Any:
    return (
        update(Endpoint)
        .where(Endpoint.store_id == current_store_id(), Endpoint.id == endpoint_id)
        .execution_options(synchronize_session=False)
    )
