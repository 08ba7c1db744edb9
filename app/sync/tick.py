"""The tick: once a second it looks for due and stale work in the database and rings for it.

It decides nothing and keeps nothing, so it may be killed at any time, and two of them do no harm.
"""

from __future__ import annotations

import itertools
import logging
import signal
import threading
from collections.abc import Callable

from flask import Flask, current_app
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import func

from app.accounts.sessions import forget_old
from app.completeness.services import start_nightly
from app.extensions import db
from app.hooks.sending import ring_for as ring_for_endpoint
from app.links.following import follow_due
from app.links.settling import settle_due
from app.notices.clock import ring_for as ring_for_people
from app.notices.forgetting import forget_old_told
from app.sync import queue
from app.sync.inbox import forget_old_deliveries
from app.sync.models import Heartbeat
from app.sync.moving import give_up_moves
from app.sync.nudge import nudge
from app.sync.refreshing import start_refresh
from app.sync.services import (
    ChannelNotReadyError,
    start_announced,
    start_auto_sync,
    start_check,
    start_stock,
    start_write_back,
)
from app.sync.waking import wake
from app.tenancy import doors
from app.tenancy.scope import store_scope

log = logging.getLogger(__name__)
NAME = "tick"
EVERY_SECONDS = 1.0
RING_AGAIN_SECONDS = 10
"""A job that nobody took after this long is rung for again: the queue server may have lost the bell."""
_AT_MOST = 200
_FORGET_EVERY = 3600


def tick_for_ever(app: Flask) -> None:
    """Tick until SIGTERM or SIGINT. A database that is away is waited for."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for second in itertools.count():
        if stop.is_set():
            return
        try:
            with app.app_context():
                tick_once()
                if second % _FORGET_EVERY == 0:
                    forget_old()
                    forget_old_deliveries()
                    forget_old_told()
        except SQLAlchemyError as error:
            log.warning("tick: the database does not answer (%s)", type(error).__name__)
        stop.wait(EVERY_SECONDS)


def tick_once() -> None:
    """One round: say that we live, start due Auto Syncs, refreshes, verifications and unsent changes, ring for waiting
    and abandoned jobs, for people and endpoints that are to be told something, and settle the links between stores."""
    _beat()
    _start_by_the_clock(doors.due_channels, start_auto_sync)
    _start_by_the_clock(doors.due_refreshes, start_refresh)
    _start_by_the_clock(doors.due_verifications, start_nightly)
    settled = settle_due(_AT_MOST)
    follow_due(_AT_MOST, begun=start_check, ended=give_up_moves)
    for store_id in itertools.chain.from_iterable(settled):  # once their channels stand as the links do
        nudge(store_id, "links")
    _start_what_waits()
    for store_id in doors.due_notices(_AT_MOST, RING_AGAIN_SECONDS):
        ring_for_people(store_id)
    for store_id, endpoint_id in doors.due_endpoints(_AT_MOST, RING_AGAIN_SECONDS):
        ring_for_endpoint(store_id, endpoint_id)
    # Where many wait, their bells stand in the queue already; after it was emptied it is short.
    room = _AT_MOST - queue.bells_waiting(current_app.extensions["settings"].redis_url)
    for store_id, job_id in doors.due_jobs(max(room, 0), RING_AGAIN_SECONDS):
        wake(store_id, job_id)
    db.session.remove()


def _start_by_the_clock(due: Callable[[int], list[tuple[int, int]]], start: Callable[[int], object]) -> None:
    """Start what is due of each channel; one that was paused at this moment has its turn when it goes on."""
    for store_id, channel_id in due(_AT_MOST):
        with store_scope(store_id):
            try:
                start(channel_id)
            except ChannelNotReadyError:
                db.session.rollback()


def _start_what_waits() -> None:
    """Jobs for what is to be sent, for calls that nobody could be rung for, and for what changed in linked stores."""
    for store_id, channel_id in doors.due_changes(_AT_MOST):
        with store_scope(store_id):
            start_write_back(channel_id, None)
    for store_id, channel_id in (*doors.due_announcements(_AT_MOST), *doors.due_news(_AT_MOST)):
        with store_scope(store_id):
            start_announced(channel_id)
    for store_id, channel_id in doors.due_stock(_AT_MOST):
        with store_scope(store_id):
            start_stock(channel_id)


def _beat() -> None:
    statement = insert(Heartbeat).values(name=NAME, beat_at=func.now())
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"beat_at": statement.excluded.beat_at})
    )
    db.session.commit()
