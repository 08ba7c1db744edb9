"""What the SiteGiant sandbox keeps beside what every sandbox does. Orders are kept as the JSON text that is sent."""

from __future__ import annotations

from typing import ClassVar

from app.sandbox import database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop_id INTEGER PRIMARY KEY, api_key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, rate_limit INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS channels (
    shop_id INTEGER NOT NULL, channel_id INTEGER NOT NULL, marketplace TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, currency TEXT NOT NULL, PRIMARY KEY (shop_id, channel_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    shop_id INTEGER NOT NULL, order_id INTEGER NOT NULL, channel_id INTEGER NOT NULL,
    created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL,  -- in microseconds since 1970, for the list route
    order_status TEXT NOT NULL, payment_status TEXT NOT NULL, invoice_no TEXT NOT NULL,
    foots INTEGER NOT NULL,       -- 1 when the parts add up to the total
    words TEXT NOT NULL,          -- what the control page's search looks in, case-folded
    list_row TEXT NOT NULL, detail TEXT NOT NULL,  -- the JSON texts of the two routes
    UNIQUE (shop_id, order_id)
);
CREATE INDEX IF NOT EXISTS orders_by_creation ON orders (shop_id, channel_id, created_us, order_id);
CREATE INDEX IF NOT EXISTS orders_by_update ON orders (shop_id, channel_id, updated_us, order_id);
CREATE TABLE IF NOT EXISTS spoils (  -- fields that are sent instead of an order's own, the text of a JSON object
    shop_id INTEGER NOT NULL, order_id INTEGER NOT NULL, fields TEXT NOT NULL,
    list_fields TEXT,  -- those of them that the list has too
    PRIMARY KEY (shop_id, order_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    shop_id INTEGER NOT NULL, item_id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (shop_id, item_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writes (
    write_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER NOT NULL, call_id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, invoice_no TEXT NOT NULL, previous TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS webhooks (
    webhook_id INTEGER PRIMARY KEY AUTOINCREMENT, shop_id INTEGER NOT NULL, topic TEXT NOT NULL, url TEXT NOT NULL,
    secret TEXT NOT NULL
);
"""


class Database(database.Database):
    """The shops' database."""

    schema: ClassVar[str] = _SCHEMA
