"""What must hold after any crash: the channel's own data held against our books, order by order.

`audit` returns a finding for each thing that is wrong, so that one run shows all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from tests.crash.books import ChannelSide, OurSide, Row, sen

ACTIVE = ("queued", "running")
BY_PERSON = ("CREDITED", "IGNORED")  # reasons for which a person left an order unbooked
FAILS = ("partly", "failed", "cancelled")
OUR_MISTAKE = "INTERNAL"

Kind = Literal["lost", "doubled", "wrong", "gap", "stuck"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which promise it breaks, and a sentence that says where."""

    kind: Kind
    words: str

    def __str__(self) -> str:
        return self.words


def audit(channel: ChannelSide, ours: OurSide, *, each_written_once: bool = True, rough: bool = False) -> list[Finding]:
    """Everything that is wrong; empty when every paid order has its one invoice and its number stands on it.

    `each_written_once` False allows the same number to be sent again, as a worker that wakes up in the middle of
    sending it does. `rough` allows what channels and people do: jobs that failed or were cancelled, write-backs
    that a person dropped, numbers that had to be written again after somebody had changed them.
    """
    return [
        *_lost(channel, ours),
        *_unearned(channel, ours),
        *_doubled(ours, rough=rough),
        *_wrong_totals(channel, ours),
        *_wrong_credits(ours),
        *_gaps(ours),
        *_wrong_numbers(channel, ours),
        *_wrong_writes(channel, ours, each_written_once=each_written_once, rough=rough),
        *_unfinished_jobs(ours, rough=rough),
        *_unfinished_orders(channel, ours, rough=rough),
    ]


def audit_books(ours: OurSide, *, rough: bool = False) -> list[Finding]:
    """What is wrong with a store's books by themselves, whatever stands on its channels."""
    return [
        *_doubled(ours, rough=rough),
        *_wrong_credits(ours),
        *_gaps(ours),
        *_unfinished_jobs(ours, rough=rough),
    ]


def _lost(channel: ChannelSide, ours: OurSide) -> Iterator[Finding]:
    seen = {row["remote_id"] for row in ours.seen}
    stored = {row["remote_id"]: row for row in ours.orders}
    live = ours.live
    for name, order in channel.named():
        if name not in seen:
            yield Finding("lost", f"lost: order {name} is not in the ledger of seen orders")
        if name not in stored:
            yield Finding("lost", f"lost: order {name} was not imported")
        elif stored[name]["lines"] != len(order["order_items"]):
            words = f"lost: order {name} has {stored[name]['lines']} of {len(order['order_items'])} lines"
            yield Finding("lost", words)
        left_out = name in stored and stored[name]["reason"] in BY_PERSON
        if channel.is_due(order) and name not in live and not left_out:
            yield Finding("lost", f"lost: order {name} is paid and has no invoice, but {stored.get(name)}")


def _unearned(channel: ChannelSide, ours: OurSide) -> Iterator[Finding]:
    """Invoices that should not be, and orders that nobody placed."""
    stored = {row["remote_id"]: row for row in ours.orders}
    live = ours.live
    for name, order in channel.named():
        now = f"{order['order_status']}, {order['payment_status']}"
        if name in live and not channel.was_due(order):
            yield Finding("wrong", f"unearned: order {name} has an invoice, but is {now}")
        elif name in live and not channel.is_due(order) and not _is_noticed(stored.get(name), live[name]):
            yield Finding("wrong", f"unnoticed: order {name} is {now} since it was booked, and we do not say so")
        if name in stored and (stored[name]["state"] == "booked") != (name in live):
            yield Finding("wrong", f"torn: order {name} is {stored[name]['state']}, which its invoices do not say")
    for name in (stored.keys() | {row["remote_id"] for row in ours.seen}) - dict(channel.named()).keys():
        yield Finding("wrong", f"invented: order {name} is not on the channel")


def _is_noticed(stored: Row | None, invoice: Row) -> bool:
    """Whether our books say that the order is not any more what was invoiced."""
    return bool(stored and stored["alert"]) or bool(invoice["credited"])


