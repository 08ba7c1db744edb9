"""The moments at which a worker dies: for each phase of a job, a way to bring it there and to hold it there.

Each is a context manager: inside its block the job of the merchant stands in the middle of the phase, and stays
there. Calls to the channel are held by the sandbox's faults, booking by a lock on the counter of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from tests.crash.merchant import WINDOWS, Merchant

HOLD = 25_000  # milliseconds; less than the connector's patience, more than any test needs
REACH_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment. `checked`: whether the orders must have been brought in before."""

    hold: Callable[[Merchant], AbstractContextManager[None]]
    checked: bool


@contextmanager
def counting(merchant: Merchant, ms: int = HOLD) -> Iterator[None]:
    """Asking how many orders there are, before anything is known."""
    merchant.shop.fault("slow", route="list", ms=ms, times=1, skip=3)
    merchant.press_check()
    wait_until_held(merchant, "slow")
    yield


@contextmanager
def listing(merchant: Merchant) -> Iterator[None]:
    """Reading a page of the list, after some pages."""
    places = len(merchant.shop.steer("GET", "stats")["channels"])
    merchant.shop.fault("slow", route="list", ms=HOLD, times=1, skip=places * WINDOWS + 6)
    merchant.press_check()
    wait_until_held(merchant, "slow")
    yield


@contextmanager
def reading_details(merchant: Merchant, ms: int = HOLD) -> Iterator[None]:
    """Reading the details of a page, after some pages."""
    merchant.shop.fault("slow", route="detail", ms=ms, times=1, skip=5)
    merchant.press_check()
    wait_until_held(merchant, "slow")
    yield


@contextmanager
def rechecking(merchant: Merchant) -> Iterator[None]:
    """Looking again at what is open and old, as Auto Sync does."""
    merchant.shop.fault("slow", route="detail", ms=HOLD, times=1, skip=1)
    merchant.press_sync_now()
    wait_until_held(merchant, "slow")
    assert merchant.job().phase == "recheck", merchant.job()
    yield


@contextmanager
def booking(merchant: Merchant) -> Iterator[None]:
    """Booking a batch, in the middle of its transaction, orders and invoices locked."""
    waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%%number_series%%'"
    with merchant.house.connect() as connection, connection.transaction():
        connection.execute(b"select 1 from number_series where store_id = %s for update", (merchant.store_id,))
        merchant.press_sync()
        merchant.house.until(lambda: bool(merchant.house.query(waits)), REACH_WITHIN, "a batch waits for numbers")
        yield


@contextmanager
def sending(merchant: Merchant) -> Iterator[None]:
    """Sending numbers that never arrive."""
    merchant.shop.fault("timeout", route="write", seconds=HOLD // 1000, times=1, skip=1)
    merchant.press_sync()
    wait_until_held(merchant, "timeout")
    yield


@contextmanager
def sent(merchant: Merchant, ms: int = HOLD) -> Iterator[None]:
    """Sending numbers that arrive, but only once nobody waits for the answer any more."""
    merchant.shop.fault("slow", route="write", ms=ms, times=1, skip=1)
    merchant.press_sync()
    wait_until_held(merchant, "slow")
    yield


@contextmanager
def written(merchant: Merchant) -> Iterator[None]:
    """Looking up a write that took effect, except for one number; nothing of it is recorded."""
    merchant.shop.fault("row_write_failure", row=1, times=1, skip=1)
    merchant.shop.fault("slow", route="detail", ms=HOLD, times=1, skip=2)
    merchant.press_sync()
    wait_until_held(merchant, "slow")
    assert len(merchant.shop.writes()) > 100, "a batch and some of the next took effect"
    yield


def anywhere(seed: int) -> Moment:
    """Wherever the job of a sync is after a number of steps that the seed chooses; nothing holds it there."""
    luck = Random(seed)
    phase, steps = luck.choice(["book", "send"]), luck.randrange(110)

    @contextmanager
    def hold(merchant: Merchant) -> Iterator[None]:
        merchant.press_sync()
        wait_for_progress(merchant, phase, steps)
        yield

    return Moment(hold, checked=True)


MOMENTS: Mapping[str, Moment] = {
    "counting": Moment(counting, checked=False),
    "listing": Moment(listing, checked=False),
    "reading details": Moment(reading_details, checked=False),
    "rechecking": Moment(rechecking, checked=True),
    "booking": Moment(booking, checked=True),
    "sending": Moment(sending, checked=True),
    "sent": Moment(sent, checked=True),
    "written": Moment(written, checked=True),
}


def wait_until_held(merchant: Merchant, fault: str) -> None:
    """Wait until the fault has caught its call."""

    def is_held() -> bool:
        switch = merchant.shop.steer("GET", f"faults/{fault}")["on"]
        return bool(switch["acted"])

    merchant.house.until(is_held, REACH_WITHIN, f"{merchant.name} meets {fault}: {merchant.jobs()}", every=0.02)


def wait_for_progress(merchant: Merchant, phase: str, steps: int) -> None:
    """Wait until the newest job is so far, or further; asked on one connection, to be quick."""
    order = ["", "book", "send"]
    sql = b"select phase, done, state from sync_jobs where store_id = %s order by id desc limit 1"
    with merchant.house.connect() as connection:

        def is_there() -> bool:
            row = connection.execute(sql, (merchant.store_id,)).fetchall()[0]
            here = order.index(row["phase"])
            return (here, row["done"]) >= (order.index(phase), steps) or row["state"] not in ("queued", "running")

        merchant.house.until(is_there, REACH_WITHIN, f"{merchant.name} is in {phase}", every=0.005)
