"""The invoices' pages as owner, read-only colleague and stranger see them, and the files they take along."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from app.extensions import db
from app.invoices import queries
from app.invoices.services import issue_invoices
from app.orders.models import JournalEntry
from app.orders.services import look_at_orders, mark_booked, take_orders
from app.tenancy.models import Store
from app.web.catalogues import catalogue_of
from tests.invoices.pdftext import read_pdf, squeezed
from tests.orders.conftest import HTMX
from tests.orders.factories import NOON, Books, SomeChannel, statements
from tests.support.factories import SomeStore

PAGES = ("/invoices", "/invoices/{id}", "/invoices/{id}/print", "/invoices/{id}.pdf", "/invoices.csv")
BUYER = {"name": "陳麗華 Tan Lee Hwa", "address": "12, Jalan Burma", "city": "George Town"}


def issue(books: Books, channel: SomeChannel, orders: Sequence[dict[str, Any]] = ({},)) -> list[int]:
    """Invoices as *Sync* issues them, of orders with two lines: RM 40.00 and RM 17.90, less 5.00, plus 4.90."""
    known = {"state": "queued", "total": 5780, "buyer": BUYER, "paid_at": NOON}
    placed = [{"placed_at": NOON + timedelta(minutes=number)} for number in range(len(orders))]
    for order_id in books.orders(channel, [known | when | values for when, values in zip(placed, orders, strict=True)]):
        books.line(order_id, 1, name="Basmati rice 5 kg")
        books.line(order_id, 2, name="Kopi-O", variant="Box of 20", quantity=1, unit_price=1790, gross=1790, discount=0)
    with books.scope():
        issued, refused = issue_invoices(take_orders(look_at_orders(channel.id, 200, None)), job_id=None)
        assert not refused
        mark_booked([invoice.order_id for invoice in issued])
        db.session.commit()
    return [invoice.invoice_id for invoice in issued]


def booked(books: Books, channel: SomeChannel) -> tuple[int, int]:
    """An order and its invoice."""
    order_id = books.order(channel)
    return order_id, books.invoice(order_id)


def page(client: FlaskClient, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.status
    return response.get_data(as_text=True)


def words(html: str) -> str:
    """The text of a page, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")


def table_of(client: FlaskClient, url: str) -> list[dict[str, str]]:
    text = client.get(url).get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_read_only_colleague_may_see_print_and_take_along(
    books: Books, channel: SomeChannel, store: SomeStore, reader: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel)
    for path in PAGES:
        assert reader.get(store.url(path.format(id=invoice_id))).status_code == 200, path


def test_stranger_gets_404_and_whoever_is_signed_out_the_way_in(
    books: Books, channel: SomeChannel, store: SomeStore, stranger: FlaskClient, client: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel)
    for path in PAGES:
        url = store.url(path.format(id=invoice_id))
        assert stranger.get(url).status_code == 404, path
        answer = client.get(url)
        assert answer.status_code == 303 and "/signin" in answer.location, path


def test_an_invoice_is_not_found_through_another_store(
    books: Books, channel: SomeChannel, other_store: SomeStore, stranger: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel)
    for path in PAGES[1:4]:
        assert stranger.get(other_store.url(path.format(id=invoice_id))).status_code == 404, path
    assert "INV" not in words(page(stranger, other_store.url("/invoices")))
    assert table_of(stranger, other_store.url("/invoices.csv")) == []


@pytest.mark.parametrize("invoice_id", ["0", "999999999", "9223372036854775808", "x"])
def test_an_invoice_that_is_not_there_is_404(store: SomeStore, owner: FlaskClient, invoice_id: str) -> None:
    for path in PAGES[1:4]:
        assert owner.get(store.url(path.format(id=invoice_id))).status_code == 404


def test_without_invoices_the_page_says_what_to_do_first(store: SomeStore, owner: FlaskClient) -> None:
    html = page(owner, store.url("/invoices"))
    assert "No invoices yet" in html
    assert f'href="{store.url("/orders")}?state=ready"' in html