def _doubled(ours: OurSide, *, rough: bool) -> Iterator[Finding]:
    posted = (row["remote_id"] for row in ours.invoices if row["state"] == "posted")
    not_for_another = (row["remote_id"] for row in ours.invoices if not row["replaces"])
    open_ones = [row for row in ours.changes if not rough or row["state"] in ("planned", "sending")]
    changes = ((row["remote_id"], row["number"]) for row in open_ones)
    done = Counter(row["number"] for row in ours.changes if row["state"] == "done")
    for name, count in _several(posted):
        yield Finding("doubled", f"doubled: order {name} has {count} live invoices")
    for name, count in _several(not_for_another):
        yield Finding("doubled", f"doubled: order {name} has {count} invoices that replace no other")
    for name, count in _several(row["remote_id"] for row in ours.orders):
        yield Finding("doubled", f"doubled: order {name} is stored {count} times")
    for (name, number), count in _several(changes):
        yield Finding("doubled", f"doubled: order {name} has {count} write-backs of {number}")
    for row in ours.invoices:
        for what, times in (("booked", 1), ("written", done[row["number_text"]])):
            if row[what] != times:
                words = f"invoice {row['number_text']} was noted as {what} {row[what]} times, not {times}"
                yield Finding("doubled" if row[what] > times else "lost", words)


def _several(rows: Iterable[Item]) -> Iterator[tuple[Item, int]]:
    return ((row, count) for row, count in Counter(rows).items() if count > 1)


def _wrong_totals(channel: ChannelSide, ours: OurSide) -> Iterator[Finding]:
    orders, stored = dict(channel.named()), {row["remote_id"]: row for row in ours.orders}
    for row in ours.invoices:
        name = row["remote_id"]
        order = orders.get(name)
        if order is None:
            words = f"invented: invoice {row['number_text']} is of an order that is not on the channel"
            yield Finding("wrong", words)
            continue
        charges, currency = channel.charges(order), channel.currency(order)
        if (
            row["total"] not in charges
            or not row["total"] == row["parts"] == row["lines"]
            or row["currency"] != currency
        ):
            charged = " or ".join(map(str, sorted(charges)))
            words = f"wrong total: order {name} charged {currency} {charged}, its invoice says {dict(row)}"
            yield Finding("wrong", words)
        elif (
            row["state"] == "posted" and row["total"] != sen(order["total"]) and not _is_noticed(stored.get(name), row)
        ):
            yield Finding("wrong", f"unnoticed: order {name} now charges {order['total']}, its invoice {row['total']}")


def _wrong_credits(ours: OurSide) -> Iterator[Finding]:
    """What was credited is of an invoice of the same order, and never more than it."""
    invoices = {row["number_text"]: row for row in ours.invoices}
    credited: Counter[str] = Counter()
    for row in ours.credits:
        number = row["invoice_number"]
        credited[number] += row["total"]
        if row["total"] != row["lines"]:
            yield Finding("wrong", f"wrong total: credit note {row['number_text']} is not what its lines add up to")
        if number not in invoices or invoices[number]["remote_id"] != row["remote_id"]:
            yield Finding("wrong", f"wrong credit: {row['number_text']} credits {number}, which is of another order")
    for number, row in invoices.items():
        if credited[number] != row["credited"] or row["credited"] > row["total"]:
            words = f"wrong credit: {credited[number]} of {number} is credited, {row['credited']} is written there"
            yield Finding("wrong", words)
        if (row["state"] == "credited") != (row["credited"] == row["total"] and bool(row["total"])):
            yield Finding("wrong", f"wrong credit: {number} is {row['state']} with {row['credited']} of {row['total']}")


def _gaps(ours: OurSide) -> Iterator[Finding]:
    """Each series is complete: every number below the next is used once, or was skipped by a person."""
    documents = {"invoice": ours.invoices, "credit_note": ours.credits}
    for series in ours.series:
        rows = documents[series["code"]]
        used = Counter(row["number"] for row in rows)
        for void in ours.voids:
            if void["series"] == series["code"]:
                used.update(range(void["first_number"], void["last_number"] + 1))
        missing = sorted(set(range(1, series["next_number"])) - used.keys())
        twice = [number for number, count in used.items() if count > 1]
        ahead = sorted(number for number in used if number >= series["next_number"])
        if missing or twice or ahead:
            words = f"missing numbers {missing}, numbers used again {twice}, numbers not yet given out {ahead}"
            yield Finding("gap", f"gap: {len(rows)} of {series['code']}, {words}; next is {series['next_number']}")
        for row in rows:
            printed = f"{series['prefix']}{row['number']:0{series['padding']}d}"
            if row["number_text"] != printed:
                yield Finding("gap", f"wrong number: {row['number_text']} is not {printed}")


