"""One shop connected twice: the same sale comes by two channels, and is booked once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.orders.deciding import say_two_sales
from app.orders.failed import CauseKey, CauseKind
from app.sync.mending import leave_out
from app.sync.services import request_check, request_sync
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

BUYER = {"billing_firstname": "Nur", "billing_mobile": "0123456789"}


@pytest.fixture
def stocked(merchant: Merchant) -> Merchant:
    """A connected shop with three paid orders."""
    merchant.shop.add(*[an_order(order_id=number, **BUYER) for number in (1, 2, 3)])
    for number in (1, 2, 3):
        items = [{"isku": f"A{number}", "product_name": "Kopi", "product_price": "21.00", "product_quantity": 2}]
        merchant.shop.steer("PATCH", f"orders/{number}", json={"order_items": items})
    merchant.connect()
    return merchant


def second_road(merchant: Merchant) -> int:
    """The same account as a second channel, as if it could not be told to be the same."""
    merchant.execute(
        "insert into channels (store_id, kind, name, account_name, config, credentials, start_at) "
        "select store_id, kind, 'Again', account_name, config, credentials, start_at from channels where id = :id",
        id=merchant.channel_id,
    )
    again = int(merchant.scalar("select max(id) from channels"))
    merchant.execute(
        "insert into marketplaces (store_id, channel_id, remote_id, name, kind, currency) "
        "select store_id, :again, remote_id, name, kind, currency from marketplaces where channel_id = :id",
        id=merchant.channel_id,
        again=again,
    )
    return again


def check(merchant: Merchant, channel_id: int) -> None:
    with merchant.acting():
        request_check(channel_id, merchant.store.owner.id)
    merchant.work()


def states(merchant: Merchant, channel_id: int) -> list[Any]:
    query = "select distinct state, reason from orders where channel_id = :id"
    return [tuple(row) for row in merchant.rows(query, id=channel_id)]


def test_second_copies_are_held_and_not_booked(stocked: Merchant) -> None:
    stocked.check()
    stocked.sync()
    again = second_road(stocked)
    check(stocked, again)
    assert states(stocked, again) == [("held", "DUPLICATE_SUSPECTED")]
    stocked.sync()
    assert stocked.scalar("select count(*) from invoices") == 3


def test_second_copies_are_held_also_before_the_first_are_booked(stocked: Merchant) -> None:
    stocked.check()
    again = second_road(stocked)
    check(stocked, again)
    assert states(stocked, again) == [("held", "DUPLICATE_SUSPECTED")]
    assert states(stocked, stocked.channel_id) == [("ready", None)]


def test_two_channels_that_book_at_once_book_each_sale_once(stocked: Merchant) -> None:
    """Both were read before either knew of the other; only the numbers' lock tells them apart."""
    stocked.check()
    again = second_road(stocked)
    check(stocked, again)
    stocked.execute("update orders set state = 'ready', reason = null")
    with stocked.acting():
        started = request_sync(
            stocked.store.owner.id, order_ids=[row.id for row in stocked.rows("select id from orders")]
        )
    assert len(started.jobs) == 2
    barrier = threading.Barrier(2)

    def go(job_id: int) -> None:
        barrier.wait()
        stocked.run(job_id)

    threads = [threading.Thread(target=go, args=(job.job_id,)) for job in started.jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stocked.work()
    assert stocked.scalar("select count(*) from invoices") == 3
    assert stocked.scalar("select count(distinct o.sale_key) from invoices i join orders o on o.id = i.order_id") == 3
    found = stocked.rows("select state, reason, count(*) from orders group by 1, 2 order by 1")
    assert [tuple(row) for row in found] == [("booked", None, 3), ("held", "DUPLICATE_SUSPECTED", 3)]


def test_what_a_removed_channel_booked_is_not_booked_by_the_new_one(stocked: Merchant) -> None:
    stocked.check()
    stocked.sync()
    again = second_road(stocked)
    stocked.execute("update channels set status = 'removed' where id = :id", id=stocked.channel_id)
    check(stocked, again)
    assert states(stocked, again) == [("held", "DUPLICATE_SUSPECTED")]
    cause = CauseKey(CauseKind.ORDERS, "DUPLICATE_SUSPECTED", again)
    with stocked.acting():
        assert leave_out(cause, None, "came by the old channel", stocked.store.owner.id) == 3
    assert states(stocked, again) == [("closed", "IGNORED")]
    check(stocked, again)
    assert states(stocked, again) == [("closed", "IGNORED")]
    assert stocked.scalar("select count(*) from invoices") == 3


def test_what_a_removed_channel_left_unbooked_is_booked_by_the_new_one(stocked: Merchant) -> None:
    stocked.check()
    again = second_road(stocked)
    stocked.execute("update channels set status = 'removed' where id = :id", id=stocked.channel_id)
    check(stocked, again)
    assert states(stocked, again) == [("ready", None)]


def test_what_a_person_calls_two_sales_is_booked_and_stays_so(stocked: Merchant) -> None:
    stocked.check()
    stocked.sync()
    again = second_road(stocked)
    check(stocked, again)
    held = stocked.scalar("select min(id) from orders where channel_id = :id", id=again)
    with stocked.acting():
        assert say_two_sales(held, stocked.store.owner.id)
    check(stocked, again)
    stocked.sync()
    assert stocked.scalar("select count(*) from invoices") == 4
    assert stocked.scalar("select state from orders where id = :id", id=held) == "booked"
