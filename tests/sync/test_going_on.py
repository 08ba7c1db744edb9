"""A channel that does not let us in any more: it is paused, its owners are told, and reconnecting goes on."""

from __future__ import annotations

import pytest

from app.channels.services import pause, resume
from app.sync.services import go_on
from tests.sandbox.running import an_order
from tests.support.mails import links_in, mails_to, tell_people, text_of
from tests.sync.merchant import Merchant


@pytest.fixture
def stopped(merchant: Merchant) -> Merchant:
    """300 orders, of which the first page is in when the key is refused."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 301)])
    merchant.connect()
    merchant.press_check()
    merchant.run_steps(merchant.job().id, 2)
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    merchant.shop.fault("bad_token")
    for _try in range(3):
        merchant.work()
        merchant.hurry()
    return merchant


def _reconnect(merchant: Merchant) -> None:
    merchant.shop.steer("DELETE", "faults/bad_token")
    with merchant.acting():
        resume(merchant.channel_id)
        go_on(merchant.channel_id, merchant.store.owner.id)


def test_a_check_goes_on_at_the_page_after_its_last_one(stopped: Merchant) -> None:
    before = stopped.job()
    assert (before.kind, before.problem) == ("check", "AUTH_EXPIRED")
    listed = before.counts["listed"]
    assert 0 < listed < 300
    _reconnect(stopped)
    job = stopped.job()
    assert (job.id > before.id, job.kind, job.phase, job.done) == (True, "check", "pull", before.done)
    stopped.work()
    assert stopped.job().state == "succeeded"
    assert stopped.job().counts["listed"] == 300, "no page was read a second time"
    assert stopped.scalar("select count(*) from orders") == 300


def test_going_on_twice_makes_one_job(stopped: Merchant) -> None:
    _reconnect(stopped)
    with stopped.acting():
        go_on(stopped.channel_id, stopped.store.owner.id)
    assert stopped.scalar("select count(*) from sync_jobs where state = 'queued'") == 1


def test_queued_orders_whose_job_is_gone_get_one(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 4)])
    merchant.connect()
    merchant.check()
    merchant.press_sync()
    merchant.execute("update sync_jobs set state = 'failed', problem = 'INTERNAL', finished_at = now()")
    with merchant.acting():
        go_on(merchant.channel_id, merchant.store.owner.id)
    merchant.work()
    assert merchant.scalar("select count(*) from invoices") == 3


def test_nothing_goes_on_where_somebody_paused_it_again(stopped: Merchant) -> None:
    stopped.shop.steer("DELETE", "faults/bad_token")
    with stopped.acting():
        resume(stopped.channel_id)
        pause(stopped.channel_id)
        assert not go_on(stopped.channel_id, stopped.store.owner.id)
    assert stopped.scalar("select count(*) from sync_jobs where state = 'queued'") == 0


def test_what_did_not_stop_for_the_pause_is_not_done_again(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    with merchant.acting():
        go_on(merchant.channel_id, merchant.store.owner.id)
    assert merchant.scalar("select count(*) from sync_jobs") == 1


def test_the_owners_are_told_once_and_nobody_else(stopped: Merchant) -> None:
    tell_people(stopped.app, stopped.store)
    (mail,) = mails_to(stopped.app, stopped.store.owner.email)
    assert "stopped: its key is not accepted" in mail["Subject"]
    assert links_in(mail)[0] == f"{stopped.app.extensions['settings'].base_url}{_path(stopped)}"
    assert stopped.shop.key not in text_of(mail)
    tell_people(stopped.app, stopped.store)
    assert len(mails_to(stopped.app, stopped.store.owner.email)) == 1
    assert mails_to(stopped.app, stopped.store.reader.email) == []


def _path(merchant: Merchant) -> str:
    return merchant.store.url(f"/channels/{merchant.channel_id}/reconnect")


def test_what_is_pressed_after_a_cancel_is_wanted(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 251)])
    merchant.connect()
    merchant.check()
    job_id = merchant.press_sync().jobs[0].job_id
    steps = merchant.steps(job_id)
    next(steps)
    merchant.cancel(job_id)
    merchant.shop.add(an_order(order_id=900))
    merchant.execute("update orders set state = 'ready', queued_at = null where id = (select max(id) from orders)")
    merchant.press_sync()
    steps.close()
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    merchant.work()
    states = dict(merchant.rows("select id = (select max(id) from orders), max(state) from orders group by 1"))
    assert states == {True: "booked", False: "ready"}
