"""What a shop calls out by itself: which addresses asked for it, and what is still to be sent to them.

Whoever changes an order writes it down here in the same transaction; `postman.py` sends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from app.sandbox.sitegiant.database import Database

TOPIC = "order.status"
MOST_TRIES = 4
"""The first, and three more, as the channel promises."""


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


def call_out(db: Database, shop_id: int, orders: Iterable[dict[str, Any]]) -> None:
    """Write down that these orders are new or changed; call it in the transaction that changes them."""
    hooks = db.rows("SELECT webhook_id FROM webhooks WHERE shop_id = ?", (shop_id,))
    if not hooks:
        return
    rows = [(shop_id, hook[0], _body(order)) for order in orders for hook in hooks]
    db.run_many("INSERT INTO deliveries (shop_id, webhook_id, body, not_before) VALUES (?, ?, ?, 0)", rows)
    db.posting.set()


def _body(order: dict[str, Any]) -> str:
    names = ("order_id", "order_status", "payment_status", "updated_at")
    told = {"id": uuid4().hex, "topic": TOPIC, "data": {name: order[name] for name in names}}
    return json.dumps(told, separators=(",", ":"))


def standing(db: Database, shop_id: int) -> dict[str, Any]:
    """What is registered, how many deliveries wait or are given up, and what was posted and answered, oldest first."""
    hooks = db.rows("SELECT webhook_id AS id, topic, url FROM webhooks WHERE shop_id = ?", (shop_id,))
    (counts,) = db.rows(
        """SELECT count(*) FILTER (WHERE tries < :most) AS waiting, count(*) FILTER (WHERE tries >= :most) AS given_up
           FROM deliveries WHERE shop_id = :shop_id""",
        {"most": MOST_TRIES, "shop_id": shop_id},
    )
    posts = db.rows(
        """SELECT * FROM (SELECT post_id, at, url, body, signature, status, answer, fault, ms FROM posts
               WHERE shop_id = ? ORDER BY post_id DESC LIMIT 500) ORDER BY post_id""",
        (shop_id,),
    )
    return {"webhooks": [dict(row) for row in hooks], **dict(counts), "posts": [dict(row) for row in posts]}
