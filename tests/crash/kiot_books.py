"""What stands in a store with a shop of KiotViet after a run, and in the shop: the sandbox's own records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.crash.books import Query, Row
from tests.crash.family import Promise


@dataclass(frozen=True, slots=True)
class ShopSide:
    """The shop's records, what was made through its API, and the orders of ours that its own people touched."""

    orders: Sequence[Row]
    invoices: Sequence[Row]
    products: Sequence[Row]
    created: Sequence[Row]
    touched: AbstractSet[int] = frozenset()


@dataclass(frozen=True, slots=True)
class StallBooks:
    """The rows of the store; `promises` are the orders that it was asked for, by their key."""

    own: Sequence[Row]
    own_lines: Sequence[Row]
    requests: Sequence[Row]
    switches: Sequence[Row]
    sales: Sequence[Row]
    sale_lines: Sequence[Row]
    seen: Sequence[Row]
    listings: Sequence[Row]
    stocks: Sequence[Row]
    branches: Sequence[Row]
    items: Sequence[Row]
    levels: Sequence[Row]
    ledger: Sequence[Row]
    channel: Sequence[Row]
    invoiced: Sequence[Row]
    promises: Mapping[str, Promise] = field(default_factory=dict)

    @classmethod
    def read(cls, query: Query, store_id: int, promises: Mapping[str, Promise]) -> StallBooks:
        """Read it with a query function of (SQL with one parameter, store id)."""
        return cls(**{part: query(sql, store_id) for part, sql in _SQL.items()}, promises=promises)

    def lines_of(self, order_id: int) -> list[Row]:
        """What an order of ours says line by line."""
        return [row for row in self.own_lines if row["order_id"] == order_id]


_SQL = {
    "own": """
        select o.id, o.number, o.note, o.status, o.payment_status, o.total, o.imported_at as created_at,
               k.mark, k.remote_id, k.number as their_number, k.told_digest = o.digest as is_told,
               g.state as change, g.reason, g.reason_detail->>'skus' as skus
        from orders o
        join channels c on c.store_id = o.store_id and c.id = o.channel_id and c.kind = 'own'
        left join order_copies k on k.store_id = o.store_id and k.order_id = o.id
        left join changes g on g.store_id = o.store_id and g.order_id = o.id and g.kind = 'order'
        where o.store_id = %s order by o.id""",
    "own_lines": """
        select l.order_id, coalesce(nullif(l.isku, ''), l.sku) as sku, l.quantity from order_lines l
        join orders o on o.store_id = l.store_id and o.id = l.order_id
        join channels c on c.store_id = o.store_id and c.id = o.channel_id and c.kind = 'own'
        where l.store_id = %s order by l.order_id, l.line_no""",
    "requests": "select key, (answer->'made'->0->>0)::bigint as order_id from own_order_requests where store_id = %s",
    "switches": """
        select kind, at from journal where store_id = %s and kind in ('giving_started', 'giving_stopped')
        order by id""",
    "sales": """
        select o.id, o.remote_id, o.number, o.status, o.payment_status, o.total, o.state, o.reason
        from orders o join channels c on c.store_id = o.store_id and c.id = o.channel_id and c.kind = 'kiotviet'
        where o.store_id = %s order by o.id""",
    "sale_lines": """
        select o.remote_id, l.sku, l.quantity from order_lines l
        join orders o on o.store_id = l.store_id and o.id = l.order_id
        join channels c on c.store_id = o.store_id and c.id = o.channel_id and c.kind = 'kiotviet'
        where l.store_id = %s order by l.order_id, l.line_no""",
    "seen": """
        select s.remote_id, s.state, s.reason from seen_orders s
        join channels c on c.store_id = s.store_id and c.id = s.channel_id and c.kind = 'kiotviet'
        where s.store_id = %s""",
    "listings": """
        select id, remote_id, sku, price, item_id, conversion, obstacle, gone_at is not null as is_gone from listings
        where store_id = %s""",
    "stocks": """
        select l.remote_id, m.remote_id as branch, s.on_hand, s.reserved from listing_stocks s
        join listings l on l.store_id = s.store_id and l.id = s.listing_id
        join marketplaces m on m.store_id = s.store_id and m.id = s.marketplace_id where s.store_id = %s""",
    "branches": "select remote_id, location_id from marketplaces where store_id = %s",
    "items": "select id, sku, price from items where store_id = %s",
    "levels": "select item_id, location_id, on_hand from stock_levels where store_id = %s",
    "ledger": """
        select item_id, location_id, sum(on_hand_change) as on_hand from stock_movements where store_id = %s
        group by item_id, location_id""",
    "channel": """
        select gives_orders, takes_orders, takes_stock, takes_prices from channels
        where store_id = %s and kind = 'kiotviet' and status = 'connected'""",
    "invoiced": "select order_id from invoices where store_id = %s and state = 'posted'",
}
