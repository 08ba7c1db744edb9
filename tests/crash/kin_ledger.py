"""What must hold between a main store and its sub-stores after any crash, row by row.

`audit_family` returns a finding for each thing that is wrong, so that one run shows all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from app.core.fulfilment import MOVES
from app.core.linking import LIVE, Act, LinkState
from app.core.linking import MOVES as LINK_MOVES
from app.core.types import OrderStatus
from tests.crash.books import Row, sen
from tests.crash.kin_books import FamilyBooks, KinBooks
from tests.crash.kin_shelves import audit_shelves
from tests.crash.ledger import Finding, Kind

SAME = ("number", "status", "payment_status", "total", "currency", "placed_at", "version")
"""What both stores say alike of an order."""
SETTLED = ("done", "blocked", "dropped")
OVERTAKEN = "OVERTAKEN"


def audit_family(books: FamilyBooks) -> list[Finding]:
    """Everything that is wrong; empty when the stores agree, and nothing was lost or done twice between them."""
    main = books.main
    found = [*_links(books), *_days(books), *_moves(main), *_billed(main), *audit_shelves(books)]
    for sub in books.subs:
        found += [
            *_strangers(main, sub),
            *_agree(books, sub),
            *_made(main, sub),
            *_own_orders(sub, books),
            *_billed(sub),
        ]
    return found


def _links(books: FamilyBooks) -> Iterator[Finding]:
    """Each link came to where it stands by moves that there are, and the main store's channel stands as it does."""
    for link in books.links:
        state = LinkState.DRAFT
        for event in (row for row in books.events if row["link_id"] == link["id"]):
            after = LINK_MOVES.get((state, Act(event["kind"])))
            if after is None:
                yield Finding("wrong", f"illegal: link {link['id']} was {state} when {event['kind']} happened")
                break
            state = after
        else:
            is_discarded = (state, link["state"]) == (LinkState.DRAFT, LinkState.WITHDRAWN)
            if state != link["state"] and not is_discarded:
                yield Finding("lost", f"torn: link {link['id']} is {link['state']}, its story ends with {state}")
    for sub in books.subs:
        mine = [row for row in books.links if row["sub_store_id"] == sub.store_id]
        if sum(row["state"] in LIVE for row in mine) > 1:
            yield Finding("doubled", f"doubled: {sub.name} has several main stores")
        words = _stands(books, sub)
        if words:
            yield Finding("wrong", f"torn: the channel of {sub.name} {words}")


def _stands(books: FamilyBooks, sub: KinBooks) -> str:
    """How the main store's channel stands otherwise than the link does; "" when it does not."""
    link, channel = books.link(sub), books.main.channel_of(sub)
    status, place = (channel["status"], channel["stock_location_id"]) if channel else (None, None)
    if sum(row["sub"] == str(sub.store_id) for row in books.main.channels) > 1:
        return "is there several times"
    if link is None:
        return f"is {status} without a link" if status not in (None, "removed") or place else ""
    if link["state"] == LinkState.SUSPENDED:
        return f"is {status} while the link is suspended" if status == "connected" else ""
    if (status, place) != ("connected", link["location_id"]):
        return f"is {status} with warehouse {place} while the link is connected with {link['location_id']}"
    return ""


def _days(books: FamilyBooks) -> Iterator[Finding]:
    """The counts that both stores read add up to what there is."""
    for sub in books.subs:
        channel = books.main.channel_of(sub)
        told = next((row for row in books.days if row["sub_store_id"] == sub.store_id), {"orders": 0, "moves": 0})
        mine = {row["id"] for row in books.main.orders if channel and row["channel_id"] == channel["id"]}
        made = sum(row["state"] == "done" and not row["reason"] for row in books.main.moves if row["order_id"] in mine)
        for what, count in (("orders", len(mine)), ("moves", made)):
            if told[what] != count:
                kind: Kind = "doubled" if told[what] > count else "lost"
                words = f"miscounted: {count} {what} of {sub.name} are there, {told[what]} were counted"
                yield Finding(kind, words)


def _strangers(main: KinBooks, sub: KinBooks) -> Iterator[Finding]:
    """Only webstore orders leave a store, and each comes once."""
    there = {str(row["id"]): row for row in sub.orders}
    channel = main.channel_of(sub)
    here = [row for row in main.orders if channel and row["channel_id"] == channel["id"]]
    for name, count in Counter(row["remote_id"] for row in here).items():
        if count > 1:
            yield Finding("doubled", f"doubled: order {name} of {sub.name} is in the main store {count} times")
        if name not in there:
            yield Finding("wrong", f"invented: order {name} in the main store is none of {sub.name}")
        elif there[name]["order_type"] != "webstore":
            yield Finding("wrong", f"strayed: {there[name]['order_type']} order {name} left {sub.name}")


