"""Lists, sums and batches hold what the filter asks for, once, of this store only, at a bounded cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select
from werkzeug.datastructures import MultiDict

from app.core.invoicing import LineKind
from app.core.states import ChangeState, InvoiceState
from app.extensions import db
from app.invoices.detail import InvoiceDetail, invoice_detail, journal, lines_of, newest_write_back
from app.invoices.filters import NOBODY, InvoiceFilter
from app.invoices.models import InvoiceLine
from app.invoices.queries import InvoiceRow, filter_choices, invoice_batches, invoices_page, sums, sums_of
from app.mappings.models import PaymentMethod, Salesperson
from app.orders.models import JournalEntry
from app.web.pagination import Cursor, Keyset
from tests.orders.factories import NOON, Books, SomeChannel, statements
from tests.support.factories import SomeStore

TODAY = NOON.date()
Issue = Callable[..., int]


@pytest.fixture
def issue(books: Books, channel: SomeChannel) -> Issue:
    """`issue(total=100, …)`: an invoice of an order of its own."""

    def make(at: SomeChannel = channel, **values: Any) -> int:
        order = {"currency": values.pop("currency", "MYR"), "search": values.pop("words", "nur aisyah")}
        return books.invoice(books.order(at, **order), **values)

    return make


def found(books: Books, **where: Any) -> list[int]:
    """The ids of the first page."""
    with books.scope():
        return [row.id for row in invoices_page(InvoiceFilter(**where), Keyset()).rows]


def named(books: Books, kind: type[Any], name: str) -> int:
    with books.scope():
        added = db.session.execute(insert(kind).values(store_id=books.store.id, name=name).returning(kind.id))
        made: int = added.scalar_one()
        db.session.commit()
    return made


def all_pages(limit: int) -> list[list[int]]:
    pages, keyset = [], Keyset(limit=limit)
    while True:
        page = invoices_page(InvoiceFilter(), keyset)
        pages.append([row.id for row in page.rows])
        if page.after is None:
            return pages
        keyset = Keyset(after=Cursor.decode(page.after), limit=limit)


def test_newest_date_comes_first_and_of_one_day_the_newest_invoice(books: Books, issue: Issue) -> None:
    old = issue(invoice_date=TODAY - timedelta(days=2))
    first, second = issue(), issue()
    assert found(books) == [second, first, old]


def test_pages_follow_each_other_there_and_back_without_loss(books: Books, issue: Issue) -> None:
    ids = [issue(invoice_date=TODAY - timedelta(days=day // 2)) for day in range(7)]
    with books.scope():
        pages = all_pages(3)
        assert sorted(row for page in pages for row in page) == sorted(ids) and [len(page) for page in pages] == [
            3,
            3,
            1,
        ]
        last = invoices_page(InvoiceFilter(), Keyset(after=_place(pages[1][-1]), limit=3))
        back = invoices_page(InvoiceFilter(), Keyset(before=Cursor.decode(last.before), limit=3))
    assert [row.id for row in back.rows] == pages[1]


def _place(invoice_id: int) -> Cursor:
    row = next(row for batch in invoice_batches(InvoiceFilter()) for row in batch if row.id == invoice_id)
    return Cursor(row.invoice_date, row.id)


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({"date_from": TODAY}, {"today", "tomorrow"}),
        ({"date_to": TODAY}, {"today", "yesterday"}),
        ({"date_from": TODAY, "date_to": TODAY}, {"today"}),
        ({"state": InvoiceState.CREDITED}, {"yesterday"}),
        ({"default_method": True}, {"yesterday"}),
        ({"job": 77}, {"tomorrow"}),
        ({"job": 78}, set()),
        ({"q": "INV00001"}, {"yesterday"}),
        ({"q": "aisyah"}, {"yesterday", "today", "tomorrow"}),
        ({"q": "aisyah k-1"}, {"today"}),
        ({"q": "%"}, set()),
        ({"q": "inv_0001"}, set()),
        ({"salesperson": NOBODY}, {"yesterday", "today", "tomorrow"}),
        ({"channel": 0}, set()),
    ],
)
def test_each_filter_restricts(books: Books, issue: Issue, where: dict[str, Any], wanted: set[str]) -> None:
    ids = {
        "yesterday": issue(invoice_date=TODAY - timedelta(days=1), state="credited", number_text="INV00001"),
        "today": issue(payment_mapping_version=1, words="nur aisyah k-1"),
        "tomorrow": issue(invoice_date=TODAY + timedelta(days=1), payment_mapping_version=2, job_id=77),
    }
    assert set(found(books, **where)) == {ids[name] for name in wanted}


def test_channel_marketplace_method_and_salesperson_restrict(books: Books, issue: Issue) -> None:
    other = books.channel("Webstore", "Own webstore")
    card, farid = named(books, PaymentMethod, "Card"), named(books, Salesperson, "Farid")
    issue()
    wanted = issue(other, payment_method_id=card, salesperson_id=farid)
    for where in (
        {"channel": other.id},
        {"marketplace": other.marketplace_id},
        {"method": card},
        {"salesperson": farid},
    ):
        assert found(books, **where) == [wanted], where


def test_the_newest_write_back_is_the_one_that_counts(books: Books, channel: SomeChannel) -> None:
    made = {}
    for name, states in {"done": ["blocked", "done"], "blocked": ["blocked"], "sending": ["sending"], "": []}.items():
        order = books.order(channel)
        made[name] = books.invoice(order)
        for state in states:
            books.change(order, made[name], state)
    assert found(books, write_back=ChangeState.BLOCKED) == [made["blocked"]]
    assert found(books, write_back=ChangeState.DONE) == [made["done"]]
    assert found(books, write_back=ChangeState.PLANNED) == [made["sending"]], "on its way: planned or sending"
    with books.scope():
        shown = {row.id: row.write_back for row in invoices_page(InvoiceFilter(), Keyset()).rows}
    assert shown == {made["done"]: "done", made["blocked"]: "blocked", made["sending"]: "sending", made[""]: None}


def test_a_re_issued_order_shows_each_invoice_with_its_own_write_back(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    old = books.invoice(order, state="credited")
    books.change(order, old, "done")
    new = books.invoice(order)
    books.change(order, new, "planned")
    with books.scope():
        shown = {row.id: row.write_back for row in invoices_page(InvoiceFilter(), Keyset()).rows}
    assert shown == {old: "done", new: "planned"}


def test_filter_survives_the_way_through_a_url() -> None:
    full = InvoiceFilter(
        q="陳 50%&=",
        channel=1,
        marketplace=2,
        method=3,
        salesperson=NOBODY,
        state=InvoiceState.CREDITED,
        write_back=ChangeState.BLOCKED,
        default_method=True,
        date_from=date(2026, 1, 1),
        date_to=date(2026, 1, 31),
        job=9,
    )
    assert InvoiceFilter.from_args(MultiDict(full.to_query())) == full
    assert InvoiceFilter().to_query() == {} and InvoiceFilter().is_empty and not full.is_empty


def test_sums_are_those_of_what_is_listed_by_currency_and_state(books: Books, issue: Issue) -> None:
    issue(total=1000, tax=100)
    issue(total=250, tax=0)
    issue(total=70, state="credited")
    issue(total=5_000_000_000_000, currency="VND")
    with books.scope():
        rows = invoices_page(InvoiceFilter(), Keyset()).rows
        added = sums(InvoiceFilter())
        only_credited = sums(InvoiceFilter(state=InvoiceState.CREDITED))
        of_a_whole_page = sums_of(rows)
    assert [(row.currency, row.state, row.count, row.tax, row.net, row.total) for row in added.rows] == [
        ("MYR", "posted", 2, 100, 1150, 1250),
        ("MYR", "credited", 1, 0, 70, 70),
        ("VND", "posted", 1, 0, 5_000_000_000_000, 5_000_000_000_000),
    ]
    for row in added.rows:
        listed = [it.total for it in rows if (it.currency, it.state) == (row.currency, row.state)]
        assert (row.count, row.total) == (len(listed), sum(listed))
    assert [(row.state, row.total) for row in only_credited.rows] == [("credited", 70)]
    assert of_a_whole_page == added


def test_too_many_invoices_are_not_added_up_rather_than_added_up_wrong(books: Books, issue: Issue) -> None:
    for _ in range(3):
        issue()
    with books.scope():
        assert sums(InvoiceFilter(), at_most=3).count == 3
        assert sums(InvoiceFilter(), at_most=2).too_many and not sums(InvoiceFilter(), at_most=2).rows


def test_another_stores_invoices_do_not_exist(app: Flask, other_store: SomeStore, books: Books, issue: Issue) -> None:
    invoice_id = issue()
    theirs = Books(app, other_store)
    assert found(theirs) == []
    with theirs.scope():
        assert sums(InvoiceFilter()).rows == ()
        assert list(invoice_batches(InvoiceFilter())) == []
        assert invoice_detail(invoice_id) is None
        assert lines_of([invoice_id]) == {invoice_id: ()}
        assert "SiteGiant" not in [choice.name for choice in filter_choices().channels]


def test_a_page_of_fifty_costs_one_statement(books: Books, issue: Issue) -> None:
    for _ in range(51):
        issue()
    with books.scope():
        db.session.execute(select(1))
        with statements() as seen:
            page = invoices_page(InvoiceFilter(), Keyset())
        with statements() as looked_for:
            assert invoices_page(InvoiceFilter(q="inv"), Keyset()).rows == page.rows
    assert len(page.rows) == 50 and page.after
    assert len(seen) == 1, seen
    assert len(looked_for) == 2, "the door, and the newest that it says are worth walking through"


def test_batches_hold_every_invoice_once_oldest_first(books: Books, issue: Issue) -> None:
    ids = [issue(invoice_date=TODAY - timedelta(days=5 - day // 3)) for day in range(8)]
    with books.scope():
        db.session.execute(select(1))
        with statements() as seen:
            batches = [[row.id for row in batch] for batch in invoice_batches(InvoiceFilter(), size=3)]
    assert batches == [ids[:3], ids[3:6], ids[6:]]
    assert len(seen) == 4, "one a batch and one that finds the end"


def test_what_is_issued_between_batches_doubles_and_hides_nothing(books: Books, issue: Issue) -> None:
    ids = [issue() for _ in range(4)]
    seen: list[InvoiceRow] = []
    with books.scope():
        batches = invoice_batches(InvoiceFilter(), size=2)
        seen += next(batches)
        db.session.rollback()
    issue(invoice_date=TODAY - timedelta(days=9))
    late = issue()
    with books.scope():
        seen += [row for batch in batches for row in batch]
    assert [row.id for row in seen] == [*ids, late]


def _detail(books: Books, invoice_id: int) -> InvoiceDetail:
    with books.scope():
        found = invoice_detail(invoice_id)
    assert found is not None
    return found


def test_detail_has_its_lines_in_order_and_its_parts_by_kind(books: Books, issue: Issue) -> None:
    invoice_id = issue()
    with books.scope():
        for line_no, kind in ((2, "shipping"), (1, "item")):
            row: dict[str, Any] = {"sku": "", "description": "", "quantity": 1, "unit_price": 5, "discount": 0}
            row |= {"store_id": books.store.id, "invoice_id": invoice_id, "line_no": line_no, "kind": kind}
            db.session.execute(insert(InvoiceLine).values(**row, tax=0, amount=5))
        db.session.commit()
    it = _detail(books, invoice_id)
    assert [line.kind for line in it.lines] == [LineKind.ITEM, LineKind.SHIPPING]
    assert [line.kind for line in it.items] == [LineKind.ITEM]


def test_detail_knows_the_other_invoices_of_its_order(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    old, new = books.invoice(order, state="credited"), None
    assert _detail(books, old).replaced_by is None
    new = books.invoice(order)
    credited, live = _detail(books, old), _detail(books, new)
    assert credited.is_credited and credited.replaced_by is not None and credited.replaced_by.id == new
    assert not live.is_credited and live.replaced_by is None and [other.id for other in live.others] == [old]


def test_journal_and_write_back_are_the_invoices_own(books: Books, channel: SomeChannel) -> None:
    order = books.order(channel)
    old, new = books.invoice(order, state="credited"), books.invoice(order)
    with books.scope():
        for invoice_id, kind in ((old, "booked"), (None, "imported"), (new, "booked"), (new, "written_back")):
            row = {"store_id": books.store.id, "order_id": order, "invoice_id": invoice_id, "kind": kind}
            db.session.execute(insert(JournalEntry).values(**row, user_id=books.store.owner.id))
        db.session.commit()
    books.change(order, new, "blocked", reason="FOREIGN_NUMBER", reason_detail={"found": "X1"})
    live, credited = _detail(books, new), _detail(books, old)
    with books.scope():
        entries = journal(live)
        stuck, none = newest_write_back(live), newest_write_back(credited)
    assert [entry.kind for entry in entries] == ["booked", "written_back"]
    assert {entry.person for entry in entries} == {books.store.owner.name}
    assert stuck is not None and (stuck.state, stuck.reason, stuck.reason_detail) == (
        "blocked",
        "FOREIGN_NUMBER",
        {"found": "X1"},
    )
    assert none is None
