"""The log of every invoice number that took effect."""

from __future__ import annotations

from typing import Any

from app.sandbox.sitegiant.shop import Shop


def writes(shop: Shop, *, after: int = 0, order_id: int = 0) -> list[dict[str, Any]]:
    """Every invoice number that took effect, oldest first, after the given write id."""
    found = shop.db.rows(
        """SELECT write_id, call_id, order_id, invoice_no, previous, at FROM writes
           WHERE shop_id = :shop_id AND write_id > :after AND (:order_id = 0 OR order_id = :order_id)
           ORDER BY write_id""",
        {"shop_id": shop.shop_id, "after": after, "order_id": order_id},
    )
    return [dict(row) for row in found]