def _agree(books: FamilyBooks, sub: KinBooks) -> Iterator[Finding]:
    """While a link is connected, both stores say the same of each order that flows."""
    link, channel = books.link(sub), books.main.channel_of(sub)
    if link is None or channel is None or link["state"] != LinkState.CONNECTED:
        return
    here = {row["remote_id"]: row for row in books.main.orders if row["channel_id"] == channel["id"]}
    for order in sub.orders:
        if order["order_type"] != "webstore":
            continue
        mirrored = here.get(str(order["id"]))
        name = f"order {order['number']} of {sub.name}"
        if mirrored is None:
            if order["placed_at"] >= channel["start_at"]:
                yield Finding("lost", f"lost: {name} is not in the main store")
            continue
        for what in SAME:
            if order[what] != mirrored[what]:
                words = f"unlike: {name} has {what} {order[what]}, in the main store {mirrored[what]}"
                yield Finding("wrong", words)
        if _worded(sub, order["id"]) != _worded(books.main, mirrored["id"]):
            yield Finding("wrong", f"unlike: {name} has other lines in the main store")
        if sub.packed(order["id"]) != books.main.packed(mirrored["id"]):
            yield Finding("wrong", f"unlike: {name} is packed otherwise in the main store")


def _worded(books: KinBooks, order_id: int) -> list[dict[str, Any]]:
    return [{**row, "order_id": 0} for row in books.lines_of(order_id)]


def _moves(main: KinBooks) -> Iterator[Finding]:
    """Every move that was planned came to something of which the order's story tells, once."""
    planned = Counter(row["order_id"] for row in main.moves)
    made = Counter(row["order_id"] for row in main.moves if row["state"] == "done" and not row["reason"])
    lost = Counter(row["order_id"] for row in main.moves if row["reason"] == OVERTAKEN)
    notes: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for note in main.notes:
        notes[note["kind"]][note["order_id"]] += 1
    for row in main.moves:
        if row["state"] not in SETTLED:
            yield Finding("stuck", f"unfinished: move {row['id']} is {row['state']}, {row['reason']}")
        elif row["state"] != "done" and not row["reason"]:
            yield Finding("lost", f"untold: move {row['id']} was {row['state']}, and nobody says why")
    for kind, counted in (("move_planned", planned), ("move_made", made), ("move_overtaken", lost)):
        for order_id in counted.keys() | notes[kind].keys():
            said, did = notes[kind][order_id], counted[order_id]
            is_tried_again = kind == "move_planned" and said > did > 0
            if said != did and not is_tried_again:
                words = f"order {order_id} tells of {kind} {said} times, not {did}"
                yield Finding("doubled" if said > did else "lost", words)


def _made(main: KinBooks, sub: KinBooks) -> Iterator[Finding]:
    """What the main store was told of its moves is what happened in the sub-store, and no move happened twice."""
    orders = {str(row["id"]): row for row in sub.orders}
    done: Counter[tuple[str, str]] = Counter()
    in_doubt: Counter[tuple[str, str]] = Counter()
    overtaken: Counter[str] = Counter()
    for move in (row for row in main.moves if row["remote_id"] in orders):
        act = move["remote_id"], move["status"]
        done[act] += move["state"] == "done" and not move["reason"]
        in_doubt[act] += move["state"] == "dropped"
        overtaken[move["remote_id"]] += move["reason"] == OVERTAKEN
        if move["state"] == "done" and not move["reason"] and not _is_labelled(sub, move):
            yield Finding("lost", f"lost: tracking number {move['tracking_number']} is nowhere in {sub.name}")
    said = Counter((str(row["order_id"]), row["status"]) for row in sub.notes if row["kind"] == "moved_there")
    conflicts = Counter(str(row["order_id"]) for row in sub.notes if row["kind"] == "move_conflict")
    for act in done.keys() | said.keys():
        name, status = act
        if said[act] > done[act] + in_doubt[act]:
            words = f"doubled: order {name} of {sub.name} was moved to {status} {said[act]} times, not {done[act]}"
            yield Finding("doubled", words)
        if done[act] and not said[act] and status not in _behind(orders[name]["status"]):
            words = f"lost: order {name} of {sub.name} was told to be {status}, and is {orders[name]['status']}"
            yield Finding("lost", words)
    for name, count in overtaken.items():
        if conflicts[name] < count:
            words = f"untold: {count} moves of order {name} lost in {sub.name}, {conflicts[name]} conflicts are told"
            yield Finding("lost", words)


