"""What must hold between a store and its shop of KiotViet after any crash, record by record.

`audit_stall` returns a finding for each thing that is wrong, so that one run shows all of it. What the shop says is
read as the contract has it, by hand: nothing of the connector takes part.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from tests.crash.books import Row
from tests.crash.kiot_books import ShopSide, StallBooks
from tests.crash.kiot_shelves import audit_goods
from tests.crash.ledger import Finding

MARK: Final = re.compile(r"\[cb:([0-9a-f]{32})\]")
ENDED: Final = ("cancelled", "returned")
THERE: Final = {"open": 1, "on_hold": 1, "processing": 5, "ready_to_ship": 5, "shipped": 2, "completed": 3}
"""What an order of ours is to be there."""
FAR: Final = (1, 5, 2, 3)
"""Their statuses in the order in which a sale goes through them: it is never set back."""
CALLED_OFF: Final = 4
REFUSED: Final = ("ORDER_REFUSED", "ORDER_MISSING")
ORDERS: Final = {1: "open", 2: "shipped", 3: "completed", 4: "cancelled", 5: "processing"}
INVOICES: Final = {1: "completed", 2: "cancelled", 3: "processing", 5: "returned"}
SLACK: Final = timedelta(seconds=25)
"""For so long before and after orders were switched off nobody can say on which side of it one was made."""


def audit_stall(shop: ShopSide, ours: StallBooks) -> list[Finding]:
    """Everything that is wrong; empty when each order of ours is there once as it is here, and each sale here once."""
    return [
        *_made_once(shop, ours),
        *_given(shop, ours),
        *_forgotten(ours),
        *_asked(ours),
        *_brought_in(shop, ours),
        *_booked(ours),
        *audit_goods(shop, ours),
    ]


def mark_of(record: Row) -> str:
    """The mark by which an order says that we made it; '' when it says nothing."""
    found = MARK.search(record.get("description") or "")
    return found[1] if found else ""


def _made_once(shop: ShopSide, ours: StallBooks) -> Iterator[Finding]:
    """No mark was made twice there, none is nobody's, and what was made is still there."""
    marks = {row["mark"]: row for row in ours.own if row["mark"]}
    made = Counter(mark for row in shop.created if (mark := mark_of(row)))
    standing = Counter(mark for row in shop.orders if (mark := mark_of(row)))
    for mark in made.keys() | standing.keys():
        if mark not in marks:
            yield Finding("wrong", f"invented: an order there bears the mark {mark}, which is none of ours")
        elif max(made[mark], standing[mark]) > 1:
            words = (
                f"order {marks[mark]['number']} was made there {made[mark]} times, and stands there {standing[mark]}"
            )
            yield Finding("doubled", f"doubled: {words}")
    for row in shop.created:
        if not mark_of(row):
            yield Finding("wrong", f"unmarked: order {row['record_id']} was made there without a mark")


def _given(shop: ShopSide, ours: StallBooks) -> Iterator[Finding]:
    """Each order that is to be there is, under the id that we know, and says what ours says."""
    standing = {mark: row for row in shop.orders if (mark := mark_of(row))}
    for order in ours.own:
        if not order["mark"]:
            continue
        record = standing.get(order["mark"])
        is_touched = record is not None and record["id"] in shop.touched
        yield from _settled(order, ours, is_touched=is_touched)
        if record is None:
            yield from _missing(order)
            continue
        names = f"orders/{record['id']}", record["code"]
        if (order["remote_id"], order["their_number"]) != names:
            known = order["remote_id"], order["their_number"]
            yield Finding("wrong", f"wrong number: we believe that order {order['number']} is {known}, it is {names}")
        if order["change"] == "done" and not is_touched:
            yield from _alike(order, record, ours)


