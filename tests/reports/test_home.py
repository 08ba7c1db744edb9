"""Home answers: is everything in, does anything wait for me, are the numbers where they belong?"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.channels.models import Channel
from app.core.crediting import OfAmount
from app.core.states import CreditCause
from app.extensions import db
from app.reports import queries
from app.reports.queries import Sold, sales
from app.sealing import seal
from app.sync.crediting import credit_invoice
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.sync.board import Board

HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def channel(books: Books) -> SomeChannel:
    """A channel that was checked five minutes ago."""
    made = books.channel("Shopee Penang")
    checked(books, made, minutes=5)
    return made


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


@pytest.fixture
def reader(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.reader)


def checked(books: Books, channel: SomeChannel, *, minutes: int) -> None:
    """Let the channel have a key, and be checked that long ago."""
    with books.scope():
        db.session.get_one(Channel, (books.store.id, channel.id)).credentials = seal({"api_key": "secret"})
        db.session.commit()
    change(
        books, "update channels set checked_at = now() - make_interval(mins => :m) where id = :id", channel, m=minutes
    )


def change(books: Books, sql: str, channel: SomeChannel, **values: Any) -> None:
    with books.scope():
        db.session.execute(text(sql), {"id": channel.id, **values})
        db.session.commit()


def page(client: FlaskClient, store: SomeStore, path: str = "/", *, htmx: bool = False) -> str:
    answer = client.get(store.url(path), headers=HTMX if htmx else {})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(answer.text))


def facts(client: FlaskClient, store: SomeStore) -> dict[str, str]:
    """Each sentence of Home and where it leads, "" when nowhere; the first thing to do leads by a button."""
    shown = page(client, store, "/home/state", htmx=True)
    link, button = (
        r'(?:<a href="([^"]*)">|<span>)?([^<]+)(?:</a>|</span>)?',
        r'(?:<a class="btn [^>]*href="([^"]*)">.*?</a>)?',
    )
    found = re.findall(rf"<li[^>]*>{link}{button}</li>", shown)
    return {words.strip().replace("\u202f", " "): url or pressed for url, words, pressed in found}


def test_new_store_is_led_to_its_first_channel(owner: FlaskClient, store: SomeStore) -> None:
    shown = page(owner, store)
    assert "First steps" in shown
    assert store.url("/channels/add") in shown
    assert "Sales of the last 30 days" not in shown


def test_all_is_well(books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore) -> None:
    found = facts(owner, store)
    first, second = found
    assert re.fullmatch(r"All orders up to .+ are in\.", first)
    assert found[first] == store.url("/channels/")
    assert second == "Nothing waits for you."
    order = books.order(channel)
    books.change(order, books.invoice(order), "done")
    assert facts(owner, store)["Every invoice number stands on its channel."] == store.url("/invoices")


def test_oldest_check_counts(books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore) -> None:
    checked(books, books.channel("Lazada"), minutes=60 * 24 * 40)
    (first,) = [words for words in facts(owner, store) if "are in" in words]
    assert first.endswith("are in.")
    long_ago = datetime.now(UTC) - timedelta(days=40)
    assert str(long_ago.year) in first, "a moment that is not today is told with its day"


def test_unchecked_channel_is_not_passed_over(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    books.channel("Lazada")
    found = facts(owner, store)
    assert "Lazada was not checked for orders yet." in found
    assert not any("are in" in words for words in found)


def test_nobody_says_that_nothing_waits_before_anything_was_looked_at(
    books: Books, owner: FlaskClient, store: SomeStore
) -> None:
    books.channel("Lazada")
    assert list(facts(owner, store)) == ["Lazada was not checked for orders yet."]


def test_paused_channel_and_unread_orders_take_the_word_all_away(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    other = books.channel("Lazada")
    change(books, "update channels set status = 'paused' where id = :id", other)
    books.unread(channel, "77", "no total", {})
    found = facts(owner, store)
    assert any(words.startswith("Orders up to") for words in found)
    assert found["Lazada is paused: its new orders are not in."] == store.url("/channels/")
    assert found["1 order could not be read."] == store.url("/failed")


def test_what_waits_leads_to_what_waits(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    books.orders(channel, [{"state": "ready"}] * 3)
    books.orders(channel, [{"state": "waiting", "reason": "UNPAID", "payment_status": "unpaid"}] * 2)
    books.order(channel, state="held", reason="GATEWAY_UNMAPPED")
    books.orders(channel, [{"state": "held", "reason": "TOTAL_MISMATCH"}] * 2)
    booked = books.order(channel, alert="CANCELLED")
    books.invoice(booked)
    found = facts(owner, store)
    orders = store.url("/orders")
    assert found["3 orders are ready to sync."] == f"{orders}?state=ready"
    assert found["1 order waits for a payment method."] == f"{orders}?state=held&reason=GATEWAY_UNMAPPED"
    assert found["2 orders need attention."] == store.url("/failed")
    assert found["1 invoiced order changed on its channel."] == store.url("/failed")
    assert found["2 orders wait for their buyers to pay."] == f"{orders}?state=waiting"
    for url in set(found.values()) - {""}:
        assert owner.get(url).status_code == 200


def test_gateway_without_a_method_is_named_though_no_order_waits_for_it(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    books.gateway(channel, "GrabPay")
    url = facts(owner, store)["1 gateway has no payment method of its own."]
    assert url == store.url(f"/channels/{channel.id}/payments")


def test_numbers_that_are_not_back_are_told_apart(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    for state, reason in (
        ("planned", None),
        ("sending", None),
        ("blocked", "FOREIGN_NUMBER"),
        ("blocked", "ORDER_MISSING"),
    ):
        order = books.order(channel)
        books.change(order, books.invoice(order), state, reason=reason)
    found = facts(owner, store)
    orders = store.url("/orders")
    assert found["2 invoice numbers are on their way to their channel."] == f"{orders}?write_back=planned"
    conflict = "1 order holds another invoice number on its channel."
    assert found[conflict] == f"{orders}?write_back=blocked&reason=FOREIGN_NUMBER"
    assert found["1 invoice number could not be written to its channel."] == f"{orders}?write_back=blocked"
    assert "Every invoice number stands on its channel." not in found


def test_counting_stops_somewhere(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.reports.queries.COUNTED_AT_MOST", 4)
    monkeypatch.setattr("app.reports.words.COUNTED_AT_MOST", 4)
    books.orders(channel, [{"state": "ready"}] * 9)
    assert "3+ orders are ready to sync." in facts(owner, store)


def first_number_is_out(books: Books, channel: SomeChannel, **values: Any) -> int:
    """One order that went all the way, so that the first steps are done."""
    order = books.order(channel, **values)
    invoice = books.invoice(order)
    books.change(order, invoice, "done")
    books.note("written_back", order, number="INV00001")
    return invoice


def buttons(shown: str) -> list[tuple[str, str]]:
    """(look, label) of the buttons and of the links that look like them, in the page's content."""
    content = shown[shown.index("<main") :]
    found = re.findall(r'class="btn ([^"]*)"[^>]*>(?:<svg.*?</svg>)?(?:<span>)?([^<]+)<', content)
    return [(look.strip(), label) for look, label in found if label.strip()]


