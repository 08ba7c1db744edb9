"""The people of one store during a run: several signed-in browsers that press what there is to press, also at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
import requests

from tests.crash.house import House
from tests.crash.merchant import Merchant
from tests.crash.resident import ANSWER_WITHIN, PASSWORD, Form, Resident
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
    body: str | None = None
    """What a program sends instead of a form."""
    headers: Mapping[str, str] = field(default_factory=dict)
    heard: Callable[[requests.Response], None] | None = None
    """Who wants to know what was answered."""


class Button(Protocol):
    """Finds out what a press would send now, or None when there is nothing to press."""

    def __call__(self, people: People, luck: float, /) -> Push | None: ...


class Crowd(Resident):
    """Everybody of one store. During a run nobody can count on an answer, so that answers are only counted."""

    def __init__(self, house: House, name: str, **more: Any) -> None:
        super().__init__(house, name, **more)
        self.answers: Counter[str] = Counter()
        self.mistaken: list[str] = []
        """Answers that nobody should get, whatever was killed."""
        self._browsers = [self.browser, *(requests.Session() for _ in range(BROWSERS - 1))]

    def move_in(self) -> None:
        """Sign up, then sign in with the other browsers."""
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

    def pick(self, luck: float, sql: str) -> dict[str, Any] | None:
        """One of the rows of this store, by luck."""
        rows = self.rows(sql)
        return rows[int(luck * len(rows))] if rows else None

    def send(self, push: Push, browser: int) -> None:
        """Press with one of the browsers, and count what was answered."""
        url = f"{self.house.url}{push.path}"
        how: dict[str, Any] = {"data": push.form} if push.body is None else {"data": push.body.encode()}
        try:
            answer = self._browsers[browser % BROWSERS].request(
                push.method, url, **how, headers=dict(push.headers), allow_redirects=False, timeout=PATIENCE
            )
        except requests.RequestException:
            self.answers["none"] += 1
            return
        self.answers[f"{answer.status_code // 100}xx"] += 1
        if push.heard is not None:
            push.heard(answer)
        if "/signin" in answer.headers.get("Location", ""):
            self.mistaken.append(f"signed out in the middle of {push.path}")
        if answer.status_code in (401, 403, 404, 405) and not push.may_be_gone:
            self.mistaken.append(f"{push.method} {push.path} was answered {answer.status_code}")


class People(Crowd, Merchant):
    """Everybody of a store with a channel of the sandbox."""

    def push(self, act: Act, button: Button) -> bool:
        """Press a button as often at once as the act says; False when there was nothing to press."""
        try:
            push = button(self, act.luck)
        except psycopg.Error:
            return False
        return push is not None and press_together([(self, push)] * act.times, act.luck)


def press_together(presses: Sequence[tuple[Crowd, Push]], luck: float) -> bool:
    """Press all of it at the same moment, each with the next browser; False when there was nothing to press."""
    if not presses:
        return False
    first = int(luck * BROWSERS)
    with ThreadPoolExecutor(len(presses)) as pool:
        for number, (crowd, push) in enumerate(presses):
            pool.submit(crowd.send, push, first + number)
    return True
