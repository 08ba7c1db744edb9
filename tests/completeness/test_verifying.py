"""A channel held against the books: what is missing, extra or different is found, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.connectors.base import Capability
from app.connectors.sitegiant import SiteGiant
from app.sync.services import go_on, retry_job
from tests.completeness.verifying import (
    days,
    deviations,
    last,
    lose,
    press_verify,
    told,
    verify,
)
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant
from tests.sync.test_costs import counted

NUMBERS = range(1, 131)


@pytest.fixture
def books(merchant: Merchant) -> Merchant:
    """130 paid orders of 42.00, all in, all booked."""
    merchant.shop.add(*[an_order(order_id=number) for number in NUMBERS])
    merchant.connect()
    merchant.check()
    merchant.sync()
    merchant.execute("update channels set checked_at = now() + interval '1 minute'")
    return merchant


def last_or_none(merchant: Merchant) -> Any:
    return last(merchant) if merchant.scalar("select count(*) from verifications") else None


def summed(found: Any) -> tuple[int, int, int, int]:
    return found.orders, found.missing, found.extra, found.differing


def test_what_agrees_is_said_to_agree_to_the_cent(books: Merchant) -> None:
    found = verify(books)
    assert books.job().state == "succeeded", books.job()
    assert summed(found) == (130, 0, 0, 0)
    assert (found.newer, found.short, found.by_update) == (0, 0, True)
    assert found.finished_at is not None
    (day,) = days(books)
    assert (day.day, day.currency) == (date(2026, 11, 20), "MYR")
    assert (day.remote_orders, day.remote_total, day.remote_paid) == (130, 130 * 4200, 130)
    assert (day.orders, day.total, day.invoiced, day.difference) == (130, 130 * 4200, 130 * 4200, 0)
    assert day.not_invoiced == {}
    assert told(books) == []
    assert books.scalar("select count(*) from verification_reads") == 0


def test_an_order_that_never_came_in_is_missing_and_stays_out(books: Merchant) -> None:
    lose(books, "7", "130")
    found = verify(books)
    assert summed(found) == (130, 2, 0, 0)
    assert told(books) == [("missing", "130", 4200), ("missing", "7", 4200)]
    (day,) = days(books)
    assert (day.missing, day.difference, day.orders) == (2, 8400, 128)
    assert deviations(books)[0].remote["total"] == 4200
    assert deviations(books)[0].order_id is None
    assert books.scalar("select count(*) from orders") == 128, "verifying brings nothing in"


def test_an_order_made_later_for_an_earlier_day_is_missing(books: Merchant) -> None:
    made = "2026-11-02T10:00:00+08:00"
    books.shop.add(an_order(order_id=900, order_creation_date=made, updated_at=made))
    verify(books)
    assert told(books) == [("missing", "900", 4200)]
    assert deviations(books)[0].day == date(2026, 11, 2)


def test_an_order_that_is_newer_than_the_last_check_is_not_missing(books: Merchant) -> None:
    books.execute("update channels set checked_at = '2026-11-20T15:00:00Z'")
    lose(books, "7")
    found = verify(books)
    assert summed(found) == (129, 0, 0, 0)
    assert found.newer == 1
    assert found.until_at == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_a_change_after_the_last_check_is_no_deviation_and_an_earlier_one_is(books: Merchant) -> None:
    cancelled = {"order_status": "Cancelled", "updated_at": "2026-11-22T08:00:00+08:00"}
    books.shop.steer("PATCH", "orders/7", json=cancelled)
    books.execute("update channels set checked_at = '2026-11-21T23:59:59Z'")
    assert verify(books).newer == 1
    assert told(books) == []
    books.execute("update channels set checked_at = '2026-11-22T00:00:01Z'")
    verify(books)
    assert told(books) == [("status", "7", 0)]
    assert deviations(books)[0].remote["status"] == "cancelled"
    assert deviations(books)[0].local["status"] == "completed"


def test_a_total_that_differs_is_told_with_its_difference(books: Merchant) -> None:
    books.execute("update orders set total = total - 400 where remote_id = '7'")
    verify(books)
    assert told(books) == [("total", "7", 400)]
    (day,) = days(books)
    assert (day.differing, day.difference) == (1, 400)


def test_another_currency_is_told_on_both_sides(books: Merchant) -> None:
    books.execute("update orders set currency = 'SGD' where remote_id = '7'")
    verify(books)
    assert told(books) == [("currency", "7", 4200)]
    assert [(day.currency, day.remote_orders, day.orders) for day in days(books)] == [("MYR", 130, 129), ("SGD", 0, 1)]


def test_a_payment_that_differs_is_told(books: Merchant) -> None:
    books.execute("update orders set payment_status = 'unpaid' where remote_id = '7'")
    verify(books)
    assert told(books) == [("payment", "7", 0)]


def test_an_invoice_that_does_not_say_what_was_kept_is_told(books: Merchant) -> None:
    refund = {"order_status": "Completed", "payment_status": "Paid", "refunded_amount": "10.00"}
    books.shop.steer("PATCH", "orders/7", json=refund)
    books.execute("update orders set refunded = 1000 where remote_id = '7'")
    verify(books)
    assert told(books) == [("invoice", "7", -1000)]
    assert deviations(books)[0].local["invoiced"] == 4200
    (day,) = days(books)
    assert (day.difference, day.invoice_difference) == (0, -1000)
    books.execute("update orders set ignored_alert = 'PARTLY_REFUNDED' where remote_id = '7'")
    verify(books)
    assert told(books) == [], "a person left it as it is"


def test_an_order_that_left_the_channel_is_asked_for_by_id_and_extra(books: Merchant) -> None:
    books.shop.steer("DELETE", "orders/7")
    found = verify(books)
    assert summed(found) == (129, 0, 1, 0)
    assert told(books) == [("extra", "7", -4200)]
    assert books.job().counts["asked_by_id"] == 1
    asked = [call["request"] for call in books.shop.log("detail")][-1]
    assert asked == '{"order_id": [7]}'


def test_an_order_that_no_list_shows_but_the_channel_knows_is_not_extra(books: Merchant) -> None:
    long_ago = "2020-01-01T00:00:00+08:00"
    books.shop.steer("PATCH", "orders/7", json={"order_creation_date": long_ago, "updated_at": long_ago})
    verify(books)
    assert told(books) == []
    assert books.job().counts["asked_by_id"] == 1


def test_an_order_that_was_cancelled_and_then_left_the_channel_is_not_extra(books: Merchant) -> None:
    books.shop.steer("DELETE", "orders/7")
    books.execute(
        "update invoices set state = 'credited', credited = total where order_number in "
        "(select number from orders where remote_id = '7')"
    )
    books.execute("update orders set state = 'closed', reason = 'CREDITED' where remote_id = '7'")
    found = verify(books)
    assert summed(found) == (129, 0, 0, 0)
    assert (days(books)[0].orders, days(books)[0].difference) == (129, 0)


def test_paid_orders_without_an_invoice_are_told_by_reason_and_are_no_deviation(merchant: Merchant) -> None:
    merchant.shop.add(
        an_order(order_id=1),
        an_order(order_id=2, total="37.00"),
        an_order(order_id=3, order_status="Open", payment_status="Unpaid"),
    )
    merchant.connect()
    merchant.check()
    verify(merchant)
    assert told(merchant) == []
    assert days(merchant)[0].not_invoiced == {"READY": 1, "TOTAL_MISMATCH": 1}


def test_an_order_that_cannot_be_read_is_told_and_one_left_out_on_purpose_is_not(books: Merchant) -> None:
    (broken,) = books.shop.add(an_order(order_id=900))
    books.shop.steer("PUT", f"orders/{broken}/spoil", json={"total": None})
    books.check()
    verify(books)
    assert [(row.kind, row.remote_id) for row in deviations(books)] == [("unreadable", "900")]
    books.execute("update seen_orders set state = 'skipped', reason = 'IGNORED' where remote_id = '900'")
    verify(books)
    assert told(books) == []


def test_days_are_days_of_the_store(merchant: Merchant) -> None:
    merchant.shop.add(
        an_order(order_id=1, order_creation_date="2026-11-01T23:59:00+08:00"),
        an_order(order_id=2, order_creation_date="2026-11-02T00:01:00+08:00"),
        an_order(order_id=3, order_creation_date="2026-11-02T23:59:59+08:00"),
        an_order(order_id=4, order_creation_date="2026-11-03T00:00:00+08:00"),
    )
    merchant.connect()
    merchant.check()
    lose(merchant, "2", "4")
    found = verify(merchant, date(2026, 11, 2), date(2026, 11, 2))
    assert [(day.day.day, day.remote_orders, day.orders) for day in days(merchant)] == [(2, 2, 1)]
    assert (found.orders, found.older) == (2, 2)
    assert [(row.remote_id, row.day.day) for row in deviations(merchant)] == [("2", 2), ("4", 3)]


def test_an_old_order_that_changed_in_the_days_is_compared_too(books: Merchant) -> None:
    old = "2026-09-10T10:00:00+08:00"
    books.shop.add(an_order(order_id=900, order_creation_date=old, updated_at="2026-11-15T10:00:00+08:00"))
    verify(books, date(2026, 11, 1))
    assert [(row.kind, row.remote_id, row.day) for row in deviations(books)] == [("missing", "900", date(2026, 9, 10))]
    assert len(days(books)) == 1


def test_nothing_before_the_start_date_counts(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2, order_creation_date="2026-11-09T10:00:00+08:00"))
    merchant.connect(start_on=date(2026, 11, 10))
    merchant.check()
    found = verify(merchant)
    assert (found.since, found.orders, found.missing) == (date(2026, 11, 10), 1, 0)


@pytest.mark.parametrize("fault", ["updates_unknown", "updates_ignored"])
def test_a_channel_that_lists_only_by_creation_is_verified_by_it_and_says_so(merchant: Merchant, fault: str) -> None:
    made = {"order_creation_date": "2026-10-05T10:00:00+08:00", "updated_at": "2026-11-10T10:00:00+08:00"}
    merchant.shop.add(an_order(order_id=1, **made), an_order(order_id=2, **made))
    merchant.connect()
    merchant.check()
    merchant.shop.fault(fault)
    lose(merchant, "2")
    found = verify(merchant, until=date(2026, 10, 31))
    assert summed(found) == (2, 1, 0, 0)
    assert not found.by_update


def test_a_connector_without_the_capability_is_asked_by_creation_only(
    books: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SiteGiant, "capabilities", SiteGiant.capabilities - {Capability.ORDERS_BY_UPDATE})
    before = len(books.shop.log("list"))
    found = verify(books)
    assert not found.by_update
    assert all("date_type" not in call["query"] for call in books.shop.log("list")[before:])


def test_the_second_road_finds_what_the_first_one_drops(books: Merchant) -> None:
    lose(books, "101")
    books.shop.steer("PATCH", "orders/101", json={"updated_at": "2026-10-15T10:00:00+08:00"})
    books.shop.fault("page_drift", rows=1)  # the pages after the first pass over a row
    found = verify(books)
    assert (*summed(found), found.short) == (130, 1, 0, 0, 0)
    assert told(books) == [("missing", "101", 4200)]


def test_a_channel_that_lists_less_than_it_counts_is_not_called_complete(books: Merchant) -> None:
    books.shop.steer("PATCH", "orders/101", json={"updated_at": "2020-01-01T00:00:00+08:00"})
    lose(books, "101")
    books.shop.fault("page_drift", rows=1)
    found = verify(books)
    assert found.short == 1
    assert books.job().state == "partly"


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6])
def test_a_killed_verification_goes_on_where_it_stood(books: Merchant, steps: int) -> None:
    lose(books, "7")
    books.shop.steer("DELETE", "orders/8")
    job_id = press_verify(books)
    books.run_steps(job_id, steps)
    books.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    books.work()
    assert books.job().state == "succeeded"
    assert summed(last(books)) == (129, 1, 1, 0)
    assert sorted(told(books)) == [("extra", "8", -4200), ("missing", "7", 4200)]
    assert books.scalar("select count(*) from verifications") == 1


def test_a_verification_that_is_stopped_right_after_it_compared_asks_nothing_more(books: Merchant) -> None:
    job_id = press_verify(books)
    steps = books.steps(job_id)
    while last_or_none(books) is None or last(books).finished_at is None:
        next(steps)
    steps.close()
    books.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    calls = len(books.shop.log())
    books.work()
    assert books.job().state == "succeeded"
    assert len(books.shop.log()) == calls
    assert books.scalar("select count(*) from verification_reads") == 0


def test_what_changes_here_while_it_is_compared_is_asked_for_again(books: Merchant) -> None:
    job_id = press_verify(books)
    books.run_steps(job_id, 4)  # everything is read
    books.shop.steer("POST", "orders/7/cancel")
    books.execute("update orders set status = 'cancelled', changed_at = now() where remote_id = '7'")
    books.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    books.work()
    assert [row.kind for row in deviations(books)] == ["invoice"], "both agree that it was cancelled"
    assert books.job().counts["asked_by_id"] == 1


def test_a_cancelled_verification_leaves_nothing_behind_that_counts(books: Merchant) -> None:
    job_id = press_verify(books)
    books.run_steps(job_id, 3)
    books.cancel(job_id)
    books.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    books.work()
    assert books.job().state == "cancelled"
    assert last(books).finished_at is None
    assert summed(verify(books)) == (130, 0, 0, 0)
    assert books.scalar("select count(*) from verification_reads") == 0


def test_a_verification_that_a_pause_stopped_goes_on_with_the_channel(books: Merchant) -> None:
    lose(books, "7")
    job_id = press_verify(books)
    books.run_steps(job_id, 3)
    books.execute("update channels set status = 'paused'")
    books.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    books.work()
    assert books.job().problem == "CHANNEL_PAUSED"
    books.execute("update channels set status = 'connected'")
    with books.acting():
        go_on(books.channel_id, books.store.owner.id)
    books.work()
    assert (books.job().id > job_id, books.job().state) == (True, "succeeded")
    assert summed(last(books)) == (130, 1, 0, 0)
    assert last(books).job_id == books.job().id
    assert books.scalar("select count(*) from verifications") == 1


def test_trying_again_compares_the_same_days(books: Merchant) -> None:
    job_id = press_verify(books, date(2026, 11, 19), date(2026, 11, 20))
    books.cancel(job_id)
    with books.acting():
        retry_job(job_id, books.store.owner.id)
    books.work()
    assert (last(books).since, last(books).until) == (date(2026, 11, 19), date(2026, 11, 20))


def test_a_verification_lets_a_job_that_a_person_waits_for_pass(books: Merchant) -> None:
    books.shop.add(an_order(order_id=900))
    books.check()
    job_id = press_verify(books)
    books.press_sync()
    books.run(job_id)
    assert books.scalar("select state from sync_jobs where id = :id", id=job_id) == "queued"
    books.work()
    assert books.scalar("select count(*) from invoices") == 131
    assert books.scalar("select state from sync_jobs where id = :id", id=job_id) == "succeeded"


@pytest.mark.parametrize("orders", [1, 100])
def test_a_page_costs_the_same_for_one_and_a_hundred(new_merchant: Callable[..., Merchant], orders: int) -> None:
    merchant = new_merchant()
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
    merchant.connect()
    merchant.check()
    steps = merchant.steps(press_verify(merchant))
    while merchant.job().total is None:
        next(steps)
    with counted(merchant) as said:
        next(steps)
    assert len(said) <= 5, said
    assert merchant.scalar("select count(*) from verification_reads") == orders
    steps.close()


def test_comparing_costs_the_same_for_one_and_a_hundred(new_merchant: Callable[..., Merchant]) -> None:
    costs = []
    for orders in (1, 100):
        merchant = new_merchant()
        merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
        merchant.connect()
        merchant.check()
        steps = merchant.steps(press_verify(merchant))
        while next(steps) != "confirm":
            pass
        with counted(merchant) as said:
            next(steps)
        costs.append(len(said))
        assert merchant.scalar("select count(*) from verification_days") > 0
        steps.close()
    assert costs[0] == costs[1] <= 9


def test_the_night_verifies_each_channel_once(books: Merchant) -> None:
    books.tick()
    assert books.scalar("select count(*) from sync_jobs where kind = 'verify'") == 0
    books.execute("update channels set next_verify_at = now() - interval '1 minute'")
    books.tick()
    books.tick()
    books.work()
    (job,) = books.rows("select * from sync_jobs where kind = 'verify'")
    assert (job.requested_by, job.state) == (None, "succeeded")
    found = last(books)
    today = datetime.now(UTC).astimezone().date()
    assert timedelta(days=33) <= found.until - found.since <= timedelta(days=35)
    assert abs((found.until - today).days) <= 1
    next_at = books.scalar("select next_verify_at from channels")
    assert timedelta(0) < next_at - datetime.now(UTC) < timedelta(hours=27)


def test_a_new_channel_is_verified_in_the_night_after_its_first_hours(merchant: Merchant) -> None:
    merchant.connect()
    next_at = merchant.scalar("select next_verify_at from channels")
    assert timedelta(hours=11) < next_at - datetime.now(UTC) < timedelta(hours=39)


def test_another_store_is_not_touched(books: Merchant, new_merchant: Callable[..., Merchant]) -> None:
    other = new_merchant()
    other.shop.add(an_order(order_id=1))
    other.connect()
    other.check()
    verify(books)
    assert other.scalar("select count(*) from verifications") == 0
    assert other.scalar("select count(*) from verification_days") == 0
