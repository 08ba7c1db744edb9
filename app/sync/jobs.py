"""Working off one job: claim it, go through its phases page by page, and answer every error by what happens next."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app.channels.allowance import use_of
from app.channels.models import Channel
from app.channels.services import open_connector, pause_by_error
from app.completeness.mending import has_asked, mend
from app.completeness.reading import confirm, verify
from app.connectors.base import Capability, Connector
from app.core.errors import (
    AuthRejected,
    ChannelError,
    Misconfigured,
    NotThisSystem,
    RateLimited,
    Unavailable,
    backoff_seconds,
    retry_at,
)
from app.core.states import JobState
from app.extensions import db
from app.links.days import counter_of
from app.orders.retrying import forget_wanted, has_wanted_orders
from app.orders.services import has_queued_orders, lock_channel, unqueue_orders
from app.orders.writing import JournalNote, write_journal
from app.sync import lease, queue
from app.sync.ahead import count_orders
from app.sync.announced import announced
from app.sync.announced_products import announced_products
from app.sync.book import book
from app.sync.carrying import carry
from app.sync.giving import give
from app.sync.inbox import has_announced
from app.sync.lease import LeaseLostError, Run
from app.sync.listening import listen
from app.sync.nudge import nudge
from app.sync.of_channel import was_refreshed
from app.sync.products import propose_links, read_products
from app.sync.pull import pull
from app.sync.recheck import recheck
from app.sync.refreshing import KIND as REFRESH
from app.sync.refreshing import refreshed
from app.sync.reread import books_beside, reread
from app.sync.reserving import has_servable, reserve
from app.sync.send import send
from app.sync.services import start_for_queued
from app.sync.settle import settle
from app.sync.stock import tell_stock
from app.sync.waking import wake_channel
from app.tenancy.scope import Actor, act_as, store_scope

log = logging.getLogger(__name__)
Phase = Callable[[Run, Connector], Iterator[None]]
TELLING: tuple[tuple[str, Phase], ...] = (("send", send), ("move", carry), ("give", give))
"""What is told to a channel: numbers of invoices, where orders stand, and orders that were made here."""
PHASES: dict[str, tuple[tuple[str, Phase], ...]] = {
    "check": (("pull", pull), ("recheck", recheck), ("settle", settle)),
    "sync": (("book", book), *TELLING),
    "auto": (("pull", pull), ("recheck", recheck), ("settle", settle), ("book", book), *TELLING),
    "write_back": TELLING,
    "retry": (("reread", reread), ("book", book), *TELLING),
    "products": (("products", read_products), ("match", propose_links)),
    "verify": (("verify", verify), ("confirm", confirm)),
    "mend": (("mend", mend),),
    "stock": (("reserve", reserve), ("stock", tell_stock)),
    "announced": (("announced", announced), ("listings", announced_products)),
    "refresh": (
        ("count", count_orders),
        ("products", read_products),
        ("match", propose_links),
        ("pull", pull),
        ("recheck", recheck),
        ("settle", settle),
        ("move", carry),
        ("give", give),
        ("listen", listen),
    ),
}
FETCHING = ("count", "pull", "recheck", "settle")
"""Phases that read the orders that a channel lists."""
LEARNING = ("count", "products", "match")
"""Phases that read what it sells, and what is asked only because that comes first."""
BOOKING_KINDS = ("sync", "auto", "retry")
"""Jobs that book what was queued, by whomever."""
SLICE_SECONDS = 1
"""How long a job may go on while others wait."""
LONGEST_SLICE_SECONDS = 300
MAX_ATTEMPTS = 8
_PASSING = ("08", "25", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE: connection, transaction state, rollback, resources, object in use, operator, system."""
_DEEDS = (
    "listed",
    "reread",
    "booked",
    "written",
    "moved",
    "given",
    "products",
    "products_touched",
    "announced",
    "products_announced",
)
_TROUBLES = (
    "short",
    "unreadable",
    "unsent",
    "conflicts",
    "rejected",
    "moves_unsent",
    "moves_refused",
    "gives_unsent",
    "gives_refused",
    "products_short",
    "products_unreadable",
)


