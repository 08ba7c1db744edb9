"""Kill -9 of every part while a job writes to the channel: the supervisor starts it again, and work goes on.

The job mostly stands in the middle of a write, so that its effect happens while nobody can record it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial

import psycopg
import pytest

from tests.crash.house import House
from tests.crash.merchant import Merchant, move_in
from tests.crash.moments import booking, sent
from tests.crash.watching import Case, Watch
from tests.setup.test_demo import PARTS

pytestmark = pytest.mark.processes

HELD = 1_500  # milliseconds that the channel takes over the write
READY_WITHIN = 30.0
Hold = Callable[[Merchant], AbstractContextManager[None]]
while_writing: Hold = partial(sent, ms=HELD)
DEATHS: Mapping[str, tuple[Collection[str], Hold]] = {
    **{part: ((part,), while_writing) for part in PARTS if part != "worker"},  # workers die in their own tests
    "postgres in a transaction": (("postgres",), booking),
    "everything": (tuple(PARTS), while_writing),
}


@pytest.fixture(scope="module")
def busy(new_merchant: Callable[[str], Merchant]) -> Mapping[str, Merchant]:
    """A merchant with orders to book for each death, and one for the queue that forgets."""
    merchants = {name: new_merchant(f"outage-{name.replace(' ', '-')}") for name in (*DEATHS, "forgetting")}
    move_in(merchants.values(), merchants.values())
    return merchants


@pytest.mark.parametrize("what", DEATHS)
def test_work_goes_on_after_the_death_of(
    house: House, busy: Mapping[str, Merchant], note_time: Callable[[Case], None], what: str
) -> None:
    merchant, watch = busy[what], Watch(house)
    parts, hold = DEATHS[what]
    with suppress(psycopg.OperationalError), hold(merchant):  # the lock that holds a booking dies with PostgreSQL
        case = watch.hit(f"{what} died", merchant, same_holder_counts=True)
        for part in parts:
            house.kill(part)
    watch.until_all_went_on()
    note_time(case)
    house.until(house.is_ready, READY_WITHIN, "everything is there again")
    merchant.wait_until_idle()
    assert merchant.audit() == []


def test_a_press_while_the_pages_are_dead_is_answered_by_their_successors(
    house: House, busy: Mapping[str, Merchant]
) -> None:
    house.kill("web", with_children=True)
    busy["web"].press_check()
    busy["web"].wait_until_idle()
    assert busy["web"].audit() == []


def test_work_goes_on_when_the_queue_has_forgotten_everything(
    house: House, busy: Mapping[str, Merchant], note_time: Callable[[Case], None]
) -> None:
    merchant, watch = busy["forgetting"], Watch(house)
    house.kill("worker")
    merchant.press_sync()
    case = watch.hit("the queue forgot everything", merchant)
    house.forget_queue()
    watch.until_all_went_on()
    note_time(case)
    merchant.wait_until_idle()
    assert merchant.audit() == []


def test_workers_make_themselves_known_again_to_a_queue_that_was_emptied(house: House) -> None:
    house.until(house.is_ready, READY_WITHIN, "everything is there")
    house.forget_queue()
    house.until(house.is_ready, READY_WITHIN, "the workers are known again")
