"""What people change while a job works: mappings taken back, methods put away, channels removed. Never half of both."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

from app.mappings.gateways import Conflict
from app.mappings.queries import payment_methods
from app.mappings.services import add_payment_method
from app.orders.following import Chosen, choose_payment_method
from app.sync import book
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

ORDERS = 30


@pytest.fixture
def mapped(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    """Paid orders of one gateway that is mapped, in a store whose orders wait for mappings; booked ten at a time."""
    monkeypatch.setattr(book, "BATCH", 10)
    merchant.shop.add(*[an_order(order_id=number) for number in range(1, ORDERS + 1)])
    merchant.connect(unmapped_gateway="hold")
    merchant.check()
    choose(merchant, "ShopeePay")
    assert merchant.rows("select distinct state, reason from orders") == [("ready", None)]
    return merchant


def choose(merchant: Merchant, name: str | None) -> Any:
    """Somebody saves the gateway's row: a payment method of this name, or none."""
    ((mapping_id, version),) = merchant.rows("select id, version from payment_mappings")
    with merchant.acting():
        known = {method.name: method.id for method in payment_methods()}
        chosen = None if name is None else known.get(name) or add_payment_method(name)
        return choose_payment_method(mapping_id, chosen, version, merchant.store.owner.id)


def booked_by_method(merchant: Merchant) -> dict[str, int]:
    return dict(
        merchant.rows(
            "select p.name, count(*) from invoices i join payment_methods p on p.id = i.payment_method_id group by 1"
        )
    )


def finish(merchant: Merchant) -> None:
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second' where state = 'running'")
    merchant.work()


def test_a_mapping_taken_back_while_orders_are_booked_stops_the_rest(mapped: Merchant) -> None:
    mapped.run_steps(mapped.press_sync().jobs[0].job_id, 2)
    assert mapped.scalar("select count(*) from invoices") == 10
    choose(mapped, None)
    finish(mapped)
    assert mapped.job().state in ("succeeded", "partly"), mapped.job()
    states = dict(mapped.rows("select coalesce(reason, state), count(*) from orders group by 1"))
    assert states == {"booked": 10, "GATEWAY_UNMAPPED": ORDERS - 10}
    assert sorted(row[0] for row in mapped.rows("select number from invoices")) == list(range(1, 11))
    choose(mapped, "Boost")
    mapped.sync()
    assert booked_by_method(mapped) == {"ShopeePay": 10, "Boost": ORDERS - 10}
    assert len({order for order, _number in mapped.written()}) == len(mapped.written()) == ORDERS


def test_a_mapping_changed_while_orders_are_booked_counts_from_the_next_batch(mapped: Merchant) -> None:
    mapped.run_steps(mapped.press_sync().jobs[0].job_id, 2)
    choose(mapped, "Boost")
    finish(mapped)
    assert mapped.job().state == "succeeded", mapped.job()
    assert booked_by_method(mapped) == {"ShopeePay": 10, "Boost": ORDERS - 10}


def test_a_mapping_taken_back_while_orders_are_read_holds_those_that_come(mapped: Merchant) -> None:
    mapped.shop.add(*[an_order(order_id=number) for number in range(101, 301)])
    steps = mapped.steps(mapped.press_check().job_id)
    while mapped.scalar("select count(*) from orders") <= ORDERS:
        next(steps)
    steps.close()
    choose(mapped, None)
    finish(mapped)
    assert mapped.job().state == "succeeded", mapped.job()
    assert mapped.rows("select distinct state, reason from orders") == [("held", "GATEWAY_UNMAPPED")]
    assert mapped.scalar("select count(*) from orders") == ORDERS + 200
    choose(mapped, "ShopeePay")
    assert mapped.rows("select distinct state from orders") == [("ready",)]


def test_the_second_of_two_who_save_the_same_row_changes_nothing(mapped: Merchant) -> None:
    ((mapping_id, version),) = mapped.rows("select id, version from payment_mappings")
    with mapped.acting():
        first, second = add_payment_method("Boost"), add_payment_method("GrabPay")
        saved = choose_payment_method(mapping_id, first, version, mapped.store.owner.id)
    with mapped.acting():
        refused = choose_payment_method(mapping_id, second, version, mapped.store.reader.id)
    assert isinstance(saved, Chosen)
    assert isinstance(refused, Conflict)
    assert mapped.rows("select payment_method_id, version from payment_mappings") == [(first, version + 1)]


class Ahead:
    """A sync that stops after its first batch, when the next one has been looked at and drafted already."""

    def __init__(self, merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
        self._merchant, self._looked = merchant, Event()
        look = book._look_ahead

        def looked(*arguments: Any) -> Any:
            found = look(*arguments)
            if arguments[-1] is not None:
                self._looked.set()
            return found

        monkeypatch.setattr(book, "_look_ahead", looked)
        self._steps = merchant.steps(merchant.press_sync().jobs[0].job_id)
        while merchant.scalar("select count(*) from invoices") == 0:
            next(self._steps)
        assert self._looked.wait(20)

    def go_on(self) -> None:
        for _step in self._steps:
            pass
        finish(self._merchant)


def test_an_order_that_changes_after_its_invoice_was_drafted_is_drafted_anew(
    mapped: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = Ahead(mapped, monkeypatch)
    mapped.execute("update orders set total = total + 3, adjustment = adjustment + 3 where remote_id = '15'")
    mapped.execute("update orders set total = total + 1000 where remote_id = '16'")
    ahead.go_on()
    ((charged, invoiced, adjusted),) = mapped.rows(
        "select o.total, i.total, i.adjustment from orders o join invoices i on i.order_id = o.id "
        "where remote_id = '15'"
    )
    assert (invoiced, adjusted) == (charged, 3)
    assert mapped.rows("select state, reason from orders where remote_id = '16'") == [("held", "TOTAL_MISMATCH")]
    assert mapped.scalar("select count(*) from invoices") == ORDERS - 1


def test_an_order_that_is_taken_back_after_its_invoice_was_drafted_is_not_booked(
    mapped: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = Ahead(mapped, monkeypatch)
    mapped.execute("update orders set state = 'ready', queued_at = null where remote_id = '15'")
    ahead.go_on()
    assert mapped.rows("select remote_id from orders where state <> 'booked'") == [("15",)]
    assert sorted(row[0] for row in mapped.rows("select number from invoices")) == list(range(1, ORDERS))


def test_books_that_are_closed_after_invoices_were_drafted_refuse_them(
    mapped: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = Ahead(mapped, monkeypatch)
    mapped.execute("update stores set closed_through = current_date + 1 where id = :store", store=mapped.store.id)
    ahead.go_on()
    states = dict(mapped.rows("select coalesce(reason, state), count(*) from orders group by 1"))
    assert states == {"booked": 10, "PERIOD_LOCKED": ORDERS - 10}


def test_an_order_that_is_queued_while_the_last_batch_is_booked_is_booked_too(
    mapped: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped.execute("update orders set note = 'late' where remote_id in ('1', '2')")
    mapped.execute("update orders set state = 'held', reason = 'ON_HOLD' where note = 'late'")
    ahead = Ahead(mapped, monkeypatch)
    mapped.execute("update orders set state = 'queued', reason = null, queued_at = now() where note = 'late'")
    ahead.go_on()
    assert mapped.scalar("select count(*) from invoices") == ORDERS
