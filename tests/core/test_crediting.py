"""Credit notes to the cent: whatever is credited in whichever pieces, together they say what the invoice says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.crediting import (
    CannotCredit,
    Chosen,
    CreditableInvoice,
    CreditDraft,
    CreditProblem,
    InFull,
    InvoicedLine,
    OfAmount,
    OfLines,
    Piece,
    draft_credit,
    propose_credit,
)
from app.core.invoicing import LineKind, draft_invoice
from app.core.states import CreditCause, Reason
from app.core.types import RemoteOrder
from tests.core.samples import bookable, footing_orders, remote_line, remote_order


def invoiced(order: RemoteOrder) -> CreditableInvoice:
    """The order's invoice, of which nothing is credited yet."""
    draft = draft_invoice(bookable(order), time_zone="Asia/Kuala_Lumpur", date_rule="created")
    lines = tuple(
        InvoicedLine(
            number,
            line.kind,
            line.sku,
            line.description,
            line.unit_price,
            Piece(line.quantity, line.discount, line.tax, line.amount),
        )
        for number, line in enumerate(draft.lines, 1)
    )
    return CreditableInvoice(lines, draft.tax, draft.tax_included, draft.total)


def after(invoice: CreditableInvoice, *notes: CreditDraft) -> CreditableInvoice:
    """The invoice with these credit notes made."""
    for note in notes:
        taken: dict[int | None, Piece] = {}
        for line in note.lines:
            piece = Piece(line.quantity, line.discount, line.tax, line.amount)
            taken[line.invoice_line_no] = taken.get(line.invoice_line_no, Piece()) + piece
        invoice = replace(
            invoice,
            lines=tuple(
                replace(line, credited=line.credited + taken.get(line.line_no, Piece())) for line in invoice.lines
            ),
            credited=invoice.credited + note.total,
            credited_tax=invoice.credited_tax + note.tax,
        )
    return invoice


def refusal(invoice: CreditableInvoice, chosen: Chosen) -> CannotCredit:
    with pytest.raises(CannotCredit) as caught:
        draft_credit(invoice, chosen)
    return caught.value


def parts(note: CreditDraft) -> list[tuple[str, str, int, int]]:
    return [(line.kind.value, str(line.quantity), line.amount, line.tax) for line in note.lines]


def pieces(**quantities: str) -> OfLines:
    return OfLines({int(name.removeprefix("line")): Decimal(quantity) for name, quantity in quantities.items()})


def two_lines(**changes: Any) -> CreditableInvoice:
    """Three at 10.00 and one at 20.00, unless told otherwise."""
    lines = (remote_line(1, unit_price=1000, quantity="3"), remote_line(2, unit_price=2000))
    return invoiced(remote_order(**{"lines": lines, "total": 5000} | changes))


def foots(note: CreditDraft) -> bool:
    added = 0 if note.tax_included else note.tax
    return sum(line.amount for line in note.lines) + added == note.total and (
        sum(line.tax for line in note.lines) == note.tax
    )


def test_in_full_says_what_the_invoice_says() -> None:
    note = draft_credit(two_lines(), InFull())
    assert parts(note) == [("item", "3", 3000, 0), ("item", "1", 2000, 0)]
    assert (note.total, note.is_rest) == (5000, True)


def test_a_piece_of_a_line_and_the_rest_of_it() -> None:
    invoice = invoiced(remote_order(lines=(remote_line(1, unit_price=3333, quantity="3", discount=9),), total=9990))
    first = draft_credit(invoice, pieces(line1="1"))
    second = draft_credit(after(invoice, first), pieces(line1="1"))
    last = draft_credit(after(invoice, first, second), pieces(line1="1"))
    assert [note.total for note in (first, second, last)] == [3330, 3330, 3330]
    assert [note.lines[0].discount for note in (first, second, last)] == [3, 3, 3]
    assert last.is_rest and not second.is_rest


def test_the_last_piece_takes_the_remainder_of_amount_discount_and_tax() -> None:
    line = remote_line(1, unit_price=0, quantity="3", gross=1001, discount=1, tax=100)
    invoice = invoiced(remote_order(lines=(line,), tax=100, total=1100))
    first = draft_credit(invoice, pieces(line1="2"))
    last = draft_credit(after(invoice, first), pieces(line1="1"))
    assert (first.lines[0].amount, first.tax, first.total) == (667, 67, 734)
    assert (last.lines[0].amount, last.tax, last.total) == (333, 33, 366)


