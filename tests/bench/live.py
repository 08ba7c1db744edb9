"""(f) From a worker's commit to the changed page in Chromium, while fifty people watch.

A job's page is open in one real browser and, as event streams without a browser, on forty-nine others; each of those
fetches the changed part too when it is told, as its page would. The commits are made as a worker makes them, one after
another: the job's row, the commit, the nudge. They are further apart than the second for which a stream gathers what
comes faster. The time from the commit's return to the browser's own notice of the change is taken on the same clock.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import text

from app.extensions import db
from app.sync.nudge import nudge
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Seller
from tests.bench.site import Site, site
from tests.conftest import CHROMIUM_NAMES, NO_CHROMIUM

VIEWERS: Final = 50
COMMITS: Final = 60
APART: Final = (1.2, 2.0)
LIMIT_MS: Final = 300.0
_WATCH = """job => {
    window.seen = {};
    new MutationObserver(() => {
        const bar = document.querySelector(`#job-${job} progress`);
        if (bar && !(bar.value in window.seen)) window.seen[bar.value] = Date.now();
    }).observe(document.querySelector('main'), {childList: true, subtree: true});
}"""


class Viewers:
    """People without a browser: each holds a stream open and fetches the job's part whenever it is told."""

    def __init__(self, where: Site, slug: str, job_id: int, cookies: list[str]) -> None:
        self._where, self._slug, self._job_id = where, slug, job_id
        self._ends = threading.Event()
        self.fetched = self.open = 0
        self._threads = [threading.Thread(target=self._watch, args=(cookie,), daemon=True) for cookie in cookies]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them go with the next word that they hear."""
        self._ends.set()
        for thread in self._threads:
            thread.join(20)

    def _watch(self, cookie: str) -> None:
        stream = http.client.HTTPConnection("127.0.0.1", self._where.port, timeout=60)
        fetching = http.client.HTTPConnection("127.0.0.1", self._where.port, timeout=60)
        stream.request("GET", f"/{self._slug}/events", headers={"Cookie": cookie})
        answer = stream.getresponse()
        if answer.status != http.client.OK:
            return
        self.open += 1
        while not self._ends.is_set() and (line := answer.readline()):
            if line == f"event: job-{self._job_id}\n".encode():
                headers = {"Cookie": cookie, "HX-Request": "true"}
                fetching.request("GET", f"/{self._slug}/jobs/{self._job_id}/part", headers=headers)
                fetching.getresponse().read()
                self.fetched += 1
        stream.close()
        fetching.close()


@contextmanager
def tab(where: Site, path: str, cookie: str) -> Iterator[Page]:
    """A page in a real browser in which somebody is signed in."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    assert chromium, NO_CHROMIUM
    name, _, value = cookie.partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": where.running.url}])
        page = context.new_page()
        page.goto(where.running.url + path)
        yield page
        browser.close()


def _delays(bench: Bench) -> Result:
    where = site(bench)
    seller = bench.house.seller(1, on=where.database)
    job_id = _standing_job(seller)
    with tab(where, f"/{seller.store.slug}/jobs/{job_id}", where.cookie(seller.store.owner)) as page:
        page.wait_for_selector(f"#job-{job_id} progress")
        page.evaluate(_WATCH, job_id)
        viewers = Viewers(
            where,
            seller.store.slug,
            job_id,
            [where.cookie(seller.store.owner) for _ in range(bench.size(VIEWERS, 3) - 1)],
        )
        time.sleep(2)
        committed = _commits(bench, seller, job_id)
        page.wait_for_timeout(1_500)
        seen = {int(float(value)): at for value, at in page.evaluate("window.seen").items()}
        nudge_ends = viewers.open
        viewers.stop()
    delays = sorted(seen[value] - at for value, at in committed.items() if value in seen)
    missed = len(committed) - len(delays)
    note = (
        f"{len(committed)} commits, {nudge_ends} other streams, which fetched {viewers.fetched:,} parts; "
        f"median {delays[len(delays) // 2]:.0f} ms, longest {delays[-1]:.0f} ms, {missed} not seen"
    )
    _end(seller, job_id)
    p95 = delays[min(len(delays) - 1, int(len(committed) * 0.95))] if not missed else float("inf")
    return Result(p95, LIMIT_MS, "ms", note)


def _standing_job(seller: Seller) -> int:
    """A job that is held by nobody else than this process: its lease ends after we do."""
    with seller.app.app_context(), seller.scope():
        job = text(
            "insert into sync_jobs (store_id, channel_id, kind, state, phase, done, total, requested_at, started_at, "
            "phase_started_at, lease_until) values (:store, :channel, 'check', 'running', 'pull', 1, 1000, now(), "
            "now(), now(), now() + interval '1 hour') returning id"
        )
        job_id: int = db.session.execute(job, {"store": seller.store.id, "channel": seller.channel_id}).scalar_one()
        db.session.commit()
    return job_id


def _commits(bench: Bench, seller: Seller, job_id: int) -> dict[int, float]:
    """Commit progress now and then; returns when (in milliseconds of the clock) each value was there to be seen."""
    chance, committed = random.Random(11), {}
    for value in range(2, bench.size(COMMITS, 3) + 2):
        time.sleep(chance.uniform(*APART))
        with seller.app.app_context(), seller.scope():
            db.session.execute(text("update sync_jobs set done = :done where id = :id"), {"done": value, "id": job_id})
            db.session.commit()
            committed[value] = time.time() * 1000
            nudge(seller.store.id, f"job-{job_id}")
    return committed


def _end(seller: Seller, job_id: int) -> None:
    with seller.app.app_context(), seller.scope():
        db.session.execute(text("update sync_jobs set state = 'cancelled' where id = :id"), {"id": job_id})
        db.session.commit()


MEASURES: Final = (Measure("f p95 from a commit to Chromium, 50 viewers", Bar(1.0, at_most=True), _delays),)