def _settled(order: Row, ours: StallBooks, *, is_touched: bool) -> Iterator[Finding]:
    """What is to be told of an order was told, or there is a good reason why it was not."""
    change, reason = order["change"], order["reason"]
    name = f"order {order['number']}"
    if change == "done":
        if not order["is_told"] and order["remote_id"]:
            yield Finding("lost", f"untold: {name} changed, and nothing is planned for it")
    elif change == "blocked" and reason == "PRODUCT_UNLINKED":
        linked = _linked_skus(ours)
        unknown = {row["sku"] for row in ours.lines_of(order["id"])} - linked
        if not unknown:
            yield Finding("stuck", f"unfinished: {name} waits for a link, and all that is in it is linked")
        elif set((order["skus"] or "").split(", ")) != unknown:
            yield Finding("wrong", f"misnamed: {name} waits for {order['skus']}, not for {sorted(unknown)}")
    elif (change == "blocked" and reason in REFUSED and is_touched) or (change == "dropped" and reason):
        return
    else:
        yield Finding("stuck", f"unfinished: what is to be told of {name} is {change}, {reason}")


def _missing(order: Row) -> Iterator[Finding]:
    """An order that is not there may have ended unsent, wait for a link, or have been left out by a person."""
    if order["remote_id"]:
        yield Finding("lost", f"lost: order {order['number']} is {order['remote_id']}, which is not there")
    elif order["status"] not in ENDED and order["change"] == "done":
        yield Finding("lost", f"lost: order {order['number']} is not there")


def _alike(order: Row, record: Row, ours: StallBooks) -> Iterator[Finding]:
    name = f"order {order['number']}"
    status, wanted = record["status"], CALLED_OFF if order["status"] in ENDED else THERE[order["status"]]
    is_behind = wanted in FAR and (status not in FAR or FAR.index(status) < FAR.index(wanted))
    if is_behind or (wanted == CALLED_OFF) != (status == CALLED_OFF):
        yield Finding("wrong", f"unlike: {name} is {order['status']}, there it is {status}")
    if order["status"] in ENDED:
        return
    here = _pieces(ours.lines_of(order["id"]), "sku")
    there = _pieces(record["orderDetails"], "productCode")
    codes = {row["sku"]: row["code"] for row in _products_here(ours)}
    if Counter({codes.get(sku, sku): pieces for sku, pieces in here.items()}) != there:
        yield Finding("wrong", f"unlike: {name} says {dict(here)}, there it says {dict(there)}")
    if _dong(record["total"]) != order["total"]:
        yield Finding("wrong", f"unlike: {name} comes to {order['total']}, there to {record['total']}")
    paid = record.get("totalPayment") or 0
    if order["payment_status"] == "paid" and paid < order["total"]:
        yield Finding("wrong", f"unlike: {name} is paid, and there only {paid} of {order['total']}")
    if order["payment_status"] == "unpaid" and paid:
        yield Finding("wrong", f"unlike: {name} is not paid, and there {paid} are")


def _products_here(ours: StallBooks) -> list[dict[str, Any]]:
    """Each of our SKUs with the code of what means it there."""
    skus = {row["id"]: row["sku"] for row in ours.items}
    linked = [row for row in ours.listings if row["item_id"] in skus and not row["is_gone"]]
    return [{"sku": skus[row["item_id"]], "code": row["sku"]} for row in linked]


def _linked_skus(ours: StallBooks) -> set[str]:
    return {row["sku"] for row in _products_here(ours)}