def _wrong_numbers(channel: ChannelSide, ours: OurSide) -> Iterator[Finding]:
    """The number on the channel, on our order and on the invoice are one and the same."""
    stored = {row["remote_id"]: row for row in ours.orders}
    for name, order in channel.named():
        standing, right = order["invoice_no"], _right_numbers(name, channel, ours)
        if standing not in right:
            words = f"order {name} shows “{standing}” on the channel, right is {' or '.join(sorted(right))}"
            yield Finding("wrong", f"wrong number: {words}")
        if name in stored and stored[name]["remote_invoice_no"] != standing:
            believed = stored[name]["remote_invoice_no"]
            yield Finding("wrong", f"wrong number: we believe that order {name} shows “{believed}”, not “{standing}”")


def _right_numbers(name: str, channel: ChannelSide, ours: OurSide) -> set[str]:
    """What may stand on the order: somebody else's number stays; ours stands there unless a person dropped it."""
    if name in channel.foreign:
        return {channel.foreign[name]}
    invoice = ours.live.get(name)
    dropped = {row["number"] for row in ours.changes if row["remote_id"] == name and row["state"] == "dropped"}
    credited = {row["number_text"] for row in ours.invoices if row["remote_id"] == name and row["state"] == "credited"}
    if invoice is None:
        return {"", *credited}
    number = invoice["number_text"]
    return {number, "", *credited} if number in dropped else {number}


def _wrong_writes(channel: ChannelSide, ours: OurSide, *, each_written_once: bool, rough: bool) -> Iterator[Finding]:
    """What really reached the channel, in the order in which it did.

    A worker that wakes up late may write a number that was credited meanwhile over the new one; that is mended later.
    """
    numbers: dict[str, list[str]] = defaultdict(list)
    for invoice in sorted(ours.invoices, key=lambda row: row["number"]):
        numbers[invoice["remote_id"]].append(invoice["number_text"])
    written: dict[str, list[str]] = defaultdict(list)
    for write in channel.writes:
        name = str(write["order_id"])
        written[name].append(write["invoice_no"])
        older = (
            numbers[name][: numbers[name].index(write["invoice_no"])] if write["invoice_no"] in numbers[name] else []
        )
        if write["previous"] not in ("", write["invoice_no"], *(numbers[name] if rough else older)):
            words = f"overwritten: order {name} showed {write['previous']} when {write['invoice_no']} was written"
            yield Finding("wrong", words)
    for name, sent in written.items():
        if not set(sent) <= set(numbers[name]):
            yield Finding("wrong", f"wrong number: order {name} was written {sent}, its invoices are {numbers[name]}")
        if each_written_once and len(sent) > len(set(sent)):
            yield Finding("doubled", f"doubled: order {name} was written {len(sent)} times")
    unsendable = {row["number"] for row in ours.changes if row["state"] == "dropped"}
    for name, invoice in ours.live.items():
        if invoice["number_text"] not in {*written[name], *unsendable} and name not in channel.foreign:
            yield Finding("lost", f"lost: the number of order {name} was never written")


def _unfinished_jobs(ours: OurSide, *, rough: bool) -> Iterator[Finding]:
    """Every job ended or goes on, and none by a mistake of ours."""
    for row in ours.jobs:
        job = f"job {row['id']} ({row['kind']})"
        if row["state"] in ACTIVE:
            words = f"unfinished: {job} is {row['state']} in {row['phase']}, {row['problem']}"
            yield Finding("stuck", words)
        elif row["state"] in FAILS and (not rough or row["problem"] == OUR_MISTAKE):
            yield Finding("stuck", f"unfinished: {job} ended as {row['state']}, {row['problem']}")


def _unfinished_orders(channel: ChannelSide, ours: OurSide, *, rough: bool) -> Iterator[Finding]:
    for row in ours.changes:
        is_dropped = rough and row["state"] == "dropped"
        is_foreign = row["state"] == "blocked" and row["remote_id"] in channel.foreign
        if row["state"] != "done" and not is_dropped and not is_foreign:
            words = f"unfinished: the write-back of order {row['remote_id']} is {row['state']}, {row['reason']}"
            yield Finding("stuck", words)
    for row in ours.orders:
        if row["state"] in ("queued", "ready"):
            yield Finding("stuck", f"unfinished: order {row['remote_id']} is still {row['state']}")
