"""What one running KiotViet sandbox holds: its shops, their faults and quotas, and the log."""

from __future__ import annotations

import sqlite3
from typing import Any

from app.sandbox.calls import CallLog
from app.sandbox.faults import CALLING_OUT
from app.sandbox.kiotviet import outbox
from app.sandbox.kiotviet.calling import Call
from app.sandbox.kiotviet.clock import LOCAL
from app.sandbox.kiotviet.database import Database
from app.sandbox.kiotviet.faults import FAULTS, ROUTES
from app.sandbox.kiotviet.postman import Postman
from app.sandbox.kiotviet.shop import Shop
from app.sandbox.postman import standing
from app.sandbox.quota import Quota
from app.sandbox.state import current_box
from app.sandbox.switches import FaultBoard

HOUR = 3600.0
RATE_LIMIT = 5000
"""Reads an hour that a shop has."""

_SHOP = "SELECT shop_id, retailer, name, client_id, client_secret, rate_limit FROM shops"


class Sandbox:
    """The shops of one database, with what is kept in memory beside it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.calls = CallLog(db, LOCAL)
        self.quota = Quota(HOUR)
        self.expired: set[str] = set()
        """Tokens that a fault made bad before their time."""
        self._boards: dict[int, FaultBoard[Call]] = {}
        self.postman = Postman(db, lambda shop_id: self._board(shop_id).acting(CALLING_OUT), LOCAL)

    def shops(self) -> list[Shop]:
        """Every shop, the first one first."""
        return [self._shop(row) for row in self.db.rows(f"{_SHOP} ORDER BY shop_id")]

    def shop(self, key: str) -> Shop | None:
        """The shop of this name."""
        row = self.db.row(f"{_SHOP} WHERE retailer = ?", (key,))
        return self._shop(row) if row else None

    def shop_of_client(self, client_id: str) -> Shop | None:
        """The shop that gave out this client id."""
        row = self.db.row(f"{_SHOP} WHERE client_id = ?", (client_id,))
        return self._shop(row) if row else None

    def keep_shop(self, key: str, *, name: str, client_id: str, client_secret: str, rate_limit: int) -> Shop:
        """Add a shop, or set all but the name that an existing one goes by; its quota begins anew."""
        self.db.rows(
            """INSERT INTO shops (retailer, name, client_id, client_secret, rate_limit) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (retailer) DO UPDATE SET name = excluded.name, client_id = excluded.client_id,
               client_secret = excluded.client_secret, rate_limit = excluded.rate_limit""",
            (key, name, client_id, client_secret, rate_limit),
        )
        kept = self.shop(key)
        assert kept is not None  # noqa: S101  # it was stored by the statement above
        self.quota.start_anew(kept.shop_id)
        return kept

    def faults(self, shop: Shop) -> FaultBoard[Call]:
        """The shop's fault switches."""
        return self._board(shop.shop_id)

    def standing(self, shop: Shop) -> dict[str, Any]:
        """What is registered to be called, what waits to be sent, and what was posted and answered."""
        hooks = outbox.registered(self.db, shop.shop_id)
        return {"webhooks": hooks, **standing(self.db, shop.shop_id, Postman.most_tries)}

    def _board(self, shop_id: int) -> FaultBoard[Call]:
        return self._boards.setdefault(shop_id, FaultBoard(FAULTS, ROUTES))

    def _shop(self, row: sqlite3.Row) -> Shop:
        return Shop(self.db, *row)


def sandbox() -> Sandbox:
    """The sandbox of the running app."""
    found: Sandbox = current_box()
    return found
