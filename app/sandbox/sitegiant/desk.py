"""What only the control side does with a shop: search it, count it, fill it, empty it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.sandbox.sitegiant.catalogue import catalogue_rows, rows_sold
from app.sandbox.sitegiant.channels import Channel
from app.sandbox.sitegiant.clock import now, stamp
from app.sandbox.sitegiant.generator import FIRST_ID, SPAN, generated_orders
from app.sandbox.sitegiant.markets import MARKETS
from app.sandbox.sitegiant.orders import Order, checked_order
from app.sandbox.sitegiant.shop import Shop, UnknownOrder


def order_of(shop: Shop, order_id: int) -> Order:
    """One order; raises UnknownOrder."""
    row = shop.db.row("SELECT detail FROM orders WHERE shop_id = ? AND order_id = ?", (shop.shop_id, order_id))
    if row is None:
        raise UnknownOrder(f"There is no order {order_id}.")
    found: Order = json.loads(row[0])
    return found


def search(
    shop: Shop,
    *,
    words: str = "",
    order_status: str = "",
    payment_status: str = "",
    invoiced: str = "",
    foots: str = "",
    limit: int = 50,
    offset: int = 0,
) -> tuple[int, list[Order]]:
    """How many orders match, and one stretch of them, newest first; an empty filter matches all.

    `words` are looked for in ids, buyer, gateway, SKUs and invoice number; `invoiced` and `foots` are "1" or "0".
    """
    matching = """FROM orders WHERE shop_id = :shop_id AND (:words = '' OR instr(words, :words) > 0)
        AND (:order_status = '' OR order_status = :order_status)
        AND (:payment_status = '' OR payment_status = :payment_status)
        AND (:invoiced = '' OR (invoice_no <> '') = (:invoiced = '1'))
        AND (:foots = '' OR foots = (:foots = '1'))"""
    parameters = {
        "shop_id": shop.shop_id,
        "words": words.strip().casefold(),
        "order_status": order_status,
        "payment_status": payment_status,
        "invoiced": invoiced,
        "foots": foots,
        "limit": limit,
        "offset": offset,
    }
    (count,) = shop.db.rows(f"SELECT count(*) {matching}", parameters)
    found = shop.db.rows(
        f"SELECT detail {matching} ORDER BY created_us DESC, order_id DESC LIMIT :limit OFFSET :offset",
        parameters,
    )
    return int(count[0]), [json.loads(row[0]) for row in found]


def stats(shop: Shop) -> dict[str, Any]:
    """Counts of what the shop holds; `not_footing` orders have a total that is not the sum of their parts."""
    (counts,) = shop.db.rows(
        """SELECT count(*) AS orders, coalesce(sum(invoice_no <> ''), 0) AS with_invoice_no,
               coalesce(sum(foots = 0), 0) AS not_footing,
               (SELECT count(*) FROM items WHERE shop_id = :shop_id) AS items,
               (SELECT count(*) FROM writes WHERE shop_id = :shop_id) AS writes,
               (SELECT count(*) FROM calls WHERE shop_id = :shop_id OR shop_id IS NULL) AS calls_kept
           FROM orders WHERE shop_id = :shop_id""",
        {"shop_id": shop.shop_id},
    )
    per_channel = shop.db.pairs("SELECT channel_id, count(*) FROM orders WHERE shop_id = ? GROUP BY 1", (shop.shop_id,))
    return {
        **dict(counts),
        "order_status": shop.db.pairs(
            "SELECT order_status, count(*) FROM orders WHERE shop_id = ? GROUP BY 1", (shop.shop_id,)
        ),
        "payment_status": shop.db.pairs(
            "SELECT payment_status, count(*) FROM orders WHERE shop_id = ? GROUP BY 1", (shop.shop_id,)
        ),
        "channels": [c.as_json() | {"orders": per_channel.get(c.channel_id, 0)} for c in shop.channels()],
    }


def fill(shop: Shop, *, count: int, seed: int, until: datetime | None = None) -> list[int]:
    """Give an empty shop its catalogue, its channels and `count` generated orders, as of `until` (default: now)."""
    until = until or now()
    with shop.db.transaction():
        shop.keep_items(catalogue_rows(stamp(until - SPAN)))
        _open_channels(shop)
        return shop.add_orders(generated_orders(seed, count, until))


def load(shop: Shop, raws: list[Any]) -> list[int]:
    """Give an empty shop these orders, all or none, and the items that they sold."""
    with shop.db.transaction():
        added = shop.add_orders(raws)
        shop.keep_items(rows_sold(checked_order(raw) for raw in raws))
        return added


def add_generated(shop: Shop, *, count: int, seed: int, fields: Mapping[str, Any]) -> list[int]:
    """Add brand-new generated orders, each with the given fields set over what was made up."""
    with shop.db.transaction():
        _open_channels(shop)
        first_id = max(shop.next_order_id(), FIRST_ID)
        made = generated_orders(seed, count, now(), first_id=first_id, span=timedelta(minutes=10))
        return shop.add_orders({**order, **fields} for order in made)


def _open_channels(shop: Shop) -> None:
    """Make the generator's channels that the shop does not have, so that each gets its type and currency."""
    channels = shop.channels()
    known = {channel.marketplace.strip().casefold() for channel in channels}
    missing = [market for market in MARKETS if market.marketplace.casefold() not in known]
    first_id = max((channel.channel_id for channel in channels), default=0) + 1
    shop.keep_channels(
        Channel(channel_id, market.marketplace, f"{shop.name} - {market.label}", market.type, market.currency)
        for channel_id, market in enumerate(missing, start=first_id)
    )


def empty(shop: Shop) -> None:
    """Remove all the shop holds: orders, channels, items, calls, writes."""
    with shop.db.transaction():
        for statement in (
            "DELETE FROM orders WHERE shop_id = ?",
            "DELETE FROM spoils WHERE shop_id = ?",
            "DELETE FROM channels WHERE shop_id = ?",
            "DELETE FROM items WHERE shop_id = ?",
            "DELETE FROM writes WHERE shop_id = ?",
            "DELETE FROM webhooks WHERE shop_id = ?",
            "DELETE FROM deliveries WHERE shop_id = ?",
            "DELETE FROM posts WHERE shop_id = ?",
            "DELETE FROM calls WHERE shop_id = ? OR shop_id IS NULL",
        ):
            shop.db.rows(statement, (shop.shop_id,))
