"""Jobs run in the test's own process, as a worker runs them."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from app.extensions import db
from app.sync import jobs
from app.tenancy.scope import store_scope

_DUE = text(
    "select id from sync_jobs where (state = 'queued' and coalesce(not_before, now()) <= now()) "
    "or (state = 'running' and lease_until < now()) order by state desc, id"
)
_STATES = text("select state from sync_jobs order by id")
_MOST_ROUNDS = 100


def ring(app: Flask, store_id: int, job_id: int) -> None:
    """What a worker does when the bell rings for this job once; it may let others pass before it is done."""
    with app.app_context():
        jobs.run(store_id, job_id)


def work_off(app: Flask, store_id: int) -> list[str]:
    """Run every job of the store that is due or abandoned, as often as it comes back; the states of all its jobs.

    How much of a job is done at one ring depends on how fast the machine is, so no test may count on one.
    """
    for _round in range(_MOST_ROUNDS):
        with app.app_context(), store_scope(store_id):
            due = db.session.scalars(_DUE).all()
            if not due:
                return list(db.session.scalars(_STATES))
        for job_id in due:
            ring(app, store_id, job_id)
    raise AssertionError("the jobs never end")