def run(store_id: int, job_id: int) -> None:
    """What a worker does when the bell rings. Safe to call twice, late, or for a job that is gone."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context():
        act_as(Actor(job_id=str(job_id)))
        with store_scope(store_id):
            held = lease.claim(job_id)
        if held is None:
            return
        _tell(held)
        with lease.renewing(app, held):
            try:
                _work(held)
            except LeaseLostError:
                log.warning("job %s of store %s was taken over or ended by somebody else", job_id, store_id)
        _tell(held)
        wake_channel(store_id, held.channel_id)


def _work(held: Run) -> None:
    try:
        with store_scope(held.store_id):
            channel = db.session.get_one(Channel, (held.store_id, held.channel_id))
            if channel.status != "connected":
                raise _paused()
            is_first = channel.checked_at is None and (channel.takes_orders or not was_refreshed(channel.id))
            use = use_of(held.kind, is_first=is_first)
            connector = open_connector(channel, use=use)
            held.tells = counter_of(channel)
            held.moves_stock = channel.stock_location_id is not None
            phases = phases_of(held.kind, connector, channel)
        try:
            _go_through(held, connector, phases)
        finally:
            connector.close()
    except ChannelError as error:
        _react(held, error)
    except DBAPIError as error:
        if not _passes(error):
            _blame_ourselves(held)
        else:
            log.exception("job %s of store %s met a database error; its lease runs out", held.job_id, held.store_id)
    except LeaseLostError:
        raise
    except Exception:
        _blame_ourselves(held)


def _paused() -> Misconfigured:
    return Misconfigured(_("The channel is paused. Resume it, then try again."), code="CHANNEL_PAUSED")


def _passes(error: DBAPIError) -> bool:
    """Whether the same work may go well next time: a lost connection, a deadlock, a full or stopped server.

    What the database refuses for good, such as a value that it cannot hold, would be tried for ever.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, (OperationalError, InterfaceError))
    return state[:2] in _PASSING


def _go_through(held: Run, connector: Connector, phases: list[tuple[str, Phase]]) -> None:
    """Each phase from where the job stands, until it is finished, cancelled, or has to let others pass."""
    names = [name for name, _phase in phases]
    began = time.monotonic()
    at = _resumed_at(held, names)
    while True:
        if at == len(phases):
            again = _finish(held)
            if not again:
                return
            at = names.index(again)
            for name in names[at:]:
                held.cursor.pop(name, None)
        held.phase, work = phases[at]
        steps = work(held, connector)
        try:
            for _step in steps:
                _tell(held)
                if held.cancelled:
                    steps.close()  # type: ignore[attr-defined]  # what is on its way is recorded before the job ends
                    _cancel(held)
                    return
                if held.paused:
                    raise _paused()
                if _must_stop(held, time.monotonic() - began):
                    steps.close()  # type: ignore[attr-defined]
                    _let_pass(held)
                    return
        finally:
            steps.close()  # type: ignore[attr-defined]
        at += 1


def phases_of(kind: str, connector: Connector, channel: Channel) -> list[tuple[str, Phase]]:
    """What a job of the kind does: nothing is fetched from a channel whose orders are made here, nor what a person
    said is not to be taken from it."""
    reads_orders = channel.takes_orders and Capability.ORDERS in connector.capabilities
    left_out = {*(() if reads_orders else FETCHING), *(() if channel.takes_products else LEARNING)}
    return [(name, phase) for name, phase in PHASES[kind] if name not in left_out]


def _resumed_at(held: Run, names: list[str]) -> int:
    """Which of the phases comes first: the one that the job stands in, or the next where that was switched off."""
    if not held.phase:
        return 0
    before = [name for name, _phase in PHASES[held.kind]]
    passed = before[: before.index(held.phase)]
    return sum(name in passed for name in names)


def _must_stop(held: Run, seconds: float) -> bool:
    if held.must_pass or seconds > LONGEST_SLICE_SECONDS:
        return True
    return seconds > SLICE_SECONDS and queue.somebody_waits(_redis_url())


def _let_pass(held: Run) -> None:
    """Give the job back; `run` rings for whichever job of the channel is next, at the end of the queue."""
    with store_scope(held.store_id):
        lease.put_back(held)
        db.session.commit()


