"""The two sides that are held against each other after a crash: the channel's own data, and our database.

The channel's side is the sandbox's own JSON and its log of writes, added up here by hand: nothing of the portal's
code takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Query = Callable[[str, int], list[dict[str, Any]]]

SOLD = ("Open", "Pending Process", "Processed", "Ready To Ship", "Shipped", "Completed")
ROUNDING = 5  # sen that a total may differ from its parts
OURS = "MYR"


@dataclass(frozen=True, slots=True)
class ChannelSide:
    """What stands on the channel: its orders as it sends them, the currency of each place, every write it took.

    `earlier` are the states in which an order was before, when it was changed meanwhile; `foreign` are the numbers
    that somebody else put on an order before we could.
    """

    orders: Sequence[Row]
    currencies: Mapping[int, str]
    writes: Sequence[Row]
    earlier: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    foreign: Mapping[str, str] = field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, Row]]:
        """Each order with its id as we spell it."""
        return ((str(order["order_id"]), order) for order in self.orders)

    def currency(self, order: Row) -> str:
        """What the order was charged in."""
        return self.currencies[order["channel_id"]]

    def states(self, order: Row) -> list[Row]:
        """The order as it is, and as it ever was."""
        return [order, *self.earlier.get(str(order["order_id"]), ())]

    def is_due(self, order: Row) -> bool:
        """Whether the order must have an invoice: sold, paid in full, in ringgit, and adding up."""
        return (
            order["payment_status"] == "Paid"
            and order["order_status"] in SOLD
            and sen(order["refunded_amount"]) == 0
            and self.currency(order) == OURS
            and abs(sen(order["total"]) - added_up(order)) <= ROUNDING
        )

    def was_due(self, order: Row) -> bool:
        """Whether there was a time at which it had to have one."""
        return any(self.is_due(state) for state in self.states(order))

    def charges(self, order: Row) -> set[int]:
        """What an invoice of the order may say: what was charged while it was due, and what is charged now."""
        return {sen(order["total"]), *(sen(state["total"]) for state in self.states(order) if self.is_due(state))}


@dataclass(frozen=True, slots=True)
class OurSide:
    """What stands in our database for the same store."""

    seen: Sequence[Row]
    orders: Sequence[Row]
    invoices: Sequence[Row]
    credits: Sequence[Row]
    changes: Sequence[Row]
    jobs: Sequence[Row]
    series: Sequence[Row]
    voids: Sequence[Row]

    @classmethod
    def read(cls, query: Query, store_id: int) -> OurSide:
        """Read it with a query function of (SQL with one parameter, store id)."""
        return cls(**{name: query(sql, store_id) for name, sql in _SQL.items()})

    @property
    def live(self) -> dict[str, Row]:
        """The invoice of each order that has one which was not credited in full."""
        return {row["remote_id"]: row for row in self.invoices if row["state"] == "posted"}


_SQL = {
    "seen": "select remote_id, state, reason from seen_orders where store_id = %s",
    "orders": """
        select o.remote_id, o.state, o.reason, o.remote_invoice_no, coalesce(o.alert, o.ignored_alert) as alert,
               (select count(*) from order_lines l where l.store_id = o.store_id and l.order_id = o.id) as lines
        from orders o where o.store_id = %s""",
    "invoices": """
        select o.remote_id, i.number, i.number_text, i.state, i.currency, i.total, i.credited,
               i.replaces_id is not null as replaces,
               i.subtotal - i.discount + i.shipping + i.adjustment + i.rounding
                   + case when i.tax_included then 0 else i.tax end as parts,
               (select sum(l.amount) from invoice_lines l where l.store_id = i.store_id and l.invoice_id = i.id)
                   + case when i.tax_included then 0 else i.tax end as lines,
               (select count(*) from journal j where j.store_id = i.store_id and j.invoice_id = i.id
                and j.kind in ('booked', 'reissued')) as booked,
               (select count(*) from journal j
                where j.store_id = i.store_id and j.invoice_id = i.id and j.kind = 'written_back') as written
        from invoices i join orders o on o.store_id = i.store_id and o.id = i.order_id where i.store_id = %s""",
    "credits": """
        select o.remote_id, c.number, c.number_text, c.invoice_number, c.cause, c.total,
               (select coalesce(sum(l.amount), 0) from credit_note_lines l
                where l.store_id = c.store_id and l.credit_note_id = c.id)
                   + case when c.tax_included then 0 else c.tax end as lines
        from credit_notes c join orders o on o.store_id = c.store_id and o.id = c.order_id where c.store_id = %s""",
    "changes": "select remote_id, state, reason, payload->>'invoice_no' as number from changes where store_id = %s",
    "jobs": "select id, kind, state, phase, problem from sync_jobs where store_id = %s",
    "series": """select code, prefix, padding, next_number from number_series
                 where store_id = %s and code in ('invoice', 'credit_note')""",
    "voids": "select series, first_number, last_number from void_numbers where store_id = %s",
}


def added_up(order: Row) -> int:
    """The order's parts in sen; the channel sends discounts with either sign."""
    items = sum(sen(line["product_total"]) - abs(sen(line["discount_amount"])) for line in order["order_items"])
    tax = 0 if order["tax_inclusive"] else sen(order["tax_total"])
    extras = sen(order["shipping_fee"]) - abs(sen(order["coupon_amount"])) + sen(order["other_adjustment_total"])
    return items + extras + tax


def sen(amount: str) -> int:
    """An amount of the wire in sen; an amount with a fraction of a sen is a mistake of the test's data."""
    exact = Decimal(amount) * 100
    assert exact == int(exact), amount
    return int(exact)