def _pieces(lines: Any, name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        found[line[name]] += line["quantity"]
    return found


def _forgotten(ours: StallBooks) -> Iterator[Finding]:
    """Every order that was made while orders went there is to go there."""
    for order in ours.own:
        if not order["mark"] and _went_there(ours.switches, order["created_at"]):
            yield Finding("lost", f"lost: order {order['number']} was never to go there")


def _went_there(switches: Sequence[Row], at: datetime) -> bool:
    """Whether orders surely went there at that time: it was switched on before, and not switched off near it."""
    before = [row["kind"] for row in switches if row["at"] < at]
    is_unsure = any(row["kind"] == "giving_stopped" and abs(row["at"] - at) < SLACK for row in switches)
    return before[-1:] == ["giving_started"] and not is_unsure


def _asked(ours: StallBooks) -> Iterator[Finding]:
    """One order for each key that it was asked for under, and none that nobody asked for."""
    by_key: defaultdict[str, set[int]] = defaultdict(set)
    for order in ours.own:
        by_key[order["note"]].add(order["id"])
    requests = {row["key"]: row["order_id"] for row in ours.requests}
    for key, promise in ours.promises.items():
        made = by_key.pop(key, set())
        if len(made) > 1 or len(promise.order_ids) > 1:
            yield Finding("doubled", f"doubled: there are several orders of the key {key}")
        if not made >= promise.order_ids:
            yield Finding("lost", f"lost: order {promise.order_ids} was promised, and is not there")
        if made != ({requests[key]} if key in requests else set()):
            yield Finding("wrong", f"torn: the key {key} stands for order {requests.get(key)}, not for {made}")
    for key in by_key:
        yield Finding("wrong", f"invented: nobody asked for the order of the key {key}")


def _brought_in(shop: ShopSide, ours: StallBooks) -> Iterator[Finding]:
    """Each sale there is here once, an order of ours and an order's invoice are not, and all of them were seen."""
    seen = {row["remote_id"]: row for row in ours.seen}
    stored = Counter(row["remote_id"] for row in ours.sales)
    here = {row["remote_id"]: row for row in ours.sales}
    pieces: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in ours.sale_lines:
        pieces[line["remote_id"]] += line["quantity"]
    sales = [
        *((f"orders/{row['id']}", row, "MADE_HERE" if mark_of(row) else "") for row in shop.orders),
        *((f"invoices/{row['id']}", row, "PART_OF_ORDER" if row.get("orderId") else "") for row in shop.invoices),
    ]
    for name, record, reason in sales:
        ledger = seen.pop(name, None)
        if ledger is None:
            yield Finding("lost", f"lost: {name} is not in the ledger of what was seen")
        elif (ledger["state"], ledger["reason"]) != (("skipped", reason) if reason else ("imported", None)):
            yield Finding("wrong", f"misjudged: {name} was seen as {ledger['state']}, {ledger['reason']}")
        if stored[name] > 1 or (reason and stored[name]):
            yield Finding("doubled", f"doubled: {name} is here {stored[name]} times, and should be {int(not reason)}")
        elif not reason and not stored[name]:
            yield Finding("lost", f"lost: {name} was not imported")
        elif not reason:
            yield from _same(name, record, here[name], pieces[name])
    for name in {*seen, *(stored.keys() - {one for one, _record, _reason in sales})}:
        yield Finding("wrong", f"invented: {name} is not there")


def _same(name: str, record: Row, order: Row, pieces: Decimal) -> Iterator[Finding]:
    """A sale here says what it says there."""
    statuses, details = (ORDERS, "orderDetails") if name.startswith("orders/") else (INVOICES, "invoiceDetails")
    paid = "paid" if (record.get("totalPayment") or 0) >= record["total"] else "unpaid"
    there = record["code"], statuses.get(record["status"], "unknown"), paid, _dong(record["total"])
    ours = order["number"], order["status"], order["payment_status"], order["total"]
    if there != ours:
        yield Finding("wrong", f"unlike: {name} says {there}, here it says {ours}")
    told = sum((Decimal(str(line["quantity"])) for line in record[details]), Decimal(0))
    if told != pieces:
        yield Finding("wrong", f"unlike: {name} has {told} pieces, here it has {pieces}")


def _booked(ours: StallBooks) -> Iterator[Finding]:
    """A sale from there is booked once, as it says."""
    live = Counter(row["order_id"] for row in ours.invoiced)
    for order_id, count in live.items():
        if count > 1:
            yield Finding("doubled", f"doubled: order {order_id} has {count} live invoices")
    for order in ours.sales:
        if (order["state"] == "booked") != bool(live[order["id"]]):
            yield Finding("wrong", f"torn: {order['remote_id']} is {order['state']}, which its invoices do not say")
        if order["state"] in ("ready", "queued"):
            yield Finding("stuck", f"unfinished: {order['remote_id']} is still {order['state']}")


def _dong(amount: float) -> int:
    return int(Decimal(str(amount)).quantize(Decimal(1), ROUND_HALF_UP))
