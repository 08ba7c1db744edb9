"""A worker that stands still for longer than its lease and wakes up late: its work was taken over, and it knows."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.crash import moments
from tests.crash.house import Holder, House
from tests.crash.merchant import Merchant, finish, move_in
from tests.crash.watching import Case, Watch, holder_of
from tests.setup.test_demo import alive

pytestmark = pytest.mark.processes

SHORT = 3_000  # milliseconds: the channel answers while the worker sleeps


@contextmanager
def about_to_send(merchant: Merchant) -> Iterator[None]:
    """Reading what stands on the orders, just before writing to them."""
    merchant.shop.fault("slow", route="detail", ms=SHORT, times=1, skip=1)
    merchant.press_sync()
    moments.wait_until_held(merchant, "slow")
    yield


MOMENTS: Mapping[str, tuple[Callable[[Merchant], AbstractContextManager[None]], bool]] = {
    "reading details": (partial(moments.reading_details, ms=SHORT), False),
    "booking": (moments.booking, True),
    "about to send": (about_to_send, True),
    "sent": (partial(moments.sent, ms=SHORT), True),
}


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A worker that was stopped, the case that came of it, and what stood in the books when it woke up."""

    case: Case
    holder: Holder
    before: list[dict[str, Any]]


@pytest.fixture(scope="module")
def woken(house: House, new_merchant: Callable[[str], Merchant]) -> Iterator[tuple[Mapping[str, Sleeper], Path]]:
    """Every moment of MOMENTS slept through and woken up from, and the log of the workers that came for this test."""
    merchants = {name: new_merchant(f"sleep{number}") for number, name in enumerate(MOMENTS)}
    move_in(merchants.values(), [merchants[name] for name, (_hold, checked) in MOMENTS.items() if checked])
    with house.more_workers(len(MOMENTS) - 1) as log:  # one of all must stay awake
        watch = Watch(house)
        asleep = {name: fall_asleep(watch, name, merchants[name]) for name in MOMENTS}
        try:
            watch.until_all_went_on()
            for merchant in merchants.values():
                merchant.wait_until_idle()
            sleepers = {name: Sleeper(case, holder, books(case.merchant)) for name, (case, holder) in asleep.items()}
        finally:
            for _case, holder in asleep.values():
                holder.send(signal.SIGCONT)
        late = {sleeper.holder.child for sleeper in sleepers.values()}
        house.until(lambda: not alive(late), 20.0, "the late workers give up")
        yield sleepers, log


def fall_asleep(watch: Watch, name: str, merchant: Merchant) -> tuple[Case, Holder]:
    """Bring the moment about and stop whoever works."""
    hold, _checked = MOMENTS[name]
    with hold(merchant):
        holder = holder_of(merchant, watch)
        assert holder is not None
        holder.send(signal.SIGSTOP)
        return watch.hit(f"the worker fell asleep {name}", merchant), holder


def books(merchant: Merchant) -> list[dict[str, Any]]:
    """Every row that a worker of the merchant might touch, with the transaction that wrote it."""
    tables = ("orders", "order_lines", "seen_orders", "invoices", "changes", "journal", "sync_jobs", "checkpoints")
    return [
        {"table": table, **row}
        for table in tables
        for row in merchant.rows(f"select xmin::text, t::text from {table} t where store_id = %s order by t::text")
    ]


@pytest.mark.parametrize("name", MOMENTS)
def test_a_late_worker_can_commit_nothing(
    house: House,
    woken: tuple[Mapping[str, Sleeper], Path],
    note_time: Callable[[Case], None],
    name: str,
) -> None:
    sleepers, log = woken
    sleeper = sleepers[name]
    case, merchant = sleeper.case, sleeper.case.merchant
    note_time(case)
    assert books(merchant) == sleeper.before
    said = house.worker_log() + log.read_text()
    assert re.search(rf"job {case.job.id} of store {merchant.store_id} (was taken over|met a database error)", said)
    finish([merchant])
    assert merchant.audit(each_written_once=name != "about to send") == []
