"""What must hold of a family's stock after any crash: the ledgers, what orders hold, and what sub-stores may offer.

What an order should hold is worked out anew from where it stands now, by the core's rule alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from app.core.linking import LinkState
from app.core.matching import sku_key
from app.core.reserving import Hold, Why, pieces_of, wanted
from app.core.stock import Kind as Moved
from app.core.stock import offered
from app.core.types import OrderStatus, PaymentStatus
from tests.crash.books import Row
from tests.crash.kin_books import FamilyBooks, KinBooks
from tests.crash.ledger import Finding, Kind


def audit_shelves(books: FamilyBooks) -> Iterator[Finding]:
    """Everything that is wrong with what lies in the stores, is promised or offered."""
    for store in (books.main, *books.subs):
        yield from _added_up(store)
    yield from _held(books.main)
    for sub in books.subs:
        yield from _foreign(sub)
        link = books.link(sub)
        if link is None:
            yield from _emptied(books, sub)
        elif link["state"] == LinkState.CONNECTED:
            yield from _offered(books.main, sub)


def _added_up(store: KinBooks) -> Iterator[Finding]:
    """The ledger adds up to the levels."""
    ledger = {(row["item_id"], row["location_id"]): (row["on_hand"], row["reserved"]) for row in store.ledger}
    levels = {(row["item_id"], row["location_id"]): (row["on_hand"], row["reserved"]) for row in store.levels}
    for place in ledger.keys() | levels.keys():
        said, stands = ledger.get(place, (0, 0)), levels.get(place, (0, 0))
        if said != stands:
            words = f"wrong stock: item {place[0]} of {store.name} is {stands}, its ledger says {said}"
            yield Finding("wrong", words)


def _held(main: KinBooks) -> Iterator[Finding]:
    """Each order holds what it should, or says what it lacks; and what lacks is really not there."""
    held: dict[int, dict[str, Counter[str]]] = {}
    for row in main.held:
        sums = held.setdefault(row["order_id"], {}).setdefault(sku_key(row["sku"]), Counter())
        sums["taken"] += int(row["taken"])
        sums["reserved"] += int(row["reserved"])
    lacks = {(row["order_id"], sku_key(row["sku"])): row for row in main.shortages}
    channels = {row["id"]: row for row in main.channels}
    for order in main.orders:
        hold = _hold(order, channels[order["channel_id"]])
        needs = _needs(main, order["id"])
        mine = held.get(order["id"], {})
        for key in needs.keys() | mine.keys():
            lack = lacks.pop((order["id"], key), None)
            has = mine.get(key, Counter[str]())
            yield from _case(order, hold, needs.get(key, 0), has, lack)
            if lack is not None:
                yield from _lack(main, order, hold, lack)
    for order_id, key in lacks:
        yield Finding("wrong", f"wrong stock: order {order_id} lacks {key}, which it does not want")


def _hold(order: Row, channel: Row) -> Hold:
    if channel["status"] == "removed" or channel["stock_location_id"] is None:
        return Hold.FREED
    return wanted(OrderStatus(order["status"]), PaymentStatus(order["payment_status"]))


def _needs(main: KinBooks, order_id: int) -> dict[str, int]:
    quantities: dict[str, list[Decimal]] = {}
    for line in main.lines_of(order_id):
        quantities.setdefault(sku_key(line["sku"]), []).append(line["quantity"])
    return {key: pieces_of(some) for key, some in quantities.items()}


def _case(order: Row, hold: Hold, need: int, has: Counter[str], lack: Row | None) -> Iterator[Finding]:
    """What an order holds of one SKU, against what it should."""
    missing = int(lack["missing"]) if lack else 0
    right = {
        Hold.RESERVED: (0, need - missing),
        Hold.TAKEN: (need - missing, 0),
        Hold.NOTHING: (0, 0),
        Hold.FREED: (has["taken"], 0),
        Hold.KEPT: (has["taken"], has["reserved"]),
    }[hold]
    stands = has["taken"], has["reserved"]
    if stands != right:
        kind: Kind = "doubled" if sum(stands) > sum(right) else "lost"
        words = f"wrong stock: order {order['number']} ({hold}) holds {stands} (taken, reserved), right is {right}"
        yield Finding(kind, words)


def _lack(main: KinBooks, order: Row, hold: Hold, lack: Row) -> Iterator[Finding]:
    """What an order is said to lack must be wanted, and not be there."""
    missing = int(lack["missing"])
    if hold not in (Hold.RESERVED, Hold.TAKEN):
        yield Finding("wrong", f"wrong stock: order {order['number']} lacks {lack['sku']}, and needs none of it")
    elif lack["why"] != Why.OVERSOLD:
        yield Finding("wrong", f"wrong stock: {lack['sku']} of order {order['number']} is said to mean no item")
    elif _available(main, lack["item_id"]) >= missing:
        yield Finding("lost", f"unserved: order {order['number']} lacks {missing} of {lack['sku']}, which are there")


def _available(store: KinBooks, item_id: int, location_id: int | None = None) -> int:
    rows = (row for row in store.levels if row["item_id"] == item_id)
    return sum(row["on_hand"] - row["reserved"] for row in rows if location_id in (None, row["location_id"]))


def _foreign(sub: KinBooks) -> Iterator[Finding]:
    """A sub-store's own orders hold nothing of its stock: the main store keeps it."""
    for row in sub.held:
        if row["taken"] or row["reserved"]:
            yield Finding("wrong", f"wrong stock: order {row['order_id']} of {sub.name} holds stock there")


def _offered(main: KinBooks, sub: KinBooks) -> Iterator[Finding]:
    """The sub-store offers what the main store lets it, unless somebody adjusted that there since."""
    channel = main.channel_of(sub)
    if channel is None:
        return
    newest = {row["item_id"]: row["kind"] for row in sub.newest}
    place = channel["stock_location_id"]
    changed = max((row["changed_seq"] for row in main.levels if row["location_id"] == place), default=0)
    if changed > channel["stock_seq"]:
        yield Finding("lost", f"untold: {sub.name} was told of stock up to {channel['stock_seq']}, not {changed}")
    for row in main.listings:
        if row["channel_id"] != channel["id"] or row["item_id"] is None:
            continue
        item_id = int(row["remote_id"])
        if row["told_item_id"] != row["item_id"]:
            yield Finding("lost", f"untold: {sub.name} was never told of item {item_id}")
        right = offered(_available(main, row["item_id"], place), channel["stock_buffer"])
        if newest.get(item_id) != Moved.ADJUST and _available(sub, item_id) != right:
            words = f"wrong stock: {sub.name} offers {_available(sub, item_id)} of item {item_id}, right is {right}"
            yield Finding("wrong", words)


def _emptied(books: FamilyBooks, sub: KinBooks) -> Iterator[Finding]:
    """Where the last link ended with nothing to be left, nothing is."""
    links = [row for row in books.links if row["sub_store_id"] == sub.store_id and row["state"] == LinkState.ENDED]
    if not links or links[-1]["stock_after"] != "zero":
        return
    for row in sub.newest:
        if row["kind"] in (Moved.PUSH, Moved.OVERWRITE) and _available(sub, row["item_id"]):
            left = _available(sub, row["item_id"])
            yield Finding("wrong", f"wrong stock: {left} of item {row['item_id']} are left in {sub.name} after the end")
