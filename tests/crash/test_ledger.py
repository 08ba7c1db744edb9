"""The checker finds what it is there to find: each kind of mistake, made on purpose in data that is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.crash.books import ChannelSide, OurSide
from tests.crash.ledger import Finding, Kind, audit

Data = dict[str, Any]
Mistake = Callable[[Data], object]


def good() -> Data:
    """Two paid orders, booked and written back, and one that is not paid."""
    orders = [
        {
            "order_id": number,
            "channel_id": 1,
            "order_status": "Completed",
            "payment_status": "Paid" if number < 3 else "Unpaid",
            "refunded_amount": "0.00",
            "order_items": [{"product_total": "42.00", "discount_amount": "-2.00"}],
            "shipping_fee": "4.90",
            "coupon_amount": "5.00",
            "other_adjustment_total": "0.00",
            "tax_total": "1.00",
            "tax_inclusive": 0,
            "total": "40.90",
            "invoice_no": f"INV0000{number}" if number < 3 else "",
        }
        for number in (1, 2, 3)
    ]
    booked = [order for order in orders if order["payment_status"] == "Paid"]
    return {
        "orders": orders,
        "writes": [{"order_id": o["order_id"], "invoice_no": o["invoice_no"], "previous": ""} for o in booked],
        "seen": [{"remote_id": str(order["order_id"])} for order in orders],
        "stored": [
            {
                "remote_id": str(order["order_id"]),
                "state": "booked" if order in booked else "waiting",
                "reason": None if order in booked else "UNPAID",
                "remote_invoice_no": order["invoice_no"],
                "alert": None,
                "lines": 1,
            }
            for order in orders
        ],
        "invoices": [
            {
                "remote_id": str(order["order_id"]),
                "number": order["order_id"],
                "number_text": order["invoice_no"],
                "state": "posted",
                "currency": "MYR",
                "credited": 0,
                "replaces": False,
                **dict.fromkeys(("total", "parts", "lines"), 4090),
                **dict.fromkeys(("booked", "written"), 1),
            }
            for order in booked
        ],
        "credits": [],
        "changes": [
            {"remote_id": str(o["order_id"]), "state": "done", "reason": None, "number": o["invoice_no"]}
            for o in booked
        ],
        "jobs": [{"id": 1, "kind": "sync", "state": "succeeded", "phase": "send", "problem": None}],
        "series": [
            {"code": "invoice", "prefix": "INV", "padding": 5, "next_number": 3},
            {"code": "credit_note", "prefix": "CN", "padding": 5, "next_number": 1},
        ],
        "voids": [],
        "earlier": {},
        "foreign": {},
    }


def findings(data: Data, *, each_written_once: bool = True, rough: bool = False) -> list[Finding]:
    channel = ChannelSide(data["orders"], {1: "MYR"}, data["writes"], data["earlier"], data["foreign"])
    names = ("seen", "invoices", "credits", "changes", "jobs", "series", "voids")
    ours = OurSide(orders=data["stored"], **{name: data[name] for name in names})
    return audit(channel, ours, each_written_once=each_written_once, rough=rough)


def swap(rows: str, place: int, **fields: object) -> Mistake:
    return lambda data: data[rows][place].update(fields)


def drop(rows: str, place: int) -> Mistake:
    return lambda data: data[rows].pop(place)


def again(rows: str, place: int, **fields: object) -> Mistake:
    return lambda data: data[rows].append({**data[rows][place], **fields})


def both(*mistakes: Mistake) -> Mistake:
    def make(data: Data) -> None:
        for mistake in mistakes:
            mistake(data)

    return make


def reissued(data: Data) -> None:
    """The first order's invoice was credited and another one issued, as a merchant asked."""
    invoice, note = data["invoices"][0], {"number": 1, "number_text": "CN00001", "cause": "reissue"}
    data["invoices"].append({**invoice, "number": 3, "number_text": "INV00003", "replaces": True})
    invoice.update(state="credited", credited=4090)
    data["credits"].append({"remote_id": "1", "invoice_number": "INV00001", "total": 4090, "lines": 4090, **note})
    data["changes"].append({**data["changes"][0], "number": "INV00003"})
    data["writes"].append({"order_id": 1, "invoice_no": "INV00003", "previous": "INV00001"})
    data["orders"][0]["invoice_no"] = data["stored"][0]["remote_invoice_no"] = "INV00003"
    data["series"][0]["next_number"], data["series"][1]["next_number"] = 4, 2


