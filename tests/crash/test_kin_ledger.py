"""The checker of families finds what it is there to find: each mistake, made on purpose in books that are right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.crash.family import Promise
from tests.crash.kin_books import FamilyBooks, KinBooks
from tests.crash.kin_ledger import audit_family
from tests.crash.ledger import Finding, Kind

Data = dict[str, Any]
Mistake = Callable[[Data], object]

MAIN, SUB = 1, 2
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def order(order_id: int, **fields: Any) -> Data:
    """A paid order of one line, two pieces at 10.00."""
    said = {
        "id": order_id,
        "kind": "own",
        "channel_id": 20,
        "remote_id": f"ORD0000{order_id}",
        "number": f"ORD0000{order_id}",
        "order_type": "webstore",
        "status": "processing",
        "payment_status": "paid",
        "total": 2000,
        "currency": "MYR",
        "placed_at": AT,
        "note": f"key-{order_id}",
        "state": "booked",
        "reason": None,
        "alert": None,
        "version": 1,
    }
    return {**said, **fields}


def line(order_id: int) -> Data:
    """Its line."""
    amounts = {"unit_price": 1000, "gross": 2000, "discount": 0}
    return {"order_id": order_id, "line_no": 1, "sku": "KOPI-1", "name": "Kopi", "quantity": Decimal(2), **amounts}


def package(order_id: int) -> Data:
    """What it was sent in."""
    label = {"number": "P1", "courier": "Pos Laju", "tracking_number": "EM1", "shipped_at": AT}
    return {"order_id": order_id, "line_no": 1, "quantity": Decimal(2), **label}


def good() -> Data:
    """Three orders of a sub-store: one that the main store reserved for, one that it said was sent, one that stays."""
    flowing = {"kind": "store", "channel_id": 10}
    return {
        "main": {
            "orders": [
                order(11, **flowing, remote_id="1", number="ORD00001"),
                order(12, **flowing, remote_id="2", number="ORD00002", status="shipped", version=2),
            ],
            "lines": [line(11), line(12)],
            "packages": [package(12)],
            "moves": [
                {
                    "id": 1,
                    "order_id": 12,
                    "remote_id": "2",
                    "state": "done",
                    "reason": None,
                    "status": "shipped",
                    "tracking_number": "EM1",
                }
            ],
            "notes": [note(12, "move_planned"), note(12, "move_made")],
            "channels": [
                {
                    "id": 10,
                    "kind": "store",
                    "status": "connected",
                    "paused_reason": "",
                    "sub": str(SUB),
                    "stock_location_id": 5,
                    "stock_buffer": 1,
                    "stock_seq": 7,
                    "start_at": AT - timedelta(hours=9),
                }
            ],
            "listings": [{"channel_id": 10, "remote_id": "200", "item_id": 100, "told_item_id": 100}],
            "items": [{"id": 100, "sku": "KOPI-1"}],
            "ledger": [{"item_id": 100, "location_id": 5, "on_hand": 8, "reserved": 2}],
            "levels": [{"item_id": 100, "location_id": 5, "on_hand": 8, "reserved": 2, "changed_seq": 7}],
            "held": [holding(11, reserved=2), holding(12, taken=2)],
            "newest": [{"item_id": 100, "kind": "ship"}],
            "series": [],
            "requests": [],
            "invoices": [invoice(11), invoice(12)],
        },
        "sub": {
            "orders": [
                order(1),
                order(2, status="shipped", version=2),
                order(3, order_type="pos", status="completed"),
            ],
            "lines": [line(1), line(2), line(3)],
            "packages": [package(2)],
            "moves": [],
            "notes": [note(2, "moved_there", status="shipped"), note(2, "sent", tracking_number="EM1")],
            "channels": [{"id": 20, "kind": "own", "status": "connected", "sub": None}],
            "listings": [],
            "items": [{"id": 200, "sku": "KOPI-1"}],
            "ledger": [{"item_id": 200, "location_id": 6, "on_hand": 5, "reserved": 0}],
            "levels": [{"item_id": 200, "location_id": 6, "on_hand": 5, "reserved": 0, "changed_seq": 3}],
            "held": [],
            "newest": [{"item_id": 200, "kind": "push"}],
            "series": [{"prefix": "ORD", "padding": 5, "next_number": 4}],
            "requests": [{"key": f"key-{one}", "order_id": one} for one in (1, 2, 3)],
            "invoices": [invoice(1), invoice(2), invoice(3)],
        },
        "links": [
            {
                "id": 1,
                "main_store_id": MAIN,
                "sub_store_id": SUB,
                "state": "connected",
                "location_id": 5,
                "stock_after": "",
            }
        ],
        "events": [{"link_id": 1, "kind": "ask", "side": "main"}, {"link_id": 1, "kind": "grant", "side": "sub"}],
        "days": [{"sub_store_id": SUB, "orders": 2, "moves": 1}],
        "promises": {f"key-{one}": promise("pos" if one == 3 else "webstore", {one}) for one in (1, 2, 3)},
    }


def note(order_id: int, kind: str, **detail: str) -> Data:
    """A line of an order's story."""
    return {"order_id": order_id, "kind": kind, "status": None, "tracking_number": None, **detail}


