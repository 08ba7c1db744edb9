"""The threads that call out: one for each shop that has something to send, one post after the other.

Each post and its answer is kept in `posts`. What is not answered with 200 is tried again, three times at most.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable

import requests

from app.sandbox.sitegiant.clock import now
from app.sandbox.sitegiant.database import Database
from app.sandbox.sitegiant.outbox import MOST_TRIES
from app.sandbox.sitegiant.switches import Switch

FIRST_PAUSE = 1.0
"""Seconds before the first try again; doubles with each."""
ANSWER_WITHIN = 5.0
HELD_FOR = 3.0
"""So long one waits for the next one to be swapped with."""
KEPT_POSTS = 5000

Acting = Callable[[int], list[Switch]]


def signature(body: str, secret: str, *, as_hex: bool) -> str:
    """The HMAC of a body; the channel does not say how it is spelled, so both spellings are sent."""
    mac = hmac.new(secret.encode(), body.encode(), hashlib.sha256)
    return mac.hexdigest() if as_hex else base64.b64encode(mac.digest()).decode()


class Postman:
    """The threads that send; each ends when its shop has nothing left to send."""

    def __init__(self, db: Database, acting: Acting) -> None:
        self._db, self._acting = db, acting
        self._turn = threading.Lock()
        self._news: dict[int, threading.Event] = {}

    def go(self) -> None:
        """See to it that somebody sends what waits."""
        self._db.posting.clear()
        with self._turn:
            shops = self._db.rows("SELECT DISTINCT shop_id FROM deliveries WHERE tries < ?", (MOST_TRIES,))
            for (shop_id,) in shops:
                if shop_id in self._news:
                    self._news[shop_id].set()
                    continue
                self._news[shop_id] = threading.Event()
                threading.Thread(target=self._serve, args=(shop_id,), name=f"post-{shop_id}", daemon=True).start()

    def _serve(self, shop_id: int) -> None:
        try:
            with requests.Session() as session:
                while True:
                    news = self._news[shop_id]
                    news.clear()
                    due = self._next(shop_id)
                    if due is None:
                        with self._turn:
                            if news.is_set():
                                continue
                            del self._news[shop_id]
                            return
                    wait = due["not_before"] - time.time()
                    if wait > 0:
                        news.wait(wait)
                    else:
                        self._deliver(session, due)
        except sqlite3.Error:  # the database was closed: the sandbox ends
            return

    def _next(self, shop_id: int) -> sqlite3.Row | None:
        """The delivery whose time comes first; of those whose time has come the oldest."""
        return self._db.row(
            """SELECT delivery_id, shop_id, webhook_id, body, tries, held, delayed, not_before, url, secret
               FROM deliveries JOIN webhooks USING (shop_id, webhook_id) WHERE shop_id = ? AND tries < ?
               ORDER BY max(not_before, ?), delivery_id LIMIT 1""",
            (shop_id, MOST_TRIES, time.time()),
        )

    def _deliver(self, session: requests.Session, due: sqlite3.Row) -> None:
        """Send one delivery as the faults want it."""
        acting = {switch.name: switch for switch in self._acting(due["shop_id"])} if not self._is_put_off(due) else {}
        late = acting.get("webhook_late")
        if late is not None:
            self._put_off(due, late.params["seconds"], "delayed")
            return
        if "webhook_out_of_order" in acting and not self._somebody_is_held(due["shop_id"]):
            self._put_off(due, HELD_FOR, "held")
            return
        answered = False
        for _copy in range(2 if "webhook_doubled" in acting else 1):
            answered = self._post(session, due, acting.keys()) or answered
        self._settle(due, answered=answered)

    @staticmethod
    def _is_put_off(due: sqlite3.Row) -> bool:
        """Whether it waited for a fault already: that fault is over for it."""
        return bool(due["held"] or due["delayed"])

    def _somebody_is_held(self, shop_id: int) -> bool:
        sql = "SELECT 1 FROM deliveries WHERE shop_id = ? AND held = 1 AND tries = 0 LIMIT 1"
        return self._db.row(sql, (shop_id,)) is not None

    def _put_off(self, due: sqlite3.Row, seconds: float, mark: str) -> None:
        self._db.rows(
            f"UPDATE deliveries SET not_before = ?, {mark} = 1 WHERE delivery_id = ?",  # noqa: S608  # one of ours
            (time.time() + seconds, due["delivery_id"]),
        )

    def _settle(self, due: sqlite3.Row, *, answered: bool) -> None:
        with self._db.transaction():
            if answered:
                self._db.rows("DELETE FROM deliveries WHERE delivery_id = ?", (due["delivery_id"],))
            else:
                self._db.rows(
                    "UPDATE deliveries SET tries = tries + 1, not_before = ? WHERE delivery_id = ?",
                    (time.time() + FIRST_PAUSE * 2 ** due["tries"], due["delivery_id"]),
                )
            # The one before waited for this one to overtake it.
            self._db.rows(
                "UPDATE deliveries SET not_before = 0 WHERE shop_id = ? AND held = 1 AND tries = 0 "
                "AND delivery_id <> ?",
                (due["shop_id"], due["delivery_id"]),
            )

    def _post(self, session: requests.Session, due: sqlite3.Row, faults: Iterable[str]) -> bool:
        """One post; whether it was answered with 200."""
        secret = f"not {due['secret']}" if "webhook_badly_signed" in faults else due["secret"]
        signed = signature(due["body"], secret, as_hex=due["delivery_id"] % 2 == 0)
        headers = {"Content-Type": "application/json", "Authorization": signed}
        begun = time.perf_counter()
        try:
            reply = session.post(
                due["url"], data=due["body"], headers=headers, timeout=ANSWER_WITHIN, allow_redirects=False
            )
            status, answer = reply.status_code, reply.text[:300]
        except requests.RequestException as problem:
            status, answer = None, type(problem).__name__
        marks = [*faults, *(name for name in ("held", "delayed") if due[name])]
        (noted,) = self._db.rows(
            """INSERT INTO posts (shop_id, at, url, body, signature, status, answer, fault, ms)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING post_id""",
            (
                due["shop_id"],
                now().isoformat(timespec="milliseconds"),
                due["url"],
                due["body"],
                signed,
                status,
                answer,
                ",".join(marks),
                round((time.perf_counter() - begun) * 1000, 2),
            ),
        )
        self._db.rows("DELETE FROM posts WHERE post_id <= ?", (int(noted[0]) - KEPT_POSTS,))
        return status == 200