def refunded(data: Data) -> None:
    """The first order was booked, then paid back on the channel, which our books say."""
    data["earlier"]["1"] = [dict(data["orders"][0])]
    data["orders"][0].update(payment_status="Refunded", refunded_amount="40.90")
    data["stored"][0]["alert"] = "REFUNDED"


def foreign(data: Data) -> None:
    """Somebody else had put a number on the first order, and ours was kept back."""
    data["foreign"]["1"] = data["orders"][0]["invoice_no"] = data["stored"][0]["remote_invoice_no"] = "OTHER-1"
    data["changes"][0].update(state="blocked", reason="FOREIGN_NUMBER")
    data["invoices"][0]["written"] = 0
    data["writes"].pop(0)


SECOND = {"number": 3, "number_text": "INV00003", "written": 0}
MISTAKES: dict[str, tuple[Mistake, Kind, str]] = {
    "not seen": (drop("seen", 2), "lost", "lost: order 3 is not in the ledger"),
    "not imported": (drop("stored", 2), "lost", "lost: order 3 was not imported"),
    "a line missing": (swap("stored", 0, lines=0), "lost", "lost: order 1 has 0 of 1 lines"),
    "not booked": (drop("invoices", 1), "lost", "lost: order 2 is paid"),
    "booked unpaid": (again("invoices", 0, remote_id="3", **SECOND), "wrong", "unearned: order 3"),
    "half booked": (swap("stored", 0, state="ready"), "wrong", "torn: order 1"),
    "an order nobody sent": (again("stored", 2, remote_id="9"), "wrong", "invented: order 9"),
    "two invoices": (again("invoices", 0, **SECOND), "doubled", "doubled: order 1 has 2 live invoices"),
    "two orders": (again("stored", 0), "doubled", "doubled: order 1 is stored 2 times"),
    "two write-backs": (again("changes", 0), "doubled", "doubled: order 1 has 2 write-backs of INV00001"),
    "noted twice": (swap("invoices", 0, booked=2), "doubled", "noted as booked 2 times"),
    "not noted": (swap("invoices", 0, written=0), "lost", "noted as written 0 times"),
    "a sen too much": (swap("invoices", 0, total=4091), "wrong", "wrong total: order 1"),
    "lines that do not add up": (swap("invoices", 0, lines=4089), "wrong", "wrong total: order 1"),
    "another currency": (swap("invoices", 0, currency="SGD"), "wrong", "wrong total: order 1"),
    "a gap": (swap("invoices", 1, number=3, number_text="INV00003"), "gap", "missing numbers [2]"),
    "a number twice": (swap("invoices", 1, number=1, number_text="INV00001"), "gap", "numbers used again [1]"),
    "a counter ahead": (swap("series", 0, next_number=4), "gap", "missing numbers [3]"),
    "a counter behind": (swap("series", 0, next_number=2), "gap", "not yet given out [2]"),
    "a misprint": (swap("invoices", 0, number_text="INV1"), "gap", "INV1 is not INV00001"),
    "another number there": (swap("orders", 0, invoice_no="INV00007"), "wrong", "order 1 shows “INV00007”"),
    "no number there": (swap("orders", 0, invoice_no=""), "wrong", "order 1 shows “” on the channel"),
    "a wrong belief": (swap("stored", 0, remote_invoice_no=""), "wrong", "we believe that order 1"),
    "never written": (drop("writes", 0), "lost", "the number of order 1 was never written"),
    "written twice": (again("writes", 0, previous="INV00001"), "doubled", "order 1 was written 2 times"),
    "two numbers written": (
        again("writes", 0, invoice_no="INV00002", previous="INV00001"),
        "wrong",
        "overwritten: order 1",
    ),
    "a foreign number gone": (swap("writes", 0, previous="OTHER-1"), "wrong", "overwritten: order 1 showed OTHER-1"),
    "a foreign number hidden": (both(foreign, swap("orders", 0, invoice_no="INV00001")), "wrong", "right is OTHER-1"),
    "a job that stands": (swap("jobs", 0, state="running"), "stuck", "unfinished: job 1"),
    "a job that failed": (swap("jobs", 0, state="failed"), "stuck", "ended as failed"),
    "a number not sent": (swap("changes", 0, state="sending"), "stuck", "unfinished: the write-back of order 1"),
    "a number dropped": (swap("changes", 0, state="dropped"), "stuck", "unfinished: the write-back of order 1"),
    "an order left": (swap("stored", 2, state="queued"), "stuck", "unfinished: order 3"),
    "a refund not seen": (both(refunded, swap("stored", 0, alert=None)), "wrong", "unnoticed: order 1"),
    "another price not seen": (
        lambda data: (
            data["earlier"].update({"1": [dict(data["orders"][0])]}),
            data["orders"][0].update(shipping_fee="5.90", total="41.90"),
        ),
        "wrong",
        "unnoticed: order 1 now charges 41.90",
    ),
    "a credit note lost": (both(reissued, drop("credits", 0)), "wrong", "wrong credit: 0 of INV00001"),
    "a credit note twice": (
        both(reissued, again("credits", 0, number=2, number_text="CN00002"), swap("series", 1, next_number=3)),
        "wrong",
        "wrong credit: 8180 of INV00001",
    ),
    "credited by halves": (both(reissued, swap("invoices", 0, credited=2000)), "wrong", "INV00001 is credited with 20"),
    "another's credit note": (both(reissued, swap("credits", 0, remote_id="2")), "wrong", "is of another order"),
    "a credit note's lines": (both(reissued, swap("credits", 0, lines=1)), "wrong", "not what its lines add up to"),
    "issued again by itself": (
        both(reissued, swap("invoices", 2, replaces=False)),
        "doubled",
        "order 1 has 2 invoices that replace no other",
    ),
    "a gap in the credit notes": (both(reissued, swap("series", 1, next_number=3)), "gap", "1 of credit_note"),
    "the credited number left there": (
        both(reissued, swap("orders", 0, invoice_no="INV00001")),
        "wrong",
        "order 1 shows “INV00001” on the channel, right is INV00003",
    ),
    "the credited number written later": (
        both(reissued, again("writes", 0, previous="INV00003")),
        "wrong",
        "overwritten: order 1 showed INV00003",
    ),
}


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    assert findings(good()) == []


