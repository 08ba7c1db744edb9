"""One press brings in what was missing and follows what changed, of exactly these orders, and books nothing."""

from __future__ import annotations

from datetime import date

import pytest

from app.completeness.services import request_mending
from app.sync.services import ChannelNotReadyError
from tests.completeness.verifying import OCTOBER, deviations, last, lose, mend, told, verify
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant


@pytest.fixture
def books(merchant: Merchant) -> Merchant:
    """Twenty paid orders of 42.00, all in, all booked."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 21)])
    merchant.connect()
    merchant.check()
    merchant.sync()
    merchant.execute("update channels set checked_at = now() + interval '1 minute'")
    return merchant


def open_ones(merchant: Merchant) -> list[str]:
    return [row.remote_id for row in deviations(merchant) if row.mended_at is None]


def test_a_missing_order_is_brought_in_and_not_booked(books: Merchant) -> None:
    lose(books, "7")
    verify(books)
    assert told(books) == [("missing", "7", 4200)]
    mend(books)
    job = books.job()
    assert (job.kind, job.state, job.counts["mended"], job.counts["new"]) == ("mend", "succeeded", 1, 1)
    assert open_ones(books) == []
    assert books.scalar("select state from orders where remote_id = '7'") == "ready"
    assert books.scalar("select count(*) from invoices") == 19
    assert books.scalar("select state from seen_orders where remote_id = '7'") == "imported"
    assert books.scalar("select count(*) from verification_reads") == 0
    verify(books)
    assert told(books) == []


def test_only_what_was_pressed_is_mended(books: Merchant) -> None:
    lose(books, "7", "8")
    verify(books)
    mend(books, deviations(books)[0].id)
    assert open_ones(books) == ["8"]
    assert books.scalar("select count(*) from orders") == 19
    mend(books)
    assert open_ones(books) == []


def test_what_was_tampered_with_is_read_again(books: Merchant) -> None:
    books.execute("update orders set total = 1, payment_status = 'unpaid' where remote_id = '7'")
    verify(books)
    assert told(books) == [("total", "7", 4199)]
    mend(books)
    assert open_ones(books) == []
    (order,) = books.rows("select total, payment_status, state, alert from orders where remote_id = '7'")
    assert tuple(order) == (4200, "paid", "booked", None)


def test_an_unbooked_order_that_is_gone_is_held(books: Merchant) -> None:
    books.shop.add(an_order(order_id=900))
    books.check()
    books.shop.steer("DELETE", "orders/900")
    books.execute("update channels set checked_at = now() + interval '1 minute'")
    verify(books)
    assert told(books) == [("extra", "900", -4200)]
    mend(books)
    assert open_ones(books) == []
    (order,) = books.rows("select state, reason from orders where remote_id = '900'")
    assert tuple(order) == ("held", "ORDER_MISSING")
    verify(books)
    assert told(books) == [], "it is known to be gone, and not booked"


def test_a_booked_order_that_is_gone_is_alerted_and_stays_open_until_it_is_credited(books: Merchant) -> None:
    books.shop.steer("DELETE", "orders/7")
    verify(books)
    mend(books)
    assert open_ones(books) == ["7"]
    assert deviations(books)[0].tried_at is not None
    assert deviations(books)[0].asked_at is None
    assert books.scalar("select alert from orders where remote_id = '7'") == "ORDER_MISSING"
    books.execute("update invoices set state = 'credited', credited = total where order_id = "
                  "(select id from orders where remote_id = '7')")  # fmt: skip
    books.execute("update orders set state = 'closed', reason = 'CREDITED', alert = null where remote_id = '7'")
    mend(books)
    assert open_ones(books) == []


def test_a_later_verification_that_finds_it_the_same_mends_the_earlier_one(books: Merchant) -> None:
    books.execute("update orders set payment_status = 'unpaid' where remote_id = '7'")
    first = verify(books)
    books.execute("update orders set payment_status = 'paid' where remote_id = '7'")
    verify(books)
    assert books.scalar("select mended_at is not null from deviations where verification_id = :id", id=first.id)


def test_a_mending_that_is_killed_goes_on(books: Merchant) -> None:
    lose(books, "7")
    verify(books)
    with books.acting():
        start = request_mending(last(books).id, None, books.store.owner.id)
    assert start is not None
    books.run_steps(start.job_id, 1)
    books.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    books.work()
    assert open_ones(books) == []


def test_pressing_twice_makes_one_job_and_pressing_for_nothing_none(books: Merchant) -> None:
    lose(books, "7")
    verify(books)
    with books.acting():
        first = request_mending(last(books).id, None, books.store.owner.id)
        second = request_mending(last(books).id, None, books.store.owner.id)
    assert first is not None
    assert second is not None
    assert (first.job_id, second.already_running) == (second.job_id, True)
    books.work()
    with books.acting():
        assert request_mending(last(books).id, None, books.store.owner.id) is None
        assert request_mending(10**9, None, books.store.owner.id) is None


def test_a_paused_channel_is_not_asked(books: Merchant) -> None:
    lose(books, "7")
    verify(books)
    books.execute("update channels set status = 'paused'")
    with books.acting(), pytest.raises(ChannelNotReadyError):
        request_mending(last(books).id, None, books.store.owner.id)
    assert deviations(books)[0].asked_at is None


def test_an_order_outside_of_the_days_can_be_mended_too(books: Merchant) -> None:
    old = {"order_creation_date": "2026-09-10T10:00:00+08:00", "updated_at": "2026-11-15T10:00:00+08:00"}
    books.shop.add(an_order(order_id=900, **old))
    verify(books, date(2026, 11, 1))
    assert told(books) == [("missing", "900", 4200)]
    mend(books)
    assert open_ones(books) == []
    verify(books, OCTOBER)
    assert told(books) == []
