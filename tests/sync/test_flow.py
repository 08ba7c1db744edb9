"""From a paid order on the channel to an invoice whose number stands on the channel, through real sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import Misconfigured
from app.orders.judging import free_gateways, rejudge_store
from app.sync.services import ChannelNotReadyError
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

UNPAID = {"payment_status": "Unpaid", "order_status": "Open"}


def test_paid_orders_become_invoices_and_their_numbers_go_back(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=1000 + number) for number in range(250)])
    merchant.connect()
    merchant.check()
    assert merchant.job().state == "succeeded", merchant.job()
    assert merchant.job().counts["new"] == 250
    assert (merchant.job().done, merchant.job().total) == (0, 0)
    merchant.sync()
    assert merchant.job().state == "succeeded", merchant.job()
    numbers = [row[0] for row in merchant.rows("select number_text from invoices order by number")]
    assert numbers == [f"INV{number:05d}" for number in range(1, 251)]
    assert sorted(number for _order, number in merchant.written()) == numbers
    standing = {str(order): merchant.shop.order(order)["invoice_no"] for order in (1000, 1100, 1249)}
    ours = dict(merchant.rows("select remote_id, remote_invoice_no from orders"))
    assert standing == {order: ours[order] for order in standing}


def test_syncing_again_makes_no_second_invoice_and_sends_nothing(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 6)])
    merchant.connect()
    merchant.check()
    merchant.sync()
    again = merchant.sync()
    assert again.jobs == ()
    assert again.refused == {"BOOKED": 5}
    merchant.check()
    assert merchant.scalar("select count(*) from invoices") == 5
    assert len(merchant.written()) == 5


def test_a_second_press_shows_the_running_job(merchant: Merchant) -> None:
    merchant.connect()
    first, second = merchant.press_check(), merchant.press_check()
    assert (second.job_id, second.already_running) == (first.job_id, True)
    assert merchant.scalar("select count(*) from sync_jobs") == 1


def test_an_unchanged_order_is_not_written_again(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 151)])
    merchant.connect()
    merchant.check()
    before = merchant.rows("select id, xmin::text from orders order by id")
    seen = merchant.rows("select remote_id, xmin::text from seen_orders order by remote_id")
    merchant.shop.steer("DELETE", "log")
    merchant.check()
    assert merchant.job().counts == {"listed": 150, "unchanged": 150}
    assert merchant.rows("select id, xmin::text from orders order by id") == before
    assert merchant.rows("select remote_id, xmin::text from seen_orders order by remote_id") == seen
    assert not merchant.shop.log("detail")


def test_an_unpaid_order_is_visible_with_its_reason_and_booked_once_paid(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, **UNPAID))
    merchant.connect()
    merchant.check()
    assert merchant.rows("select state, reason from orders") == [("waiting", "UNPAID")]
    assert merchant.sync().refused == {"UNPAID": 1}
    merchant.shop.steer("POST", "orders/1/pay")
    merchant.check()
    assert merchant.rows("select state, reason from orders") == [("ready", None)]
    merchant.sync()
    assert merchant.written() == [("1", "INV00001")]


def test_auto_sync_looks_again_at_old_open_orders_and_books_what_is_ready(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, order_creation_date="2026-03-01T10:00:00+08:00", **UNPAID))
    merchant.connect()
    merchant.check()
    merchant.shop.steer("POST", "orders/1/pay")
    merchant.execute("update channels set auto_sync = true, next_sync_at = now()")
    merchant.tick()
    merchant.work()
    assert merchant.job().kind == "auto"
    assert merchant.job().counts["rechecked"] == 1
    assert merchant.written() == [("1", "INV00001")]
    assert merchant.scalar("select next_sync_at > now() + interval '20 minutes' from channels")


def test_an_order_before_the_start_date_is_in_the_ledger_and_not_imported(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, order_creation_date="2026-01-01T00:00:00+08:00"))
    merchant.connect()
    merchant.check()
    merchant.execute("update channels set start_at = '2026-06-01', swept_at = null")
    merchant.shop.add(an_order(order_id=2, order_creation_date="2026-05-31T23:59:59+08:00"))
    merchant.execute("update channels set start_at = '2026-01-01T00:00:00+08:00'")
    merchant.check()
    assert merchant.scalar("select count(*) from orders") == 2
    assert merchant.rows("select state from seen_orders order by remote_id") == [("imported",), ("imported",)]


@pytest.mark.parametrize(
    ("fields", "state", "reason"),
    [
        ({"order_status": "Cancelled"}, "closed", "CANCELLED"),
        ({"order_status": "Returned"}, "closed", "RETURNED"),
        ({"payment_status": "Refunded"}, "closed", "REFUNDED"),
        ({"order_status": "On The Moon"}, "held", "STATUS_UNKNOWN"),
        ({"total": "42.06"}, "held", "TOTAL_MISMATCH"),
        ({"marketplace": "Shopee SG", "currency": "SGD"}, "held", "CURRENCY_UNSUPPORTED"),
        ({"order_items": [], "total": "0.00"}, "held", "NO_LINES"),
        ({"total": "42.05"}, "ready", None),
    ],
)
def test_only_what_adds_up_and_was_paid_is_booked(
    merchant: Merchant, fields: dict[str, object], state: str, reason: str | None
) -> None:
    merchant.shop.add(an_order(order_id=1, **fields))
    merchant.connect()
    merchant.check()
    assert merchant.rows("select state, reason from orders") == [(state, reason)]
    merchant.sync()
    assert merchant.scalar("select count(*) from invoices") == (1 if state == "ready" else 0)


def test_five_sen_are_one_rounding_line(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, total="42.05"))
    merchant.connect()
    merchant.check()
    merchant.sync()
    assert merchant.rows("select kind, amount from invoice_lines order by line_no") == [("item", 4200), ("rounding", 5)]
    assert merchant.rows("select total, rounding from invoices") == [(4205, 5)]


def test_a_gateway_without_a_method_is_booked_as_cash_by_default(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, billing_method="  GrabPay "))
    merchant.connect()
    merchant.check()
    assert merchant.rows("select gateway, gateway_key, payment_method_id from payment_mappings") == [
        ("GrabPay", "grabpay", None)
    ]
    merchant.sync()
    assert merchant.rows("select payment_method, payment_mapping_version from invoices") == [("Cash", 0)]


def test_a_mapping_releases_every_order_that_waited_for_it(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=number, billing_method="GrabPay") for number in range(1, 4)])
    merchant.shop.add(an_order(order_id=9, billing_method="Other"))
    merchant.connect(unmapped_gateway="hold")
    merchant.check()
    assert merchant.rows("select distinct state, reason from orders") == [("held", "GATEWAY_UNMAPPED")]
    merchant.execute(
        "update payment_mappings set version = 1, payment_method_id = (select id from payment_methods) "
        "where gateway_key = 'grabpay'"
    )
    with merchant.acting():
        assert free_gateways(merchant.channel_id, ["grabpay"], merchant.store.owner.id) == 3
    merchant.sync()
    assert merchant.rows("select payment_method, payment_mapping_version from invoices group by 1, 2") == [("Cash", 1)]
    assert merchant.rows("select remote_id from orders where state = 'held'") == [("9",)]


def test_a_mapping_taken_away_after_the_press_holds_the_order(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect(unmapped_gateway="cash")
    merchant.check()
    merchant.press_sync()
    merchant.execute("update stores set unmapped_gateway = 'hold'")
    merchant.work()
    assert merchant.rows("select state, reason from orders") == [("held", "GATEWAY_UNMAPPED")]
    assert merchant.scalar("select count(*) from invoices") == 0
    assert merchant.scalar("select next_number from number_series") == 1


def test_a_setting_frees_what_waited_for_it(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1, marketplace="Shopee SG", currency="SGD"))
    merchant.connect()
    merchant.check()
    merchant.execute("update stores set invoice_currencies = '{SGD}'")
    with merchant.acting():
        assert rejudge_store(merchant.store.owner.id) == 1
    merchant.sync()
    assert merchant.rows("select currency, total from invoices") == [("SGD", 4200)]


def test_the_salesperson_of_the_marketplace_stands_on_the_invoice(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.execute("insert into salespeople (store_id, name) select id, 'Aminah' from stores")
    merchant.execute(
        "insert into salesperson_mappings (store_id, marketplace_id, salesperson_id, version) "
        "select m.store_id, m.id, p.id, 3 from marketplaces m, salespeople p"
    )
    merchant.check()
    merchant.sync()
    assert merchant.rows("select salesperson, salesperson_mapping_version from invoices") == [("Aminah", 3)]


def test_delivery_orders_made_by_themselves_refuse_the_batch_with_advice(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.execute("update stores set auto_delivery_order = 'on_save'")
    with pytest.raises(Misconfigured, match=r"Set Auto-generate D\.O\. to None"):
        merchant.press_sync()
    assert merchant.rows("select state from orders") == [("ready",)]


def test_a_cancellation_after_booking_is_an_alert_and_the_invoice_stays(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.sync()
    merchant.shop.steer("POST", "orders/1/cancel")
    merchant.check()
    assert merchant.rows("select state, alert from orders") == [("booked", "CANCELLED")]
    assert merchant.scalar("select count(*) from invoices where state = 'posted'") == 1


def test_an_order_that_cannot_be_read_is_kept_raw_and_the_rest_goes_on(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2))
    merchant.connect()
    merchant.shop.steer("PATCH", "orders/2", json={"total": "42.005"})
    merchant.check()
    assert merchant.job().state == "partly"
    assert merchant.rows("select remote_id, state, reason, raw is null from seen_orders order by 1") == [
        ("1", "imported", None, True),
        ("2", "unreadable", "BAD_PAYLOAD", False),
    ]
    merchant.shop.steer("PATCH", "orders/2", json={"total": "42.00"})
    merchant.check()
    assert merchant.job().state == "succeeded"
    assert merchant.scalar("select count(*) from orders") == 2


def test_nothing_can_be_asked_of_a_paused_channel(merchant: Merchant) -> None:
    merchant.connect()
    merchant.execute("update channels set status = 'paused'")
    with pytest.raises(ChannelNotReadyError):
        merchant.press_check()


def test_a_cancelled_check_keeps_what_it_committed(merchant: Merchant) -> None:
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, 301)])
    merchant.connect()
    job_id = merchant.press_check().job_id
    merchant.run_steps(job_id, 3)
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    merchant.cancel(job_id)
    merchant.run(job_id)
    assert merchant.job().state == "cancelled"
    assert merchant.scalar("select count(*) from orders") in (200, 300)
    merchant.check()
    assert merchant.scalar("select count(*) from orders") == 300


def test_a_cancelled_sync_takes_its_orders_back(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.cancel(merchant.press_sync().jobs[0].job_id)
    assert merchant.rows("select state from orders") == [("ready",)]
    merchant.work()
    assert merchant.scalar("select count(*) from invoices") == 0


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(presses=st.lists(st.sampled_from(["check", "sync", "work", "pay", "add"]), min_size=4, max_size=14))
def test_whatever_is_pressed_in_whatever_order_each_paid_order_has_one_number(
    new_merchant: Callable[..., Merchant], presses: list[str]
) -> None:
    merchant = new_merchant()
    merchant.shop.add(*[an_order(order_id=number, **(UNPAID if number % 3 else {})) for number in range(1, 10)])
    merchant.connect()
    added = 100
    for press in [*presses, "check", "work", "sync", "work"]:
        match press:
            case "check":
                merchant.press_check()
            case "sync":
                merchant.press_sync()
            case "work":
                merchant.work()
            case "pay":
                merchant.shop.steer("POST", "orders/1/pay")
            case "add":
                merchant.shop.add(an_order(order_id=added))
                added += 1
    paid = {
        str(row["order_id"])
        for row in merchant.shop.steer("GET", "orders?limit=1000")["orders"]
        if row["payment_status"] == "Paid"
    }
    invoiced = merchant.rows("select o.remote_id, i.number from invoices i join orders o on o.id = i.order_id")
    assert {remote_id for remote_id, _number in invoiced} == paid
    assert sorted(number for _remote_id, number in invoiced) == list(range(1, len(paid) + 1))
    assert sorted(order for order, _number in merchant.written()) == sorted(paid)


def test_an_invoice_keeps_what_the_store_said_of_itself_when_it_was_issued(merchant: Merchant) -> None:
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.execute("update stores set name = 'Kedai Lama', seller_details = E'SST W10-1\\n1 Jalan Contoh'")
    merchant.sync()
    merchant.execute("update stores set name = 'Kedai Baru', seller_details = ''")
    assert merchant.rows("select seller from invoices") == [("Kedai Lama\nSST W10-1\n1 Jalan Contoh",)]


def test_numbers_rise_with_the_days_of_the_sales_whatever_the_marketplace(merchant: Merchant) -> None:
    places = ["Lazada", "Shopee", "Webstore"]
    merchant.shop.add(
        *[
            an_order(
                order_id=number,
                marketplace=places[number % 3],
                order_creation_date=f"2026-11-{number % 28 + 1:02d}T12:00:00+08:00",
            )
            for number in range(1, 151)
        ]
    )
    merchant.connect()
    merchant.check()
    merchant.sync()
    days = [row[0] for row in merchant.rows("select invoice_date from invoices order by number")]
    assert days == sorted(days)
