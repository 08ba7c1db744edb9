"""Links as files: out and in again unchanged, a look before anything is stored, and files that mean harm."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.extensions import db
from app.mappings.link_files import MOST_BYTES, MOST_ROWS, read_file
from app.mappings.models import Listing
from app.orders.export import plain_cell
from app.web.sheets import BadFile, spellings
from tests.connectors.fake import a_listing
from tests.orders.factories import Books, SomeChannel

MARK = "\ufeff"


def path(books: Books, channel: SomeChannel, tail: str) -> str:
    return books.store.url(f"/channels/{channel.id}/products{tail}")


def upload(client: FlaskClient, books: Books, channel: SomeChannel, content: str | bytes) -> TestResponse:
    data = content if isinstance(content, bytes) else content.encode()
    return client.post(path(books, channel, "/import"), data={"file": (io.BytesIO(data), "links.csv")})


def confirm(client: FlaskClient, books: Books, channel: SomeChannel, preview: TestResponse) -> TestResponse:
    (changes,) = re.findall(r'name="changes" value="([^"]*)"', preview.text)
    return client.post(path(books, channel, "/import"), data={"changes": changes})


def links(books: Books, ids: list[int]) -> list[int | None]:
    with books.scope():
        return [db.session.get_one(Listing, (books.store.id, one)).item_id for one in ids]


@pytest.fixture
def items(books: Books) -> list[int]:
    """KOPI and TEH."""
    return [books.item("KOPI"), books.item("TEH")]


@pytest.fixture
def ids(books: Books, channel: SomeChannel, items: list[int]) -> list[int]:
    """Three products, and two that share a SKU."""
    return books.listings(
        channel,
        *[a_listing(str(n), isku=f"A{n}", sku=f"a-{n}", name=f"Product {n}") for n in (1, 2, 3)],
        a_listing("8", isku="", sku="TWICE"),
        a_listing("9", isku="", sku="twice"),
    )


def test_a_file_that_comes_back_unchanged_changes_nothing(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int]
) -> None:
    confirm(owner, books, channel, upload(owner, books, channel, "remote_id,our_sku\n1,KOPI\n2,TEH\n"))
    answer = owner.get(path(books, channel, ".csv"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.text.startswith(MARK)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(MARK))))
    assert [row["our_sku"] for row in rows] == ["KOPI", "TEH", "", "", ""]
    assert rows[0]["price"] == "21.00"
    assert rows[0]["state"] == "linked"
    again = upload(owner, books, channel, answer.data)
    assert "Nothing: every link stands already as the file says." in again.text
    assert "5 rows change nothing." in again.text


def test_nothing_is_stored_before_it_was_confirmed_and_the_page_says_what_would_change(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int], items: list[int]
) -> None:
    kopi, teh = items
    confirm(owner, books, channel, upload(owner, books, channel, "remote_id,our_sku\n1,KOPI\n2,KOPI\n"))
    preview = upload(owner, books, channel, "our_sku;sku\nTEH;A1\n;a-2\nKOPI;A3\nNOPE;A3\nKOPI;X9\nKOPI;TWICE\nKOPI;\n")
    assert preview.status_code == 200
    assert links(books, ids[:3]) == [kopi, kopi, None]
    text = re.sub(r"<[^>]+>", " ", preview.text)
    text = " ".join(text.split())
    for words in (
        "One new link",
        "One link to another item",
        "One link taken away",
        "5 Line 4 is about the same product.",
        "6 This channel has no product with the SKU X9.",
        "7 Several products of this channel have the SKU TWICE. Give the id.",
        "8 The row names no product: it has neither an id nor a SKU.",
        "Save 3 changes",
    ):
        assert words in text
    answer = confirm(owner, books, channel, preview)
    assert "3 links were saved." in owner.get(answer.location).text
    assert links(books, ids[:3]) == [teh, None, kopi]


def test_an_unknown_sku_is_named_with_its_line(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int]
) -> None:
    preview = upload(owner, books, channel, 'remote_id,our_sku\n1,"two\nlines"\n\n2,NOPE\n404,KOPI\n')
    text = " ".join(re.sub(r"<[^>]+>", " ", preview.text).split())
    assert "2 No item of yours has the SKU two lines." in text
    assert "5 No item of yours has the SKU NOPE." in text
    assert "6 This channel has no product with the id 404." in text
    assert 'name="changes"' not in preview.text


def test_links_of_a_file_are_taken_back_together(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int]
) -> None:
    answer = confirm(owner, books, channel, upload(owner, books, channel, "remote_id,our_sku\n1,KOPI\n2,TEH\n"))
    (undo,) = re.findall(r"/undo\?batch=(\w+)", owner.get(answer.location).text)
    owner.post(path(books, channel, "/undo"), data={"batch": undo})
    assert links(books, ids[:2]) == [None, None]


def test_what_somebody_saved_between_look_and_confirmation_is_left_and_told(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int], items: list[int]
) -> None:
    preview = upload(owner, books, channel, "remote_id,our_sku\n1,KOPI\n2,KOPI\n")
    owner.post(path(books, channel, f"/{ids[0]}"), data={"act": "link", "item_id": items[1], "version": "0"})
    answer = confirm(owner, books, channel, preview)
    page = owner.get(answer.location).text
    assert "One link was saved. One was changed by somebody else meanwhile and left as it is." in page
    assert links(books, ids[:2]) == [items[1], items[0]]


@pytest.mark.parametrize("changes", ["x", "1.2", "1.0.1;drop", "9" * 30 + ".0.1", "1.0.-1", "１.0.1"])
def test_changes_that_no_preview_sends_are_refused(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int], changes: str
) -> None:
    assert owner.post(path(books, channel, "/import"), data={"changes": changes}).status_code == 422
    assert set(links(books, ids)) == {None}


def test_listings_and_items_of_others_are_out_of_reach(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int]
) -> None:
    other = books.channel("Another")
    (foreign,) = books.listings(other, a_listing("1"))
    owner.post(path(books, channel, "/import"), data={"changes": f"{foreign}.0.{10**15}"})
    owner.post(path(books, channel, "/import"), data={"changes": f"{foreign}.0.{books.item('MINE')}"})
    assert links(books, [foreign]) == [None]


def test_names_that_are_formulas_are_not_run_and_find_their_way_back(
    owner: FlaskClient, books: Books, channel: SomeChannel
) -> None:
    evil = "=HYPERLINK(1)"
    item_id = books.item("-SALE")
    (listing_id,) = books.listings(channel, a_listing("1", isku=evil, sku="", name="@SUM(A1)"))
    confirm(owner, books, channel, upload(owner, books, channel, f"sku,our_sku\n'{evil},'-SALE\n"))
    assert links(books, [listing_id]) == [item_id]
    text = owner.get(path(books, channel, ".csv")).text.removeprefix(MARK)
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["isku"], row["name"], row["our_sku"]) == (f"'{evil}", "'@SUM(A1)", "'-SALE")
    assert "One row changes nothing." in upload(owner, books, channel, text).text


def test_what_a_file_says_is_shown_as_text(
    owner: FlaskClient, books: Books, channel: SomeChannel, ids: list[int]
) -> None:
    page = upload(owner, books, channel, "remote_id,our_sku\n1,<script>alert(1)</script>\n").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must name the columns"),
        (b"name,price\nKopi,1\n", "must name the columns"),
        (b"remote_id,our_sku\n", "has no rows"),
        ("remote_id,our_sku\n1,KOPI\n".encode("utf-16"), "CSV UTF-8"),
        ("remote_id,our_sku\n1,CAFÉ\n".encode("latin-1"), "CSV UTF-8"),
        (b"PK\x03\x04\x00\x00", "CSV UTF-8"),
        (b"remote_id,our_sku\n1," + b"x" * 200_000, "cannot be read"),
    ],
)
def test_files_that_are_none_are_refused_in_words(
    owner: FlaskClient, books: Books, channel: SomeChannel, content: bytes, words: str
) -> None:
    answer = upload(owner, books, channel, content)
    assert answer.status_code == 422
    assert words in answer.text


def test_no_file_and_too_large_ones_are_refused(owner: FlaskClient, books: Books, channel: SomeChannel) -> None:
    assert "Choose a file first." in owner.post(path(books, channel, "/import"), data={}).text
    with pytest.raises(BadFile, match=r"larger than 1\.5 MB"):
        read_file(b"x" * (MOST_BYTES + 1))
    with pytest.raises(BadFile, match="more than 20,000 rows"):
        read_file(b"remote_id,our_sku\n" + b"1,A\n" * (MOST_ROWS + 1))


@pytest.mark.parametrize(
    "text", ["remote_id,our_sku\r\n1,A B\r\n", "OUR SKU\tRemote ID\n A  B \t 1 \n", "our_sku;x;sku\nA B\n"]
)
def test_whatever_a_spreadsheet_makes_of_it_is_read(text: str) -> None:
    (row,) = read_file(MARK.encode() + text.encode())
    assert row.our_sku == "A B"
    assert row.line == 2


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: b"our_sku,sku\n" + text.encode("utf-8", "ignore"))
)
def test_no_file_does_worse_than_being_refused(content: bytes) -> None:
    try:
        read_file(content)
    except BadFile as problem:
        assert str(problem)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_a_cell_that_was_made_safe_is_read_as_what_it_was(text: str) -> None:
    assert text in spellings(plain_cell(text))
