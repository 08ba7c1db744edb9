"""The CSV: the filtered list whole, streamed, readable by a spreadsheet and harmless in it."""

from __future__ import annotations

import csv
import io

import pytest
from flask.testing import FlaskClient

from app.orders.export import plain_cell
from tests.orders.factories import NOON, Books, SomeChannel
from tests.support.factories import SomeStore


def rows_of(browser: FlaskClient, url: str) -> list[dict[str, str]]:
    answer = browser.get(url)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_every_matching_order_is_in_it_once(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.orders(channel, [{"gateway": "GrabPay", "placed_at": NOON} for _ in range(450)])
    books.order(channel, gateway="ShopeePay")
    rows = rows_of(owner, store.url("/orders.csv?gateway=grabpay"))
    assert len({row["Order"] for row in rows}) == len(rows) == 450


def test_cells_say_what_the_list_says(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.gateway(channel, "ShopeePay", "Shopee wallet")
    order = books.order(channel, number="2611ABC", remote_id="1001", placed_at=NOON, total=123456789)
    books.change(order, books.invoice(order, number_text="INV1", payment_method="Shopee wallet"))
    (row,) = rows_of(owner, store.url("/orders.csv"))
    assert (row["Order"], row["Number on the channel"]) == ("2611ABC", "1001")
    assert row["Placed (Asia/Kuala_Lumpur)"] == "2026-11-20 12:00:00"
    assert (row["Currency"], row["Total"]) == ("MYR", "1234567.89")
    assert (row["Payment method"], row["Invoice"], row["Write-back"]) == ("Shopee wallet", "INV1", "Written back")
    assert row["State"] == "Invoiced"


def test_reason_is_in_words(owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel) -> None:
    books.order(channel, state="held", reason="NO_LINES")
    (row,) = rows_of(owner, store.url("/orders.csv"))
    assert (row["State"], row["Reason"]) == ("Needs attention", "SiteGiant sent it without any items.")


def test_formulas_are_kept_from_running(
    owner: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel, buyer={"name": '=HYPERLINK("http://evil.example","x")'}, gateway="@SUM(A1)", total=-500)
    (row,) = rows_of(owner, store.url("/orders.csv"))
    assert row["Buyer"] == '\'=HYPERLINK("http://evil.example","x")'
    assert row["Gateway"] == "'@SUM(A1)"
    assert row["Total"] == "-5.00", "an amount stays a number"


@pytest.mark.parametrize("text", ["=1+1", "+60123", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1"])
def test_what_begins_like_a_formula_is_text(text: str) -> None:
    assert plain_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Kopi", "2611ABC", "a=b", "'=1"])
def test_everything_else_is_left_alone(text: str) -> None:
    assert plain_cell(text) == text


def test_read_only_member_may_take_it(
    reader: FlaskClient, store: SomeStore, books: Books, channel: SomeChannel
) -> None:
    books.order(channel)
    assert len(rows_of(reader, store.url("/orders.csv"))) == 1


def test_file_is_named_after_the_store(owner: FlaskClient, store: SomeStore) -> None:
    answer = owner.get(store.url("/orders.csv"))
    assert f"orders-{store.slug}.csv" in answer.headers["Content-Disposition"]
