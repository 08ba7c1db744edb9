"""Every fault of the sandbox's table, played while a job works: it is told in words under the right code, nothing is
half stored, and once it is off the books hold every order once with its right total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.connectors import http
from app.connectors.http import Timeouts
from app.connectors.sitegiant import SiteGiant
from app.connectors.sitegiant.client import Client
from app.sandbox.sitegiant.faults import FAULTS
from app.sync.details import PATIENCE
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

ORDERS = 30
PAGE = 10
QUICK = Timeouts(connect=5.0, read=0.5, total=0.5)
TOO_SLOW, BROKE_OFF = "SiteGiant took too long to answer.", "SiteGiant broke off in the middle of its answer."
CANNOT_READ = "SiteGiant sent something that we cannot read."
TOO_MUCH = "SiteGiant sent more at once than we take in."
NO_KEY = "SiteGiant does not accept this key."
SLOWER = "SiteGiant asks us to go slower."
TROUBLE = "SiteGiant has trouble just now"
REFUSED = "SiteGiant refused: Something went wrong"
ANOTHER = "There is a website at 127.0.0.1, but it does not answer as SiteGiant does."


@dataclass(frozen=True, slots=True)
class Case:
    """A fault with its settings, and what the job that meets it says: `state`, then `code` and `words`, "" for none."""

    fault: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: str = "queued"
    code: str = "SOURCE_DOWN"
    words: str = ""
    beside: str = ""  # another fault that is on at the same time

    def __str__(self) -> str:
        return f"{self.fault}-{'-'.join(str(value) for value in self.settings.values())}"


def harmless(fault: str, **settings: Any) -> Case:
    """A fault that a job works through without a word."""
    return Case(fault, settings, "succeeded", "")


READING = [
    harmless("slow", ms=20),
    harmless("code_as_string"),
    harmless("bare_list"),
    harmless("oversized", route="detail", mb=5),
    harmless("oversized", route="detail", mb=21, times=1),
    harmless("changing_order"),
    harmless("clock_skew", ahead=60),
    harmless("clock_skew", ahead=0, behind=60),
    harmless("stale_details"),
    harmless("row_write_failure"),
    Case("oversized", {"route": "list", "mb": 21}, code="NOT_JSON", words=TOO_MUCH),
    Case("slow_drip", {"route": "list", "skip": 1, "ms": 50}, words=TOO_SLOW),
    Case("slow_drip", {"route": "detail", "skip": 1, "ms": 50}, words=TOO_SLOW),
    Case("slow_drip", {"route": "channels", "ms": 50}, words=TOO_SLOW),
    Case("timeout", {"route": "detail", "seconds": 30}, words=TOO_SLOW),
    Case("timeout", {"route": "list", "skip": 2, "seconds": 0.05}, words=BROKE_OFF),
    Case("answer_lost", {"route": "detail", "skip": 1}, words=BROKE_OFF),
    Case("dropped_connection", {"route": "list", "skip": 2}, words=BROKE_OFF),
    Case("truncated_json", {"route": "list", "skip": 1}, code="NOT_JSON", words=CANNOT_READ),
    Case("truncated_json", {"route": "detail"}, code="NOT_JSON", words=CANNOT_READ),
    Case("truncated_json", {"route": "channels", "times": 1}, code="NOT_THIS_SYSTEM", words=ANOTHER),
    Case("bad_token", {"route": "detail", "skip": 1}, code="AUTH_EXPIRED", words=NO_KEY),
    Case("rate_limited", {"route": "list", "skip": 1}, code="RATE_LIMITED", words=SLOWER),
    Case("rate_limited", {"route": "detail"}, code="RATE_LIMITED", words=SLOWER, beside="no_retry_after"),
    Case("no_retry_after", beside="rate_limited", code="RATE_LIMITED", words=SLOWER),
    Case("server_error", {"route": "list", "skip": 2}, words=TROUBLE),
    Case("server_error", {"route": "detail", "skip": 1, "status": 503}, words=TROUBLE),
    Case("html_error", {"route": "list", "skip": 1}, words=TROUBLE),
    Case("html_error", {"route": "channels"}, words=TROUBLE),
    Case("logical_failure", {"route": "list", "skip": 1}, "failed", "TARGET_REJECTED", REFUSED),
    Case("logical_failure", {"route": "detail", "skip": 1}, "partly", "TARGET_REJECTED", REFUSED),
    Case("row_repeated", {}, "partly", ""),
    Case("page_drift", {}, "partly", ""),
    Case("missing_date", {"row": 3}, "partly", ""),
]
WRITING = [
    harmless("slow", ms=20),
    harmless("code_as_string"),
    harmless("oversized", mb=5),
    Case("oversized", {"mb": 21}, code="NOT_JSON", words=TOO_MUCH),
    Case("slow_drip", {"ms": 50}, words=TOO_SLOW),
    Case("timeout", {"seconds": 30}, words=TOO_SLOW),
    Case("answer_lost", words=BROKE_OFF),
    Case("dropped_connection", words=BROKE_OFF),
    Case("truncated_json", code="NOT_JSON", words=CANNOT_READ),
    Case("bad_token", code="AUTH_EXPIRED", words=NO_KEY),
    Case("rate_limited", code="RATE_LIMITED", words=SLOWER),
    Case("server_error", {"status": 500}, words=TROUBLE),
    Case("html_error", words=TROUBLE),
    Case("logical_failure", {}, "partly", "TARGET_REJECTED", REFUSED),
    Case("row_write_failure", {"row": 1}, "partly", ""),
    Case("row_write_failure", {"row": 0}, "partly", ""),
]
ELSEWHERE = {
    "poisoned_order": "it is not over with the job: test_an_order_that_the_channel_fails_at_stands_in_nobodys_way",
    "unknown_gateway": "a gateway is mended by mapping it: test_an_unknown_gateway_waits_for_its_mapping",
    "updates_unknown": "only Verify lists by the last change",
    "updates_ignored": "only Verify lists by the last change",
    "webhook_doubled": "played in test_webhook_faults.py",
    "webhook_late": "played in test_webhook_faults.py",
    "webhook_out_of_order": "played in test_webhook_faults.py",
    "webhook_badly_signed": "played in test_webhook_faults.py",
}


@pytest.fixture
def stocked(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    """A connected shop with paid orders on three pages, nothing checked yet."""
    monkeypatch.setattr(SiteGiant, "page_size", PAGE)
    merchant.shop.add(*[an_order(order_id=n, order_items=[line(n)], total=f"{n}.50") for n in range(1, ORDERS + 1)])
    merchant.connect()
    return merchant


def line(number: int) -> dict[str, Any]:
    return {"isku": f"A{number}", "product_name": "Kopi", "product_price": f"{number}.50", "product_quantity": 1}


def test_every_fault_of_the_table_is_played() -> None:
    played = {case.fault for case in READING} | {case.fault for case in WRITING}
    assert set(FAULTS) - played - set(ELSEWHERE) == set(), "say what a job makes of these"


@pytest.mark.parametrize("case", READING, ids=str)
def test_reading_through_a_fault_loses_nothing(stocked: Merchant, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    stocked.press_check()
    play(stocked, case, monkeypatch)
    is_told(stocked, case)
    nothing_is_half_stored(stocked)
    heal(stocked)
    stocked.check()
    assert stocked.job().state == "succeeded", stocked.job()
    stocked.sync()
    the_books_are_right(stocked)


@pytest.mark.parametrize("case", WRITING, ids=str)
def test_writing_through_a_fault_writes_each_number_once(
    stocked: Merchant, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    stocked.check()
    stocked.press_sync()
    play(stocked, case, monkeypatch, route="write")
    is_told(stocked, case)
    nothing_is_half_stored(stocked)
    heal(stocked)
    for _round in range(3):
        stocked.tick()
        stocked.hurry()
        stocked.work()
    the_books_are_right(stocked)
    assert len(stocked.written()) == ORDERS


def test_a_channel_that_lists_more_on_a_page_than_it_was_asked_for(
    stocked: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Client.orders
    monkeypatch.setattr(Client, "orders", lambda self, params: ask(self, {**params, "limit": "25"}))
    stocked.check()
    assert stocked.job().state == "succeeded", stocked.job()
    stocked.sync()
    the_books_are_right(stocked)


@pytest.mark.parametrize("poisoned", [1, 14, 30])
def test_an_order_that_the_channel_fails_at_stands_in_nobodys_way(stocked: Merchant, poisoned: int) -> None:
    stocked.shop.fault("poisoned_order", order=poisoned)
    stocked.press_check()
    for _try in range(PATIENCE):
        stocked.work()
        assert (stocked.job().state, stocked.job().problem) == ("queued", "SOURCE_DOWN")
        stocked.hurry()
    stocked.work()
    assert (stocked.job().state, stocked.job().problem) == ("partly", None), stocked.job()
    assert stocked.scalar("select count(*) from orders") == ORDERS - 1
    ((state, problem),) = stocked.rows("select state, raw->>'problem' from seen_orders where state <> 'imported'")
    assert (state, problem[: len(TROUBLE)]) == ("unreadable", TROUBLE)
    heal(stocked)
    stocked.check()
    stocked.sync()
    the_books_are_right(stocked)


def test_a_channel_that_fails_at_every_order_is_down_and_no_order_is_blamed(stocked: Merchant) -> None:
    stocked.shop.fault("server_error", route="detail")
    stocked.press_check()
    for _try in range(PATIENCE + 2):
        stocked.work()
        stocked.hurry()
    assert (stocked.job().state, stocked.job().problem) == ("queued", "SOURCE_DOWN")
    assert stocked.rows("select remote_id from seen_orders") == []
    heal(stocked)
    assert stocked.job().state == "succeeded", stocked.job()
    stocked.sync()
    the_books_are_right(stocked)


def test_an_unknown_gateway_waits_for_its_mapping(stocked: Merchant) -> None:
    stocked.execute("update stores set unmapped_gateway = 'hold' where id = :id", id=stocked.store.id)
    stocked.shop.fault("unknown_gateway", row=0)
    stocked.check()
    waiting = stocked.rows("select distinct state, reason, reason_detail->>'gateway' from orders")
    assert waiting == [("held", "GATEWAY_UNMAPPED", "MysteryPay 神秘")]
    assert stocked.rows("select gateway, payment_method_id from payment_mappings") == [("MysteryPay 神秘", None)]


def play(merchant: Merchant, case: Case, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Work under the fault; where it is one of slowness, nobody waits for long."""
    merchant.shop.fault(case.fault, **settings, **case.settings)
    if case.beside:
        merchant.shop.fault(case.beside)
    with monkeypatch.context() as patch:
        if case.words == TOO_SLOW:
            patch.setattr(http, "Timeouts", lambda: QUICK)
        merchant.work()


