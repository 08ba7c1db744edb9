"""A merchant as the site knows one: a browser without JavaScript, a store, a channel, and the presses of buttons."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.crash.books import ChannelSide, OurSide
from tests.crash.house import House
from tests.crash.ledger import ACTIVE, Finding, audit
from tests.sandbox.running import Visitor

PASSWORD = "tram-lantern-82"
ORDERS = 160  # of which a few more than a batch of 100 are to be booked
DAYS = 70  # further back than the sandbox's orders go
WINDOWS = 3  # of 31 days in DAYS
ANSWER_WITHIN = 30.0

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


class Merchant:
    """One person with one store and one shop of the sandbox. Each visits from an address of their own."""

    def __init__(self, house: House, name: str, *, orders: int = ORDERS, seed: int | None = None) -> None:
        self.house, self.name = house, name
        self.shop = Visitor(house.sandbox, f"shop-{name}")
        self.browser = requests.Session()
        number = next(_serial)
        self.browser.headers["X-Forwarded-For"] = f"10.9.{number // 250}.{number % 250}"  # limits count by address
        self.store_id = self.channel_id = 0
        self.slug = ""
        shop = {"key": self.shop.key, "name": name, "rate_limit": 100_000, "count": orders, "seed": seed or number}
        self.shop.steer("POST", "shops", params={"key": "sandbox-key"}, json=shop)

    def close(self) -> None:
        """Give the connections back."""
        self.browser.close()
        self.shop.session.close()

    # -- pages

    def move_in(self) -> None:
        """Sign up and connect the shop, by the pages' own forms."""
        self.press("/signup", self.sign_up_form)
        self.learn_store()
        self.press(f"{self.channels}/add/sitegiant", self.connection_form)
        self.press(f"{self.channels}/add/sitegiant/options", self.options_form)
        self.learn_channel()

    @property
    def sign_up_form(self) -> dict[str, str]:
        """What *Sign up* sends."""
        email = f"{self.name}@shop.example"
        return {"name": "Puan Aida", "store_name": f"Kedai {self.name}", "email": email, "password": PASSWORD}

    @property
    def connection_form(self) -> dict[str, str]:
        """What the step that tests the connection sends."""
        return {"domain": self.shop.sandbox.url, "api_key": self.shop.key}

    @property
    def options_form(self) -> dict[str, str]:
        """What *Connect* sends."""
        start_on = (datetime.now(UTC) - timedelta(days=DAYS)).date()
        return {"name": "My shop", "start_on": start_on.isoformat(), "unmapped_gateway": "cash"}

    def learn_store(self) -> None:
        """Find the store after signing up: the start page leads into it."""
        answer = self.get("/")
        self.slug = urlsplit(answer.headers["Location"]).path.strip("/")
        (row,) = self.house.query("select id from stores where slug = %s", self.slug)
        self.store_id = row["id"]

    def learn_channel(self) -> None:
        """Find the one channel after connecting."""
        (row,) = self.house.query("select id from channels where store_id = %s", self.store_id)
        self.channel_id = row["id"]

    @property
    def channels(self) -> str:
        """The path of the channels' pages."""
        return f"/{self.slug}/channels"

    @property
    def channel(self) -> str:
        """The path of the channel's pages."""
        return f"{self.channels}/{self.channel_id}"

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

    def press_check(self) -> None:
        """Press *Check for updates*, twice at once as nervous people do."""
        self.press_twice(f"{self.channel}/check")

    def press_sync(self) -> None:
        """Press *Sync* for everything that matches, twice at once."""
        self.press_twice(f"/{self.slug}/orders/sync", {"all": "1", "filter": ""})

    def press_sync_now(self) -> None:
        """Press *Sync now*, which checks, books and writes back, twice at once."""
        self.press_twice(f"{self.channel}/sync-now")

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

    def _expect(self, answer: requests.Response, statuses: Collection[int]) -> None:
        if answer.status_code not in statuses:
            page = " ".join(re.sub("<[^>]*>", " ", answer.text).split())
            why = self.house.last_words() if answer.status_code >= 500 else ""
            raise AssertionError(f"{answer.url} answered {answer.status_code}: {page[-500:]}\n{why}")

    def channel_side(self) -> ChannelSide:
        """What stands on the channel."""
        stats = self.shop.steer("GET", "stats")
        orders = self.shop.steer("GET", "orders", params={"limit": "1000"})
        assert orders["total"] == len(orders["orders"])
        currencies = {place["id"]: place["currency"] for place in stats["channels"]}
        return ChannelSide(orders["orders"], currencies, self.shop.writes())

    def our_side(self) -> OurSide:
        """What stands in our database."""
        return OurSide.read(self.house.query, self.store_id)

    def audit(self, *, each_written_once: bool = True) -> list[Finding]:
        """What is wrong between the channel and our books."""
        return audit(self.channel_side(), self.our_side(), each_written_once=each_written_once)


def move_in(merchants: Iterable[Merchant], checked: Collection[Merchant]) -> None:
    """Sign them up and connect them, and bring in the orders of those that are `checked`."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda merchant: merchant.move_in(), merchants))
    for merchant in checked:
        merchant.press_check()
    for merchant in checked:
        merchant.wait_until_idle()


def finish(merchants: Sequence[Merchant]) -> None:
    """Book everything, for all of them at once, after whatever runs has ended."""
    for merchant in merchants:
        merchant.wait_until_idle()
        if merchant.rows("select 1 from orders where store_id = %s and state = 'ready' limit 1"):
            merchant.press_sync()
    for merchant in merchants:
        merchant.wait_until_idle()


def _post(session: requests.Session, url: str, form: Form) -> requests.Response:
    return session.post(url, data=form, allow_redirects=False, timeout=ANSWER_WITHIN)
