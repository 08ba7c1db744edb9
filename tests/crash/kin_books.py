"""What stands in the stores of a family after a run, and what their sub-stores' programs and people were told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.crash.books import Query, Row
from tests.crash.family import Promise


@dataclass(frozen=True, slots=True)
class KinBooks:
    """The rows of one store."""

    store_id: int
    name: str
    orders: Sequence[Row]
    lines: Sequence[Row]
    packages: Sequence[Row]
    moves: Sequence[Row]
    notes: Sequence[Row]
    channels: Sequence[Row]
    listings: Sequence[Row]
    items: Sequence[Row]
    ledger: Sequence[Row]
    levels: Sequence[Row]
    held: Sequence[Row]
    newest: Sequence[Row]
    shortages: Sequence[Row]
    requests: Sequence[Row]
    series: Sequence[Row]
    news: Sequence[Row]
    invoices: Sequence[Row]

    @classmethod
    def read(cls, query: Query, store_id: int, name: str) -> KinBooks:
        """Read it with a query function of (SQL with one parameter, store id)."""
        return cls(store_id, name, **{part: query(sql, store_id) for part, sql in _SQL.items()})

    def lines_of(self, order_id: int) -> list[Row]:
        """What an order says line by line."""
        return [row for row in self.lines if row["order_id"] == order_id]

    def packed(self, order_id: int) -> set[tuple[object, ...]]:
        """What of an order is in which package, and how that travels."""
        names = ("number", "courier", "tracking_number", "shipped_at", "line_no", "quantity")
        return {tuple(row[name] for name in names) for row in self.packages if row["order_id"] == order_id}

    def channel_of(self, sub: KinBooks) -> Row | None:
        """The channel that stands for a sub-store, removed or not."""
        return next((row for row in self.channels if row["sub"] == str(sub.store_id)), None)


@dataclass(frozen=True, slots=True)
class FamilyBooks:
    """A main store, its sub-stores, the links between them, and what was promised in each sub-store by its id."""

    main: KinBooks
    subs: Sequence[KinBooks]
    links: Sequence[Row]
    events: Sequence[Row]
    days: Sequence[Row]
    promises: Mapping[int, Mapping[str, Promise]]

    def link(self, sub: KinBooks) -> Row | None:
        """The link that is granted between the main store and a sub-store."""
        granted = ("connected", "suspended")
        mine = (row for row in self.links if row["sub_store_id"] == sub.store_id)
        return next((row for row in mine if row["state"] in granted), None)


_SQL = {
    "orders": """
        select o.id, c.kind, o.channel_id, o.remote_id, o.number, o.order_type, o.status, o.payment_status,
               o.total, o.currency, o.placed_at, o.note, o.state, o.reason,
               coalesce(o.alert, o.ignored_alert) as alert, coalesce(f.version, 0) as version
        from orders o join channels c on c.store_id = o.store_id and c.id = o.channel_id
        left join fulfilments f on f.store_id = o.store_id and f.order_id = o.id
        where o.store_id = %s order by o.id""",
    "lines": """
        select order_id, line_no, coalesce(nullif(isku, ''), sku) as sku, name, quantity, unit_price, gross, discount
        from order_lines where store_id = %s order by order_id, line_no""",
    "packages": """
        select l.order_id, l.line_no, l.quantity, p.number, p.courier, p.tracking_number, p.shipped_at
        from packages p join package_lines l on l.store_id = p.store_id and l.package_id = p.id
        where p.store_id = %s order by p.number, l.order_id, l.line_no""",
    "moves": """
        select id, order_id, remote_id, state, reason, payload->>'status' as status,
               payload->>'tracking_number' as tracking_number
        from changes where store_id = %s and kind = 'move' order by id""",
    "notes": """
        select order_id, kind, detail->>'status' as status, detail->>'tracking_number' as tracking_number
        from journal where store_id = %s and order_id is not null order by id""",
    "channels": """
        select id, kind, status, paused_reason, config->>'store' as sub, stock_location_id, stock_buffer, stock_seq,
               start_at
        from channels where store_id = %s order by id""",
    "listings": """
        select channel_id, remote_id, item_id, told_item_id from listings
        where store_id = %s and gone_at is null order by id""",
    "items": "select id, sku from items where store_id = %s order by id",
    "ledger": """
        select item_id, location_id, sum(on_hand_change) as on_hand, sum(reserved_change) as reserved,
               count(*) as movements
        from stock_movements where store_id = %s group by item_id, location_id""",
    "levels": "select item_id, location_id, on_hand, reserved, changed_seq from stock_levels where store_id = %s",
    "held": """
        select order_id, order_sku as sku, item_id, -sum(on_hand_change) as taken, sum(reserved_change) as reserved
        from stock_movements where store_id = %s and order_id is not null group by order_id, order_sku, item_id""",
    "newest": """
        select distinct on (item_id) item_id, kind from stock_movements where store_id = %s
        order by item_id, id desc""",
    "shortages": "select order_id, sku, item_id, missing, why from shortages where store_id = %s",
    "requests": "select key, (answer->'made'->0->>0)::bigint as order_id from own_order_requests where store_id = %s",
    "series": "select prefix, padding, next_number from number_series where store_id = %s and code = 'own_order'",
    "news": "select order_id from order_news where store_id = %s",
    "invoices": """
        select i.order_id, i.number_text, i.total, i.credited, i.state from invoices i where i.store_id = %s""",
}

LINKS = """select id, main_store_id, sub_store_id, state, location_id, stock_after from links
           where main_store_id = %s order by id"""
EVENTS = "select link_id, kind, side from link_events where main_store_id = %s order by id"
DAYS = """select sub_store_id, sum(orders) as orders, sum(moves) as moves from link_days
          where main_store_id = %s group by sub_store_id"""
