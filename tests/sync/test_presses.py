"""Presses that meet: Sync, Cancel, Retry and Pause while a job waits, runs or has failed. No order is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.channels.services import pause
from app.extensions import db
from app.orders.importing import store_rules
from app.orders.models import Order
from app.orders.services import lock_channel, queue_orders
from app.sync import jobs, queue, services
from app.sync.queue import QUEUE, connection
from app.sync.services import retry_job
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@pytest.fixture
def checked(merchant: Merchant) -> Merchant:
    """A connected shop with 250 paid orders, all read."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 251)])
    merchant.connect()
    merchant.check()
    return merchant


def in_background(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_for_lock(merchant: Merchant) -> None:
    """Until some statement of another session waits for a lock."""
    for _try in range(200):
        if merchant.scalar("select count(*) from pg_locks where not granted"):
            return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits")


def test_orders_that_a_failed_job_left_queued_are_taken_by_the_next_press(checked: Merchant) -> None:
    checked.press_sync()
    checked.execute("update channels set status = 'paused'")
    checked.work()
    assert checked.job().problem == "CHANNEL_PAUSED"
    checked.execute("update channels set status = 'connected'")
    again = checked.sync()
    assert len(again.jobs) == 1
    assert checked.scalar("select count(*) from invoices") == 250


def test_a_cancel_waits_for_a_press_that_is_being_made(checked: Merchant) -> None:
    job_id = checked.press_sync().jobs[0].job_id
    checked.execute("update orders set state = 'ready', queued_at = null where remote_id = '7'")
    with checked.app.app_context(), checked.scope():
        services._lock_channel(checked.channel_id)
        assert queue_orders([Order.remote_id == "7"], None) == 1
        assert services._start(checked.channel_id, "sync", None).already_running
        cancel = in_background(lambda: checked.cancel(job_id))
        wait_for_lock(checked)
        db.session.commit()
        cancel.join()
    checked.work()
    assert checked.job().state == "cancelled"
    assert checked.rows("select distinct state from orders") == [("ready",)]


def test_a_cancelled_job_ends_only_after_a_press_that_is_being_made(checked: Merchant) -> None:
    start = checked.press_sync()
    job_id = start.jobs[0].job_id
    checked.run_steps(job_id, 2)
    checked.execute("update orders set state = 'held' where remote_id = '250'")
    checked.cancel(job_id)
    checked.execute("update orders set state = 'ready' where remote_id = '250'")
    checked.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    with checked.app.app_context(), checked.scope():
        services._lock_channel(checked.channel_id)
        assert queue_orders([Order.remote_id == "250"], None) == 1
        assert services._start(checked.channel_id, "sync", None).already_running
        work = in_background(lambda: checked.run(job_id))
        wait_for_lock(checked)
        db.session.commit()
        work.join()
    assert checked.scalar(f"select state from sync_jobs where id = {job_id}") == "cancelled"
    assert checked.rows("select remote_id from orders where state = 'queued'") == [("250",)], "pressed after the cancel"
    checked.work()
    assert checked.scalar("select state from orders where remote_id = '250'") == "booked"


def test_retry_and_the_end_of_the_job_do_not_lock_each_other_out(checked: Merchant) -> None:
    job_id = checked.press_sync().jobs[0].job_id
    checked.run_steps(job_id, 1)
    troubles: list[BaseException] = []

    def retry() -> None:
        try:
            with checked.acting():
                retry_job(job_id, checked.store.owner.id)
        except BaseException as error:
            troubles.append(error)

    with checked.app.app_context(), checked.scope():
        services._lock_channel(checked.channel_id)  # as the end of a job does, before it ends its row
        thread = in_background(retry)
        wait_for_lock(checked)
        db.session.execute(text("update sync_jobs set done = done where id = :id"), {"id": job_id})
        db.session.commit()
        thread.join()
    assert not troubles


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_job_does_not_lock_out_whoever_holds_the_channel(checked: Merchant, steps: int) -> None:
    """People's presses lock the channel, then orders, then the job: a job must not come from the other end."""
    job_id = checked.press_sync().jobs[0].job_id
    checked.run_steps(job_id, steps)
    checked.execute("update sync_jobs set state = 'queued'")
    with checked.app.app_context(), checked.scope():
        services._lock_channel(checked.channel_id)
        work = in_background(lambda: checked.run(job_id))
        wait_for_lock(checked)
        db.session.execute(text("update orders set note = 'seen'"))
        db.session.execute(text("update sync_jobs set rung_at = now() where id = :id"), {"id": job_id})
        db.session.commit()
        work.join()
    checked.work()
    assert checked.job().state == "succeeded"
    assert checked.job().fence <= 4
    assert checked.scalar("select count(*) from invoices") == 250


def test_a_channel_paused_while_its_job_works_stops_it_after_the_page(
    checked: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = checked.press_sync().jobs[0].job_id
    told = iter(range(100))

    def tell(held: Any) -> None:
        if next(told) == 2:
            with checked.acting():
                pause(checked.channel_id)

    monkeypatch.setattr(jobs, "_tell", tell)
    checked.run(job_id)
    assert (checked.job().state, checked.job().problem) == ("partly", "CHANNEL_PAUSED")
    assert 100 <= checked.scalar("select count(*) from invoices") <= 200
    assert checked.written() == []


def test_a_job_that_the_database_refuses_for_good_ends_in_words(
    checked: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked.press_sync()
    checked.execute(
        "insert into invoices (store_id, series, number, number_text, order_id, channel_id, marketplace_id, "
        "invoice_date, currency, order_number, buyer, gateway, payment_method_id, payment_method, "
        "payment_mapping_version, salesperson, salesperson_mapping_version, subtotal, discount, shipping, adjustment, "
        "tax, tax_included, rounding, total, content_key) select o.store_id, 'invoice', 900, 'INV00001', o.id, "
        "o.channel_id, o.marketplace_id, '2026-01-01', 'MYR', '', '{}', '', m.id, '', 0, '', 0, 0, 0, "
        "0, 0, 0, false, 0, 0, '' "
        "from orders o, payment_methods m order by o.id desc limit 1"
    )
    checked.work()
    assert (checked.job().state, checked.job().problem) == ("failed", "INTERNAL")


def test_a_job_that_lets_others_pass_leaves_one_bell(checked: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    url = checked.app.extensions["settings"].redis_url
    connection(url).delete(f"rq:queue:{QUEUE}")
    job_id = checked.press_check().job_id
    connection(url).delete(f"rq:queue:{QUEUE}")
    monkeypatch.setattr(jobs, "SLICE_SECONDS", -1)
    monkeypatch.setattr(queue, "somebody_waits", lambda _url: True)
    checked.run(job_id)
    assert checked.job().state == "queued"
    assert connection(url).llen(f"rq:queue:{QUEUE}") == 1


def test_a_page_that_waited_for_a_settings_save_is_judged_by_the_new_rules(checked: Merchant) -> None:
    rules: list[object] = []

    def judge() -> None:
        with checked.app.app_context(), checked.scope():
            rules.append(store_rules(checked.channel_id).unmapped_gateway)

    with checked.app.app_context(), checked.scope():
        lock_channel(checked.channel_id)
        page = in_background(judge)
        wait_for_lock(checked)
        assert not rules
        db.session.execute(text("update stores set unmapped_gateway = 'hold'"))
        db.session.commit()
    page.join(10)
    assert rules == ["hold"]