def holding(order_id: int, *, taken: int = 0, reserved: int = 0) -> Data:
    """What an order holds."""
    return {"order_id": order_id, "sku": "KOPI-1", "item_id": 100, "taken": taken, "reserved": reserved}


def invoice(order_id: int) -> Data:
    """Its invoice."""
    number = f"INV000{order_id}"
    return {"order_id": order_id, "number_text": number, "total": 2000, "credited": 0, "state": "posted"}


def promise(kind: str, order_ids: set[int]) -> Promise:
    """What was asked for under a key."""
    lines = [{"quantity": "2", "unit_price": "10.00"}]
    return Promise(by_program=True, asked=[{"kind": kind, "lines": lines, "shipping": "0.00"}], order_ids=order_ids)


def findings(data: Data) -> list[Finding]:
    stores = [
        KinBooks(store_id, name, **{"shortages": [], "news": [], **data[name]})
        for store_id, name in ((MAIN, "main"), (SUB, "sub"))
    ]
    promises = {SUB: data["promises"]}
    main, sub = stores
    return audit_family(FamilyBooks(main, [sub], data["links"], data["events"], data["days"], promises))


def swap(store: str, rows: str, place: int, **fields: object) -> Mistake:
    return lambda data: data[store][rows][place].update(fields)


def drop(store: str, rows: str, place: int) -> Mistake:
    return lambda data: data[store][rows].pop(place)


def add(store: str, rows: str, row: Data) -> Mistake:
    return lambda data: data[store].setdefault(rows, []).append(row)


def both(*mistakes: Mistake) -> Mistake:
    def make(data: Data) -> None:
        for mistake in mistakes:
            mistake(data)

    return make


def link(**fields: object) -> Mistake:
    return lambda data: data["links"][0].update(fields)


def lacks(order_id: int, missing: int, **fields: object) -> Mistake:
    row = {"order_id": order_id, "sku": "KOPI-1", "item_id": 100, "missing": missing, "why": "oversold"}
    return add("main", "shortages", {**row, **fields})


def oversold(data: Data) -> None:
    """The first order lacks what it wants, because there is too little of it."""
    data["main"]["held"].pop(0)
    stock = {"on_hand": 1, "reserved": 0}
    data["main"]["ledger"][0].update(stock)
    data["main"]["levels"][0].update(stock)
    for rows in ("ledger", "levels"):
        data["sub"][rows][0].update(on_hand=0)
    lacks(11, 2)(data)


def ended(data: Data) -> None:
    """The link ended, and nothing of the main store's stock is left."""
    link(state="ended", stock_after="zero")(data)
    data["events"].append({"link_id": 1, "kind": "end", "side": "sub"})
    data["main"]["channels"][0].update(status="removed", stock_location_id=None)
    data["main"]["held"].pop(0)
    data["main"]["orders"][0].update(state="ready")
    data["main"]["invoices"].pop(0)
    for rows in ("ledger", "levels"):
        data["main"][rows][0].update(reserved=0)
        data["sub"][rows][0].update(on_hand=0)


def adjusted(data: Data) -> None:
    """Somebody of the sub-store counted, and nothing came since."""
    for rows in ("ledger", "levels"):
        data["sub"][rows][0].update(on_hand=9)
    data["sub"]["newest"][0].update(kind="adjust")


def overtaken(data: Data) -> None:
    """A move lost against the sub-store's own, which both stores tell."""
    move = {**data["main"]["moves"][0], "id": 2, "reason": "OVERTAKEN", "status": "on_hold", "tracking_number": ""}
    data["main"]["moves"].append(move)
    data["main"]["notes"] += [note(12, "move_planned"), note(12, "move_overtaken")]
    data["sub"]["notes"].append(note(2, "move_conflict"))