def test_an_orders_discount_follows_its_items() -> None:
    invoice = two_lines(discount=1000, total=4000)
    first = draft_credit(invoice, pieces(line2="1"))
    assert parts(first) == [("item", "1", 2000, 0), ("discount", "0", -400, 0)]
    last = draft_credit(after(invoice, first), pieces(line1="3"))
    assert (last.total, last.is_rest) == (2400, True)


def test_a_rebate_follows_the_items_and_a_fee_does_not() -> None:
    rebate = draft_credit(two_lines(adjustment=-500, total=4500), pieces(line2="1"))
    fee = draft_credit(two_lines(adjustment=500, total=5500), pieces(line2="1"))
    assert (rebate.total, fee.total) == (1800, 2000)


def test_shipping_is_given_back_only_when_it_is_chosen() -> None:
    invoice = two_lines(shipping=800, total=5800)
    assert draft_credit(invoice, pieces(line1="3", line2="1")).total == 5000
    assert draft_credit(invoice, pieces(line3="1")).total == 800


def test_free_items_take_the_discount_with_their_last_piece() -> None:
    lines = (remote_line(1, unit_price=0, quantity="2"),)
    invoice = invoiced(remote_order(lines=lines, shipping=800, discount=300, total=500))
    assert refusal(invoice, pieces(line1="1")).problem == CreditProblem.NOTHING_CHOSEN
    assert refusal(invoice, pieces(line1="1", line2="1")).problem == CreditProblem.TOO_MUCH
    assert draft_credit(invoice, pieces(line1="2", line2="1")).is_rest


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        (OfLines({}), CreditProblem.NOTHING_CHOSEN),
        (pieces(line1="0"), CreditProblem.NOTHING_CHOSEN),
        (pieces(line1="4"), CreditProblem.TOO_MANY),
        (pieces(line1="-1"), CreditProblem.NOT_A_LINE),
        (pieces(line9="1"), CreditProblem.NOT_A_LINE),
        (pieces(line3="1"), CreditProblem.NOT_A_LINE),
        (OfAmount(0), CreditProblem.NOTHING_CHOSEN),
        (OfAmount(-5), CreditProblem.NOTHING_CHOSEN),
        (OfAmount(4801), CreditProblem.TOO_MUCH),
    ],
)
def test_what_cannot_be_credited_is_refused(chosen: Chosen, problem: CreditProblem) -> None:
    """Line 3 is the discount of the whole order."""
    assert refusal(two_lines(discount=200, total=4800), chosen).problem == problem


def test_no_more_than_is_left_after_an_amount() -> None:
    invoice = two_lines()
    left = after(invoice, draft_credit(invoice, OfAmount(4900)))
    assert refusal(left, pieces(line2="1")).problem == CreditProblem.TOO_MUCH
    rest = draft_credit(left, InFull())
    assert (rest.total, parts(rest)[-1]) == (100, ("adjustment", "1", -4900, 0))


def test_lines_do_not_take_tax_that_an_amount_took() -> None:
    lines = (remote_line(1, unit_price=10000, tax=1000), remote_line(2, unit_price=10000))
    invoice = invoiced(remote_order(lines=lines, tax=1000, total=21000))
    left = after(invoice, draft_credit(invoice, OfAmount(9000)))
    assert refusal(left, pieces(line1="1")).problem == CreditProblem.TAX_SPENT


def test_an_amount_is_found_among_the_lines() -> None:
    assert parts(draft_credit(two_lines(total=5800, shipping=800), OfAmount(2800))) == [
        ("item", "1", 2000, 0),
        ("shipping", "1", 800, 0),
    ]
    assert parts(draft_credit(two_lines(), OfAmount(1000))) == [("item", "1", 1000, 0)]


def test_an_amount_that_two_choices_come_to_is_a_line_by_itself() -> None:
    """Two of the first line, or the second line: nobody can tell."""
    assert parts(draft_credit(two_lines(), OfAmount(2000))) == [("adjustment", "1", 2000, 0)]


@pytest.mark.parametrize(("included", "own"), [(True, 1111), (False, 1010)])
def test_an_amount_by_itself_has_its_tax_in_proportion(included: bool, own: int) -> None:
    lines = (remote_line(1, unit_price=11000 if included else 10000, tax=1000),)
    invoice = invoiced(remote_order(lines=lines, tax=1000, tax_included=included, total=11000))
    note = draft_credit(invoice, OfAmount(1111))
    assert parts(note) == [("adjustment", "1", own, 101)]
    assert note.total == 1111


