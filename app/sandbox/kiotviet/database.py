"""What the KiotViet sandbox keeps beside what every sandbox does. Records are kept as the JSON text that is sent."""

from __future__ import annotations

from typing import ClassVar

from app.sandbox import database

# Moments (…_us) are microseconds of the shop's wall clock since 1970 (`clock.py`).
_SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop_id INTEGER PRIMARY KEY, retailer TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE, client_secret TEXT NOT NULL, rate_limit INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS dialects (
    shop_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (shop_id, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    shop_id INTEGER NOT NULL, kind TEXT NOT NULL, record_id INTEGER NOT NULL,
    code TEXT NOT NULL, name TEXT NOT NULL,  -- case-folded, to be looked for
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,             -- of the last edit, or of the creation where there was none
    stock_us INTEGER NOT NULL DEFAULT 0,     -- of the last movement of a product's stock
    body TEXT NOT NULL,
    UNIQUE (shop_id, kind, record_id)
);
CREATE INDEX IF NOT EXISTS records_by_change ON records (shop_id, kind, changed_us, record_id);
CREATE INDEX IF NOT EXISTS records_by_creation ON records (shop_id, kind, created_us, record_id);
CREATE INDEX IF NOT EXISTS records_by_code ON records (shop_id, kind, code, record_id);
CREATE TABLE IF NOT EXISTS removals (
    shop_id INTEGER NOT NULL, kind TEXT NOT NULL, record_id INTEGER NOT NULL, removed_us INTEGER NOT NULL,
    PRIMARY KEY (shop_id, kind, record_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writes (  -- what took effect through the API
    write_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER NOT NULL, call_id INTEGER NOT NULL,
    action TEXT NOT NULL, kind TEXT NOT NULL, record_id INTEGER NOT NULL, code TEXT NOT NULL,
    description TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS webhooks (
    webhook_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL,
    secret TEXT NOT NULL, active INTEGER NOT NULL, description TEXT NOT NULL, modified_us INTEGER NOT NULL
);
"""


class Database(database.Database):
    """The shops' database."""

    schema: ClassVar[str] = _SCHEMA
