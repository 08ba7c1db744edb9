"""Orders from a file: what would be made is shown first, and each mistake with its line and column."""

from __future__ import annotations

import io
import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.extensions import db
from app.orders.models import Order, OrderLine
from tests.orders.factories import Books
from tests.support.factories import SomeStore

FILE = """number,Kind,payment status,placed_at,buyer_name,shipping,order_discount,total,name,quantity,unit_price
A-1,Landing page,Paid,2026-11-20 10:30,Mei Ling,6.00,,24.00,Kopi,1,16.90
A-1,,,,,,,,Wrap,1,1.10
,pos,,,,,,,Teh,2,4.50
"""


def upload(client: FlaskClient, store: SomeStore, text: str | bytes) -> TestResponse:
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(store.url("/orders/import"), data={"file": (io.BytesIO(data), "orders.csv")})


def hidden(page: TestResponse) -> dict[str, Any]:
    return dict(re.findall(r'name="(sheet|press)" value="([^"]*)"', page.text))


def count_orders(books: Books) -> int:
    with books.scope():
        return db.session.scalar(select(func.count()).select_from(Order)) or 0


def test_a_file_is_shown_and_then_made_once(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    shown = upload(owner, store, FILE)
    assert "2 new orders." in shown.text
    assert "RM\u00a024.00" in shown.text
    assert count_orders(books) == 0
    for _press in range(2):
        assert owner.post(store.url("/orders/import"), data=hidden(shown)).status_code == 303
    with books.scope():
        first, second = db.session.scalars(select(Order).order_by(Order.id)).all()
        assert (first.number, first.order_type, first.state, first.total) == ("A-1", "landing_page", "ready", 2400)
        assert first.placed_at.isoformat() == "2026-11-20T02:30:00+00:00"
        assert (second.number, second.order_type, second.total) == ("SO00001", "pos", 900)
        assert db.session.scalar(select(func.count()).select_from(OrderLine)) == 3


def test_the_same_file_again_knows_what_it_made(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    numbered = FILE.replace("\n,pos", "\nA-2,pos")
    owner.post(store.url("/orders/import"), data=hidden(upload(owner, store, numbered)))
    again = upload(owner, store, numbered)
    assert "Nothing new." in again.text
    assert "2 orders were made before" in again.text
    other = upload(owner, store, numbered.replace("4.50", "5.50"))
    assert "Another order has this number already" in other.text
    assert count_orders(books) == 2


def test_mistakes_are_told_by_line_and_column(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    wrong = FILE.replace("Wrap,1,1.10", "Wrap,none,1.10").replace("24.00", "25.00") + "A-3,shop,,,,,,,Teh,1,1\n"
    page = upload(owner, store, wrong)
    told = re.findall(r'data-label="Line">(\d+)</td><td data-label="Column">(\w+)</td>', page.text)
    assert told == [("3", "quantity"), ("5", "kind")]
    assert "One new order." in page.text
    total = upload(owner, store, FILE.replace("24.00", "25.00"))
    assert re.findall(r'data-label="Line">(\d+)</td><td data-label="Column">(\w+)</td>', total.text) == [("2", "total")]


def test_a_file_that_is_none_is_refused(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    for data, words in (
        (b"\xff\xfe\x00", "no CSV file in UTF-8"),
        (b"kind,name\n", "quantity, unit_price is missing"),
        (b"kind,name,quantity,unit_price\n", "The file has no rows."),
        (b"kind,name,quantity,unit_price,colour\npos,a,1,1,red\n", "There is no column colour."),
        (b"", "is missing"),
    ):
        answer = upload(owner, store, data)
        assert (answer.status_code, words in answer.text) == (422, True), words
    assert owner.post(store.url("/orders/import")).status_code == 422
    assert owner.post(store.url("/orders/import"), data={"sheet": "x", "press": "x" * 20}).status_code == 422
    assert count_orders(books) == 0


def test_the_file_to_start_from_can_be_imported(owner: FlaskClient, store: SomeStore) -> None:
    answer = owner.get(store.url("/orders/import.csv"))
    shown = upload(owner, store, answer.data)
    assert "2 new orders." in shown.text
    assert "cannot be used" not in shown.text
