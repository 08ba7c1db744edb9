"""Trying again: marked orders are read once more, what is ready is booked, and every mark is gone afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.connectors.sitegiant import SiteGiant
from app.core.types import UnreadableOrder
from app.orders.failed import CauseKey, CauseKind
from app.sync import mending
from app.sync.mending import retry
from app.sync.services import ChannelNotReadyError, JobStart
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant
from tests.sync.test_costs import counted


def press(merchant: Merchant, kind: str, code: str, rows: list[Any] | None = None) -> JobStart | None:
    """Press *Retry* for a cause, or for some of its rows."""
    with merchant.acting():
        return retry(CauseKey(CauseKind(kind), code, merchant.channel_id), rows, merchant.store.owner.id)


def hold(merchant: Merchant, where: str = "true", reason: str = "NO_LINES") -> None:
    """As if these had been held for something that is mended on the channel by now."""
    merchant.execute(f"update orders set state = 'held', reason = '{reason}' where {where}")


@pytest.fixture
def stocked(merchant: Merchant) -> Merchant:
    """A connected shop with three paid orders that are held."""
    merchant.shop.add(*[an_order(order_id=number) for number in (1, 2, 3)])
    merchant.connect()
    merchant.check()
    hold(merchant)
    return merchant


def test_retried_orders_are_read_again_booked_and_written_back(stocked: Merchant) -> None:
    start = press(stocked, "orders", "NO_LINES")
    assert start is not None
    assert (start.taken, start.already_running) == (3, False)
    stocked.work()
    assert stocked.job().state == "succeeded"
    assert stocked.rows("select distinct state from orders") == [("booked",)]
    assert [order for order, _number in stocked.written()] == ["1", "2", "3"]
    assert stocked.scalar("select count(*) from seen_orders where wanted_at is not null") == 0
    assert stocked.rows("select distinct issued_by from invoices") == [(stocked.store.owner.id,)]
    story = stocked.rows("select kind from journal where order_id = (select min(id) from orders) order by id")
    assert [row.kind for row in story] == ["imported", "retry_requested", "changed", "queued", "booked", "written_back"]


def test_one_row_alone_is_retried(stocked: Merchant) -> None:
    second = stocked.scalar("select id from orders where remote_id = '2'")
    assert press(stocked, "orders", "NO_LINES", [second]) is not None
    stocked.work()
    assert stocked.rows("select remote_id, state from orders order by remote_id") == [
        ("1", "held"),
        ("2", "booked"),
        ("3", "held"),
    ]


def test_what_is_still_wrong_stays_held(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, order_status="On Hold"))
    merchant.connect()
    merchant.check()
    ((state, reason),) = merchant.rows("select state, reason from orders")
    assert state == "held"
    assert press(merchant, "orders", reason) is not None
    merchant.work()
    assert merchant.rows("select state, reason from orders") == [(state, reason)]
    assert merchant.scalar("select count(*) from seen_orders where wanted_at is not null") == 0


def test_nothing_left_to_retry_starts_no_job(stocked: Merchant) -> None:
    assert press(stocked, "orders", "TOTAL_MISMATCH") is None
    assert stocked.scalar("select count(*) from sync_jobs where kind = 'retry'") == 0


def test_unread_orders_are_read_when_retried(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2))
    merchant.connect()
    with monkeypatch.context() as patch:
        patch.setattr(SiteGiant, "get_orders", _unreadable)
        merchant.check()
        assert press(merchant, "unreadable", "BAD_PAYLOAD") is not None
        merchant.work()
        assert merchant.rows("select distinct state from seen_orders") == [("unreadable",)]
    assert merchant.job().state == "partly"
    assert press(merchant, "unreadable", "BAD_PAYLOAD") is not None
    merchant.work()
    assert merchant.rows("select remote_id, state from orders order by remote_id") == [("1", "booked"), ("2", "booked")]
    assert merchant.rows("select distinct state, raw is null from seen_orders") == [("imported", True)]


def test_missing_orders_stay_counted_until_the_channel_gives_them(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    with monkeypatch.context() as patch:
        patch.setattr(SiteGiant, "get_orders", lambda *_args: ())
        merchant.check()
        assert press(merchant, "unreadable", "ORDER_MISSING") is not None
        merchant.work()
        assert merchant.rows("select state, reason from seen_orders") == [("listed", "ORDER_MISSING")]
    assert press(merchant, "unreadable", "ORDER_MISSING") is not None
    merchant.work()
    assert merchant.rows("select state from orders") == [("booked",)]


def test_an_alert_that_the_channel_took_back_is_gone_after_a_retry(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.sync()
    merchant.execute("update orders set alert = 'UNPAID'")
    assert press(merchant, "alerts", "UNPAID") is not None
    merchant.work()
    assert merchant.rows("select state, alert from orders") == [("booked", None)]
    assert merchant.scalar("select count(*) from invoices") == 1


def test_blocked_numbers_are_sent_again(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, invoice_no="OTHER-1"), an_order(order_id=2, invoice_no="OTHER-2"))
    merchant.connect()
    merchant.check()
    merchant.sync()
    assert merchant.rows("select distinct state, reason from changes") == [("blocked", "FOREIGN_NUMBER")]
    for number in (1, 2):
        merchant.shop.steer("PATCH", f"orders/{number}", json={"invoice_no": ""})
    start = press(merchant, "write_backs", "FOREIGN_NUMBER")
    assert start is not None
    assert start.taken == 2
    merchant.work()
    assert merchant.rows("select distinct state from changes") == [("done",)]


def test_a_paused_channel_is_told_at_the_press_and_nothing_is_marked(stocked: Merchant) -> None:
    stocked.execute("update channels set status = 'paused'")
    with pytest.raises(ChannelNotReadyError):
        press(stocked, "orders", "NO_LINES")
    assert stocked.scalar("select count(*) from seen_orders where wanted_at is not null") == 0


def test_cancelling_a_waiting_retry_gives_the_marks_back(stocked: Merchant) -> None:
    start = press(stocked, "orders", "NO_LINES")
    assert start is not None
    stocked.cancel(start.job_id)
    assert stocked.scalar("select count(*) from seen_orders where wanted_at is not null") == 0
    stocked.work()
    assert stocked.rows("select distinct state from orders") == [("held",)]


def test_cancelling_a_running_retry_gives_back_marks_and_queued_orders(stocked: Merchant) -> None:
    start = press(stocked, "orders", "NO_LINES")
    assert start is not None
    stocked.run_steps(start.job_id, 2)
    assert stocked.rows("select distinct state from orders") == [("queued",)]
    first = stocked.scalar("select min(remote_id) from orders")
    stocked.execute("update seen_orders set wanted_at = now() where remote_id = :id", id=first)
    stocked.cancel(start.job_id)
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.work()
    assert stocked.job().state == "cancelled"
    assert stocked.rows("select distinct state from orders") == [("ready",)]
    assert stocked.scalar("select count(*) from seen_orders where wanted_at is not null") == 0


def test_a_killed_retry_goes_on_where_it_stood(stocked: Merchant) -> None:
    start = press(stocked, "orders", "NO_LINES")
    assert start is not None
    stocked.run_steps(start.job_id, 1)
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.work()
    assert stocked.job().state == "succeeded"
    assert stocked.scalar("select count(*) from invoices") == 3


def test_what_is_pressed_while_the_job_runs_is_taken_along(stocked: Merchant) -> None:
    ids = [row.id for row in stocked.rows("select id from orders order by remote_id")]
    first = press(stocked, "orders", "NO_LINES", ids[:1])
    assert first is not None
    stocked.run_steps(first.job_id, 2)
    second = press(stocked, "orders", "NO_LINES", ids[1:])
    assert second is not None
    assert (second.job_id, second.already_running) == (first.job_id, True)
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.work()
    assert stocked.rows("select distinct state from orders") == [("booked",)]
    assert stocked.scalar("select count(*) from sync_jobs where kind = 'retry'") == 1


def test_two_presses_at_once_make_one_job(stocked: Merchant) -> None:
    barrier, starts = threading.Barrier(4), []

    def go() -> None:
        barrier.wait()
        starts.append(press(stocked, "orders", "NO_LINES"))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({start.job_id for start in starts if start}) == 1
    assert stocked.scalar("select count(*) from sync_jobs where kind = 'retry'") == 1
    stocked.work()
    assert stocked.scalar("select count(*) from invoices") == 3


def test_a_store_that_makes_delivery_orders_is_read_again_and_not_booked(stocked: Merchant) -> None:
    stocked.execute("update stores set auto_delivery_order = 'on_save'")
    assert press(stocked, "orders", "NO_LINES") is not None
    stocked.work()
    assert stocked.job().state == "succeeded"
    assert stocked.rows("select distinct state from orders") == [("ready",)]


def test_rereading_a_batch_costs_the_same_for_one_and_for_many(new_merchant: Callable[..., Merchant]) -> None:
    costs = []
    for orders in (1, 90):
        merchant = new_merchant()
        merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
        merchant.connect()
        merchant.check()
        hold(merchant)
        with counted(merchant) as pressed:
            start = press(merchant, "orders", "NO_LINES")
        assert start is not None
        steps = merchant.steps(start.job_id)
        next(steps)
        with counted(merchant) as said:
            next(steps)
        assert merchant.rows("select distinct state from orders") == [("queued",)]
        costs.append((len(pressed), len(said)))
        steps.close()
    assert costs[0] == costs[1], costs
    assert costs[0][1] <= 20, costs


def test_an_unread_order_that_was_left_out_is_read_only_when_the_channel_changed_it(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2))
    merchant.connect()
    with monkeypatch.context() as patch:
        patch.setattr(SiteGiant, "get_orders", _unreadable)
        merchant.check()
    cause = CauseKey(CauseKind.UNREADABLE, "BAD_PAYLOAD", merchant.channel_id)
    with merchant.acting():
        assert mending.leave_out(cause, None, "test orders", merchant.store.owner.id) == 2
    merchant.shop.steer("PATCH", "orders/2", json={"note": "changed"})
    merchant.check()
    assert merchant.rows("select remote_id, state, reason from seen_orders order by remote_id") == [
        ("1", "skipped", "IGNORED"),
        ("2", "imported", None),
    ]
    with merchant.acting():
        assert mending.take_back(CauseKind.UNREADABLE, merchant.channel_id, ["1"], merchant.store.owner.id) == 1
    merchant.work()
    assert merchant.rows("select remote_id, state from seen_orders order by remote_id") == [
        ("1", "imported"),
        ("2", "imported"),
    ]


def test_a_missing_order_that_was_left_out_does_not_come_back_with_each_check(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    monkeypatch.setattr(SiteGiant, "get_orders", lambda *_args: ())
    merchant.check()
    cause = CauseKey(CauseKind.UNREADABLE, "ORDER_MISSING", merchant.channel_id)
    with merchant.acting():
        assert mending.leave_out(cause, None, "never existed", merchant.store.owner.id) == 1
    merchant.check()
    assert merchant.rows("select state, reason from seen_orders") == [("skipped", "IGNORED")]


def _unreadable(_self: SiteGiant, remote_ids: Any, _currencies: Any) -> Any:
    return tuple(UnreadableOrder(one, "The order has no creation date.", {"order_id": one}) for one in remote_ids)
