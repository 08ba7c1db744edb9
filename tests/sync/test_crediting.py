"""Credit notes and re-issues asked for by people: what stands in the books, on the order and on the channel after."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.core.crediting import CannotCredit, Chosen, CreditProblem, InFull, OfAmount, OfLines
from app.core.errors import Misconfigured
from app.core.invoicing import CannotBook
from app.core.states import CreditCause, Reason
from app.invoices.crediting import CreditIssued
from app.sync.crediting import DoneAlready, NoSuchInvoice, Reissued, credit_invoice, invoice_again, reissue
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant

INVOICES = "select number_text, state, credited, replaces_id is not null as replaces from invoices order by id"
ORDER = "select state, reason, alert, ignored_alert, credited from orders"
CHANGES = "select key, state, payload from changes order by id"


@pytest.fixture
def sold(merchant: Merchant) -> Merchant:
    """A shop with one order of RM 42.00, two at 21.00, invoiced as INV00001 and written back."""
    merchant.shop.add(an_order(order_id=1))
    merchant.connect()
    merchant.check()
    merchant.sync()
    return merchant


def invoice_id(merchant: Merchant) -> int:
    """The newest invoice."""
    return int(merchant.scalar("select max(id) from invoices"))


def credit(merchant: Merchant, chosen: Chosen, *, seen: int = 0, of: int = 0) -> CreditIssued:
    """Press *Credit* with a reason."""
    with merchant.app.app_context(), merchant.scope():
        return credit_invoice(
            of or invoice_id(merchant),
            chosen,
            seen=seen,
            cause=CreditCause.CORRECTION,
            words="Broken cup",
            user_id=merchant.store.owner.id,
        )


def press_reissue(merchant: Merchant, of: int = 0) -> Reissued:
    """Press *Re-issue* with a reason."""
    with merchant.app.app_context(), merchant.scope():
        return reissue(of or invoice_id(merchant), words="Wrong buyer", user_id=merchant.store.owner.id)


def press_again(merchant: Merchant) -> Reissued:
    """Press *Invoice again* with a reason."""
    order_id = int(merchant.scalar("select id from orders"))
    with merchant.app.app_context(), merchant.scope():
        return invoice_again(order_id, words="Sold after all", user_id=merchant.store.owner.id)


def test_a_full_credit_closes_the_order_and_leaves_the_invoice_as_it_was(sold: Merchant) -> None:
    before = sold.rows("select * from invoice_lines")
    made = credit(sold, InFull())
    assert (made.number_text, made.total, made.is_all) == ("CN00001", 4200, True)
    assert sold.rows(INVOICES) == [("INV00001", "credited", 4200, False)]
    assert sold.rows(ORDER) == [("closed", "CREDITED", None, None, 4200)]
    assert sold.rows("select * from invoice_lines") == before


def test_a_credited_order_stays_closed_whatever_the_channel_says(sold: Merchant) -> None:
    credit(sold, InFull())
    sold.shop.steer("PATCH", "orders/1", json={"billing_firstname": "Siti"})
    sold.check()
    assert sold.sync().taken == 0
    assert sold.rows(INVOICES) == [("INV00001", "credited", 4200, False)]
    assert sold.rows(ORDER)[0][:2] == ("closed", "CREDITED")


def test_the_credit_note_is_stamped_with_what_the_invoice_says(sold: Merchant) -> None:
    credit(sold, OfLines({1: Decimal(1)}))
    (note,) = sold.rows(
        "select c.invoice_number, c.cause, c.words, c.total, c.credit_date = (now() at time zone 'Asia/Kuala_Lumpur')"
        "::date as today, c.seller = i.seller as seller, c.buyer = i.buyer as buyer, c.issued_by "
        "from credit_notes c join invoices i on i.id = c.invoice_id"
    )
    assert note[:7] == ("INV00001", "correction", "Broken cup", 2100, True, True, True)
    assert note.issued_by == sold.store.owner.id
    (line,) = sold.rows("select invoice_line_no, kind, quantity, amount from credit_note_lines")
    assert tuple(line) == (1, "item", 1, 2100)


def test_a_credit_by_pieces_until_nothing_is_left(sold: Merchant) -> None:
    credit(sold, OfLines({1: Decimal(1)}))
    assert sold.rows(INVOICES) == [("INV00001", "posted", 2100, False)]
    assert sold.rows(ORDER) == [("booked", None, None, None, 2100)]
    made = credit(sold, OfLines({1: Decimal(1)}), seen=2100)
    assert made.is_all
    assert sold.rows(ORDER)[0][:2] == ("closed", "CREDITED")


def test_nothing_is_left_behind_by_a_credit_that_is_refused(sold: Merchant) -> None:
    with pytest.raises(CannotCredit) as refused:
        credit(sold, OfAmount(4201))
    assert refused.value.problem == CreditProblem.TOO_MUCH
    assert sold.rows("select * from credit_notes") == []
    assert sold.scalar("select next_number from number_series where code = 'credit_note'") == 1


def test_the_alert_goes_when_as_much_is_credited_as_was_refunded(sold: Merchant) -> None:
    sold.shop.steer("PATCH", "orders/1", json={"payment_status": "Partially Refunded", "refunded_amount": "5.00"})
    sold.check()
    assert sold.rows(ORDER)[0].alert == "PARTLY_REFUNDED"
    credit(sold, OfAmount(300))
    assert sold.rows(ORDER)[0].alert == "PARTLY_REFUNDED"
    credit(sold, OfAmount(200), seen=300)
    assert sold.rows(ORDER)[0].alert is None
    sold.check()
    assert sold.rows(ORDER)[0].alert is None


def test_a_reissue_credits_the_old_invoice_and_the_channel_shows_the_new_one(sold: Merchant) -> None:
    made = press_reissue(sold)
    assert made.credit is not None
    assert (made.credit.number_text, made.issued.number_text, made.is_written) == ("CN00001", "INV00002", True)
    assert sold.rows(INVOICES) == [("INV00001", "credited", 4200, False), ("INV00002", "posted", 0, True)]
    assert sold.rows(ORDER) == [("booked", None, None, None, 0)]
    sold.work()
    assert sold.written() == [("1", "INV00001"), ("1", "INV00002")]
    assert sold.shop.order(1)["invoice_no"] == "INV00002"
    assert [row.state for row in sold.rows(CHANGES)] == ["done", "done"]


def test_a_reissue_is_told_with_its_numbers_person_and_reason(sold: Merchant) -> None:
    press_reissue(sold)
    told = sold.rows("select kind, detail, user_id from journal where kind in ('credited', 'reissued') order by id")
    credited, reissued = told
    assert (credited.detail["number"], credited.detail["invoice"]) == ("CN00001", "INV00001")
    assert (reissued.detail["number"], reissued.detail["replaces"]) == ("INV00002", "INV00001")
    assert {row.user_id for row in told} == {sold.store.owner.id}
    assert {row.detail["words"] for row in told} == {"Wrong buyer"}


def test_a_reissue_says_what_the_order_says_now(sold: Merchant) -> None:
    items = [{"isku": "A1", "product_name": "Kopi", "product_price": "21.00", "product_quantity": 3}]
    sold.shop.steer("PATCH", "orders/1", json={"order_items": items, "total": "63.00"})
    sold.check()
    assert sold.rows(ORDER)[0].alert == "CHANGED_AFTER_BOOKING"
    press_reissue(sold)
    assert sold.scalar("select total from invoices where state = 'posted'") == 6300
    assert sold.rows(ORDER)[0].alert is None
    sold.check()
    assert sold.rows(ORDER)[0].alert is None


def test_a_reissue_of_a_partly_credited_invoice_credits_the_rest(sold: Merchant) -> None:
    credit(sold, OfAmount(1000))
    made = press_reissue(sold)
    assert made.credit is not None and made.credit.total == 3200
    assert sold.rows(INVOICES)[0] == ("INV00001", "credited", 4200, False)


def test_an_order_that_is_no_sale_any_more_is_not_reissued(sold: Merchant) -> None:
    sold.shop.steer("PATCH", "orders/1", json={"order_status": "Cancelled"})
    sold.check()
    with pytest.raises(CannotBook) as refused:
        press_reissue(sold)
    assert refused.value.reason == Reason.CANCELLED
    assert sold.rows(INVOICES) == [("INV00001", "posted", 0, False)]
    assert sold.rows("select * from credit_notes") == []


def test_a_number_that_was_never_written_is_not_written_after_the_reissue(sold: Merchant) -> None:
    sold.execute("update changes set state = 'planned', done_at = null")
    press_reissue(sold)
    assert [row.state for row in sold.rows(CHANGES)] == ["dropped", "planned"]
    sold.work()
    assert sold.shop.order(1)["invoice_no"] == "INV00002"


def test_a_foreign_number_is_not_overwritten_by_a_reissue(sold: Merchant) -> None:
    sold.shop.steer("PATCH", "orders/1", json={"invoice_no": "THEIRS-9"})
    press_reissue(sold)
    sold.work()
    assert sold.shop.order(1)["invoice_no"] == "THEIRS-9"
    assert [row.state for row in sold.rows(CHANGES)] == ["done", "blocked"]


def test_a_third_number_replaces_the_second_though_that_was_not_written_yet(sold: Merchant) -> None:
    press_reissue(sold)
    press_reissue(sold)
    sold.work()
    assert sold.shop.order(1)["invoice_no"] == "INV00003"
    assert [row.state for row in sold.rows(CHANGES)] == ["done", "dropped", "done"]


def test_delivery_orders_made_by_themselves_refuse_a_reissue(sold: Merchant) -> None:
    sold.execute("update stores set auto_delivery_order = 'on_save'")
    with pytest.raises(Misconfigured):
        press_reissue(sold)
    assert sold.rows("select * from credit_notes") == []


def test_a_reissue_out_of_closed_books_is_dated_today(sold: Merchant) -> None:
    sold.execute("update stores set closed_through = '2026-11-20'")
    press_reissue(sold)
    old, new = sold.rows("select invoice_date, credit_date from invoices left join credit_notes on true order by 1")
    assert str(old.invoice_date) == "2026-11-20"
    assert new.invoice_date == new.credit_date > old.invoice_date


def test_nothing_is_credited_when_even_today_is_closed(sold: Merchant) -> None:
    sold.execute("update stores set closed_through = current_date + 2")
    for press in (lambda: credit(sold, InFull()), lambda: press_reissue(sold)):
        with pytest.raises(CannotBook) as refused:
            press()
        assert refused.value.reason == Reason.PERIOD_LOCKED
    assert sold.rows("select * from credit_notes") == []


def test_a_credited_order_can_be_invoiced_again(sold: Merchant) -> None:
    credit(sold, InFull())
    made = press_again(sold)
    assert (made.credit, made.issued.number_text) == (None, "INV00002")
    assert sold.rows(INVOICES) == [("INV00001", "credited", 4200, False), ("INV00002", "posted", 0, True)]
    assert sold.rows(ORDER) == [("booked", None, None, None, 0)]
    sold.work()
    assert sold.shop.order(1)["invoice_no"] == "INV00002"


def test_what_another_store_has_cannot_be_credited(sold: Merchant, new_merchant: Callable[..., Merchant]) -> None:
    of = invoice_id(sold)
    with pytest.raises(NoSuchInvoice):
        credit(new_merchant(), InFull(), of=of)
    assert sold.rows("select * from credit_notes") == []


def test_a_second_press_is_told_that_it_was_done(sold: Merchant) -> None:
    of = invoice_id(sold)
    credit(sold, OfAmount(1000))
    with pytest.raises(DoneAlready):
        credit(sold, OfAmount(1000))
    press_reissue(sold)
    for press in (lambda: press_reissue(sold, of), lambda: credit(sold, InFull(), of=of), lambda: press_again(sold)):
        with pytest.raises(DoneAlready):
            press()
    assert sold.scalar("select count(*) from credit_notes") == 2


@pytest.mark.parametrize("what", ["credit", "part", "reissue", "again", "either"])
def test_presses_that_race_have_one_outcome(sold: Merchant, what: str) -> None:
    of = invoice_id(sold)
    presses: dict[str, list[Callable[[], Any]]] = {
        "credit": [lambda: credit(sold, InFull(), of=of)] * 4,
        "part": [lambda: credit(sold, OfAmount(1000), of=of)] * 4,
        "reissue": [lambda: press_reissue(sold, of)] * 4,
        "again": [lambda: press_again(sold)] * 4,
        "either": [lambda: credit(sold, InFull(), of=of), lambda: press_reissue(sold, of)] * 2,
    }
    if what == "again":
        credit(sold, InFull())
    outcomes = raced(presses[what])
    assert sorted(outcomes) == ["DoneAlready"] * 3 + ["done"]
    sold.work()
    assert sold.scalar("select count(*) from credit_notes") == 1
    assert sold.scalar("select count(*) from invoices where state = 'posted'") <= 1
    next_numbers = dict(sold.rows("select code, next_number from number_series"))
    assert next_numbers["credit_note"] == 2
    assert next_numbers["invoice"] == sold.scalar("select count(*) from invoices") + 1


def raced(presses: list[Callable[[], Any]]) -> list[str]:
    """What became of presses made at the same moment, each in a thread of its own."""
    barrier = threading.Barrier(len(presses))
    outcomes: list[str] = []

    def run(press: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            press()
            outcomes.append("done")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=run, args=(press,)) for press in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_application_itself_cannot_change_or_delete_a_credit_note(sold: Merchant) -> None:
    credit(sold, InFull())
    for statement in ("update credit_notes set total = 0", "delete from credit_note_lines", "delete from credit_notes"):
        with pytest.raises(Exception, match="permission denied"):
            sold.execute(statement)
    with pytest.raises(Exception, match="permission denied"):
        sold.execute("update invoices set total = 0")
