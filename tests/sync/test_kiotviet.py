"""KiotViet's sandbox over a real socket: whatever goes wrong meanwhile, each sale is in once, as it stands there, and
no invoice of an order is in beside its order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, cast

import pytest

from app.channels.services import NewChannel, UnmappedGateway, connect_channel
from app.connectors.kiotviet import KiotViet, paging
from app.connectors.kiotviet.sales import INVOICE_STATUSES, ORDER_STATUSES
from app.orders import finding
from app.sync.services import request_job
from tests.completeness.verifying import told, verify
from tests.orders.factories import Books
from tests.sandbox.kiotviet.visiting import Visitor, a_line, a_product, an_order
from tests.sandbox.running import Running
from tests.support.factories import Make
from tests.sync.merchant import Merchant
from tests.sync.test_by_change import announce

ORDERS, PAGE = 24, 10
MARK = "0123456789abcdef" * 2
_numbers = count(1)


class KiotMerchant(Merchant):
    """Sells in Vietnam; `there` is the shop."""

    there: Visitor

    def connect(
        self, *, start_on: date = date(2026, 1, 1), unmapped_gateway: UnmappedGateway = "cash", domain: str = ""
    ) -> None:
        there = self.there
        config = {
            "retailer": f"{there.sandbox.url}/{there.key}",
            "client_id": there.client_id,
            "client_secret": there.client_secret,
        }
        with self.acting():
            self.channel_id = connect_channel(NewChannel("kiotviet", config, "KiotViet", start_on, unmapped_gateway))
        self.execute("update channels set takes_orders = true")

    def refresh(self) -> None:
        """Read what changed, to the end."""
        with self.acting():
            request_job(self.channel_id, "refresh", None, None)
        self.work()

    def heal(self) -> None:
        """All faults go off, the quota begins anew, and what waits for its next try need not wait any longer."""
        self.there.steer("DELETE", "faults")
        self.there.steer("POST", "shops", json={"key": self.there.key})
        self.hurry()
        self.work()


@pytest.fixture
def merchant(kiotviet: Running, make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[KiotMerchant]:
    """A connected shop with orders and sales at the counter on several pages, nothing checked yet."""
    monkeypatch.setattr(KiotViet, "page_size", PAGE)
    monkeypatch.setattr(paging, "SIZE", PAGE)
    key = f"sold{next(_numbers)}"
    there = Visitor(kiotviet, key, f"client-of-{key}", f"secret-of-{key}")
    with there.session:
        made_up = {"key": key, "products": 20, "orders": ORDERS}
        there.steer("POST", "shops", params={"key": "cuahangsen"}, json=made_up)
        found = KiotMerchant(make.app, make.store(currency="VND"), cast(Any, there))
        found.there = there
        found.connect()
        yield found


def sold(merchant: KiotMerchant) -> dict[str, tuple[str, int, str]]:
    """Every sale of the shop by our id: its number, total and status. Invoices of orders are none."""
    found = {}
    for kind, path, statuses in (("order", "orders", ORDER_STATUSES), ("invoice", "invoices", INVOICE_STATUSES)):
        for row in merchant.there.steer("GET", f"records/{kind}", params={"limit": 500})["records"]:
            if not row.get("orderId"):
                found[f"{path}/{row['id']}"] = (row["code"], round(row["total"]), str(statuses[str(row["status"])]))
    return found


def invoices_of_orders(merchant: KiotMerchant) -> dict[str, str]:
    """Their ids → the numbers of the orders."""
    rows = merchant.there.steer("GET", "records/invoice", params={"limit": 500})["records"]
    return {f"invoices/{row['id']}": row["orderCode"] for row in rows if row.get("orderId")}


def all_is_in_once(merchant: KiotMerchant) -> None:
    ours = {row[0]: tuple(row[1:]) for row in merchant.rows("select remote_id, number, total, status from orders")}
    assert ours == sold(merchant)
    aside = merchant.rows("select remote_id, raw ->> 'part_of' from seen_orders where reason = 'PART_OF_ORDER'")
    assert dict(tuple(row) for row in aside) == invoices_of_orders(merchant)
    imported = "select remote_id from seen_orders where state = 'imported'"
    assert {row[0] for row in merchant.rows(imported)} == set(ours)


def test_orders_and_sales_by_invoice_come_in_once_with_few_reads(merchant: KiotMerchant) -> None:
    merchant.check()
    assert merchant.job().state == "succeeded", merchant.job()
    all_is_in_once(merchant)
    assert len([one for one in sold(merchant) if one.startswith("invoices/")]) == ORDERS // 2
    asked = [call["route"] for call in merchant.there.log() if not call["route"].startswith("branches")]
    assert {route for route in asked if not route.startswith("token")} == {"orders.list", "invoices.list"}
    merchant.there.steer("DELETE", "log")
    merchant.check()
    assert merchant.job().counts["unchanged"] == len(sold(merchant)) + len(invoices_of_orders(merchant))


@dataclass(frozen=True, slots=True)
class Case:
    """A fault with its settings, and how the check ends that meets it: `state` and `code`, '' for none."""

    fault: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: str = "succeeded"
    code: str = ""

    def __str__(self) -> str:
        return f"{self.fault}-{'-'.join(str(value) for value in self.settings.values())}"


FAULTS = [
    Case("rows_move", {"rows": 3}),
    Case("missing_modified_date", {"row": 0}),
    Case("unknown_status", {"row": 0}),
    Case("wrong_total", {"total": 7}),
    Case("wrong_total", {"total": 500}, "partly"),
    Case("page_drift", {}, "partly"),
    Case("row_repeated", {}),
    Case("quota_spent", {"route": "list", "skip": 4}, "queued", "RATE_LIMITED"),
    Case("expired_token", {"skip": 5, "times": 1}),
    Case("bad_token", {"skip": 5}, "queued", "AUTH_EXPIRED"),
    Case("server_error", {"route": "list", "skip": 4}, "queued", "SOURCE_DOWN"),
    Case("truncated_json", {"route": "list", "skip": 4}, "queued", "NOT_JSON"),
]


@pytest.mark.parametrize("case", FAULTS, ids=str)
def test_a_fault_loses_and_doubles_nothing(merchant: KiotMerchant, case: Case) -> None:
    merchant.press_check()
    merchant.there.fault(case.fault, **case.settings)
    merchant.work()
    assert (merchant.job().state, merchant.job().problem or "") == (case.state, case.code), merchant.job()
    if case.fault == "unknown_status":
        parked = dict(
            merchant.rows("select status, count(*) from orders where state in ('held', 'waiting') group by 1")
        )
        assert parked["unknown"] == ORDERS
    merchant.heal()
    merchant.check()
    assert merchant.job().state == "succeeded", merchant.job()
    all_is_in_once(merchant)


def test_what_is_edited_while_one_reads_is_right_after_the_next_refresh(merchant: KiotMerchant) -> None:
    """At each step somebody cancels an order that was read, or is still to be read, and makes another one."""
    merchant.check()
    merchant.refresh()
    (tea,) = merchant.there.add("product", a_product())
    numbers = iter(sorted(sold(merchant)))
    with merchant.acting():
        job_id = request_job(merchant.channel_id, "refresh", None, None).job_id
    merchant.execute("update checkpoints set through_at = '2026-01-01' where stream like 'orders:%'")
    for _step in merchant.steps(job_id):
        kind, _slash, number = next(numbers).partition("/")
        edit = {"status": 4 if kind == "orders" else 2}
        merchant.there.steer("PATCH", f"records/{kind[:-1]}/{number}", json=edit)
        merchant.there.answer("POST", "orders", json=an_order(a_line(tea)))
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    merchant.work()
    assert merchant.job().state == "succeeded", merchant.job()
    merchant.refresh()
    all_is_in_once(merchant)


def test_a_number_that_was_never_listed_is_asked_for_by_its_code(merchant: KiotMerchant) -> None:
    part = next(iter(invoices_of_orders(merchant).items()))
    sale = next(one for one in sold(merchant) if one.startswith("invoices/"))
    codes = [merchant.there.get(part[0])["code"], "dh000001", merchant.there.get(sale)["code"], "DH 9/9", "..", "HD999"]
    with merchant.acting():
        answers = [finding.ask_channel(merchant.channel_id, code).order for code in codes]
    assert [getattr(one, "remote_id", None) for one in answers[:3]] == [part[0], "orders/1000001", sale]
    assert [getattr(one, "part_of", None) for one in answers[:3]] == [part[1], "", ""]
    assert answers[3:] == [None, None, None]


def test_an_order_of_ours_and_its_invoice_are_known_there(merchant: KiotMerchant) -> None:
    order_id = Books(merchant.app, merchant.store).order(
        Books(merchant.app, merchant.store).channel("Here"), number="SO-1", currency="VND"
    )
    merchant.execute(
        "insert into order_copies (store_id, order_id, channel_id, mark) values (:s, :o, :c, :m)",
        s=merchant.store.id,
        o=order_id,
        c=merchant.channel_id,
        m=MARK,
    )
    (tea,) = merchant.there.add("product", a_product())
    sale = an_order(a_line(tea), description=f"Giao sớm [cb:{MARK}]", makeInvoice=True)
    made = merchant.there.answer("POST", "orders", json=sale)
    (invoice,) = [one for one, number in invoices_of_orders(merchant).items() if number == made["code"]]
    announce(merchant, f"orders/{made['id']}", invoice)
    ledger = "select remote_id, reason, raw ->> 'part_of' from seen_orders order by 1"
    assert merchant.rows(ledger) == [
        (invoice, "PART_OF_ORDER", made["code"]),
        (f"orders/{made['id']}", "MADE_HERE", None),
    ]
    assert merchant.rows("select remote_id, number from order_copies") == [(f"orders/{made['id']}", made["code"])]
    with merchant.acting():
        (found,) = finding.find(merchant.there.get(invoice)["code"])
    assert (found.detail["part_of"], found.belongs_to) == (made["code"], order_id)
    merchant.check()
    theirs = {one for one in sold(merchant) if one != f"orders/{made['id']}"}
    assert {row[0] for row in merchant.rows("select remote_id from orders where number <> 'SO-1'")} == theirs
    merchant.execute("update channels set checked_at = now() + interval '1 minute'")
    assert verify(merchant, date(2026, 1, 1)).missing == 0
    assert told(merchant) == []
