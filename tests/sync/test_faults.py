"""What happens when the channel, the network or a worker fails in the middle: nothing lost, nothing twice."""

from __future__ import annotations

import json
import threading
from datetime import date
from typing import Any

import pytest

from app.core.errors import RateLimited
from app.sync import lease, pull
from app.sync.lease import LeaseLostError
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@pytest.fixture
def stocked(merchant: Merchant) -> Merchant:
    """A connected shop with 250 paid orders, nothing checked yet."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 251)])
    merchant.connect()
    return merchant


def all_is_well(merchant: Merchant, orders: int) -> None:
    """Every order has one invoice, every number is used once without a gap, and each stands on its order."""
    booked = merchant.rows(
        "select o.remote_id, i.number_text, i.number from invoices i join orders o on o.id = i.order_id"
    )
    assert len({row[0] for row in booked}) == orders
    assert sorted(row[2] for row in booked) == list(range(1, orders + 1))
    on_channel = merchant.shop.steer("GET", "orders?limit=1000")["orders"]
    assert {(str(row["order_id"]), row["invoice_no"]) for row in on_channel} == {row[:2] for row in booked}


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("server_error", {"route": "list", "skip": 3, "times": 1}),
        ("server_error", {"route": "detail", "skip": 1, "times": 1}),
        ("dropped_connection", {"route": "detail", "skip": 1, "times": 1}),
        ("truncated_json", {"route": "list", "skip": 2, "times": 1}),
        ("html_error", {"route": "list", "skip": 2, "times": 1}),
        ("rate_limited", {"route": "detail", "skip": 1, "times": 1, "retry_after": 1}),
        ("logical_failure", {"route": "detail", "skip": 1, "times": 1}),
    ],
)
def test_a_check_that_is_interrupted_goes_on_and_loses_nothing(
    stocked: Merchant, fault: str, how: dict[str, Any]
) -> None:
    stocked.shop.fault(fault, **how)
    stocked.press_check()
    stocked.work()
    if fault == "logical_failure":
        assert stocked.job().state in ("failed", "partly")
        stocked.press_check()
    else:
        assert stocked.job().state == "queued"
        assert stocked.job().problem in ("SOURCE_DOWN", "RATE_LIMITED", "NOT_JSON")
    stocked.hurry()
    stocked.work()
    assert stocked.job().state == "succeeded", stocked.job()
    assert stocked.scalar("select count(*) from orders") == 250
    assert stocked.scalar("select count(*) from seen_orders where state = 'imported'") == 250


@pytest.mark.parametrize("fault", ["answer_lost", "dropped_connection", "server_error", "row_write_failure"])
def test_a_write_whose_answer_is_lost_is_asked_for_before_it_is_sent_again(stocked: Merchant, fault: str) -> None:
    stocked.check()
    stocked.shop.fault(fault, route="write", times=1)
    stocked.sync()
    for _try in range(4):
        stocked.hurry()
        stocked.tick()
        stocked.work()
    all_is_well(stocked, 250)
    written = [order for order, _number in stocked.written()]
    assert len(written) == len(set(written)) == 250


def test_a_foreign_number_is_a_conflict_and_never_overwritten(stocked: Merchant) -> None:
    stocked.check()
    stocked.shop.steer("PATCH", "orders/7", json={"invoice_no": "OTHER-1"})
    stocked.sync()
    assert stocked.job().state == "partly"
    assert stocked.shop.order(7)["invoice_no"] == "OTHER-1"
    blocked = stocked.rows("select state, reason, reason_detail->>'found' from changes where remote_id = '7'")
    assert blocked == [("blocked", "FOREIGN_NUMBER", "OTHER-1")]
    assert len(stocked.written()) == 249


def test_a_refused_key_pauses_the_channel_when_it_is_refused_again(stocked: Merchant) -> None:
    stocked.shop.fault("bad_token")
    stocked.press_check()
    stocked.work()
    assert stocked.job().state == "queued"
    stocked.hurry()
    stocked.work()
    assert stocked.job().state == "failed"
    assert stocked.job().problem == "AUTH_EXPIRED"
    assert stocked.rows("select status, paused_reason from channels") == [("paused", "AUTH_EXPIRED")]


def test_a_channel_that_stays_away_ends_the_job_in_words(stocked: Merchant) -> None:
    stocked.shop.fault("server_error", route="any")
    stocked.press_check()
    for _try in range(10):
        stocked.work()
        stocked.hurry()
    assert stocked.job().state == "failed"
    assert stocked.job().problem == "SOURCE_DOWN"
    assert stocked.job().problem_detail["message"]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_job_whose_worker_died_goes_on_after_its_last_page(stocked: Merchant, steps: int) -> None:
    job_id = stocked.press_check().job_id
    stocked.run_steps(job_id, steps)
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.shop.steer("DELETE", "log")
    stocked.run(job_id)
    assert stocked.job().state == "succeeded"
    assert stocked.scalar("select count(*) from orders") == 250
    read_again = sum(len(json.loads(call["request"])["order_id"]) for call in stocked.shop.log("detail"))
    assert read_again == 250 - 100 * (steps - 1)


def test_a_booking_whose_worker_died_between_pages_books_each_order_once(stocked: Merchant) -> None:
    stocked.check()
    job_id = stocked.press_sync().jobs[0].job_id
    stocked.run_steps(job_id, 3)
    assert stocked.scalar("select count(*) from invoices") == 200
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.run(job_id)
    stocked.work()
    all_is_well(stocked, 250)


def test_changes_that_a_dead_worker_claimed_are_looked_up_and_not_sent_twice(stocked: Merchant) -> None:
    stocked.check()
    stocked.press_sync()
    stocked.work()
    stocked.execute(
        "update changes set state = 'sending', fence = 1, done_at = null, claimed_at = now() - interval '1 hour'"
    )
    stocked.tick()
    stocked.work()
    assert stocked.rows("select distinct state from changes") == [("done",)]
    assert len(stocked.written()) == 250


def test_a_worker_that_wakes_up_late_can_commit_nothing(stocked: Merchant) -> None:
    job_id = stocked.press_check().job_id
    steps = stocked.steps(job_id)
    for _step in range(3):
        next(steps)
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.run(job_id)
    assert stocked.job().state == "succeeded"
    before = stocked.rows("select id, xmin::text from orders order by id")
    with pytest.raises(LeaseLostError):
        list(steps)
    assert stocked.rows("select id, xmin::text from orders order by id") == before


def test_two_workers_that_hear_one_bell_do_not_both_work(stocked: Merchant) -> None:
    job_id = stocked.press_check().job_id
    taken: list[object] = []
    ready = threading.Barrier(4)

    def take() -> None:
        with stocked.app.app_context(), stocked.scope():
            ready.wait()
            taken.append(lease.claim(job_id))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(run is not None for run in taken) == 1


def test_racing_presses_queue_each_order_once_for_one_job(stocked: Merchant) -> None:
    stocked.check()
    starts: list[Any] = []
    ready = threading.Barrier(4)

    def press() -> None:
        ready.wait()
        starts.append(stocked.press_sync())

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(start.taken for start in starts) == 250
    assert len({job.job_id for start in starts for job in start.jobs}) == 1
    stocked.work()
    all_is_well(stocked, 250)


def test_orders_pressed_while_the_job_sends_are_booked_by_the_same_job(stocked: Merchant) -> None:
    stocked.check()
    stocked.execute("update orders set state = 'held' where remote_id = '7'")
    first = stocked.press_sync()
    steps = stocked.steps(first.jobs[0].job_id)
    while stocked.job().phase != "send":
        next(steps)
    stocked.execute("update orders set state = 'ready' where remote_id = '7'")
    second = stocked.press_sync()
    assert (second.jobs[0].job_id, second.jobs[0].taken) == (first.jobs[0].job_id, 1)
    steps.close()
    stocked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    stocked.run(first.jobs[0].job_id)
    all_is_well(stocked, 250)


def test_a_rolled_back_batch_leaves_no_gap(stocked: Merchant) -> None:
    stocked.check()
    stocked.press_sync()
    job_id = stocked.job().id
    stocked.run_steps(job_id, 2)
    steps = stocked.steps(job_id, claim_again=True)
    next(steps)
    stocked.execute("update sync_jobs set fence = fence + 1, lease_until = now() - interval '1 second'")
    with pytest.raises(LeaseLostError):
        list(steps)
    stocked.work()
    all_is_well(stocked, 250)


def test_what_was_counted_is_kept_when_the_channel_asks_to_wait(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would ask us to wait again and again if every window were asked for anew."""
    monkeypatch.setattr(pull, "LISTING", 1)  # the calls come in the order in which they were made
    merchant.shop.add(an_order(order_id=1, order_creation_date="2025-01-05T10:00:00+08:00"))
    merchant.connect(start_on=date(2025, 1, 1))
    job_id = merchant.press_check().job_id
    steps = merchant.steps(job_id)
    next(steps)
    windows = len(merchant.job().cursor["pull"]["uncounted"])
    merchant.shop.fault("rate_limited", route="list", skip=20, times=1)
    with pytest.raises(RateLimited):
        list(steps)
    left = len(merchant.job().cursor["pull"]["uncounted"])
    assert 0 < left <= windows - 16
