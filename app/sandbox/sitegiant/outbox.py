"""What a shop calls out by itself: which addresses asked for it, and what is still to be sent to them.

Whoever changes an order writes it down here in the same transaction; `postman.py` sends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from app.sandbox.postman import write_down
from app.sandbox.sitegiant.database import Database

TOPIC = "order.status"


def register(db: Database, shop_id: int, url: str, secret: str) -> int:
    """Call this address from now on; two of one address are two."""
    (made,) = db.rows(
        "INSERT INTO webhooks (shop_id, topic, url, secret) VALUES (?, ?, ?, ?) RETURNING webhook_id",
        (shop_id, TOPIC, url, secret),
    )
    return int(made[0])


def remove(db: Database, shop_id: int, webhook_id: int) -> bool:
    """Call it no more, not even what waits to be sent; False when the shop has no such webhook."""
    with db.transaction():
        found = db.rows(
            "DELETE FROM webhooks WHERE shop_id = ? AND webhook_id = ? RETURNING webhook_id", (shop_id, webhook_id)
        )
        db.rows("DELETE FROM deliveries WHERE webhook_id = ?", (webhook_id,))
    return bool(found)


def registered(db: Database, shop_id: int) -> list[dict[str, Any]]:
    """The webhooks of a shop."""
    hooks = db.rows("SELECT webhook_id AS id, topic, url FROM webhooks WHERE shop_id = ?", (shop_id,))
    return [dict(row) for row in hooks]


def call_out(db: Database, shop_id: int, orders: Iterable[dict[str, Any]]) -> None:
    """Write down that these orders are new or changed; call it in the transaction that changes them."""
    hooks = registered(db, shop_id)
    if hooks:
        write_down(db, shop_id, [(hook["id"], _told(order)) for order in orders for hook in hooks])


def _told(order: dict[str, Any]) -> dict[str, Any]:
    names = ("order_id", "order_status", "payment_status", "updated_at")
    return {"id": uuid4().hex, "topic": TOPIC, "data": {name: order[name] for name in names}}
