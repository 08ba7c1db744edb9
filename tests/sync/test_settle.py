"""What a check settles by itself: credits, when the store wants them at once, and numbers that got lost."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from tests.orders.factories import Books
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant
from tests.sync.test_costs import counted
from tests.sync.test_crediting import CHANGES, INVOICES, ORDER, press_reissue

NOTES = "select cause, total, words, job_id is not null as by_job, issued_by from credit_notes order by id"


def sell(merchant: Merchant, orders: int = 1) -> Merchant:
    """So many orders of RM 42.00, two at 21.00 each, invoiced and written back."""
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, orders + 1)])
    merchant.connect()
    merchant.check()
    merchant.sync()
    return merchant


@pytest.fixture
def sold(merchant: Merchant) -> Merchant:
    """A shop with one invoiced order, whose store credits at once."""
    sell(merchant)
    merchant.execute("update stores set auto_credit = true")
    return merchant


def change(merchant: Merchant, **fields: object) -> None:
    """Something happens to the order on the channel."""
    merchant.shop.steer("PATCH", "orders/1", json=fields)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"order_status": "Cancelled"}, "cancelled"),
        ({"order_status": "Returned"}, "returned"),
        ({"payment_status": "Refunded", "refunded_amount": "42.00"}, "refunded"),
    ],
)
def test_what_ended_on_the_channel_is_credited_in_full(sold: Merchant, fields: dict[str, str], cause: str) -> None:
    change(sold, **fields)
    sold.check()
    assert sold.rows(NOTES) == [(cause, 4200, "", True, None)]
    assert sold.rows(INVOICES) == [("INV00001", "credited", 4200, False)]
    assert sold.rows(ORDER) == [("closed", "CREDITED", None, None, 4200)]
    assert sold.job().counts["credited"] == 1
    sold.check()
    assert len(sold.rows(NOTES)) == 1


def test_a_partial_refund_is_credited_by_the_line_that_it_is_of(sold: Merchant) -> None:
    change(sold, payment_status="Partially Refunded", refunded_amount="21.00")
    sold.check()
    assert sold.rows(NOTES) == [("refunded", 2100, "", True, None)]
    assert sold.rows("select invoice_line_no, quantity, amount from credit_note_lines") == [(1, 1, 2100)]
    assert sold.rows(ORDER) == [("booked", None, None, None, 2100)]
    change(sold, refunded_amount="26.00")
    sold.check()
    assert [row.total for row in sold.rows(NOTES)] == [2100, 500]
    change(sold, payment_status="Refunded", refunded_amount="42.00")
    sold.check()
    assert [row.total for row in sold.rows(NOTES)] == [2100, 500, 1600]
    assert sold.rows(ORDER)[0][:2] == ("closed", "CREDITED")


def test_nothing_is_credited_while_the_store_did_not_turn_it_on(merchant: Merchant) -> None:
    sell(merchant)
    change(merchant, order_status="Cancelled")
    merchant.check()
    assert merchant.rows(NOTES) == []
    assert merchant.rows(ORDER)[0].alert == "CANCELLED"
    merchant.execute("update stores set auto_credit = true")
    merchant.check()
    assert len(merchant.rows(NOTES)) == 1


def test_a_refund_of_nobody_knows_how_much_waits_for_a_person(sold: Merchant) -> None:
    change(sold, payment_status="Partially Refunded")
    sold.check()
    assert sold.job().state == "succeeded"
    assert sold.rows(NOTES) == []
    assert sold.rows(ORDER)[0].alert == "PARTLY_REFUNDED"


def test_what_a_person_chose_to_leave_is_left(sold: Merchant) -> None:
    sold.execute("update orders set alert = null, ignored_alert = 'CANCELLED'")
    change(sold, order_status="Cancelled")
    sold.check()
    assert sold.rows(NOTES) == []


def test_an_order_that_only_changed_is_not_credited(sold: Merchant) -> None:
    change(sold, total="43.00", shipping_fee="1.00")
    sold.check()
    assert sold.rows(ORDER)[0].alert == "CHANGED_AFTER_BOOKING"
    assert sold.rows(NOTES) == []


def test_a_closed_day_waits_for_its_opening(sold: Merchant) -> None:
    sold.execute("update stores set closed_through = current_date + 2")
    change(sold, order_status="Cancelled")
    sold.check()
    assert (sold.job().state, sold.rows(NOTES)) == ("succeeded", [])
    sold.execute("update stores set closed_through = null")
    sold.check()
    assert len(sold.rows(NOTES)) == 1


def test_orders_of_another_channel_are_left_to_its_own_check(sold: Merchant) -> None:
    books = Books(sold.app, sold.store)
    order_id = books.order(books.channel())
    books.invoice(order_id)
    books.set(order_id, alert="CANCELLED", status="cancelled")
    change(sold, order_status="Cancelled")
    sold.check()
    assert sold.rows("select channel_id from credit_notes") == [(sold.channel_id,)]


def settling(merchant: Merchant) -> Generator[str, None, None]:
    """A check that is about to settle, of a store that credits at once; all its orders were cancelled."""
    merchant.execute("update stores set auto_credit = true")
    steps = merchant.steps(merchant.press_check().job_id)
    while next(steps) != "settle":
        pass
    merchant.execute("update orders set alert = 'CANCELLED'")
    return steps


@pytest.mark.parametrize("orders", [1, 100])
def test_crediting_a_batch_costs_the_same_for_one_and_a_hundred(
    new_merchant: Callable[..., Merchant], orders: int
) -> None:
    merchant = sell(new_merchant(), orders)
    steps = settling(merchant)
    with counted(merchant) as said:
        next(steps)
    steps.close()
    assert merchant.scalar("select count(*) from credit_notes") == orders
    assert len(said) <= 18, said


def test_a_worker_killed_between_batches_leaves_no_gap_and_no_second_note(
    new_merchant: Callable[..., Merchant],
) -> None:
    merchant = sell(new_merchant(), 150)
    steps = settling(merchant)
    next(steps)
    steps.close()
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    merchant.work()
    assert merchant.scalar("select count(*) from credit_notes") == 150
    assert merchant.scalar("select max(number) from credit_notes") == 150
    assert merchant.scalar("select count(*) from orders where state = 'closed'") == 150


def test_an_older_number_that_came_late_is_replaced_by_the_newest(merchant: Merchant) -> None:
    sell(merchant)
    press_reissue(merchant)
    merchant.work()
    merchant.shop.steer("PATCH", "orders/1", json={"invoice_no": "INV00001"})
    merchant.check()
    assert merchant.job().counts["replanned"] == 1
    merchant.tick()
    merchant.work()
    assert merchant.shop.order(1)["invoice_no"] == "INV00002"
    assert [row.key.split(":", 2)[2:] for row in merchant.rows(CHANGES)] == [[], [], ["2"]]
    merchant.check()
    assert "replanned" not in merchant.job().counts


@pytest.mark.parametrize(("found", "state", "stands"), [("", "done", "INV00001"), ("HAND-7", "blocked", "HAND-7")])
def test_a_number_changed_by_hand_is_repaired_or_becomes_a_conflict(
    merchant: Merchant, found: str, state: str, stands: str
) -> None:
    sell(merchant)
    change(merchant, invoice_no=found)
    merchant.check()
    merchant.tick()
    merchant.work()
    assert [row.state for row in merchant.rows(CHANGES)] == ["done", state]
    assert merchant.shop.order(1)["invoice_no"] == stands
    merchant.check()
    merchant.tick()
    merchant.work()
    assert len(merchant.rows(CHANGES)) == 2


def test_what_a_person_dropped_is_not_planned_again(merchant: Merchant) -> None:
    sell(merchant)
    merchant.execute("update changes set state = 'dropped'")
    change(merchant, invoice_no="HAND-7")
    merchant.check()
    assert len(merchant.rows(CHANGES)) == 1


def test_auto_sync_credits_and_repairs_in_one_go(sold: Merchant) -> None:
    sold.shop.add(an_order(order_id=2))
    sold.check()
    sold.sync()
    change(sold, order_status="Cancelled")
    sold.shop.steer("PATCH", "orders/2", json={"invoice_no": ""})
    # The orders are of a day that lies further back than a round looks, unless it is one that looks at everything.
    sold.execute("update channels set auto_sync = true, next_sync_at = now(), swept_at = null")
    sold.tick()
    sold.work()
    assert sold.job().kind == "auto"
    assert (sold.job().counts["credited"], sold.job().counts["replanned"], sold.job().counts["written"]) == (1, 1, 1)
    assert sold.shop.order(2)["invoice_no"] == "INV00002"