@pytest.mark.parametrize("what", [reissued, refunded, foreign])
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


@pytest.mark.parametrize(
    "mistake", ["not booked", "two invoices", "a sen too much", "a gap", "a job that stands", "a refund not seen"]
)
def test_rough_terms_hide_nothing_that_counts(mistake: str) -> None:
    make, kind, words = MISTAKES[mistake]
    data = good()
    make(data)
    assert any(words in finding.words and finding.kind == kind for finding in findings(data, rough=True))


@pytest.mark.parametrize(
    "allowed",
    [
        swap("jobs", 0, state="cancelled"),
        swap("jobs", 0, state="failed", problem="SOURCE_DOWN"),
        both(swap("changes", 0, state="dropped"), swap("invoices", 0, written=0)),
        lambda data: (
            data["voids"].append({"series": "invoice", "first_number": 3, "last_number": 4})
            or data["series"][0].update(next_number=5)
        ),
    ],
)
def test_rough_terms_allow_what_channels_and_people_do(allowed: Mistake) -> None:
    data = good()
    allowed(data)
    assert findings(data, rough=True) == []


def test_a_mistake_of_ours_is_never_allowed() -> None:
    data = good()
    swap("jobs", 0, state="failed", problem="INTERNAL")(data)
    assert [finding.kind for finding in findings(data, rough=True)] == ["stuck"]


def test_the_same_number_may_be_written_again_where_that_is_allowed() -> None:
    data = good()
    data["writes"].append({"order_id": 1, "invoice_no": "INV00001", "previous": "INV00001"})
    assert findings(data, each_written_once=False) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"payment_status": "Unpaid"},
        {"order_status": "Cancelled"},
        {"order_status": "On Hold"},
        {"refunded_amount": "1.00"},
        {"total": "40.96"},
    ],
)
def test_only_orders_that_are_due_must_have_an_invoice(fields: Data) -> None:
    data = good()
    data["orders"][0].update(fields)
    assert any(finding.words.startswith("unearned: order 1") for finding in findings(data))
