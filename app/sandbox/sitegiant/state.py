"""What one running SiteGiant sandbox holds: its shops, their faults and quotas, and the log."""

from __future__ import annotations

from typing import Any

from app.sandbox.calls import CallLog
from app.sandbox.faults import CALLING_OUT
from app.sandbox.postman import standing
from app.sandbox.quota import Quota
from app.sandbox.sitegiant import outbox
from app.sandbox.sitegiant.calling import Call
from app.sandbox.sitegiant.clock import LOCAL
from app.sandbox.sitegiant.database import Database
from app.sandbox.sitegiant.faults import FAULTS, ROUTES
from app.sandbox.sitegiant.postman import Postman
from app.sandbox.sitegiant.shop import Shop
from app.sandbox.state import current_box
from app.sandbox.switches import FaultBoard

WINDOW = 60.0  # seconds that a rate limit counts


class Sandbox:
    """The shops of one database, with what is kept in memory beside it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.calls = CallLog(db, LOCAL)
        self.quota = Quota(WINDOW)
        self._boards: dict[int, FaultBoard[Call]] = {}
        self.postman = Postman(db, lambda shop_id: self._board(shop_id).acting(CALLING_OUT), LOCAL)

    def shops(self) -> list[Shop]:
        """Every shop, the first one first."""
        found = self.db.rows("SELECT shop_id, api_key, name, rate_limit FROM shops ORDER BY shop_id")
        return [Shop(self.db, *row) for row in found]

    def shop(self, key: str) -> Shop | None:
        """The shop behind an API key."""
        row = self.db.row("SELECT shop_id, api_key, name, rate_limit FROM shops WHERE api_key = ?", (key,))
        return Shop(self.db, *row) if row else None

    def keep_shop(self, key: str, name: str, rate_limit: int) -> Shop:
        """Add a shop, or set an existing one's name and rate limit; its quota begins anew."""
        self.db.rows(
            """INSERT INTO shops (api_key, name, rate_limit) VALUES (?, ?, ?)
               ON CONFLICT (api_key) DO UPDATE SET name = excluded.name, rate_limit = excluded.rate_limit""",
            (key, name, rate_limit),
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


def sandbox() -> Sandbox:
    """The sandbox of the running app."""
    found: Sandbox = current_box()
    return found