MISTAKES: dict[str, tuple[Mistake, Kind, str]] = {
    "an order not read": (drop("main", "orders", 0), "lost", "order ORD00001 of sub is not in the main store"),
    "an order read twice": (
        lambda data: add("main", "orders", {**data["main"]["orders"][0], "id": 13})(data),
        "doubled",
        "order 1 of sub is in the main store 2 times",
    ),
    "an order that left": (swap("sub", "orders", 1, order_type="pos"), "wrong", "strayed: pos order 2"),
    "an order nobody made": (swap("main", "orders", 1, remote_id="9"), "wrong", "invented: order 9"),
    "another status": (swap("main", "orders", 0, status="open"), "wrong", "has status processing"),
    "another payment": (swap("main", "orders", 0, payment_status="unpaid"), "wrong", "has payment_status"),
    "another total": (swap("main", "orders", 0, total=2001), "wrong", "has total 2000, in the main store 2001"),
    "another version": (swap("main", "orders", 1, version=1), "wrong", "has version 2"),
    "other lines": (swap("main", "lines", 0, quantity=Decimal(3)), "wrong", "has other lines"),
    "a line missing": (drop("main", "lines", 1), "wrong", "ORD00002 of sub has other lines"),
    "packed otherwise": (swap("main", "packages", 0, tracking_number="EM2"), "wrong", "is packed otherwise"),
    "a package missing": (drop("main", "packages", 0), "wrong", "is packed otherwise"),
    "a move that stands": (swap("main", "moves", 0, state="sending"), "stuck", "unfinished: move 1 is sending"),
    "a move given up silently": (swap("main", "moves", 0, state="dropped"), "lost", "untold: move 1 was dropped"),
    "a move noted twice": (add("main", "notes", note(12, "move_made")), "doubled", "tells of move_made 2 times"),
    "a move not noted": (drop("main", "notes", 1), "lost", "tells of move_made 0 times, not 1"),
    "a move made twice": (
        add("sub", "notes", note(2, "moved_there", status="shipped")),
        "doubled",
        "was moved to shipped 2 times, not 1",
    ),
    "a move nobody planned": (
        add("sub", "notes", note(1, "moved_there", status="processing")),
        "doubled",
        "was moved to processing 1 times, not 0",
    ),
    "a move that did not arrive": (
        both(drop("sub", "notes", 0), *(swap(who, "orders", 1, status="processing") for who in ("main", "sub"))),
        "lost",
        "was told to be shipped, and is processing",
    ),
    "a tracking number lost": (
        both(drop("sub", "notes", 1), *(swap(who, "packages", 0, tracking_number="") for who in ("main", "sub"))),
        "lost",
        "tracking number EM1 is nowhere",
    ),
    "a conflict hidden": (both(overtaken, drop("sub", "notes", 2)), "lost", "untold: 1 moves of order 2 lost"),
    "a ledger that does not add up": (swap("main", "levels", 0, on_hand=9), "wrong", "item 100 of main is (9, 2)"),
    "the sub-store's neither": (swap("sub", "ledger", 0, on_hand=4), "wrong", "item 200 of sub is (5, 0)"),
    "reserved twice": (swap("main", "held", 0, reserved=4), "doubled", "holds (0, 4) (taken, reserved), right is"),
    "not reserved": (drop("main", "held", 0), "lost", "order ORD00001 (reserved) holds (0, 0)"),
    "taken twice": (swap("main", "held", 1, taken=4), "doubled", "order ORD00002 (taken) holds (4, 0)"),
    "not taken": (drop("main", "held", 1), "lost", "order ORD00002 (taken) holds (0, 0)"),
    "not given back": (
        both(*(swap(who, "orders", 0, status="cancelled") for who in ("main", "sub"))),
        "doubled",
        "order ORD00001 (nothing) holds (0, 2)",
    ),
    "not served": (both(oversold, swap("main", "levels", 0, on_hand=2)), "lost", "unserved: order ORD00001 lacks 2"),
    "a lack of nothing": (lacks(12, 1, sku="TEH-2"), "wrong", "order 12 lacks teh-2, which it does not want"),
    "a lack of what is linked": (
        both(oversold, swap("main", "shortages", 0, why="unlinked")),
        "wrong",
        "is said to mean no item",
    ),
    "stock held in the sub-store": (add("sub", "held", {**holding(1, reserved=2)}), "wrong", "order 1 of sub holds"),
    "offered too much": (
        both(swap("sub", "levels", 0, on_hand=6), swap("sub", "ledger", 0, on_hand=6)),
        "wrong",
        "sub offers 6 of item 200, right is 5",
    ),
    "a buffer not kept": (swap("main", "channels", 0, stock_buffer=2), "wrong", "sub offers 5 of item 200, right is 4"),
    "never told": (swap("main", "listings", 0, told_item_id=None), "lost", "never told of item 200"),
    "told of before": (swap("main", "channels", 0, stock_seq=6), "lost", "told of stock up to 6, not 7"),
    "left after the end": (
        both(ended, swap("sub", "levels", 0, on_hand=5), swap("sub", "ledger", 0, on_hand=5)),
        "wrong",
        "5 of item 200 are left in sub after the end",
    ),
    "held after the end": (
        both(ended, add("main", "held", holding(11, reserved=2))),
        "doubled",
        "order ORD00001 (freed) holds (0, 2)",
    ),
    "an illegal link": (lambda data: data["events"].pop(0), "wrong", "link 1 was draft when grant happened"),
    "a link without its story": (lambda data: data["events"].pop(1), "lost", "link 1 is connected, its story ends"),
    "two links": (
        lambda data: data["links"].append({**data["links"][0], "id": 2}),
        "doubled",
        "sub has several main stores",
    ),
    "a channel that stays": (
        both(ended, swap("main", "channels", 0, status="connected")),
        "wrong",
        "is connected without a link",
    ),
    "a channel that does not come": (
        swap("main", "channels", 0, status="removed"),
        "wrong",
        "is removed with warehouse 5",
    ),
    "a channel of another warehouse": (swap("main", "channels", 0, stock_location_id=9), "wrong", "with warehouse 9"),
    "a channel that goes on": (
        both(link(state="suspended"), lambda data: data["events"].append({"link_id": 1, "kind": "suspend"})),
        "wrong",
        "is connected while the link is suspended",
    ),
    "two channels": (
        lambda data: data["main"]["channels"].append({**data["main"]["channels"][0], "id": 11}),
        "wrong",
        "is there several times",
    ),
    "orders counted twice": (lambda data: data["days"][0].update(orders=3), "doubled", "2 orders of sub are there, 3"),
    "a move not counted": (lambda data: data["days"][0].update(moves=0), "lost", "1 moves of sub are there, 0"),
    "two orders of one key": (
        both(
            add("sub", "orders", order(4, order_type="pos", note="key-1")),
            swap("sub", "series", 0, next_number=5),
        ),
        "doubled",
        "sub has several orders of the key key-1",
    ),
    "two answers": (lambda data: data["promises"]["key-1"].order_ids.add(2), "doubled", "several orders of the key"),
    "an answered order gone": (
        lambda data: data["promises"]["key-3"].order_ids.update({8}) or data["promises"]["key-3"].order_ids.remove(3),
        "lost",
        "sub answered with order {8}, which is not there",
    ),
    "a key without its order": (swap("sub", "requests", 2, order_id=9), "wrong", "stands for order 9"),
    "an order without its key": (drop("sub", "requests", 2), "wrong", "stands for order None"),
    "an order nobody asked for": (lambda data: data["promises"].pop("key-3"), "wrong", "nobody asked sub"),
    "not what was asked": (
        lambda data: data["promises"]["key-3"].asked[0].update(shipping="1.00"),
        "wrong",
        "wrong total: order ORD00003",
    ),
    "a number skipped": (swap("sub", "series", 0, next_number=5), "gap", "gave the numbers ['ORD00004'] to no order"),
    "a number used twice": (swap("sub", "orders", 2, number="ORD00002"), "gap", "sub uses the numbers ['ORD00002']"),
    "a wrong invoice": (swap("main", "invoices", 0, total=1), "wrong", "INV00011 of main says 1"),
    "an invoice of nothing": (swap("main", "invoices", 0, order_id=9), "wrong", "INV00011 of main is of no order"),
    "no invoice": (drop("sub", "invoices", 2), "wrong", "torn: order ORD00003 of sub is booked"),
    "not booked": (
        both(drop("sub", "invoices", 2), swap("sub", "orders", 2, state="ready")),
        "stuck",
        "order ORD00003 of sub is still ready",
    ),
}


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    assert findings(good()) == []


def tried_again(data: Data) -> None:
    """A move was not taken over at first, and is planned once more."""
    data["main"]["notes"].append(note(12, "move_planned"))


@pytest.mark.parametrize("what", [oversold, ended, adjusted, overtaken, tried_again])
def test_it_finds_nothing_wrong_in(what: Mistake) -> None:
    data = good()
    what(data)
    assert findings(data) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_finds(mistake: str) -> None:
    make, kind, words = MISTAKES[mistake]
    data = good()
    make(data)
    assert any(words in finding.words and finding.kind == kind for finding in findings(data)), findings(data)
