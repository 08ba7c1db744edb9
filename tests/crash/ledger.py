"""What must hold after any crash: the channel's own data held against our books, order by order.

The channel's side is the sandbox's own JSON and its log of writes, added up here by hand: nothing of the portal's
code takes part. `audit` returns a sentence for each thing that is wrong, so that one run shows all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Query = Callable[[str, int], list[dict[str, Any]]]

SOLD = ("Open", "Pending Process", "Processed", "Ready To Ship", "Shipped", "Completed")
ROUNDING = 5  # sen that a total may differ from its parts
ACTIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class ChannelSide:
    """What stands on the channel: its orders as it sends them, the currency of each place, every write it took."""

    orders: Sequence[Row]
    currencies: Mapping[int, str]
    writes: Sequence[Row]


@dataclass(frozen=True, slots=True)
class OurSide:
    """What stands in our database for the same store; `series` is the counter of its invoice numbers."""

    seen: Sequence[Row]
    orders: Sequence[Row]
    invoices: Sequence[Row]
    changes: Sequence[Row]
    jobs: Sequence[Row]
    series: Row

    @classmethod
    def read(cls, query: Query, store_id: int) -> OurSide:
        """Read it with a query function of (SQL with one parameter, store id)."""
        rows = {name: query(sql, store_id) for name, sql in _SQL.items()}
        (series,) = rows.pop("series")
        return cls(**rows, series=series)


_SQL = {
    "seen": "select remote_id, state, reason from seen_orders where store_id = %s",
    "orders": """
        select o.remote_id, o.state, o.reason, o.remote_invoice_no,
               (select count(*) from order_lines l where l.store_id = o.store_id and l.order_id = o.id) as lines
        from orders o where o.store_id = %s""",
    "invoices": """
        select o.remote_id, i.number, i.number_text, i.state, i.currency, i.total,
               i.subtotal - i.discount + i.shipping + i.adjustment + i.rounding
                   + case when i.tax_included then 0 else i.tax end as parts,
               (select sum(l.amount) from invoice_lines l where l.store_id = i.store_id and l.invoice_id = i.id)
                   + case when i.tax_included then 0 else i.tax end as lines,
               (select count(*) from journal j
                where j.store_id = i.store_id and j.invoice_id = i.id and j.kind = 'booked') as booked,
               (select count(*) from journal j
                where j.store_id = i.store_id and j.invoice_id = i.id and j.kind = 'written_back') as written
        from invoices i join orders o on o.store_id = i.store_id and o.id = i.order_id where i.store_id = %s""",
    "changes": "select remote_id, state, payload->>'invoice_no' as number from changes where store_id = %s",
    "jobs": "select id, kind, state, phase, problem from sync_jobs where store_id = %s",
    "series": "select prefix, padding, next_number from number_series where store_id = %s and code = 'invoice'",
}


def audit(channel: ChannelSide, ours: OurSide, *, each_written_once: bool = True) -> list[str]:
    """Everything that is wrong; empty when every paid order has its one invoice and its number stands on it.

    `each_written_once` False allows the same number to be sent again, as a worker that wakes up in the middle of
    sending does; another number is never allowed.
    """
    return [
        *_lost(channel, ours),
        *_doubled(ours),
        *_wrong_totals(channel, ours),
        *_gaps(ours),
        *_wrong_numbers(channel, ours),
        *_wrong_writes(channel, ours, each_written_once=each_written_once),
        *_unfinished(ours),
    ]


def is_due(order: Row, currency: str) -> bool:
    """Whether the order must have an invoice: sold, paid in full, in ringgit, and adding up."""
    return (
        order["payment_status"] == "Paid"
        and order["order_status"] in SOLD
        and sen(order["refunded_amount"]) == 0
        and currency == "MYR"
        and abs(sen(order["total"]) - added_up(order)) <= ROUNDING
    )


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


def _lost(channel: ChannelSide, ours: OurSide) -> Iterator[str]:
    seen = {row["remote_id"] for row in ours.seen}
    stored = {row["remote_id"]: row for row in ours.orders}
    invoiced = {row["remote_id"] for row in ours.invoices if row["state"] == "posted"}
    for order in channel.orders:
        name = str(order["order_id"])
        if name not in seen:
            yield f"lost: order {name} is not in the ledger of seen orders"
        if name not in stored:
            yield f"lost: order {name} was not imported"
        elif stored[name]["lines"] != len(order["order_items"]):
            yield f"lost: order {name} has {stored[name]['lines']} of {len(order['order_items'])} lines"
        due = is_due(order, channel.currencies[order["channel_id"]])
        if due and name not in invoiced:
            yield f"lost: order {name} is paid and has no invoice, but {stored.get(name)}"
        if not due and name in invoiced:
            yield f"unearned: order {name} has an invoice, but is {order['order_status']}, {order['payment_status']}"
        if name in stored and (stored[name]["state"] == "booked") != (name in invoiced):
            yield f"torn: order {name} is {stored[name]['state']}, which its invoices do not say"
    for name in (stored.keys() | seen) - {str(order["order_id"]) for order in channel.orders}:
        yield f"invented: order {name} is not on the channel"


def _doubled(ours: OurSide) -> Iterator[str]:
    for name, count in Counter(row["remote_id"] for row in ours.invoices).items():
        if count > 1:
            yield f"doubled: order {name} has {count} invoices"
    for name, count in Counter(row["remote_id"] for row in ours.orders).items():
        if count > 1:
            yield f"doubled: order {name} is stored {count} times"
    for name, count in Counter(row["remote_id"] for row in ours.changes).items():
        if count > 1:
            yield f"doubled: order {name} has {count} write-backs"
    for row in ours.invoices:
        for what in ("booked", "written"):
            if row[what] != 1:
                yield f"doubled or lost: invoice {row['number_text']} was noted as {what} {row[what]} times"


def _wrong_totals(channel: ChannelSide, ours: OurSide) -> Iterator[str]:
    orders = {str(order["order_id"]): order for order in channel.orders}
    for row in ours.invoices:
        order = orders.get(row["remote_id"])
        if order is None:
            yield f"invented: invoice {row['number_text']} is of an order that is not on the channel"
            continue
        charged, currency = sen(order["total"]), channel.currencies[order["channel_id"]]
        if (row["total"], row["parts"], row["lines"], row["currency"]) != (charged, charged, charged, currency):
            yield f"wrong total: order {row['remote_id']} charged {currency} {charged}, its invoice says {dict(row)}"


def _gaps(ours: OurSide) -> Iterator[str]:
    numbers = sorted(row["number"] for row in ours.invoices)
    if numbers != list(range(1, len(numbers) + 1)):
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        twice = [number for number, count in Counter(numbers).items() if count > 1]
        yield f"gap: {len(numbers)} invoices, missing numbers {missing}, numbers used again {twice}"
    if ours.series["next_number"] != len(numbers) + 1:
        yield f"gap: {len(numbers)} invoices, but the next number is {ours.series['next_number']}"
    for row in ours.invoices:
        printed = f"{ours.series['prefix']}{row['number']:0{ours.series['padding']}d}"
        if row["number_text"] != printed:
            yield f"wrong number: {row['number_text']} is not {printed}"


def _wrong_numbers(channel: ChannelSide, ours: OurSide) -> Iterator[str]:
    """The number on the channel, on our order and on the invoice are one and the same."""
    invoiced = {row["remote_id"]: row["number_text"] for row in ours.invoices if row["state"] == "posted"}
    for order in channel.orders:
        name, standing = str(order["order_id"]), order["invoice_no"]
        if standing != invoiced.get(name, ""):
            yield f"wrong number: order {name} shows “{standing}” on the channel, its invoice is {invoiced.get(name)}"
    for row in ours.orders:
        if row["remote_invoice_no"] != invoiced.get(row["remote_id"], ""):
            yield f"wrong number: we believe that order {row['remote_id']} shows “{row['remote_invoice_no']}”"


def _wrong_writes(channel: ChannelSide, ours: OurSide, *, each_written_once: bool) -> Iterator[str]:
    """What really reached the channel, in the order in which it did."""
    invoiced = {row["remote_id"]: row["number_text"] for row in ours.invoices if row["state"] == "posted"}
    written: dict[str, list[str]] = defaultdict(list)
    for write in channel.writes:
        name = str(write["order_id"])
        written[name].append(write["invoice_no"])
        if write["previous"] not in ("", write["invoice_no"]):
            yield f"overwritten: order {name} showed {write['previous']} when {write['invoice_no']} was written"
    for name, numbers in written.items():
        if set(numbers) != {invoiced.get(name)}:
            yield f"wrong number: order {name} was written {numbers}, its invoice is {invoiced.get(name)}"
        if each_written_once and len(numbers) > 1:
            yield f"doubled: order {name} was written {len(numbers)} times"
    for name in invoiced.keys() - written.keys():
        yield f"lost: the number of order {name} was never written"


def _unfinished(ours: OurSide) -> Iterator[str]:
    for row in ours.jobs:
        if row["state"] in ACTIVE:
            yield f"unfinished: job {row['id']} ({row['kind']}) is {row['state']} in {row['phase']}, {row['problem']}"
        elif row["state"] != "succeeded":
            yield f"unfinished: job {row['id']} ({row['kind']}) ended as {row['state']}, {row['problem']}"
    for row in ours.changes:
        if row["state"] != "done":
            yield f"unfinished: the write-back of order {row['remote_id']} is {row['state']}"
    for row in ours.orders:
        if row["state"] in ("queued", "ready"):
            yield f"unfinished: order {row['remote_id']} is still {row['state']}"