def test_one_coloured_button_where_there_is_one_thing_to_do(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    other = books.channel("Lazada")
    checked(books, other, minutes=1)
    first_number_is_out(books, channel)
    assert buttons(page(owner, store)) == [("", "Sync now"), ("", "Sync now")], "nothing waits"
    books.order(other, state="ready")
    assert buttons(page(owner, store)) == [("", "Sync now"), ("btn-primary", "Sync now")]
    books.order(channel, state="ready")
    assert buttons(page(owner, store)) == [("btn-primary", "Show"), ("", "Sync now"), ("", "Sync now")]
    part = "/home/state?leads=1"
    assert part in page(owner, store), "it stays when the sentences are asked for again"
    assert 'class="btn btn-primary"' in page(owner, store, part, htmx=True)


def test_stopped_channels_offer_what_lets_them_go_on(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    first_number_is_out(books, channel)
    change(books, "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where id = :id", channel)
    assert buttons(page(owner, store)) == [("btn-primary", "Reconnect")]


def test_first_steps_have_the_coloured_button_until_the_first_number_is_out(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    books.order(channel, state="ready")
    shown = page(owner, store)
    assert shown.count("btn-primary") == 1
    assert "First steps" in shown
    assert 'hx-get="' in page(owner, store, "/home/steps", htmx=True)
    first_number_is_out(books, channel)
    assert "First steps" not in page(owner, store)
    assert page(owner, store, "/home/steps", htmx=True).strip() == '<div id="home-steps"> </div>'


def test_reader_reads_and_has_nothing_to_press(
    books: Books, channel: SomeChannel, reader: FlaskClient, store: SomeStore
) -> None:
    books.order(channel, state="ready")
    shown = page(reader, store)
    assert "1 order is ready to sync." in shown
    assert "sync-now" not in shown


def test_jobs_and_channels_are_live(books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore) -> None:
    Board(books).running(channel, done=3, total=9)
    shown = page(owner, store)
    assert 'id="home-state" class="answers" hx-get="' in shown
    assert 'hx-trigger="sse:orders, sse:jobs, every 30s"' in shown
    assert f'hx-trigger="sse:channel-{channel.id}, every 5s"' in shown
    assert 'id="home-jobs"' in shown
    assert "reading orders, 3 of 9" in page(owner, store, "/home/jobs", htmx=True)


def today() -> date:
    """The day that it is in the stores of these tests."""
    return datetime.now(ZoneInfo("Asia/Kuala_Lumpur")).date()


def test_sales_are_the_invoices_of_thirty_days_less_the_credit_notes(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    now = today()
    days = {"total": 3990}
    books.invoice(books.order(channel, **days), invoice_date=now)
    books.invoice(books.order(channel, **days), invoice_date=now - timedelta(days=29))
    books.invoice(books.order(channel, **days), invoice_date=now - timedelta(days=30))
    credit(books, books.invoice(books.order(channel, **days), invoice_date=now - timedelta(days=3)), 3990)
    credit(books, books.invoice(books.order(channel, **days), invoice_date=now), 990)
    books.invoice(books.order(channel, currency="SGD", total=1200), invoice_date=now)
    with books.scope():
        found = sales()
    assert [day for day, _sold in found.days] == [now - timedelta(days=ago) for ago in range(29, -1, -1)]
    assert {day: sold for day, sold in found.days if sold.count} == {
        now: Sold(2, 2 * 3990 - 990 - 3990),
        now - timedelta(days=3): Sold(1, 3990),
        now - timedelta(days=29): Sold(1, 3990),
    }
    assert found.others == {"SGD": Sold(1, 1200)}
    shown = page(owner, store).replace("\u00a0", " ")
    assert "RM 109.80" in shown
    assert "Besides: $ 12.00" in shown or "Besides: SGD 12.00" in shown
    assert store.url(f"/invoices?date_from={now - timedelta(days=29)}&date_to={now}") in shown


def credit(books: Books, invoice_id: int, amount: int) -> None:
    person, cause = books.store.owner.id, CreditCause.CORRECTION
    with books.scope():
        credit_invoice(invoice_id, OfAmount(amount), seen=0, cause=cause, words="Broken", user_id=person)


def test_today_is_the_stores_own(app: Flask, make: Make) -> None:
    late = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)
    for zone, last in (("Asia/Kuala_Lumpur", date(2026, 11, 22)), ("Europe/London", date(2026, 11, 21))):
        with Books(app, make.store(time_zone=zone)).scope():
            assert sales(late).days[-1][0] == last


def test_chart_needs_no_inline_style_and_has_its_numbers_in_a_table(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    books.invoice(books.order(channel, total=3990), invoice_date=today())
    shown = page(owner, store)
    chart = shown[shown.index("<figure") : shown.index("</details>", shown.index("<figure"))]
    assert 'role="img" aria-label=' in chart
    assert chart.count("<rect") == queries.SALES_DAYS
    assert "style=" not in shown
    assert chart.count("<tr>") == queries.SALES_DAYS + 1
    part = page(owner, store, "/home/sales", htmx=True)
    assert '<div id="home-sales-table" hx-swap-oob="innerHTML">' in part


def test_home_costs_the_same_however_much_there_is(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    first_number_is_out(books, channel)
    board = Board(books)
    board.running(channel, kind="auto")
    page(owner, store)
    with books.app.app_context(), statements() as few:
        page(owner, store)
    for number in range(8):
        other = books.channel(f"Channel {number}")
        books.orders(other, [{"state": "ready"}] * 20)
        board.ended(other)
        board.running(other, kind="auto")
    with books.app.app_context(), statements() as many:
        page(owner, store)
    assert len(many) == len(few) <= 22


def test_nothing_of_another_store_is_counted(
    app: Flask, books: Books, channel: SomeChannel, other_store: SomeStore
) -> None:
    books.orders(channel, [{"state": "held", "reason": "TOTAL_MISMATCH"}] * 2)
    books.invoice(books.order(channel), invoice_date=today())
    theirs = Books(app, other_store)
    checked(theirs, theirs.channel("Theirs"), minutes=1)
    stranger = signed_in(new_client(app), other_store.owner)
    assert "Nothing waits for you." in facts(stranger, other_store)
    with theirs.scope():
        assert sales().count == 0


def test_orders_made_here_are_never_unchecked(owner: FlaskClient, store: SomeStore, books: Books) -> None:
    change(books, "update channels set kind = 'own' where id = :id", books.channel("This store"))
    assert "Your orders are made here, so all of them are in." in facts(owner, store)
    books.channel("Shopee Ipoh")
    assert "Shopee Ipoh was not checked for orders yet." in facts(owner, store)


def test_orders_that_lack_pieces_wait_for_somebody(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    order = books.order(channel, state="booked")
    for sku in ("KOPI-1", "TEH-1"):
        change(
            books,
            "insert into shortages (store_id, order_id, sku, missing, why) "
            "select store_id, id, :sku, 1, 'unlinked' from orders where id = :order and channel_id = :id",
            channel,
            order=order,
            sku=sku,
        )
    assert facts(owner, store)["1 order lacks pieces in stock."] == store.url("/failed")


def test_a_status_on_its_way_is_no_invoice_number(
    books: Books, channel: SomeChannel, owner: FlaskClient, store: SomeStore
) -> None:
    order = books.order(channel, state="booked")
    books.change(order, books.invoice(order), "planned")
    assert any("invoice number is on its way" in words for words in facts(owner, store))
    change(books, "update changes set kind = 'move', invoice_id = null where channel_id = :id", channel)
    assert not any("invoice number is on its way" in words for words in facts(owner, store))
