"""After a run: nothing is held or broken any more, and people press what they would press until all is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import requests

from app.embedded.processes import wait_until
from tests.crash.buttons import open_books, rules
from tests.crash.family import Family
from tests.crash.house import House
from tests.crash.kin_settling import Restless, settle_family
from tests.crash.people import PATIENCE, People

READY_WITHIN = 60.0
QUIET_WITHIN = 120.0
NUDGE_EVERY = 3.0  # people do not press faster, and the site would not let them
BOOK_ALL = rules(unmapped_gateway="cash", unlinked_items="book", auto_delivery_order="none")
PAUSED = "select 1 from channels where store_id = %s and status <> 'connected'"
WAITING = "select id from sync_jobs where store_id = %s and state = 'queued' and not_before > now()"
DELAYED = """select id from changes c where store_id = %s and state = 'planned' and not_before > now()
             and not exists (select from sync_jobs j where j.store_id = c.store_id and j.channel_id = c.channel_id
                             and j.state in ('queued', 'running'))"""
MENDABLE = "select id from changes where store_id = %s and state = 'blocked' and reason <> 'FOREIGN_NUMBER'"


@dataclass(frozen=True, slots=True)
class Unquiet(Exception):
    """It did not come to an end in time."""

    words: str


def settle(
    house: House, everybody: Sequence[People], family: Family, alongside: Callable[[], None] = lambda: None
) -> bool:
    """Heal the channel, wait until all is quiet, check, book what is ready, look once more at what stands there, and
    let the site itself hold its books against the channel. Meanwhile the family's stores come to agree, and whatever
    else settles `alongside`.

    Returns whether PostgreSQL had to be restarted by hand: killed while its disk was full, it may stand still in its
    own recovery for ever, as a server would on which nobody looks. Raises Unquiet when something else neither ends
    nor goes on.
    """
    by_hand = _on_its_feet(house, everybody)
    with ThreadPoolExecutor(2) as pool:
        agreed = [pool.submit(settle_family, family), pool.submit(alongside)]
        _settle_channels(house, everybody)
        try:
            for one in agreed:
                one.result()
        except Restless as problem:
            raise Unquiet(str(problem)) from problem
    return by_hand


def _settle_channels(house: House, everybody: Sequence[People]) -> None:
    _until_quiet(house, everybody)
    for people in everybody:
        while (push := open_books(people, 0)) is not None:
            people.press(push.path, push.form)
        push = BOOK_ALL(people, 0)
        assert push is not None
        people.press(push.path, push.form)
        people.press_check()
    _until_quiet(house, everybody)
    for people in everybody:
        people.press_sync()
        for change in people.rows(MENDABLE):
            people.press(f"/{people.slug}/changes/{change['id']}/retry")
    _until_quiet(house, everybody)
    for people in everybody:
        people.press_check()
    _until_quiet(house, everybody)
    for people in everybody:
        people.press(f"{people.channel}/verify")
    _until_quiet(house, everybody)


def _on_its_feet(house: House, everybody: Sequence[People]) -> bool:
    """Wait until the channels answer and every part is there; whether PostgreSQL had to be restarted."""
    if not wait_until(lambda: all(map(_heal, everybody)), READY_WITHIN, 0.5):
        raise Unquiet("the channel does not answer")
    by_hand = not wait_until(house.answers_queries, READY_WITHIN / 2, 0.5)
    if by_hand:
        house.kill("postgres")
    if not wait_until(house.is_ready, READY_WITHIN, 0.5):
        raise Unquiet(f"the parts are not there again: {_readiness(house)}\n{house.last_words()}")
    house.until(lambda: bool(house.query("select 1")), READY_WITHIN, "we are let in again")
    return by_hand


def _readiness(house: House) -> str:
    """What the site says of its parts."""
    try:
        return requests.get(f"{house.url}/readyz", timeout=PATIENCE).text
    except requests.RequestException as problem:
        return f"{type(problem).__name__}, no answer"


def _heal(people: People) -> bool:
    """Whether all faults of the shop are off now."""
    try:
        people.shop.steer("DELETE", "faults")
    except (requests.RequestException, AssertionError):
        return False
    return True


def _until_quiet(house: House, everybody: Sequence[People]) -> None:
    """Wait until nothing waits, runs or is to be sent, pressing *Resume* and *Try now* meanwhile."""
    deadline = time.monotonic() + QUIET_WITHIN
    nudged_at = 0.0
    while True:
        try:
            if all(people.is_idle() and not people.rows(PAUSED) for people in everybody):
                return
            if time.monotonic() > nudged_at + NUDGE_EVERY:
                nudged_at = time.monotonic()
                for people in everybody:
                    _nudge(people)
        except psycopg.OperationalError:
            pass
        if time.monotonic() > deadline:
            jobs = [job for people in everybody for job in people.jobs() if not job.is_over]
            raise Unquiet(f"not quiet after {QUIET_WITHIN:.0f} s: {jobs}\n{house.last_words()}")
        time.sleep(0.2)


def _nudge(people: People) -> None:
    """What people press when nothing moves: the channel goes on, and what waits is tried at once."""
    if people.rows(PAUSED):
        people.press(f"{people.channel}/resume")
    for job in people.rows(WAITING):
        people.press(f"/{people.slug}/jobs/{job['id']}/retry")
    for change in people.rows(DELAYED)[:1]:
        people.press(f"/{people.slug}/changes/{change['id']}/retry")
