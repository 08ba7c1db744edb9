"""The threads that call out: one for each shop that has something to send, one post after the other.

Each post and its answer is kept in `posts`. How a letter is written, which answers are enough and how often it is tried
is each channel's own.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, ClassVar

import requests

from app.sandbox.database import Database

ANSWER_WITHIN = 5.0
HELD_FOR = 3.0
"""So long one waits for the next one to be swapped with."""
KEPT_POSTS = 5000


@dataclass(frozen=True, slots=True)
class Letter:
    """What is posted: `signature` is what the log shows of how it was signed."""

    body: str
    headers: Mapping[str, str]
    signature: str


class Postman:
    """The threads that send; each ends when its shop has nothing left to send."""

    most_tries: ClassVar[int]
    """The first one included."""
    first_pause: ClassVar[float]
    """Seconds before the first try again; doubles with each."""

    def __init__(self, db: Database, acting: Callable[[int], Sequence[Any]], zone: tzinfo) -> None:
        self._db, self._acting, self._zone = db, acting, zone
        self._turn = threading.Lock()
        self._news: dict[int, threading.Event] = {}

    def letter(self, due: sqlite3.Row, *, well_signed: bool) -> Letter:
        """Write one delivery as the channel does; `due` has its `delivery_id`, `body`, `tries` and `secret`."""
        raise NotImplementedError

    def taken(self, due: sqlite3.Row, status: int | None) -> bool:
        """Say whether this answer is the end of it; None is no answer."""
        raise NotImplementedError

    def go(self) -> None:
        """See to it that somebody sends what waits."""
        self._db.posting.clear()
        with self._turn:
            shops = self._db.rows("SELECT DISTINCT shop_id FROM deliveries WHERE tries < ?", (self.most_tries,))
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
            (shop_id, self.most_tries, time.time()),
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
        taken = False
        for _copy in range(2 if "webhook_doubled" in acting else 1):
            taken = self._post(session, due, acting.keys()) or taken
        self._settle(due, taken=taken)

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

    def _settle(self, due: sqlite3.Row, *, taken: bool) -> None:
        with self._db.transaction():
            if taken:
                self._db.rows("DELETE FROM deliveries WHERE delivery_id = ?", (due["delivery_id"],))
            else:
                self._db.rows(
                    "UPDATE deliveries SET tries = tries + 1, not_before = ? WHERE delivery_id = ?",
                    (time.time() + self.first_pause * 2 ** due["tries"], due["delivery_id"]),
                )
            # The one before waited for this one to overtake it.
            self._db.rows(
                "UPDATE deliveries SET not_before = 0 WHERE shop_id = ? AND held = 1 AND tries = 0 "
                "AND delivery_id <> ?",
                (due["shop_id"], due["delivery_id"]),
            )

    def _post(self, session: requests.Session, due: sqlite3.Row, faults: Iterable[str]) -> bool:
        """One post; whether no other is needed."""
        letter = self.letter(due, well_signed="webhook_badly_signed" not in faults)
        begun = time.perf_counter()
        try:
            reply = session.post(
                due["url"],
                data=letter.body.encode(),
                headers={"Content-Type": "application/json", **letter.headers},
                timeout=ANSWER_WITHIN,
                allow_redirects=False,
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
                datetime.now(self._zone).isoformat(timespec="milliseconds"),
                due["url"],
                letter.body,
                letter.signature,
                status,
                answer,
                ",".join(marks),
                round((time.perf_counter() - begun) * 1000, 2),
            ),
        )
        self._db.rows("DELETE FROM posts WHERE post_id <= ?", (int(noted[0]) - KEPT_POSTS,))
        return self.taken(due, status)


def write_down(db: Database, shop_id: int, letters: Iterable[tuple[int, Any]]) -> None:
    """Keep what is to be called out, as (webhook id, JSON value); call it in the transaction that it tells of."""
    rows = [(shop_id, webhook_id, json.dumps(told, separators=(",", ":"))) for webhook_id, told in letters]
    if rows:
        db.run_many("INSERT INTO deliveries (shop_id, webhook_id, body, not_before) VALUES (?, ?, ?, 0)", rows)
        db.posting.set()


def standing(db: Database, shop_id: int, most_tries: int) -> dict[str, Any]:
    """How many deliveries wait or are given up, and what was posted and answered, oldest first."""
    (counts,) = db.rows(
        """SELECT count(*) FILTER (WHERE tries < :most) AS waiting, count(*) FILTER (WHERE tries >= :most) AS given_up
           FROM deliveries WHERE shop_id = :shop_id""",
        {"most": most_tries, "shop_id": shop_id},
    )
    posts = db.rows(
        """SELECT * FROM (SELECT post_id, at, url, body, signature, status, answer, fault, ms FROM posts
               WHERE shop_id = ? ORDER BY post_id DESC LIMIT 500) ORDER BY post_id""",
        (shop_id,),
    )
    return {**dict(counts), "posts": [dict(row) for row in posts]}
