"""The log of every call and of every invoice number that took effect.

Tests ask it what really reached the channel, which is why it lives in the database: a killed sandbox still
knows. A call is noted before it is answered, so that one which hangs is seen while it hangs.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from app.sandbox.sitegiant.clock import now
from app.sandbox.sitegiant.database import Database

KEPT_CALLS = 5000
KEPT_REQUEST = 16_384  # characters: a write of 100 numbers fits
KEPT_ANSWER = 2_000
_TRIM_EVERY = 250


class CallLog:
    """Calls and writes of all shops; a call without a shop had a wrong token and shows in every shop's log."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, shop_id: int | None, *, method: str, path: str, route: str, query: str, body: bytes) -> int:
        """Note a call that has arrived and return its id."""
        (noted,) = self._db.rows(
            """INSERT INTO calls (shop_id, at, method, path, route, query, request)
               VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING call_id""",
            (shop_id, _now(), method, path, route, query, _bounded(body, KEPT_REQUEST)),
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

    def writes(self, shop_id: int, *, after: int = 0, order_id: int = 0) -> list[dict[str, Any]]:
        """Every invoice number that took effect, oldest first, after the given write id."""
        found = self._db.rows(
            """SELECT write_id, call_id, order_id, invoice_no, previous, at FROM writes
               WHERE shop_id = :shop_id AND write_id > :after AND (:order_id = 0 OR order_id = :order_id)
               ORDER BY write_id""",
            {"shop_id": shop_id, "after": after, "order_id": order_id},
        )
        return [dict(row) for row in found]

    def clear(self, shop_id: int) -> None:
        """Forget the calls; the writes stay, as they say how the orders came to be what they are."""
        self._db.rows("DELETE FROM calls WHERE shop_id = ? OR shop_id IS NULL", (shop_id,))


def _call(row: sqlite3.Row) -> dict[str, Any]:
    call = dict(row)
    call["fault"] = call["fault"].split(",") if call["fault"] else []
    call["answered"] = call["status"] is not None
    call["query"] = json.loads(call["query"])
    return call


def _bounded(body: bytes, limit: int) -> str:
    text = body.decode("utf-8", errors="replace")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters in all)"


def _now() -> str:
    return now().isoformat(timespec="milliseconds")