@given(footing_orders(off_by=5), st.data())
def test_all_credit_notes_together_say_exactly_what_the_invoice_says(order: RemoteOrder, data: st.DataObject) -> None:
    assume(order.total > 0)
    invoice = now = invoiced(order)
    notes: list[CreditDraft] = []
    for _press in range(data.draw(st.integers(0, 4), "presses")):
        chosen = data.draw(choices(now), "chosen")
        try:
            note = draft_credit(now, chosen)
        except CannotCredit:
            continue
        assert foots(note)
        assert 0 < note.total <= now.left
        assert note.is_rest == (note.total == now.left)
        if isinstance(chosen, OfAmount):
            assert note.total == chosen.amount
        notes.append(note)
        now = after(now, note)
        if note.is_rest:
            break
    if now.left:
        notes.append(draft_credit(now, InFull()))
    assert foots(notes[-1]) and notes[-1].is_rest
    assert_together(invoice, notes)


def assert_together(invoice: CreditableInvoice, notes: Sequence[CreditDraft]) -> None:
    done = after(invoice, *notes)
    assert (done.credited, done.credited_tax) == (invoice.total, invoice.tax)
    assert all(line.credited == line.whole for line in done.lines), "line by line"
    by_themselves = [line for note in notes for line in note.lines if line.invoice_line_no is None]
    assert sum(line.amount for line in by_themselves) == sum(line.tax for line in by_themselves) == 0


def choices(invoice: CreditableInvoice) -> st.SearchStrategy[Chosen]:
    """Some pieces of some lines, or some amount, often one that is left."""
    of_lines = [
        st.fixed_dictionaries({line.line_no: quantities_of(line)}) for line in invoice.lines if not line.follows
    ]
    several = st.lists(st.one_of(of_lines), min_size=1, max_size=3).map(
        lambda found: OfLines({number: quantity for one in found for number, quantity in one.items()})
    )
    return st.one_of(several, st.integers(1, max(1, invoice.left)).map(OfAmount))


def quantities_of(line: InvoicedLine) -> st.SearchStrategy[Decimal]:
    left = line.left.quantity
    return st.sampled_from(sorted({Decimal(0), left, min(left, Decimal(1)), min(left, Decimal("0.375"))}))


@pytest.mark.parametrize(
    ("alert", "refunded", "credited", "cause", "chosen"),
    [
        (Reason.CANCELLED, 0, 0, CreditCause.CANCELLED, InFull()),
        (Reason.RETURNED, 0, 1000, CreditCause.RETURNED, InFull()),
        (Reason.REFUNDED, 5000, 0, CreditCause.REFUNDED, InFull()),
        (Reason.PARTLY_REFUNDED, 1200, 0, CreditCause.REFUNDED, OfAmount(1200)),
        (Reason.PARTLY_REFUNDED, 1200, 500, CreditCause.REFUNDED, OfAmount(700)),
        (Reason.PARTLY_REFUNDED, 5000, 500, CreditCause.REFUNDED, InFull()),
    ],
)
def test_the_channels_news_asks_for_a_credit(
    alert: Reason, refunded: int, credited: int, cause: CreditCause, chosen: Chosen
) -> None:
    found = propose_credit(alert, refunded=refunded, total=5000, credited=credited)
    assert found is not None and (found.cause, found.chosen) == (cause, chosen)


@pytest.mark.parametrize(
    ("alert", "refunded"),
    [(None, 0), (Reason.UNPAID, 0), (Reason.CHANGED_AFTER_BOOKING, 0), (Reason.PARTLY_REFUNDED, 0)],
)
def test_other_news_asks_for_none(alert: Reason | None, refunded: int) -> None:
    assert propose_credit(alert, refunded=refunded, total=5000, credited=0) is None


def test_what_was_credited_already_is_not_asked_for_again() -> None:
    assert propose_credit(Reason.PARTLY_REFUNDED, refunded=700, total=5000, credited=700) is None


def test_shipping_has_no_pieces_to_follow() -> None:
    """Only items carry the discount along; crediting the shipping alone leaves it."""
    note = draft_credit(two_lines(shipping=800, discount=1000, total=4800), pieces(line3="1"))
    assert [line.kind for line in note.lines] == [LineKind.SHIPPING]
