"""(m) What it takes the server to answer with a page, where a store has more than a page of everything.

The pages are found as the walk over all pages finds them, in the application's own map of URLs, and its store is used:
60 rows of each kind with the longest words, 60 gateways that may mean 60 payment methods. An owner asks for each page
in turn, many times over. Counted is the time for which this process and its connections to PostgreSQL computed, which
on an idle machine is what the answer takes; by the clock it is told as well.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
from flask.testing import FlaskClient

from app.core.roles import Role
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import cheap_passwords
from tests.pages.states import State, prepare
from tests.pages.walking import getting, walk_as
from tests.support.factories import signed_in
from tests.support.fixtures import new_client

LIMIT_MS: Final = 50.0
_TURNS: Final = 40
_AT_LEAST: Final = 75
"""So many pages a store has."""
_SLOWEST: Final = 4
"""How many of them the note names."""


@dataclass(slots=True)
class Answers:
    """What a page cost each time it was asked for, in milliseconds."""

    name: str
    url: str
    computed: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    @property
    def p95(self) -> float:
        """What 19 of 20 answers stayed below."""
        return _p95(self.computed)

    def __str__(self) -> str:
        return (
            f"{self.name} {statistics.median(self.computed):.0f}/{self.p95:.0f} (by the clock {_p95(self.waited):.0f})"
        )


def _p95(taken: Sequence[float]) -> float:
    return sorted(taken)[(len(taken) * 19 - 1) // 20]


def _measured(bench: Bench) -> list[Answers]:
    """Every page of the store, the slowest first."""
    database = bench.house.database("answers")
    with cheap_passwords():
        prepared = prepare(database.app, State.MANY)
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("vacuum (analyze)")
        walked = walk_as(database.app, prepared, Role.OWNER, getting(in_store=True)[:: bench.size(1, 8)])
        pages = [Answers(name, page.url) for name, page in walked if page.html and page.status == 200]
        assert len(pages) >= bench.size(_AT_LEAST, 1), "the walk has lost its way"
        browser = signed_in(new_client(database.app), prepared.store.owner)
        for page in pages * bench.size(_TURNS, 1):
            _ask(browser, page, [pid for (pid,) in admin.execute(_BACKENDS)])
    return sorted(pages, key=lambda page: page.p95, reverse=True)


_BACKENDS: Final = """
select pid from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


def _ask(browser: FlaskClient, page: Answers, backends: Sequence[int]) -> None:
    began, computed = time.perf_counter(), _computed(backends)
    answer = browser.get(page.url)
    page.waited.append((time.perf_counter() - began) * 1000)
    page.computed.append((_computed(backends) - computed) * 1000)
    assert answer.status_code == 200, f"{page.url}: {answer.status_code}"


def _computed(backends: Sequence[int]) -> float:
    """For how many seconds this process and its backends have had a processor."""
    theirs = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in backends)
    return time.process_time() + theirs / 1e9


def _slowest(bench: Bench) -> Result:
    pages = _measured(bench)
    named = "; ".join(map(str, pages[:_SLOWEST]))
    return Result(pages[0].p95, LIMIT_MS, "ms", f"{len(pages)} pages, median/p95 in ms: {named}")


MEASURES: Final = (Measure("m p95 of the slowest page", Bar(1.0, at_most=True), _slowest),)
