"""The people of one store during a run: several signed-in browsers that press what there is to press, also at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
import requests

from tests.crash.house import House
from tests.crash.merchant import ANSWER_WITHIN, PASSWORD, Form, Merchant
from tests.crash.schedule import Act

BROWSERS = 3
PATIENCE = 10.0  # seconds that somebody waits for a page during a run


@dataclass(frozen=True, slots=True)
class Push:
    """One press: where a form goes and what it says, or a page that is only looked at."""

    path: str
    form: Form = field(default_factory=dict)
    method: str = "POST"
    may_be_gone: bool = False
    """Whether another press can make this one's address lead nowhere."""


class Button(Protocol):
    """Finds out what a press would send now, or None when there is nothing to press."""

    def __call__(self, people: People, luck: float, /) -> Push | None: ...


class People(Merchant):
    """Everybody of one store. During a run nobody can count on an answer, so that answers are only counted."""

    def __init__(self, house: House, name: str, *, orders: int, seed: int) -> None:
        super().__init__(house, name, orders=orders, seed=seed)
        self.answers: Counter[str] = Counter()
        self.mistaken: list[str] = []
        """Answers that nobody should get, whatever was killed."""
        self._browsers = [self.browser, *(requests.Session() for _ in range(BROWSERS - 1))]

    def move_in(self) -> None:
        """Sign up and connect, then sign in with the other browsers."""
        super().move_in()
        form = {"email": self.sign_up_form["email"], "password": PASSWORD}
        for browser in self._browsers[1:]:
            browser.headers.update(self.browser.headers)
            url = f"{self.house.url}/signin"
            self._expect(browser.post(url, data=form, allow_redirects=False, timeout=ANSWER_WITHIN), (303,))

    def close(self) -> None:
        """Give the connections back."""
        super().close()
        for browser in self._browsers:
            browser.close()

    def push(self, act: Act, button: Button) -> bool:
        """Press a button as often at once as the act says; False when there was nothing to press."""
        try:
            push = button(self, act.luck)
        except psycopg.Error:
            return False
        if push is None:
            return False
        first = int(act.luck * BROWSERS)
        with ThreadPoolExecutor(act.times) as pool:
            for number in range(act.times):
                pool.submit(self._send, push, self._browsers[(first + number) % BROWSERS])
        return True

    def pick(self, luck: float, sql: str) -> dict[str, Any] | None:
        """One of the rows of this store, by luck."""
        rows = self.rows(sql)
        return rows[int(luck * len(rows))] if rows else None

    def _send(self, push: Push, browser: requests.Session) -> None:
        url = f"{self.house.url}{push.path}"
        try:
            answer = browser.request(push.method, url, data=push.form, allow_redirects=False, timeout=PATIENCE)
        except requests.RequestException:
            self.answers["none"] += 1
            return
        self.answers[f"{answer.status_code // 100}xx"] += 1
        if "/signin" in answer.headers.get("Location", ""):
            self.mistaken.append(f"signed out in the middle of {push.path}")
        if answer.status_code in (403, 404, 405) and not push.may_be_gone:
            self.mistaken.append(f"{push.method} {push.path} was answered {answer.status_code}")
