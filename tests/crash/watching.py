"""Watching whether work goes on after a kill: from which second on a job's row moves again."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from tests.crash.house import Holder, House
from tests.crash.merchant import Merchant
from tests.crash.resident import JOB_ROW, JobRow

WITHIN = 30.0


@dataclass(slots=True)
class Case:
    """A merchant whose work was hit, and after how many seconds it went on."""

    name: str
    merchant: Merchant
    job: JobRow
    hit_at: float
    same_holder_counts: bool
    went_on_after: float | None = None

    def look(self, now: JobRow) -> None:
        """Compare the row. After a worker's death only a new holder counts: what the dead one had sent may arrive."""
        if now.place != self.job.place and (self.same_holder_counts or now.fence > self.job.fence or now.is_over):
            self.went_on_after = time.monotonic() - self.hit_at


class Watch:
    """All cases of a test, looked at while it goes on hitting others."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._open: list[Case] = []

    def hit(self, name: str, merchant: Merchant, *, same_holder_counts: bool = False) -> Case:
        """Note that the work on the merchant's newest job is hit just now; it stands still meanwhile.

        Where it was over before the blow fell, which only a moment without a hold allows, nothing need go on.
        """
        case = Case(name, merchant, merchant.job(), time.monotonic(), same_holder_counts)
        if case.job.is_over:
            case.went_on_after = 0.0
        else:
            self._open.append(case)
        return case

    @property
    def longest_wait(self) -> float:
        """Seconds since the first of those was hit that have not gone on yet."""
        return max((time.monotonic() - case.hit_at for case in self._open), default=0.0)

    def look(self) -> bool:
        """Look at every open case; True when none is left."""
        ids = [case.job.id for case in self._open]
        with suppress(psycopg.OperationalError):
            rows = {row["id"]: JobRow(**row) for row in self._house.query(f"{JOB_ROW} where id = any(%s)", ids)}
            for case in self._open:
                case.look(rows[case.job.id])
        self._open = [case for case in self._open if case.went_on_after is None]
        return not self._open

    def until_all_went_on(self) -> None:
        """Wait until each went on, as long as the last one may take; each says for itself that it did not."""
        with suppress(AssertionError):
            self._house.until(self.look, WITHIN, "every job goes on")


def holder_of(merchant: Merchant, watch: Watch) -> Holder | None:
    """Who works on the merchant's newest job; None when it is over, which only a moment without a hold allows."""
    found: list[Holder] = []

    def is_known() -> bool:
        watch.look()
        job = merchant.job()
        found.extend(filter(None, [merchant.house.holder(merchant.store_id, job.id)]))
        return job.is_over or bool(found)

    merchant.house.until(is_known, 10.0, f"somebody works for {merchant.name}: {merchant.jobs()}")
    return found[-1] if found else None
