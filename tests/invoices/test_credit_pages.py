"""Taking invoices back in the browser: the forms without JavaScript, who may press, and what the documents say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.crediting import Chosen, InFull, OfAmount
from app.core.states import CreditCause
from app.extensions import db
from app.invoices.crediting import open_today
from app.invoices.documents import DocumentFilter, documents_page
from app.sync.crediting import credit_invoice
from app.web.pagination import Cursor, Keyset
from tests.invoices.pdftext import read_pdf, squeezed
from tests.invoices.test_pages import issue, page, table_of, words
from tests.orders.conftest import HTMX
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore

FULL = {"how": "full", "words": "Broken cup", "seen": "0"}


def rows(books: Books, sql: str) -> list[Any]:
    with books.scope():
        return list(db.session.execute(text(sql)).all())


def credit(books: Books, invoice_id: int, chosen: Chosen | None = None, *, seen: int = 0) -> int:
    """A credit note made by the owner; of RM 57.80 in full, unless told otherwise."""
    with books.scope():
        made = credit_invoice(
            invoice_id,
            chosen or InFull(),
            seen=seen,
            cause=CreditCause.CORRECTION,
            words="Broken cup",
            user_id=books.store.owner.id,
        )
    return made.credit_note_id


@pytest.fixture
def invoice_id(books: Books, channel: SomeChannel) -> int:
    """An invoice of RM 57.80: two at 21.00 less 2.00, and a box of 17.90; less 5.00, plus 4.90 shipping."""
    return issue(books, channel)[0]


def test_the_form_shows_what_is_left_and_asks_for_a_reason(
    store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    url = store.url(f"/invoices/{invoice_id}/credit")
    html = words(page(owner, url))
    assert "Credit INV00001" in html and "RM 57.80" in html
    answer = owner.post(url, data={"how": "full", "words": "", "seen": "0"})
    assert answer.status_code == 422
    assert "Say why" in answer.text


def test_the_preview_says_what_the_credit_note_will_say_and_makes_none(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    form = {**FULL, "how": "lines", "quantity-1": "1"}
    answer = owner.post(store.url(f"/invoices/{invoice_id}/credit"), data=form)
    shown = words(answer.text)
    assert answer.status_code == 200
    assert "This is what the credit note will say" in shown
    assert "Discount −RM 1.73" in shown and "Total credited RM 18.27" in shown
    assert "RM 39.53 of INV00001 is left after it." in shown
    assert "The credit note is dated today, " in shown
    assert rows(books, "select * from credit_notes") == []


def test_without_javascript_a_credit_is_made_and_shown(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    url = store.url(f"/invoices/{invoice_id}/credit")
    preview = owner.post(url, data={**FULL, "how": "amount", "amount": "17.90"})
    fields = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', preview.text))
    answer = owner.post(url, data={**fields, "confirmed": "1"})
    assert answer.status_code == 303
    html = words(page(owner, answer.location))
    assert "CN00001 credits RM 17.90 of INV00001." in html
    assert rows(books, "select total, words from credit_notes") == [(1790, "Broken cup")]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"how": "amount", "amount": "57.81"}, "Only RM 57.80 of it is left to credit."),
        ({"how": "amount", "amount": "ten"}, "Type an amount, like 16.90."),
        ({"how": "amount", "amount": "-5"}, "Choose something that is worth more than nothing."),
        ({"how": "lines", "quantity-1": "3"}, "Only 2 of it are left."),
        ({"how": "lines", "quantity-1": "one"}, "Type how many, such as 1."),
        ({"how": "lines", "quantity-1": "0.00001"}, "Type how many, such as 1."),
        ({"how": "lines"}, "Choose something that is worth more than nothing."),
        ({"how": "everything"}, "Not a valid choice."),
        ({"words": "x" * 201}, "200"),
    ],
)
def test_what_cannot_be_credited_is_said_and_what_was_typed_stays(
    books: Books, owner: FlaskClient, invoice_id: int, form: dict[str, str], said: str
) -> None:
    url = books.store.url(f"/invoices/{invoice_id}/credit")
    answer = owner.post(url, data={**FULL, **form, "confirmed": "1"})
    assert answer.status_code == 422
    assert said in words(answer.text)
    for name, value in form.items():
        if name in {"amount", "quantity-1"}:
            assert f'value="{value}"' in answer.text
    assert rows(books, "select * from credit_notes") == []


def test_a_second_press_leads_to_what_the_first_one_made(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    form = {**FULL, "how": "amount", "amount": "10", "confirmed": "1"}
    url = store.url(f"/invoices/{invoice_id}/credit")
    assert owner.post(url, data=form).status_code == 303
    again = owner.post(url, data=form)
    html = page(owner, again.location)
    assert again.location == store.url(f"/invoices/{invoice_id}")
    assert "It was credited already" in html and f"/{store.slug}/credit-notes/" in html
    assert len(rows(books, "select * from credit_notes")) == 1


def test_the_channels_news_fills_the_form_in(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    (order_id,) = rows(books, "select order_id from invoices")[0]
    books.set(order_id, alert="PARTLY_REFUNDED", refunded=1790, payment_status="partly_refunded")
    html = page(owner, store.url(f"/invoices/{invoice_id}/credit"))
    assert 'value="17.90"' in html
    assert 'value="Partly refunded on SiteGiant after it was invoiced"' in html
    assert rows(books, "select * from credit_notes") == []
    owner.post(
        store.url(f"/invoices/{invoice_id}/credit"),
        data={**FULL, "how": "amount", "amount": "17.90", "confirmed": "1"},
    )
    assert rows(books, "select cause from credit_notes") == [("refunded",)]
    assert rows(books, "select alert from orders") == [(None,)]


def test_reissue_says_what_will_happen_before_it_does(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    url = store.url(f"/invoices/{invoice_id}/reissue")
    shown = words(page(owner, url))
    assert "INV00001 is credited by CN00001: RM 57.80." in shown
    assert "The order gets the next invoice, INV00002" in shown
    assert "SiteGiant will show the new number." in shown
    assert owner.post(url, data={"words": " "}).status_code == 422
    answer = owner.post(url, data={"words": "Wrong buyer"})
    assert answer.status_code == 303
    html = words(page(owner, answer.location))
    assert "Invoice INV00002 is issued; SiteGiant will show it in a moment." in html
    assert "Invoice INV00002 issued in place of INV00001" in html and "“Wrong buyer”" in html
    assert rows(books, "select number_text, state from invoices order by id") == [
        ("INV00001", "credited"),
        ("INV00002", "posted"),
    ]
    assert owner.post(url, data={"words": "Wrong buyer"}).status_code == 303
    assert len(rows(books, "select * from invoices")) == 2


def test_reissue_of_a_cancelled_order_is_refused_with_what_to_do(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    (order_id,) = rows(books, "select order_id from invoices")[0]
    books.set(order_id, alert="CANCELLED", status="cancelled")
    asked = owner.get(store.url(f"/invoices/{invoice_id}/reissue"))
    assert asked.location == store.url(f"/invoices/{invoice_id}/credit")
    assert "Cancelled on SiteGiant after it was invoiced. It can be credited" in page(owner, asked.location)
    answer = owner.post(store.url(f"/invoices/{invoice_id}/reissue"), data={"words": "Wrong buyer"})
    assert answer.status_code == 409
    assert "It can be credited, but it cannot be invoiced anew." in answer.text
    assert 'value="Wrong buyer"' in answer.text


def test_a_credited_order_offers_to_be_invoiced_again(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    (order_id,) = rows(books, "select order_id from invoices")[0]
    credit(books, invoice_id)
    html = page(owner, store.url(f"/orders/{order_id}"))
    again = store.url(f"/orders/{order_id}/invoice-again")
    assert again in html and "CN00001" in html
    answer = owner.post(again, data={"words": "Sold after all"})
    assert answer.status_code == 303
    assert "INV00002" in page(owner, answer.location)
    assert owner.get(again).status_code == 303


def test_a_read_only_colleague_sees_credit_notes_and_cannot_press(
    books: Books, store: SomeStore, reader: FlaskClient, invoice_id: int
) -> None:
    note_id = credit(books, invoice_id, OfAmount(1000))
    for path in ("/credit-notes", f"/credit-notes/{note_id}", f"/credit-notes/{note_id}.pdf", "/credit-notes.csv"):
        assert reader.get(store.url(path)).status_code == 200
    html = page(reader, store.url(f"/invoices/{invoice_id}"))
    assert "CN00001" in html and "/reissue" not in html and '/credit"' not in html
    for act in ("credit", "reissue"):
        url = store.url(f"/invoices/{invoice_id}/{act}")
        assert reader.get(url).status_code == reader.post(url, data=FULL).status_code == 403


def test_a_stranger_finds_nothing(
    books: Books, store: SomeStore, other_store: SomeStore, stranger: FlaskClient, invoice_id: int
) -> None:
    note_id = credit(books, invoice_id, OfAmount(1000))
    for path in (f"/credit-notes/{note_id}", f"/invoices/{invoice_id}/credit", f"/invoices/{invoice_id}/reissue"):
        assert stranger.get(store.url(path)).status_code == 404
        assert stranger.get(other_store.url(path)).status_code == 404
    assert "CN0" not in page(stranger, other_store.url("/credit-notes"))
    assert table_of(stranger, other_store.url("/credit-notes.csv")) == []


def test_the_list_is_searched_filtered_and_added_up(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    first, second = issue(books, channel, [{}, {"number": "2611ABC"}])
    credit(books, first)
    credit(books, second, OfAmount(1000))
    shown = words(page(owner, store.url("/credit-notes")))
    assert "2 credit notes" in shown and "total −RM 67.80" in shown
    for query in ("q=cn00002", "q=inv00002", "q=2611abc", "cause=correction&q=cn00002"):
        found = words(page(owner, store.url(f"/credit-notes?{query}")))
        assert "1 credit note" in found and "CN00002" in found and "CN00001" not in found, query
    assert "No credit note matches" in page(owner, store.url("/credit-notes?cause=returned"))
    assert "No credit note matches" in page(owner, store.url("/credit-notes?date_to=2026-01-01"))
    part = owner.get(store.url("/credit-notes"), headers=HTMX)
    assert "<html" not in part.text and "CN00001" in part.text


def test_the_list_goes_on_page_by_page(books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int) -> None:
    for seen in (0, 100, 200):
        credit(books, invoice_id, OfAmount(100), seen=seen)
    first = page(owner, store.url("/credit-notes?limit=2"))
    assert "CN00003" in first and "CN00002" in first and "CN00001" not in first
    after = re.search(r"after=([\w-]+)", first)
    assert after is not None
    assert "CN00001" in page(owner, store.url(f"/credit-notes?limit=2&after={after[1]}"))


def test_the_invoices_list_takes_credit_notes_off_the_sums(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    first, second = issue(books, channel, [{}, {}])
    assert "Net sales" not in page(owner, store.url("/invoices"))
    credit(books, first)
    credit(books, second, OfAmount(1000))
    for query in ("", "?method=&channel=", f"?channel={channel.id}", "?default_method=1"):
        shown = words(page(owner, store.url(f"/invoices{query}")))
        assert "1 invoice before tax RM 57.80" in shown and "1 credited invoice before tax RM 57.80" in shown
        assert "2 credit notes before tax −RM 67.80" in shown, query
        assert "Net sales before tax RM 47.80 tax RM 0.00 total RM 47.80" in shown
    assert "Net sales" not in page(owner, store.url("/invoices?state=posted"))
    assert "Net sales before tax RM 115.60" not in words(page(owner, store.url("/invoices?salesperson=99")))


def test_no_documents_come_to_nothing_only_where_some_were_chosen(owner: FlaskClient, store: SomeStore) -> None:
    assert "0 invoices" not in owner.get(store.url("/invoices/all")).text
    assert "0 invoices" in owner.get(store.url("/invoices/all?date_from=2026-11-01")).text


def test_all_documents_stand_in_one_list_and_page_both_ways(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    first, second, _third = issue(books, channel, [{}, {}, {}])
    credit(books, first)
    credit(books, second, OfAmount(1000))
    with books.scope():
        whole = documents_page(DocumentFilter(), Keyset())
        numbers = [row.number_text for row in whole.rows]
        assert numbers == ["CN00002", "CN00001", "INV00003", "INV00002", "INV00001"]
        assert [row.total for row in whole.rows] == [-1000, -5780, 5780, 5780, 5780]
        walked, after = list[str](), None
        while len(walked) < len(numbers):
            part = documents_page(DocumentFilter(), Keyset(after=Cursor.decode(after), limit=2))
            walked += [row.number_text for row in part.rows]
            after, before = part.after, part.before
        assert walked == numbers
        back = documents_page(DocumentFilter(), Keyset(before=Cursor.decode(before), limit=2))
        assert [row.number_text for row in back.rows] == numbers[2:4]
    shown = words(page(owner, store.url("/invoices/all")))
    assert "Credit note of INV00001" in shown and "Net sales" in shown and "total RM 105.60" in shown
    assert "Nothing was issued" in page(owner, store.url("/invoices/all?date_to=2020-01-01"))
    assert "INV00001" not in page(owner, store.url(f"/invoices/all?channel={channel.id + 1}"))


def test_documents_of_one_day_are_paged_in_the_order_of_their_places(books: Books, channel: SomeChannel) -> None:
    with books.scope():
        day = open_today()
    for _number in range(4):
        invoice_id = books.invoice(books.order(channel), invoice_date=day)
        credit(books, invoice_id, OfAmount(100))
    with books.scope():
        whole = [row.number_text for row in documents_page(DocumentFilter(), Keyset()).rows]
        assert len(whole) == 8
        for size in (1, 3, 5):
            walked, after = list[str](), None
            while len(walked) < 8:
                part = documents_page(DocumentFilter(), Keyset(after=Cursor.decode(after), limit=size))
                walked += [row.number_text for row in part.rows]
                after = part.after
            assert walked == whole


def test_the_file_has_amounts_below_zero(books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int) -> None:
    credit(books, invoice_id)
    (row,) = table_of(owner, store.url("/credit-notes.csv"))
    assert (row["Credit note"], row["Credits invoice"], row["Total"]) == ("CN00001", "INV00001", "-57.80")
    lines = table_of(owner, store.url("/credit-notes.csv?rows=lines"))
    amounts = [(line["Description"], line["Quantity"], line["Amount"]) for line in lines]
    assert amounts[0] == ("Basmati rice 5 kg", "-2", "-40.00")
    assert amounts[-1] == ("Discount", "-1", "5.00")


def test_the_document_says_which_invoice_it_credits_and_why(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    note_id = credit(books, invoice_id)
    made = read_pdf(owner.get(store.url(f"/credit-notes/{note_id}.pdf")).get_data())
    for expected in ("Creditnote", "CN00001", "INV00001", "Broken cup", "Subtotal57.90", "Shipping4.90", "57.80"):
        assert squeezed(expected) in made.text, expected
    assert made.is_archival
    printed = words(page(owner, store.url(f"/credit-notes/{note_id}/print")))
    assert "This takes back RM 57.80 of invoice INV00001." in printed


def test_the_invoices_page_tells_how_much_is_credited(
    books: Books, store: SomeStore, owner: FlaskClient, invoice_id: int
) -> None:
    credit(books, invoice_id, OfAmount(1790))
    shown = words(page(owner, store.url(f"/invoices/{invoice_id}")))
    assert "RM 17.90 of RM 57.80" in shown
    assert "INV00001 credited by CN00001" in shown
    assert "−RM 17.90 credited" in words(page(owner, store.url("/invoices")))
    (row,) = table_of(owner, store.url("/invoices.csv"))
    assert (row["Total"], row["Credited"]) == ("57.80", "17.90")
    credit(books, invoice_id, seen=1790)
    html = page(owner, store.url(f"/invoices/{invoice_id}"))
    assert "/reissue" not in html and "this invoice no longer counts" in html
