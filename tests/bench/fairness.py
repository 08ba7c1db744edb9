"""(g) A small store asks for its orders while big stores keep every worker busy: how long until its job starts.

As many big stores as there are workers pull shops that are far from read when the last small job is over. A small
store asks again and again, at moments that have nothing to do with the big jobs' slices.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from app.embedded.processes import wait_until
from app.sync.services import NoSuchJobError, cancel_job
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Database, Seller
from tests.bench.site import site

BIG: Final = 2
BIG_ORDERS: Final = 100_000
ASKED: Final = 12
LIMIT_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 60.0


def _waits(bench: Bench) -> Result:
    """The longest of several waits, in seconds."""
    where = site(bench)
    big = [bench.house.seller(bench.size(BIG_ORDERS, 3_000), on=where.database) for _ in range(BIG)]
    small = bench.house.seller(1, on=where.database)
    jobs = [seller.press_check() for seller in big]
    _until(lambda: all(_state(where.database, job) == "running" for job in jobs), "the big jobs run")
    chance, waits = random.Random(7), []
    for _number in range(bench.size(ASKED, 2)):
        time.sleep(chance.uniform(0.3, 1.5))
        waits.append(_wait_of(where.database, small))
    still = [_state(where.database, job) in {"running", "queued"} for job in jobs]
    assert bench.quick or all(still), "the big jobs ended too early to prove anything"
    for seller, job in zip(big, jobs, strict=True):
        _cancel(seller, job)
    _until(lambda: all(_state(where.database, job) not in {"running", "queued"} for job in jobs), "the big jobs end")
    middle = sorted(waits)[len(waits) // 2]
    note = f"{len(waits)} times beside {BIG} stores that pull {BIG_ORDERS:,} orders; in the middle {middle:.2f} s"
    return Result(max(waits), LIMIT_SECONDS, "s", note)


def _cancel(seller: Seller, job_id: int) -> None:
    with seller.app.app_context(), seller.scope(), suppress(NoSuchJobError):
        cancel_job(job_id, seller.store.owner.id)


def _wait_of(database: Database, seller: Seller) -> float:
    """Seconds from the press to the moment at which a worker took the job."""
    job_id = seller.press_check()
    _until(lambda: _state(database, job_id) not in {"queued", "running"}, "the small job ends")
    waited = "select extract(epoch from started_at - requested_at) from sync_jobs where id = %(id)s"
    return float(_row(database, waited, job_id)[0])


def _state(database: Database, job_id: int) -> str:
    return str(_row(database, "select state from sync_jobs where id = %(id)s", job_id)[0])


def _row(database: Database, statement: str, job_id: int) -> tuple[Any, ...]:
    with database.admin() as connection:
        row = connection.execute(statement.encode(), {"id": job_id}).fetchone()
    assert row
    return row


def _until(condition: Callable[[], bool], what: str) -> None:
    assert wait_until(condition, _PATIENCE_SECONDS, pause=0.1), f"not in time: {what}"


MEASURES: Final = (Measure("g a small store's job starts", Bar(1.0, at_most=True), _waits),)
