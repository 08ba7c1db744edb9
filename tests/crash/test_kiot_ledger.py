"""The checker of shops of KiotViet finds what it is there to find: each mistake, made on purpose where all is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.crash.family import Promise
from tests.crash.kiot_books import ShopSide, StallBooks
from tests.crash.kiot_ledger import audit_stall
from tests.crash.ledger import Finding, Kind

Data = dict[str, Any]
Mistake = Callable[[Data], object]

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
MARKS = ["a" * 32, "b" * 32, "c" * 32]


def own(number: int, **fields: Any) -> Data:
    """An order that was made here: two pieces at 45,000, and it is there as the 70th, 71st …"""
    said = {
        "id": number,
        "number": f"ORD0000{number}",
        "note": f"key-{number}",
        "status": "processing",
        "payment_status": "paid",
        "total": 90_000,
        "created_at": AT + timedelta(minutes=5),
        "mark": MARKS[number - 1],
        "remote_id": f"orders/{69 + number}",
        "their_number": f"DH{69 + number}",
        "is_told": True,
        "change": "done",
        "reason": None,
        "skus": None,
    }
    return {**said, **fields}


def there(record_id: int, **fields: Any) -> Data:
    """A sale in the shop: two pieces at 45,000."""
    line = {"productId": 1, "productCode": "SEN-1", "quantity": 2, "price": 45_000}
    said = {"id": record_id, "code": f"DH{record_id}", "status": 5, "total": 90_000, "totalPayment": 90_000}
    return {**said, "orderDetails": [line], "invoiceDetails": [line], **fields}


def ours(number: int) -> Data:
    """An order of ours there."""
    return there(69 + number, description=f"ORD0000{number} [cb:{MARKS[number - 1]}]")


def sale(order_id: int, remote_id: str, **fields: Any) -> Data:
    """A sale from there, here."""
    said = {"id": order_id, "remote_id": remote_id, "number": f"DH{remote_id.rsplit('/', 1)[1]}"}
    return {**said, "status": "processing", "payment_status": "paid", "total": 90_000, "state": "booked", **fields}


def listing(product_id: int, item_id: int | None, **fields: Any) -> Data:
    """A product there, here."""
    said = {"id": 100 + product_id, "remote_id": str(product_id), "sku": "SEN-1", "price": 45_000, "item_id": item_id}
    return {**said, "conversion": Decimal(1), "obstacle": None, "is_gone": False, **fields}


def product(product_id: int, **fields: Any) -> Data:
    """A product there, counted in one branch."""
    row = {"branchId": 10_001, "onHand": 7.5, "reserved": 2}
    return {"id": product_id, "code": "SEN-1", "basePrice": 45_000.0, "inventories": [row], **fields}


def good() -> Data:
    """An order of ours there, one that waits for a link and one that ended unsent; an order, its invoice, and a sale at
    the counter; a product that is linked and counted, and one that is not sold any more."""
    seen = [
        ("orders/70", "skipped", "MADE_HERE"),
        ("orders/5", "imported", None),
        ("invoices/6", "skipped", "PART_OF_ORDER"),
        ("invoices/7", "imported", None),
    ]
    waiting = {"remote_id": "", "their_number": "", "change": "blocked", "reason": "PRODUCT_UNLINKED", "skus": "QUA-9"}
    ended = {"status": "cancelled", "remote_id": "", "their_number": "", "is_told": False}
    return {
        "shop": {
            "orders": [ours(1), there(5)],
            "invoices": [
                there(6, orderId=5, orderCode="DH5", code="HD6", status=1),
                there(7, code="HD7", status=1),
            ],
            "products": [product(1)],
            "created": [{"record_id": 70, "description": f"ORD00001 [cb:{MARKS[0]}]"}],
            "touched": set[int](),
        },
        "ours": {
            "own": [own(1), own(2, **waiting), own(3, **ended)],
            "own_lines": [
                {"order_id": 1, "sku": "SEN-1", "quantity": Decimal(2)},
                {"order_id": 2, "sku": "QUA-9", "quantity": Decimal(2)},
                {"order_id": 3, "sku": "SEN-1", "quantity": Decimal(2)},
            ],
            "requests": [{"key": f"key-{number}", "order_id": number} for number in (1, 2, 3)],
            "switches": [{"kind": "giving_started", "at": AT}],
            "sales": [sale(8, "orders/5"), sale(9, "invoices/7", number="HD7", status="completed")],
            "sale_lines": [
                {"remote_id": name, "sku": "SEN-1", "quantity": Decimal(2)} for name in ("orders/5", "invoices/7")
            ],
            "seen": [{"remote_id": name, "state": state, "reason": reason} for name, state, reason in seen],
            "listings": [listing(1, 11), listing(2, None, is_gone=True)],
            "stocks": [{"remote_id": "1", "branch": "10001", "on_hand": Decimal("7.5"), "reserved": Decimal(2)}],
            "branches": [{"remote_id": "10001", "location_id": 30}],
            "items": [{"id": 11, "sku": "SEN-1", "price": 45_000}, {"id": 12, "sku": "QUA-9", "price": None}],
            "levels": [{"item_id": 11, "location_id": 30, "on_hand": 7}],
            "ledger": [{"item_id": 11, "location_id": 30, "on_hand": 7}],
            "channel": [{"gives_orders": True, "takes_orders": True, "takes_stock": True, "takes_prices": True}],
            "invoiced": [{"order_id": 8}, {"order_id": 9}],
            "promises": {
                f"key-{number}": Promise(by_program=True, asked=[], order_ids={number}) for number in (1, 2, 3)
            },
        },
    }


def findings(data: Data) -> list[Finding]:
    """What the checker says of it."""
    return audit_stall(ShopSide(**data["shop"]), StallBooks(**data["ours"]))


def swap(side: str, part: str, place: int, **fields: Any) -> Mistake:
    """A row says something else."""
    return lambda data: data[side][part][place].update(fields)


def drop(side: str, part: str, place: int) -> Mistake:
    """A row is not there."""
    return lambda data: data[side][part].pop(place)


def add(side: str, part: str, row: Data) -> Mistake:
    """A row too many."""
    return lambda data: data[side][part].append(row)


def both(*mistakes: Mistake) -> Mistake:
    """Several things are so."""
    return lambda data: [mistake(data) for mistake in mistakes]


def unmarked(data: Data) -> None:
    """An order was made while orders went there, and nothing was planned for it."""
    data["ours"]["own"][2].update(mark=None, remote_id=None, change=None)


def touched(data: Data) -> None:
    """People there called off an order of ours, and what we said of it since was refused."""
    data["shop"]["touched"].add(70)
    data["shop"]["orders"][0].update(status=4, totalPayment=0)
    data["ours"]["own"][0].update(change="blocked", reason="ORDER_REFUSED", is_told=False)


def cancelled(data: Data) -> None:
    """An order of ours is called off, here and there."""
    data["ours"]["own"][0].update(status="cancelled")
    data["shop"]["orders"][0].update(status=4, totalPayment=0)


def farther(data: Data) -> None:
    """An order was sent before it was set back here: there nothing is set back."""
    data["shop"]["orders"][0].update(status=2)


def left_out(data: Data) -> None:
    """A person left an order out."""
    data["ours"]["own"][1].update(change="dropped", reason="PRODUCT_UNLINKED")


def switched_off(data: Data) -> None:
    """An order was made after orders went there no more."""
    data["ours"]["switches"].append({"kind": "giving_stopped", "at": AT + timedelta(minutes=1)})
    unmarked(data)


def counted_here(data: Data) -> None:
    """The stock is not counted there."""
    data["ours"]["channel"][0].update(takes_stock=False, takes_prices=False)
    data["ours"]["items"][0].update(price=1)
    for part in ("levels", "ledger"):
        data["ours"][part][0].update(on_hand=3)


TWIN = {**ours(1), "id": 99, "code": "DH99"}
MISTAKES: dict[str, tuple[Mistake, Kind, str]] = {
    "made twice": (
        add("shop", "created", {"record_id": 99, "description": f"ORD00001 [cb:{MARKS[0]}]"}),
        "doubled",
        "doubled: order ORD00001 was made there 2 times",
    ),
    "stands twice": (add("shop", "orders", TWIN), "doubled", "and stands there 2"),
    "a mark of nobody": (
        swap("shop", "orders", 1, description=f"[cb:{'d' * 32}]"),
        "wrong",
        f"invented: an order there bears the mark {'d' * 32}",
    ),
    "made without a mark": (swap("shop", "created", 0, description=""), "wrong", "unmarked: order 70"),
    "not made": (
        both(drop("shop", "orders", 0), swap("ours", "own", 0, remote_id="", their_number="")),
        "lost",
        "lost: order ORD00001 is not there",
    ),
    "gone": (drop("shop", "orders", 0), "lost", "lost: order ORD00001 is orders/70, which is not there"),
    "another id": (swap("ours", "own", 0, remote_id="orders/71"), "wrong", "wrong number: we believe that order ORD0"),
    "no id": (swap("ours", "own", 0, remote_id="", their_number=""), "wrong", "we believe that order ORD00001 is ("),
    "another number": (swap("ours", "own", 0, their_number="DH71"), "wrong", "wrong number: we believe that order"),
    "changed and not told": (swap("ours", "own", 0, is_told=False), "lost", "untold: order ORD00001 changed"),
    "still planned": (swap("ours", "own", 0, change="planned"), "stuck", "unfinished: what is to be told of order"),
    "nothing planned": (swap("ours", "own", 0, change=None), "stuck", "unfinished: what is to be told of order ORD"),
    "refused without a reason": (
        swap("ours", "own", 0, change="blocked", reason="ORDER_REFUSED"),
        "stuck",
        "unfinished: what is to be told of order ORD00001 is blocked, ORDER_REFUSED",
    ),
    "given up without a person": (
        swap("ours", "own", 0, change="dropped"),
        "stuck",
        "unfinished: what is to be told of order ORD00001 is dropped",
    ),
    "waits for what is linked": (
        swap("ours", "own_lines", 1, sku="SEN-1"),
        "stuck",
        "unfinished: order ORD00002 waits for a link",
    ),
    "another line named": (swap("ours", "own", 1, skus="SEN-1"), "wrong", "misnamed: order ORD00002 waits for SEN-1"),
    "other pieces there": (
        both(
            swap("ours", "own_lines", 0, quantity=Decimal(3)),
        ),
        "wrong",
        "unlike: order ORD00001 says",
    ),
    "another total there": (swap("shop", "orders", 0, total=80_000), "wrong", "comes to 90000, there to 80000"),
    "paid there too little": (swap("shop", "orders", 0, totalPayment=1), "wrong", "is paid, and there only 1 of 90000"),
    "paid there alone": (
        swap("ours", "own", 0, payment_status="unpaid"),
        "wrong",
        "order ORD00001 is not paid, and there 90000 are",
    ),
    "behind there": (
        swap("shop", "orders", 0, status=1),
        "wrong",
        "ORD00001 is processing, there it is 1",
    ),
    "called off there alone": (swap("shop", "orders", 0, status=4), "wrong", "order ORD00001 is processing, there it"),
    "called off here alone": (
        swap("ours", "own", 0, status="cancelled"),
        "wrong",
        "ORD00001 is cancelled, there it",
    ),
    "never to go there": (unmarked, "lost", "lost: order ORD00003 was never to go there"),
    "made twice here": (add("ours", "own", own(3, id=4, change="done")), "doubled", "several orders of the key key-3"),
    "promised and not here": (
        both(drop("ours", "own", 2), drop("ours", "requests", 2)),
        "lost",
        "lost: order {3} was promised",
    ),
    "a request torn off": (drop("ours", "requests", 1), "wrong", "torn: the key key-2 stands for order None"),
    "asked for by nobody": (
        lambda data: data["ours"]["promises"].pop("key-1"),
        "wrong",
        "invented: nobody asked for the order of the key key-1",
    ),
    "a sale not seen": (drop("ours", "seen", 1), "lost", "lost: orders/5 is not in the ledger"),
    "a sale not imported": (drop("ours", "sales", 1), "lost", "lost: invoices/7 was not imported"),
    "a sale imported twice": (
        add("ours", "sales", sale(10, "orders/5", state="waiting")),
        "doubled",
        "doubled: orders/5 is here 2 times",
    ),
    "an invoice of an order imported": (
        add("ours", "sales", sale(10, "invoices/6", state="waiting")),
        "doubled",
        "doubled: invoices/6 is here 1 times, and should be 0",
    ),
    "an order of ours imported": (
        add("ours", "sales", sale(10, "orders/70", state="waiting")),
        "doubled",
        "doubled: orders/70 is here 1 times, and should be 0",
    ),
    "an order of ours taken for another": (
        swap("ours", "seen", 0, state="imported", reason=None),
        "wrong",
        "misjudged: orders/70 was seen as imported",
    ),
    "a sale of nobody": (
        add("ours", "seen", {"remote_id": "orders/9", "state": "imported", "reason": None}),
        "wrong",
        "invented: orders/9",
    ),
    "another status here": (
        swap("ours", "sales", 0, status="open"),
        "wrong",
        "unlike: orders/5 says",
    ),
    "another total here": (swap("ours", "sales", 1, total=1), "wrong", "unlike: invoices/7 says"),
    "not paid here": (swap("ours", "sales", 1, payment_status="unpaid"), "wrong", "unlike: invoices/7 says"),
    "a line too few": (drop("ours", "sale_lines", 0), "wrong", "unlike: orders/5 has 2 pieces, here it has 0"),
    "two invoices": (add("ours", "invoiced", {"order_id": 8}), "doubled", "doubled: order 8 has 2 live invoices"),
    "no invoice": (drop("ours", "invoiced", 0), "wrong", "torn: orders/5 is booked"),
    "not booked": (
        both(drop("ours", "invoiced", 0), swap("ours", "sales", 0, state="ready")),
        "stuck",
        "unfinished: orders/5 is still ready",
    ),
    "a product not listed": (drop("ours", "listings", 0), "lost", "lost: product SEN-1 is not among the listings"),
    "a product gone here alone": (
        swap("ours", "listings", 0, is_gone=True),
        "lost",
        "lost: product SEN-1 is not among",
    ),
    "a product gone there alone": (
        swap("ours", "listings", 1, is_gone=False),
        "wrong",
        "invented: listing 2 is not sold",
    ),
    "a product twice": (add("ours", "listings", listing(1, None)), "doubled", "a product there has several listings"),
    "another price listed": (swap("ours", "listings", 0, price=1), "wrong", "unlike: listing 1 is SEN-1 at 1"),
    "another code": (swap("ours", "listings", 0, sku="SEN"), "wrong", "unlike: listing 1 is SEN at 45000"),
    "another price of the item": (
        swap("ours", "items", 0, price=1),
        "wrong",
        "wrong price: SEN-1 costs 1, there 45000",
    ),
    "a branch counted otherwise": (
        swap("ours", "stocks", 0, reserved=Decimal(1)),
        "wrong",
        "wrong stock: the branches have",
    ),
    "a warehouse counted otherwise": (
        both(swap("ours", "levels", 0, on_hand=6), swap("ours", "ledger", 0, on_hand=6)),
        "wrong",
        "wrong stock: SEN-1 is 6 in warehouse 30, branch 10001 counts 7",
    ),
    "a ledger that does not add up": (
        swap("ours", "ledger", 0, on_hand=6),
        "wrong",
        "wrong stock: item 11 is 7, its ledger says 6",
    ),
}


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    assert findings(good()) == []


@pytest.mark.parametrize("what", [touched, cancelled, farther, left_out, switched_off, counted_here])
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