def test_a_filter_that_finds_nothing_offers_all_invoices(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    issue(books, channel)
    html = page(owner, store.url("/invoices?q=nothing-like-it"))
    assert "No invoice matches" in html and "No invoices yet" not in html
    assert "0 invoices" in words(html)


def test_list_shows_each_invoice_with_order_channel_method_and_total(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel, [{"number": "2611SPECIAL"}])
    html = page(owner, store.url("/invoices"))
    text = words(html)
    for part in ("INV", "20 Nov 2026", "陳麗華 Tan Lee Hwa", "2611SPECIAL", "Shopee", "SiteGiant", "Cash", "RM 57.80"):
        assert part in text, part
    assert f'href="{store.url(f"/invoices/{invoice_id}")}"' in html


def test_totals_foot_with_what_is_listed_over_all_pages(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    issue(books, channel, [{"total": 5780 + tax, "tax": tax} for tax in range(60)])
    listed = 0
    url: str | None = store.url("/invoices?limit=50")
    while url:
        html = page(owner, url)
        assert "60 invoices" in words(html)
        assert "total RM 3,485.70" in words(html) and "tax RM 17.70" in words(html)
        listed += sum(
            int(ringgit) * 100 + int(sen) for ringgit, sen in re.findall(r'"Total"><span>RM.(\d+)\.(\d\d)<', html)
        )
        following = re.search(r'href="([^"]*after=[^"]*)"', html)
        url = following.group(1).replace("&amp;", "&") if following else None
    assert listed == 348570


def test_credited_invoices_are_told_apart_in_list_and_sums(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    order = books.order(channel)
    books.invoice(order, state="credited")
    books.invoice(order)
    text = words(page(owner, store.url("/invoices")))
    assert "1 invoice before tax RM 39.90" in text
    assert "1 credited invoice before tax RM 39.90" in text


def test_gateway_that_fell_to_the_default_is_red_and_leads_to_its_mapping(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    books.gateway(channel, "Touch'n Go", "E-wallet")
    issue(books, channel, [{"gateway": "Touch'n Go"}, {"gateway": "atome"}])
    html = page(owner, store.url("/invoices"))
    red = re.findall(r'<a class="needs-mapping" href="([^"]+)"[^>]*>([^<]+)</a>', html)
    assert red == [(store.url(f"/channels/{channel.id}/payments"), "atome")]
    assert "E-wallet" in html


def test_filters_survive_in_the_form_the_pager_and_the_exports(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    issue(books, channel, [{} for _ in range(3)])
    query = f"q=tan+lee&channel={channel.id}&date_from=2026-11-01&default_method=1"
    html = page(owner, store.url(f"/invoices?{query}&limit=2")).replace("&amp;", "&")
    assert 'value="tan lee"' in html and 'value="2026-11-01"' in html
    assert f'<option value="{channel.id}" selected>' in html
    assert re.search(r'name="default_method" value="1" checked', html)
    following = re.search(r'href="([^"]*after=[^"]*)"', html)
    assert following and query in following.group(1)
    for rows in ("", "rows=lines&"):
        assert re.search(rf'href="{store.url("/invoices.csv")}\?{rows}q=tan\+lee&channel={channel.id}', html)
    assert len(table_of(owner, store.url(f"/invoices.csv?{query}"))) == 3


def test_htmx_gets_the_list_alone_and_an_address_without_empty_fields(store: SomeStore, owner: FlaskClient) -> None:
    answer = owner.get(store.url("/invoices?q=kopi&channel=&date_from="), headers=HTMX)
    assert answer.get_data(as_text=True).lstrip().startswith('<div id="invoices"')
    assert answer.headers["HX-Push-Url"] == store.url("/invoices?q=kopi")
    assert "HX-Request" in answer.headers["Vary"]


def test_a_page_of_fifty_costs_what_a_page_of_one_costs(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    issue(books, channel)
    page(owner, store.url("/invoices"))
    with books.app.app_context(), statements() as few:
        page(owner, store.url("/invoices"))
    issue(books, channel, [{} for _ in range(60)])
    with books.app.app_context(), statements() as many:
        html = page(owner, store.url("/invoices"))
    assert html.count('class="cell-title"') == 50
    assert len(many) == len(few) + 1, "the sums, which a page that holds all invoices tells by itself"


def test_invoice_page_is_the_sheet_with_the_way_to_order_and_channel(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel, [{"number": "2611SPECIAL", "queued_by": store.owner.id}])
    html = page(owner, store.url(f"/invoices/{invoice_id}"))
    text = words(html)
    for part in (
        store.name,
        "陳麗華 Tan Lee Hwa",
        "12, Jalan Burma",
        "Basmati rice 5 kg",
        "Kopi-O / Box of 20",
        "Subtotal 57.90",
        "Discount −5.00",
        "Shipping 4.90",
        "Tax 0.00",
        "Total RM 57.80",
        "RM 57.80 paid by Cash on 20 Nov 2026.",
        f"by {store.owner.name}",
        "had no payment method, so Cash was used",
    ):
        assert part in text, part
    assert re.search(rf'href="{store.url("/orders/")}\d+">2611SPECIAL', html)
    assert f'href="{store.url(f"/channels/{channel.id}")}"' in html
    assert f'href="{store.url(f"/invoices/{invoice_id}.pdf")}"' in html


def test_invoice_page_tells_its_journal_and_what_became_of_its_number(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    order_id, invoice_id = booked(books, channel)
    books.change(order_id, invoice_id, "blocked", reason="FOREIGN_NUMBER", reason_detail={"found": "THEIRS-9"})
    with books.scope():
        note = {"store_id": store.id, "order_id": order_id, "invoice_id": invoice_id, "user_id": store.owner.id}
        db.session.execute(insert(JournalEntry).values(**note, kind="booked"))
        db.session.commit()
    text = words(page(owner, store.url(f"/invoices/{invoice_id}")))
    assert "THEIRS-9" in text and "Open the order" in text
    assert f"· {store.owner.name}" in text


def test_the_page_follows_by_itself_while_the_number_is_on_its_way(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    for state, follows in {"planned": True, "sending": True, "done": False, "blocked": False}.items():
        order_id, invoice_id = booked(books, channel)
        books.change(order_id, invoice_id, state)
        part = page(owner, store.url(f"/invoices/{invoice_id}"), **HTMX)
        assert part.lstrip().startswith(f'<div id="invoice-story-{invoice_id}"')
        assert ("hx-trigger" in part) is follows, state


def test_credited_invoice_says_so_on_every_paper_and_names_its_successor(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    order = books.order(channel)
    old = books.invoice(order, state="credited")
    new = books.invoice(order)
    html = page(owner, store.url(f"/invoices/{old}"))
    assert "INV00002 replaces it" in html and f'href="{store.url(f"/invoices/{new}")}"' in html
    assert "INV00002 replaces it" in page(owner, store.url(f"/invoices/{old}/print"))
    assert "INV00002replacesit" in read_pdf(owner.get(store.url(f"/invoices/{old}.pdf")).data).text
    assert "no longer counts" not in page(owner, store.url(f"/invoices/{new}/print"))


def test_print_view_is_the_sheet_alone(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel)
    html = page(owner, store.url(f"/invoices/{invoice_id}/print"))
    assert "Total RM 57.80" in words(html)
    assert "sidebar" not in html and "htmx" not in html
    assert "<style" not in html and " style=" not in html and "onclick" not in html


def test_page_print_view_and_pdf_say_the_same(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel, [{"tax": 120, "tax_included": True}])
    sheets = [
        re.search(r'<article class="sheet".*?</article>', page(owner, store.url(path)), re.DOTALL)
        for path in (f"/invoices/{invoice_id}", f"/invoices/{invoice_id}/print")
    ]
    assert sheets[0] and sheets[1] and sheets[0].group() == sheets[1].group()
    in_pdf = read_pdf(owner.get(store.url(f"/invoices/{invoice_id}.pdf")).data).text
    for told in re.findall(r"<(?:td|dd|th|p)[^>]*>([^<]+)<", sheets[0].group()):
        assert squeezed(told) in in_pdf, told


def test_what_the_list_can_be_filtered_by_is_in_the_readers_language(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    books.invoice(books.order(channel))
    owner.post("/language", data={"language": "vi"})
    page, vietnamese = owner.get(store.url("/invoices")).text, catalogue_of("vi")
    states = re.findall(r'<option value="(planned|done|blocked|dropped)"[^>]*>([^<]*)<', page)
    told = {"planned": "On its way", "done": "Written back", "blocked": "Needs attention", "dropped": "Not sent"}
    assert {state: words.strip() for state, words in states} == {
        state: vietnamese.gettext(words) for state, words in told.items()
    }


def test_a_document_is_in_the_stores_language_and_its_page_in_the_readers(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    (invoice_id,) = issue(books, channel)
    with books.scope():
        db.session.execute(update(Store).where(Store.id == store.id).values(language="ms"))
        db.session.commit()
    owner.post("/language", data={"language": "vi"})
    theirs, ours = (catalogue_of(code).gettext("Bill to") for code in ("ms", "vi"))
    on_page = page(owner, store.url(f"/invoices/{invoice_id}"))
    assert ours in on_page and theirs not in on_page
    printed = page(owner, store.url(f"/invoices/{invoice_id}/print"))
    assert theirs in printed and ours not in printed
    assert '<html lang="vi"' in printed and '<article class="sheet" lang="ms"' in printed
    assert squeezed(theirs) in read_pdf(owner.get(store.url(f"/invoices/{invoice_id}.pdf")).data).text


def test_pdf_opens_in_the_browser_under_the_invoices_number(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    invoice_id = books.invoice(books.order(channel), number_text="A/2026-00007")
    answer = owner.get(store.url(f"/invoices/{invoice_id}.pdf"))
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="A-2026-00007.pdf"'
    assert "A/2026-00007" in read_pdf(answer.data).text


def test_csv_has_one_row_an_invoice_with_amounts_that_a_spreadsheet_can_add(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    issue(books, channel, [{"number": "N-1", "queued_by": store.owner.id}, {"number": "N-2", "tax": 20, "total": 5800}])
    answer = owner.get(store.url("/invoices.csv"))
    assert answer.mimetype == "text/csv" and answer.data.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["Content-Disposition"]
    first, second = table_of(owner, store.url("/invoices.csv"))
    assert (first["Invoice"], first["Order"], first["Date"], first["State"]) == (
        "INV00001",
        "N-1",
        "2026-11-20",
        "Posted",
    )
    assert (first["Buyer"], first["Payment method"], first["Currency"]) == ("陳麗華 Tan Lee Hwa", "Cash", "MYR")
    assert first["Issued by"] == store.owner.name and second["Issued by"] == "by itself"
    amounts = [second[name] for name in ("Subtotal", "Discount", "Shipping", "Adjustment", "Tax", "Rounding", "Total")]
    assert amounts == ["57.90", "5.00", "4.90", "0.00", "0.20", "0.00", "58.00"]
    assert first["Paid (Asia/Kuala_Lumpur)"] == "2026-11-20 12:00:00"


def test_csv_of_lines_adds_up_to_the_invoices(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient
) -> None:
    issue(books, channel, [{}, {}])
    rows = table_of(owner, store.url("/invoices.csv?rows=lines"))
    assert [row["Description"] for row in rows[:4]] == [
        "Basmati rice 5 kg",
        "Kopi-O / Box of 20",
        "Shipping",
        "Discount",
    ]
    assert [row["Quantity"] for row in rows[:2]] == ["2", "1"]
    for number in ("INV00001", "INV00002"):
        assert sum(Decimal(row["Amount"]) for row in rows if row["Invoice"] == number) == Decimal("57.80")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", " ="])
def test_csv_runs_no_formula_that_a_buyer_wrote(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient, start: str
) -> None:
    evil = f"{start}HYPERLINK(1)"
    order_id = books.order(channel, buyer={"name": evil, "company": evil}, number=evil, gateway=evil)
    books.invoice(order_id, adjustment=-500)
    (row,) = table_of(owner, store.url("/invoices.csv"))
    for name in ("Buyer", "Company", "Order", "Gateway"):
        assert row[name] == f"'{evil}", name
    assert row["Adjustment"] == "-5.00", "our own numbers stay numbers"


def test_csv_is_read_in_batches_and_holds_no_connection_in_between(
    books: Books, channel: SomeChannel, store: SomeStore, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(books, channel, [{} for _ in range(7)])
    monkeypatch.setattr(queries.invoice_batches, "__defaults__", (2,))
    with books.app.app_context():
        pool: Any = db.engine.pool
    idle = pool.checkedout()
    with books.app.app_context(), statements() as seen:
        answer = owner.get(store.url("/invoices.csv"), buffered=False)
        before, costs = len(seen), []
        for line in answer.response:
            if line.startswith(b"INV" if isinstance(line, bytes) else "INV"):  # type: ignore[arg-type]
                costs.append(sum("invoices" in sql for sql in seen))
                assert pool.checkedout() == idle
        answer.close()
    assert before < len(seen), "nothing of the books is read before it is sent"
    assert costs == [1, 1, 2, 2, 3, 3, 4]
    assert pool.checkedout() == idle