def _finish(held: Run) -> str:
    """End the job, unless somebody pressed for more orders meanwhile: the phase to go on with then, else "".

    Pressing takes the same lock on the channel: it either sees this job end and makes a new one, or its orders are
    seen here.
    """
    with store_scope(held.store_id):
        lock_channel(held.channel_id)
        if held.kind == "retry" and has_wanted_orders(held.channel_id):
            return "reread"
        if held.kind in BOOKING_KINDS and has_queued_orders(held.channel_id):
            return "book"
        if held.kind == "mend" and has_asked(held.channel_id):
            return "mend"
        if held.kind == "announced" and has_announced(held.channel_id):
            return "announced"
        if held.kind == "stock" and has_servable(held.channel_id):
            return "reserve"
        if held.kind == REFRESH:
            refreshed(held.channel_id)
        troubled = any(held.counts.get(name) for name in _TROUBLES)
        lease.end(held, JobState.PARTLY if troubled else JobState.SUCCEEDED)
        db.session.commit()
    return ""


def _cancel(held: Run) -> None:
    """End the job and take back what it did not book; under the same lock, so that no press slips in between.

    What was pressed after *Cancel* is wanted, and gets a job of its own.
    """
    with store_scope(held.store_id):
        lock_channel(held.channel_id)
        if held.kind == "retry":
            forget_wanted(held.channel_id)
        if held.kind in BOOKING_KINDS and not (held.kind == "retry" and books_beside(held)):
            pressed_before = lease.cancelled_at(held)
            held.count(unqueued=unqueue_orders(held.channel_id, None, pressed_before=pressed_before))
        lease.end(held, JobState.CANCELLED)
        start_for_queued(held.channel_id)
        db.session.commit()


def _react(held: Run, error: ChannelError) -> None:
    """What happens next, by the kind of error (architecture: errors are named by it)."""
    log.info("job %s of store %s: %s", held.job_id, held.store_id, error)
    now = datetime.now(UTC)
    attempts = held.attempts + 1
    match error:
        case RateLimited():
            _come_back(held, error, retry_at(now, error.retry_after), held.attempts)
        case Unavailable() | NotThisSystem() if attempts < MAX_ATTEMPTS:
            # It was that system when it was connected: what answers in its place now may be gone in a minute.
            _come_back(held, error, retry_at(now, backoff_seconds(attempts)), attempts)
        case AuthRejected() if attempts < 2:
            _come_back(held, error, retry_at(now, backoff_seconds(attempts)), attempts)
        case AuthRejected():
            _stop(held, error)
            with store_scope(held.store_id):
                pause_by_error(held.channel_id, error.code)
        case _:
            _stop(held, error)


def _come_back(held: Run, error: ChannelError, not_before: datetime, attempts: int) -> None:
    with store_scope(held.store_id):
        detail = {**_told(error), "next_try_at": not_before.isoformat()}
        lease.put_back(held, not_before=not_before, problem=error.code, detail=detail, attempts=attempts)
        write_journal([JournalNote("job_waits", held.channel_id, None, detail)], job_id=held.job_id)
        db.session.commit()


def _stop(held: Run, error: ChannelError) -> None:
    did_something = any(held.counts.get(name) for name in _DEEDS)
    with store_scope(held.store_id):
        state = JobState.PARTLY if did_something else JobState.FAILED
        lease.end(held, state, problem=error.code, detail=_told(error))
        write_journal([JournalNote("job_stopped", held.channel_id, None, _told(error))], job_id=held.job_id)
        db.session.commit()


def _blame_ourselves(held: Run) -> None:
    reference = uuid4().hex[:8]
    log.exception("job %s of store %s failed, reference %s", held.job_id, held.store_id, reference)
    with store_scope(held.store_id):
        detail = {"message": _("Our mistake. It is in our log under this reference."), "reference": reference}
        lease.end(held, JobState.FAILED, problem="INTERNAL", detail=detail)
        write_journal([JournalNote("job_stopped", held.channel_id, None, detail)], job_id=held.job_id)
        db.session.commit()


def _told(error: ChannelError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.user_message,
        "reference": error.reference,
        "detail": error.detail[:2000],
    }


def _tell(held: Run) -> None:
    stock = ("stock",) if held.moves_stock else ()
    nudge(held.store_id, f"job-{held.job_id}", "jobs", "orders", f"channel-{held.channel_id}", *stock)


def _redis_url() -> str:
    return str(current_app.extensions["settings"].redis_url)
