"""What one running sandbox holds: its shops, their faults and quotas, and the log."""

from __future__ import annotations

from flask import Flask, current_app

from app.sandbox.sitegiant.calls import CallLog
from app.sandbox.sitegiant.database import Database
from app.sandbox.sitegiant.postman import Postman
from app.sandbox.sitegiant.quota import Quota
from app.sandbox.sitegiant.shop import Shop
from app.sandbox.sitegiant.switches import CALLING_OUT, FaultBoard

_NAME = "sitegiant_sandbox"


class Sandbox:
    """The shops of one database, with what is kept in memory beside it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.calls = CallLog(db)
        self.quota = Quota()
        self._boards: dict[int, FaultBoard] = {}
        self.postman = Postman(db, lambda shop_id: self._board(shop_id).acting(CALLING_OUT))

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

    def faults(self, shop: Shop) -> FaultBoard:
        """The shop's fault switches."""
        return self._board(shop.shop_id)

    def _board(self, shop_id: int) -> FaultBoard:
        return self._boards.setdefault(shop_id, FaultBoard())

    def install(self, app: Flask) -> None:
        """Make this the sandbox that the app's routes steer."""
        app.extensions[_NAME] = self


def sandbox() -> Sandbox:
    """The sandbox of the running app."""
    found: Sandbox = current_app.extensions[_NAME]
    return found