def heal(merchant: Merchant) -> None:
    """All faults go off, and what waits for its next try need not wait any longer."""
    merchant.shop.steer("DELETE", "faults")
    merchant.hurry()
    merchant.work()


def is_told(merchant: Merchant, case: Case) -> None:
    job = merchant.job()
    assert (job.state, job.problem or "") == (case.state, case.code), job
    assert (job.problem_detail or {}).get("message", "").startswith(case.words)


def nothing_is_half_stored(merchant: Merchant) -> None:
    """Every order has its lines, its payload and its place in the ledger of ids; every invoice its lines and sum.

    The sums that reports read are those of the orders.
    """
    for half in (
        "select id from orders o where not exists (select from order_lines l where l.order_id = o.id)",
        "select id from orders o where not exists (select from raw_records r where r.order_id = o.id)",
        "select id from orders o where (select sum(gross - discount) from order_lines l where l.order_id = o.id) "
        "+ shipping <> total",
        "select remote_id from orders o where not exists (select from seen_orders s "
        "where s.channel_id = o.channel_id and s.remote_id = o.remote_id)",
        "select remote_id from seen_orders s where state = 'imported' and not exists (select from orders o "
        "where s.channel_id = o.channel_id and s.remote_id = o.remote_id)",
        "select id from invoices i where not exists (select from invoice_lines l where l.invoice_id = i.id)",
        "select id from orders where state = 'booked' and id not in (select order_id from invoices)",
        "select * from order_days_of((select id from stores)) except table order_days",
        "select * from order_days where orders + cancelled > 0 except select d.* from stores s, order_days_of(s.id) d",
    ):
        assert merchant.rows(half) == [], half


def the_books_are_right(merchant: Merchant) -> None:
    """Each order of the shop is booked once, with its total, and the number that stands on it is its invoice's."""
    nothing_is_half_stored(merchant)
    booked = merchant.rows(
        "select o.remote_id, o.total, i.total, i.number_text, i.number "
        "from orders o join invoices i on i.order_id = o.id"
    )
    sold = merchant.shop.steer("GET", "orders?limit=1000")["orders"]
    assert len(sold) == ORDERS
    assert sorted(row[4] for row in booked) == list(range(1, ORDERS + 1))
    ours = {row[0]: (row[1], row[2], row[3]) for row in booked}
    theirs = {str(row["order_id"]): (cents(row["total"]), cents(row["total"]), row["invoice_no"]) for row in sold}
    assert ours == theirs


def cents(told: str) -> int:
    return int(told.replace(".", ""))
