"""(h) Memory: what a real worker's child holds at most while it reads, books and writes back, few orders or many."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.config import Settings
from app.embedded.folder import PROJECT
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Seller

LOOK_EVERY = 0.05
LIMIT_MB = 150.0
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def worker_memory(bench: Bench, orders: int) -> Result:
    """The highest resident size that any child of the worker had, in MB."""
    seller = bench.house.seller(orders, paid_only=True)
    settings = bench.house.main.settings
    peaks, alone = peaks_while(settings, seller, seller.press_check, seller.press_sync)
    booked = seller.one("select count(*) from invoices")
    assert booked == orders, f"{booked} of {orders} orders were booked"
    seller.shop.close()
    return Result(max(peaks), LIMIT_MB, "MB", f"the worker itself {alone:.0f} MB, most of it the same pages")


def peaks_while(settings: Settings, seller: Seller, *presses: Callable[[], int]) -> tuple[list[float], float]:
    """What the children of a worker held at most while it did these jobs, one after the other, and what it holds."""
    peaks: list[float] = []
    with _worker(settings) as worker:
        for press in presses:
            job = press()
            while seller.one("select state from sync_jobs where id = :id", id=job) in ("queued", "running"):
                peaks += _peaks_of_children(worker.pid)
                time.sleep(LOOK_EVERY)
        return peaks, _peak(worker.pid)


@contextmanager
def _worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`worker.py work` as a supervisor starts it."""
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "CREDENTIAL_KEYS": ",".join(settings.credential_keys),
        "BASE_URL": settings.base_url,
        "MAIL_URL": settings.mail_url,
        "ALLOW_SANDBOXES": "1",
    }
    command = [sys.executable, "worker.py", "work"]
    with subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **told}, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def _peaks_of_children(pid: int) -> list[float]:
    """What each of its children has held at most so far."""
    found = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(OSError):
                found.append(_peak(int(child)))
    return found


def _peak(pid: int) -> float:
    match = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


def _small(bench: Bench) -> Result:
    return worker_memory(bench, bench.size(1_000, 100))


def _large(bench: Bench) -> Result:
    return worker_memory(bench, bench.size(50_000, 300))


MEASURES = (
    Measure("h1 a worker's memory, 1,000 orders", Bar(1.0, at_most=True), _small),
    Measure("h2 a worker's memory, 50,000 orders", Bar(1.0, at_most=True), _large),
)
