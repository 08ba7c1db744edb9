"""Somebody who has a store on the site: a browser without JavaScript, and the presses of buttons."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.crash.books import OurSide
from tests.crash.house import House
from tests.crash.ledger import ACTIVE

PASSWORD = "tram-lantern-82"
ANSWER_WITHIN = 30.0
SHOWN = 2_000
"""So much of a page that came instead of what was expected is told."""

Form = Mapping[str, str | list[str]]

_serial = count(1)

JOB_ROW = """select id, kind, state, phase, fence, done, concat_ws(' ', phase, done, cursor, counts, state) as place
             from sync_jobs"""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job's row: `place` changes with each step that is committed."""

    id: int
    kind: str
    state: str
    phase: str
    fence: int
    done: int
    place: str

    @property
    def is_over(self) -> bool:
        """Whether it ended, well or not."""
        return self.state not in ACTIVE


class Resident:
    """One person with one store. Each visits from an address of their own."""

    def __init__(self, house: House, name: str) -> None:
        self.house, self.name = house, name
        self.browser = requests.Session()
        self.number = next(_serial)
        # Limits count by address.
        self.browser.headers["X-Forwarded-For"] = f"10.9.{self.number // 250}.{self.number % 250}"
        self.store_id = 0
        self.slug = ""

    def close(self) -> None:
        """Give the connections back."""
        self.browser.close()

    # -- pages

    def move_in(self) -> None:
        """Sign up, by the page's own form."""
        self.press("/signup", self.sign_up_form)
        self.learn_store()

    @property
    def sign_up_form(self) -> dict[str, str]:
        """What *Sign up* sends."""
        email = f"{self.name}@shop.example"
        return {"name": "Puan Aida", "store_name": f"Kedai {self.name}", "email": email, "password": PASSWORD}

    def learn_store(self) -> None:
        """Find the store after signing up: the start page leads into it."""
        answer = self.get("/")
        self.slug = urlsplit(answer.headers["Location"]).path.strip("/")
        (row,) = self.house.query("select id from stores where slug = %s", self.slug)
        self.store_id = row["id"]

    @property
    def channels(self) -> str:
        """The path of the channels' pages."""
        return f"/{self.slug}/channels"

    def get(self, path: str) -> requests.Response:
        """Open a page, without following where it leads."""
        return self.browser.get(f"{self.house.url}{path}", allow_redirects=False, timeout=ANSWER_WITHIN)

    def press(self, path: str, form: Form | None = None) -> requests.Response:
        """Press a button; without JavaScript each leads on to a page."""
        answer = _post(self.browser, f"{self.house.url}{path}", form or {})
        self._expect(answer, (303,))
        return answer

    def press_twice(
        self, path: str, form: Form | None = None, *, may_answer: Collection[int] = (303,)
    ) -> list[requests.Response]:
        """Press a button twice at the same moment, over two connections; both presses must be answered well."""
        ready = Barrier(2)

        def press() -> requests.Response:
            with requests.Session() as session:
                session.headers.update(self.browser.headers)
                session.cookies.update(self.browser.cookies)
                ready.wait(ANSWER_WITHIN)
                return _post(session, f"{self.house.url}{path}", form or {})

        with ThreadPoolExecutor(2) as pool:
            answers = [one.result() for one in (pool.submit(press), pool.submit(press))]
        for answer in answers:
            self._expect(answer, may_answer)
        self.browser.cookies.update(answers[0].cookies)
        return answers

    def press_sync(self) -> None:
        """Press *Sync* for everything that matches, twice at once."""
        self.press_twice(f"/{self.slug}/orders/sync", {"all": "1", "filter": ""})

    # -- what came of it

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows of this store; the first parameter is its id."""
        return self.house.query(sql, self.store_id, *values)

    def jobs(self) -> list[JobRow]:
        """Every job so far, oldest first."""
        return [JobRow(**row) for row in self.rows(f"{JOB_ROW} where store_id = %s order by id")]

    def job(self) -> JobRow:
        """The newest job."""
        return self.jobs()[-1]

    def is_idle(self) -> bool:
        """Whether nothing waits or runs, and nothing is left to send."""
        sql = """select 1 from sync_jobs where store_id = %s and state in ('queued', 'running')
                 union all select 1 from changes where store_id = %s and state in ('planned', 'sending')"""
        return not self.rows(sql, self.store_id)

    def wait_until_idle(self, seconds: float = 60.0) -> None:
        """Wait until all work is done."""
        self.house.until(self.is_idle, seconds, f"{self.name} is idle: {self.jobs()}")

    def our_side(self) -> OurSide:
        """What stands in our database."""
        return OurSide.read(self.house.query, self.store_id)

    def _expect(self, answer: requests.Response, statuses: Collection[int]) -> None:
        if answer.status_code not in statuses:
            main = answer.text.partition("<main")[2].partition("</main>")[0]  # around it is the frame of every page
            page = " ".join(re.sub("<[^>]*>", " ", main or answer.text).split())
            why = self.house.last_words() if answer.status_code >= 500 else ""
            raise AssertionError(f"{answer.url} answered {answer.status_code}: {page[:SHOWN]}\n{why}")


def _post(session: requests.Session, url: str, form: Form) -> requests.Response:
    return session.post(url, data=form, allow_redirects=False, timeout=ANSWER_WITHIN)
