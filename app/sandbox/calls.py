"""The log of every call.

Tests ask it what really reached the channel, which is why it lives in the database: a killed sandbox still
knows. A call is noted before it is answered, so that one which hangs is seen while it hangs.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, tzinfo
from typing import Any

from app.sandbox.database import Database

KEPT_CALLS = 5000
KEPT_REQUEST = 16_384  # characters: a write of 100 numbers fits
KEPT_ANSWER = 2_000
_TRIM_EVERY = 250


class CallLog:
    """Calls of all shops; a call without a shop had a wrong token and shows in every shop's log."""

    def __init__(self, db: Database, zone: tzinfo) -> None:
        self._db, self._zone = db, zone

    def begin(self, shop_id: int | None, *, method: str, path: str, route: str, query: str, body: bytes) -> int:
        """Note a call that has arrived and return its id."""
        (noted,) = self._db.rows(
            """INSERT INTO calls (shop_id, at, method, path, route, query, request)
               VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING call_id""",
            (shop_id, self._now(), method, path, route, query, _bounded(body, KEPT_REQUEST)),
        )
        call_id = int(noted[0])
        if call_id % _TRIM_EVERY == 0:
            self._db.rows("DELETE FROM calls WHERE call_id <= ?", (call_id - KEPT_CALLS,))
        return call_id

    def end(self, call_id: int, *, status: int | None, answer: bytes, faults: list[str], ms: float) -> None:
        """Note what the call was answered; a status of None means that it was not."""
        self._db.rows(
            "UPDATE calls SET status = ?, answer = ?, fault = ?, ms = ? WHERE call_id = ?",
            (status, _bounded(answer, KEPT_ANSWER), ",".join(faults), round(ms, 2), call_id),
        )

    def calls(self, shop_id: int, *, after: int = 0, route: str = "", limit: int = 200) -> list[dict[str, Any]]:
        """The newest calls after the given id, oldest of them first."""
        found = self._db.rows(
            """SELECT * FROM (SELECT call_id, at, method, path, route, query, request, status, answer, fault, ms
                   FROM calls WHERE (shop_id = :shop_id OR shop_id IS NULL) AND call_id > :after
                   AND (:route = '' OR route = :route) ORDER BY call_id DESC LIMIT :limit) ORDER BY call_id""",
            {"shop_id": shop_id, "after": after, "route": route, "limit": limit},
        )
        return [_call(row) for row in found]

    def clear(self, shop_id: int) -> None:
        """Forget the calls; what they wrote stays written."""
        self._db.rows("DELETE FROM calls WHERE shop_id = ? OR shop_id IS NULL", (shop_id,))

    def _now(self) -> str:
        return datetime.now(self._zone).isoformat(timespec="milliseconds")


def _call(row: sqlite3.Row) -> dict[str, Any]:
    call = dict(row)
    call["fault"] = call["fault"].split(",") if call["fault"] else []
    call["answered"] = call["status"] is not None
    call["query"] = json.loads(call["query"])
    return call


def _bounded(body: bytes, limit: int) -> str:
    text = body.decode("utf-8", errors="replace")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters in all)"
