"""The PDF says everything in every script that our buyers write, is the same bytes each time, and runs no code."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.states import InvoiceState
from app.invoices import pdf
from app.invoices.pdf import invoice_pdf
from app.invoices.printing import paper
from app.tenancy.choices import LANGUAGES
from tests.invoices.pdftext import Pdf, read_pdf, squeezed
from tests.invoices.sheets import BUYER, ISSUED_AT, drafted, invoice_of, order_line, order_of, some_invoice

pytestmark = pytest.mark.usefixtures("speaking")

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


def pdf_of(**values: Any) -> Pdf:
    return read_pdf(invoice_pdf(paper(some_invoice(**values)), ISSUED_AT))


def test_all_that_an_invoice_must_say_is_in_it() -> None:
    text = pdf_of().text
    for words in (
        "Nyonya Pantry",
        "Invoice",
        "INV00022",
        "20 Nov 2026",
        "2611T00001",
        "Shopee (SiteGiant Penang)",
        *BUYER["address"].splitlines(),
        "10050 George Town, Pulau Pinang",
        "A-1",
        "Kopi-O cap Ipoh",
        "Subtotal40.00",
        "Discount−5.00",
        "Shipping4.90",
        "TotalRM39.90",
        "RM 39.90 paid by Cash on 20 Nov 2026.",
        "Page 1 of 1",
    ):
        assert squeezed(words) in text, words


@pytest.mark.parametrize(
    "name",
    [
        "陳麗華",
        "陈丽华",
        "歐陽鑫 囍",
        "முருகன் s/o ராமன்",
        "கெளரி தேவி",
        "Ngô Thị Hồng Hạnh",
        "Nguyễn Đặng Ước",
        "Siti Nur 'Aisyah binti Abd. Raḥmān",
        "鈴木 ゆうこ",
        "José Łukasz Müller",
        "Mei Mei 😀🎉",
        "สมชาย ใจดี",
    ],
)
def test_a_name_is_printed_in_its_own_script(name: str) -> None:
    made = pdf_of(buyer={"name": name})
    assert squeezed(name) in made.text
    assert made.is_archival, "PDF/A is refused when a character has no drawing"


def test_a_script_without_fonts_still_gives_an_invoice() -> None:
    made = pdf_of(buyer={"name": "김민준"})
    assert not made.is_archival
    assert "INV00022" in made.text
    assert squeezed("TotalRM39.90") in made.text


@pytest.mark.parametrize("language", [code for code, _name in LANGUAGES])
def test_its_words_can_be_copied_out_in_every_language(app: Flask, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        sheet = paper(some_invoice())
        data = invoice_pdf(sheet, ISSUED_AT)
    made = read_pdf(data)
    words = [sheet.title, sheet.buyer_label, sheet.total.label, sheet.total.amount, sheet.paid]
    words += [part for fact in sheet.facts for part in fact] + [column.heading for column in sheet.columns]
    assert [one for one in words if squeezed(one) not in made.text] == []
    assert made.is_archival
    assert len(data) < 120_000, "of a font only what is drawn is carried along"


def test_dong_and_rupee_signs_are_drawn() -> None:
    draft = drafted(order_of([order_line(description="Rs ₹ đ ₫")], currency="VND"))
    made = read_pdf(invoice_pdf(paper(invoice_of(draft)), ISSUED_AT))
    assert made.is_archival
    assert "₫" in made.text


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
@example("\u0590؋", "", "")
@example("", "\u0590؋", "")
@example("", "", "\u0590؋")
@settings(max_examples=60, deadline=None)
def test_no_text_of_a_channel_stops_the_printing(name: str, sku: str, description: str) -> None:
    draft = drafted(order_of([order_line(sku=sku, description=description)]))
    made = invoice_pdf(paper(invoice_of(draft, seller=sku, buyer={"name": name, "address": description})), ISSUED_AT)
    assert squeezed("TotalRM39.90") in read_pdf(made).text


@pytest.mark.parametrize("words", ["#panic()", '#read("/etc/passwd")', "*bold* _it_ $x$ = Title", '"} ]', "{page} [a]"])
def test_markup_in_a_name_is_printed_as_it_stands(words: str) -> None:
    assert squeezed(words) in pdf_of(buyer={"name": words}).text


def test_the_same_invoice_is_the_same_bytes_also_from_many_threads() -> None:
    sheet = paper(some_invoice())
    with ThreadPoolExecutor(6) as threads:
        made = set(threads.map(lambda _turn: invoice_pdf(sheet, ISSUED_AT), range(60)))
    assert len(made) == 1


def test_it_is_dated_by_its_issue_and_not_by_its_printing() -> None:
    assert pdf_of().created == "20261120040506"


def test_a_long_invoice_goes_on_over_pages_with_headings_and_page_numbers() -> None:
    lines = [order_line(number, sku=f"SKU-{number:03}") for number in range(1, 121)]
    made = read_pdf(invoice_pdf(paper(invoice_of(drafted(order_of(lines)))), ISSUED_AT))
    count = len(made.pages)
    assert count > 2
    for number, page in enumerate(made.pages, start=1):
        assert "Unitprice" in page
        assert f"Page{number}of{count}" in page
    assert all(f"SKU-{number:03}" in made.text for number in range(1, 121))
    assert "Total" in made.pages[-1] and "TotalRM" not in "".join(made.pages[:-1])


def test_who_sells_stands_below_the_name_of_the_store() -> None:
    text = pdf_of().text
    assert squeezed("Nyonya Pantry") in text
    assert squeezed("SST W10-2601-00000001") in text
    assert squeezed("12 Lebuh Contoh, 10200 George Town") in text


def test_a_credited_invoice_is_marked() -> None:
    assert "nolongercounts" in pdf_of(state=InvoiceState.CREDITED).text
    assert "nolongercounts" not in pdf_of().text


def test_fonts_are_those_of_the_lock_only() -> None:
    buyer = {"name": "陳麗華 முருகன் 😀"}
    assert pdf_of(buyer=buyer).fonts == {"NotoSans", "NotoSansHans", "NotoSansTamil", "NotoEmoji"}


def test_fonts_that_were_not_fetched_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pdf, "FONT_FOLDERS", (tmp_path / "no-such-fonts",))
    with pytest.raises(FileNotFoundError, match="no-such-fonts"):
        pdf._fonts.__wrapped__()