def _is_labelled(sub: KinBooks, move: Row) -> bool:
    """Whether the tracking number that was said stands on a package, or stood there once."""
    number = move["tracking_number"]
    order_id = int(move["remote_id"])
    labels = (*sub.packages, *sub.notes)
    return not number or any(row["order_id"] == order_id and row["tracking_number"] == number for row in labels)


def _behind(status: str) -> set[str]:
    """Where an order can have been that stands there now."""
    found, front = {status}, {status}
    while front:
        front = {one.value for one, after in MOVES.items() if after & set(map(OrderStatus, front))} - found
        found |= front
    return found


def _own_orders(sub: KinBooks, books: FamilyBooks) -> Iterator[Finding]:
    """One order for each key, as it was asked for; and numbers without a gap."""
    orders = {row["id"]: row for row in sub.orders if row["kind"] == "own"}
    requests = {row["key"]: row["order_id"] for row in sub.requests}
    by_key: defaultdict[str, list[Row]] = defaultdict(list)
    for order in orders.values():
        by_key[order["note"]].append(order)
    for key, promise in books.promises[sub.store_id].items():
        made = requests.get(key)
        if len(by_key[key]) > 1 or len(promise.order_ids) > 1:
            yield Finding("doubled", f"doubled: {sub.name} has several orders of the key {key}")
        if promise.order_ids and not {one["id"] for one in by_key[key]} >= promise.order_ids:
            yield Finding("lost", f"lost: {sub.name} answered with order {promise.order_ids}, which is not there")
        if [one["id"] for one in by_key[key]] != ([] if made is None else [made]):
            yield Finding("wrong", f"torn: the key {key} of {sub.name} stands for order {made}, not for its own")
        for order in by_key[key]:
            asked = {(one["kind"], _charged(one)) for one in promise.asked}
            if (order["order_type"], order["total"]) not in asked:
                words = f"wrong total: order {order['number']} of {sub.name} is {dict(order)}, asked was {asked}"
                yield Finding("wrong", words)
    for key in by_key.keys() - books.promises[sub.store_id].keys():
        yield Finding("wrong", f"invented: nobody asked {sub.name} for the order of the key {key}")
    yield from _numbers(sub, [order["number"] for order in orders.values()])


def _charged(asked: Any) -> int:
    """What an order comes to, as it was asked for; every quantity is whole."""
    lines = sum(int(Decimal(line["quantity"])) * sen(line["unit_price"]) for line in asked["lines"])
    return lines + sen(asked["shipping"])


def _numbers(sub: KinBooks, numbers: list[str]) -> Iterator[Finding]:
    for series in sub.series:
        used = Counter(numbers)
        wanted = [f"{series['prefix']}{n:0{series['padding']}d}" for n in range(1, series["next_number"])]
        missing = [one for one in wanted if not used[one]]
        if missing:
            yield Finding("gap", f"{sub.name} gave the numbers {missing} to no order")
        if strange := sorted((used - Counter(wanted)).keys()):
            yield Finding("gap", f"{sub.name} uses the numbers {strange} twice, or before they are given out")


def _billed(books: KinBooks) -> Iterator[Finding]:
    """An invoice says what its order does, or the books say that it does not; what can be booked is."""
    orders = {row["id"]: row for row in books.orders}
    live = {row["order_id"]: row for row in books.invoices if row["state"] == "posted"}
    for order_id, invoice in live.items():
        order = orders.get(order_id)
        if order is None:
            yield Finding("wrong", f"invented: invoice {invoice['number_text']} of {books.name} is of no order")
        elif invoice["total"] != order["total"] and not order["alert"] and not invoice["credited"]:
            words = f"wrong total: {invoice['number_text']} of {books.name} says {invoice['total']}, its order another"
            yield Finding("wrong", words)
    removed = {row["id"] for row in books.channels if row["status"] == "removed"}
    for order in orders.values():
        if (order["state"] == "booked") != (order["id"] in live):
            yield Finding("wrong", f"torn: order {order['number']} of {books.name} is {order['state']}")
        if order["state"] in ("ready", "queued") and order["channel_id"] not in removed:
            yield Finding("stuck", f"unfinished: order {order['number']} of {books.name} is still {order['state']}")
