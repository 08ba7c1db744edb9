"""Kill -9 of a worker in the middle of each phase: nothing lost, nothing twice, going on by itself.

Moments are brought about one after the other for as long as no lease has run out, because leases run out side by side.
Then all victims recover before the next ones are hit: a worker that dies with another's bell in its hands would make
that one wait for the next bell.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

import pytest

from app.embedded.processes import wait_until
from app.sync.lease import LEASE_SECONDS
from tests.crash.house import Holder, House
from tests.crash.merchant import Merchant, finish, move_in
from tests.crash.moments import MOMENTS, Moment, anywhere
from tests.crash.watching import Case, Watch, holder_of
from tests.setup.test_demo import alive

pytestmark = pytest.mark.processes

STRIKE_SECONDS = 3  # that bringing a moment about takes, or longer on a machine that has other things to do


def child_alone(holder: Holder) -> None:
    os.kill(holder.child, signal.SIGKILL)


def worker_and_child(holder: Holder) -> None:
    holder.send(signal.SIGKILL)


def worker_alone(holder: Holder) -> None:
    os.kill(holder.worker, signal.SIGKILL)
    assert wait_until(lambda: not alive({holder.child}), 2.0), "the child outlives its worker"


KILLS: Mapping[str, Callable[[Holder], None]] = {
    "child": child_alone,
    "worker": worker_alone,
    "worker and child": worker_and_child,
}
WITHOUT_HOLD = {f"anywhere, seed {seed}": anywhere(seed) for seed in (1, 2)}
DEATHS = (  # mixed, because a worker that was killed takes longer to be there again than one that lost its child
    ("worker and child", "counting"),
    ("child", "listing"),
    ("worker and child", "listing"),
    ("worker", "anywhere, seed 1"),
    ("child", "rechecking"),
    ("worker and child", "reading details"),
    ("child", "booking"),
    ("worker and child", "rechecking"),
    ("worker", "anywhere, seed 2"),
    ("child", "sent"),
    ("worker and child", "booking"),
    ("worker and child", "sent"),
    ("worker and child", "sending"),
    ("worker and child", "written"),
)
CASES: Mapping[str, tuple[Moment, str]] = {
    f"the {who} died {when}": ({**MOMENTS, **WITHOUT_HOLD}[when], who) for who, when in DEATHS
}


@pytest.fixture(scope="module")
def victims(house: House, new_merchant: Callable[[str], Merchant]) -> Mapping[str, Case | Exception]:
    """Every case of CASES, hit and recovered and done: when it went on, or why it could not be brought about."""
    merchants = {name: new_merchant(f"kill{number}") for number, name in enumerate(CASES)}
    move_in(merchants.values(), {merchants[name] for name, (moment, _who) in CASES.items() if moment.checked})
    watch = Watch(house)
    found: dict[str, Case | Exception] = {}
    for name, (moment, who) in CASES.items():
        if watch.longest_wait > LEASE_SECONDS - STRIKE_SECONDS:
            watch.until_all_went_on()
        try:
            found[name] = strike(watch, name, merchants[name], moment, KILLS[who])
        except Exception as problem:  # the others are looked at all the same
            found[name] = problem
    watch.until_all_went_on()
    finish([case.merchant for case in found.values() if isinstance(case, Case)])
    return found


def strike(watch: Watch, name: str, merchant: Merchant, moment: Moment, kill: Callable[[Holder], None]) -> Case:
    """Bring the moment about, kill, and press the button again as people do when nothing moves."""
    with moment.hold(merchant):
        kind = merchant.job().kind
        holder = holder_of(merchant, watch)
        if holder is not None:
            kill(holder)
        case = watch.hit(name, merchant)
    again = {"check": merchant.press_check, "sync": merchant.press_sync, "auto": merchant.press_sync_now}
    again[kind]()
    watch.look()
    return case


@pytest.mark.parametrize("name", CASES)
def test_work_goes_on_and_nothing_is_lost_or_doubled(
    victims: Mapping[str, Case | Exception], note_time: Callable[[Case], None], name: str
) -> None:
    case = victims[name]
    if isinstance(case, Exception):
        raise case
    note_time(case)
    assert case.merchant.audit() == []
