"""The checker finds what it is there to find: each kind of mistake, made on purpose in data that is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.crash.ledger import ChannelSide, OurSide, audit

Data = dict[str, Any]


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
                "remote_invoice_no": order["invoice_no"],
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
                **dict.fromkeys(("total", "parts", "lines"), 4090),
                **dict.fromkeys(("booked", "written"), 1),
            }
            for order in booked
        ],
        "changes": [{"remote_id": str(order["order_id"]), "state": "done"} for order in booked],
        "jobs": [{"id": 1, "kind": "sync", "state": "succeeded", "phase": "send", "problem": None}],
        "series": {"prefix": "INV", "padding": 5, "next_number": 3},
    }


def findings(data: Data, *, each_written_once: bool = True) -> list[str]:
    channel = ChannelSide(data["orders"], {1: "MYR"}, data["writes"])
    names = ("invoices", "changes", "jobs", "seen", "series")
    ours = OurSide(orders=data["stored"], **{name: data[name] for name in names})
    return audit(channel, ours, each_written_once=each_written_once)


def swap(rows: str, place: int, **fields: object) -> Callable[[Data], None]:
    return lambda data: data[rows][place].update(fields)


def drop(rows: str, place: int) -> Callable[[Data], None]:
    return lambda data: data[rows].pop(place)


def again(rows: str, place: int, **fields: object) -> Callable[[Data], None]:
    return lambda data: data[rows].append({**data[rows][place], **fields})


MISTAKES: dict[str, tuple[Callable[[Data], None], str]] = {
    "not seen": (drop("seen", 2), "lost: order 3 is not in the ledger"),
    "not imported": (drop("stored", 2), "lost: order 3 was not imported"),
    "a line missing": (swap("stored", 0, lines=0), "lost: order 1 has 0 of 1 lines"),
    "not booked": (drop("invoices", 1), "lost: order 2 is paid"),
    "booked unpaid": (again("invoices", 0, remote_id="3", number=3, number_text="INV00003"), "unearned: order 3"),
    "half booked": (swap("stored", 0, state="ready"), "torn: order 1"),
    "an order nobody sent": (again("stored", 2, remote_id="9"), "invented: order 9"),
    "two invoices": (again("invoices", 0, number=3, number_text="INV00003"), "doubled: order 1 has 2 invoices"),
    "two orders": (again("stored", 0), "doubled: order 1 is stored 2 times"),
    "two write-backs": (again("changes", 0), "doubled: order 1 has 2 write-backs"),
    "noted twice": (swap("invoices", 0, booked=2), "noted as booked 2 times"),
    "a sen too much": (swap("invoices", 0, total=4091), "wrong total: order 1"),
    "lines that do not add up": (swap("invoices", 0, lines=4089), "wrong total: order 1"),
    "another currency": (swap("invoices", 0, currency="SGD"), "wrong total: order 1"),
    "a gap": (swap("invoices", 1, number=3, number_text="INV00003"), "missing numbers [2]"),
    "a number twice": (swap("invoices", 1, number=1, number_text="INV00001"), "numbers used again [1]"),
    "a counter ahead": (lambda data: data["series"].update(next_number=4), "the next number is 4"),
    "a misprint": (swap("invoices", 0, number_text="INV1"), "INV1 is not INV00001"),
    "another number there": (swap("orders", 0, invoice_no="INV00007"), "order 1 shows “INV00007” on the channel"),
    "no number there": (swap("orders", 0, invoice_no=""), "order 1 shows “” on the channel"),
    "a wrong belief": (swap("stored", 0, remote_invoice_no=""), "we believe that order 1"),
    "never written": (drop("writes", 0), "the number of order 1 was never written"),
    "written twice": (again("writes", 0, previous="INV00001"), "order 1 was written 2 times"),
    "two numbers written": (again("writes", 0, invoice_no="INV00002", previous="INV00001"), "overwritten: order 1"),
    "a foreign number gone": (swap("writes", 0, previous="OTHER-1"), "overwritten: order 1 showed OTHER-1"),
    "a job that stands": (swap("jobs", 0, state="running"), "unfinished: job 1"),
    "a job that failed": (swap("jobs", 0, state="failed"), "ended as failed"),
    "a number not sent": (swap("changes", 0, state="sending"), "unfinished: the write-back of order 1"),
    "an order left": (swap("stored", 2, state="queued"), "unfinished: order 3"),
}


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    assert findings(good()) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_finds(mistake: str) -> None:
    make, words = MISTAKES[mistake]
    data = good()
    make(data)
    assert any(words in finding for finding in findings(data)), findings(data)


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
    assert any(finding.startswith("unearned: order 1") for finding in findings(data))
