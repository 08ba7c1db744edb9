"""The Marketplace Channel Report: its figures are those of the orders they lead to, in days of the store's zone."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from random import Random
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, update

from app.channels.models import Channel
from app.core.reporting import Days, Period
from app.extensions import db
from app.orders.filters import OrderFilter
from app.orders.models import Order
from app.orders.queries import matching
from app.reports.marketplace_channels import Choice, Report, report_of
from app.tenancy.scope import current_store
from app.web.filters import money, number, percent, quantity
from tests.orders.factories import Books, SomeChannel, statements
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

MIDNIGHT = datetime(2026, 11, 19, 16, tzinfo=UTC)
"""When 20 November begins in Kuala Lumpur."""
PAGE = "reports/marketplace-channels"
THESE = "period=custom&date_from=2026-11-20&date_to=2026-11-22"
CELL = re.compile(r'<td class="num" data-label="([^"]+)">(?:<div>)?(?:<a href="([^"]+)">)?([^<]*)')
DIFFERENCE = re.compile(r'<span class="report-under">(?:<a href="([^"]+)">)?([^<]*\d)')
NBSP = "\u00a0"


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


def fill(books: Books, many: int = 200) -> list[SomeChannel]:
    """Orders of all kinds in three marketplaces of two channels, from three days before these days to a day after."""
    chance = Random(7)
    one, two = books.channel("SiteGiant"), books.channel("Own shop", "Own shop")
    places = [one, SomeChannel(one.id, one.name, books.marketplace(one, "Lazada")), two]
    for place in places:
        books.orders(
            place,
            [
                {
                    "placed_at": MIDNIGHT
                    + timedelta(seconds=chance.choice([0, -1, chance.randrange(-259_200, 345_600)])),
                    "status": chance.choice(["open", "completed", "completed", "cancelled", "returned"]),
                    "currency": chance.choice(["MYR", "MYR", "MYR", "SGD"]),
                    "units": chance.choice([1, 2, "0.25"]),
                    "discount": chance.choice([0, 150]),
                    "line_discount": chance.choice([0, 0, 37]),
                    "total": chance.randrange(1, 99_999),
                    "refunded": chance.choice([0, 0, 0, 499]),
                }
                for _number in range(many)
            ],
        )
    return places


def get(books: Books, client: FlaskClient, query: str = THESE, what: str = "") -> str:
    answer = client.get(f"/{books.store.slug}/{PAGE}{what}?{query}")
    assert answer.status_code == 200
    return answer.text


def report(books: Books, choice: Choice, now: datetime = MIDNIGHT) -> Report:
    with books.scope():
        return report_of(choice, now)


def counted(books: Books, url: str) -> dict[str, str]:
    """Every figure as the page must write it, out of the very orders that the list at `url` shows."""
    where = OrderFilter.from_query(urlsplit(unescape(url)).query)
    assert where.currency
    with books.scope():
        rows = db.session.execute(select(Order).where(*matching(where))).scalars().all()
        everything = db.session.scalar(select(func.count()).where(*matching(where.but(sale=None)))) or 0
        discount = sum(row.discount + row.line_discount for row in rows)
        total, refunded = sum(row.total for row in rows), sum(row.refunded for row in rows)
        units = sum(row.units for row in rows)
        db.session.rollback()
    with books.app.test_request_context():
        net = total - refunded
        return {
            "Orders": number(len(rows)),
            "Units": quantity(units),
            "Gross": money(total + discount, where.currency),
            "Discounts": money(discount, where.currency),
            "Refunds": money(refunded, where.currency),
            "Net": money(net, where.currency),
            "Net per order": money(int(net / len(rows) + 0.5), where.currency),
            "Cancelled": f"{len(rows)} · {percent(len(rows), everything)}",
        }


def test_every_figure_is_what_its_orders_come_to(books: Books, owner: FlaskClient) -> None:
    fill(books)
    cells = CELL.findall(get(books, owner))
    assert len(cells) > 60
    compared = 0
    for label, url, text in cells:
        if url:
            assert unescape(text) == counted(books, url)[label], (label, url)
            compared += 1
    assert compared > 60


def test_the_list_that_a_figure_leads_to_shows_so_many_orders(books: Books, owner: FlaskClient) -> None:
    fill(books, 40)
    label, url, text = next(cell for cell in CELL.findall(get(books, owner)) if cell[0] == "Orders")
    lines = owner.get(unescape(url).replace("/orders?", "/orders.csv?")).text.splitlines()
    assert (label, number_of(text)) == ("Orders", len(lines) - 1)
    shown = owner.get(unescape(url)).text
    assert 'value="MYR" selected' in shown, "the list says what it is restricted to"


def number_of(text: str) -> int:
    return int(text.replace(",", ""))


def test_channels_and_totals_are_the_sums_of_their_marketplaces(books: Books) -> None:
    fill(books)
    found = report(books, Choice(Period.CUSTOM, date(2026, 11, 20), date(2026, 11, 22)))
    assert [sheet.currency for sheet in found.sheets] == ["MYR", "SGD"], "the store's own first"
    for sheet in found.sheets:
        assert sheet.total.now.orders == sum(channel.total.now.orders for channel in sheet.channels)
        assert sheet.total.now.net == sum(line.now.net for channel in sheet.channels for line in channel.lines)
        assert sheet.total.now.net == sum(figures.net for _days, figures in sheet.bars)
        assert [channel.total.channel for channel in sheet.channels] == ["Own shop", "SiteGiant"]
        assert [line.marketplace for line in sheet.channels[1].lines] == ["Lazada", "Shopee"]


def test_a_day_begins_at_midnight_of_the_store(books: Books) -> None:
    channel = books.channel()
    books.orders(channel, [{"placed_at": MIDNIGHT}, {"placed_at": MIDNIGHT - timedelta(microseconds=1)}])
    today = report(books, Choice(Period.TODAY), MIDNIGHT + timedelta(hours=1))
    assert (today.days, today.before) == (day("20"), day("19"))
    assert (today.sheets[0].total.now.orders, today.sheets[0].total.before.orders) == (1, 1)


def day(number: str) -> Days:
    one = date.fromisoformat(f"2026-11-{number}")
    return Days(one, one)


def test_marketplace_that_sold_only_before_is_shown_with_what_is_missing(books: Books, owner: FlaskClient) -> None:
    books.order(books.channel(), placed_at=MIDNIGHT - timedelta(hours=3), total=4_000)
    page = get(books, owner, "period=custom&date_from=2026-11-20&date_to=2026-11-20")
    cells = {label: (url, unescape(text)) for label, url, text in CELL.findall(page)}
    assert cells["Net"] == ("", f"RM{NBSP}0.00")
    url, text = DIFFERENCE.findall(page)[-1]
    assert unescape(text) == f"−RM{NBSP}40.00"
    assert OrderFilter.from_query(urlsplit(unescape(url)).query).date_to == date(2026, 11, 19)


def test_the_choice_is_in_the_address_and_in_every_link_of_the_page(books: Books, owner: FlaskClient) -> None:
    fill(books, 5)
    page = get(books, owner)
    assert 'name="date_from" value="2026-11-20"' in page
    assert 'name="date_to" value="2026-11-22"' in page
    for what in (".csv", "/print"):
        assert f"/{PAGE}{what}?{THESE}".replace("&", "&amp;") in page
    again = get(books, owner, "period=last_month")
    assert re.search(r'<a class="chip" href="[^"]*period=last_month" aria-current="true">', again)
    assert f"/{PAGE}.csv?period=last_month" in again


@pytest.mark.parametrize("query", ["", "period=soon", "date_from=yesterday", "period=&date_to=9999-12-31"])
def test_what_cannot_be_read_shows_the_last_30_days(books: Books, owner: FlaskClient, query: str) -> None:
    assert re.search(r'<a class="chip" href="[^"]*last_30_days" aria-current="true">', get(books, owner, query))


@pytest.mark.parametrize(
    "ends", ["date_from=0001-01-01&date_to=9999-12-31", "date_from=9999-12-31", "date_to=0001-01-01"]
)
def test_absurd_days_are_brought_near(books: Books, owner: FlaskClient, ends: str) -> None:
    fill(books, 5)
    for what in ("", ".csv", "/print"):
        get(books, owner, f"period=custom&{ends}", what)


def test_file_has_a_row_for_each_marketplace_and_currency(books: Books, owner: FlaskClient) -> None:
    places = fill(books)
    named = books.channel("=1+1", "=cmd()")
    books.order(named, placed_at=MIDNIGHT, total=5_000, discount=500, refunded=1_000, units=2)
    rows = list(csv.DictReader(io.StringIO(get(books, owner, what=".csv").removeprefix("\ufeff"))))
    assert len(rows) == 2 * len(places) + 1
    row = next(row for row in rows if row["Marketplace"] == "'=cmd()")
    assert row == {
        "From": "2026-11-20",
        "To": "2026-11-22",
        "Channel": "'=1+1",
        "Marketplace": "'=cmd()",
        "Currency": "MYR",
        "Orders": "1",
        "Units": "2",
        "Gross": "55.00",
        "Discounts": "5.00",
        "Refunds": "10.00",
        "Net": "40.00",
        "Net per order": "40.00",
        "Cancelled orders": "0",
        "Cancelled, percent": "0.00",
        "Net of the period before": "0.00",
        "Difference": "40.00",
    }


def test_print_view_has_the_figures_of_the_page(books: Books, owner: FlaskClient) -> None:
    fill(books)
    printed = [cell[2] for cell in CELL.findall(get(books, owner, what="/print"))]
    shown = [cell[2] for cell in CELL.findall(get(books, owner))]
    assert len(printed) > 60
    assert set(printed) <= set(shown)


def test_channels_that_start_within_these_days_are_named(books: Books, owner: FlaskClient) -> None:
    said = "earlier ones may be missing here: "
    late, also, gone = books.channel("Late"), books.channel("Also late"), books.channel("Gone")
    with books.scope():
        db.session.execute(update(Channel).where(Channel.id == late.id).values(start_at=MIDNIGHT))
        db.session.execute(update(Channel).where(Channel.id == also.id).values(start_at=MIDNIGHT))
        db.session.execute(update(Channel).where(Channel.id == gone.id).values(start_at=MIDNIGHT, status="removed"))
        db.session.execute(insert(Channel).values(store_id=books.store.id, kind="own", name="Own", start_at=MIDNIGHT))
        db.session.commit()
    books.channel("Old")
    books.order(late, placed_at=MIDNIGHT + timedelta(hours=1))
    for what in ("", "/print"):
        page = unescape(get(books, owner, what=what))
        assert f"{said}Also late, Late from 20 Nov 2026." in page.replace(NBSP, " "), "one of them sold nothing"
    after = "period=custom&date_from=2026-11-22&date_to=2026-11-23"
    assert said not in get(books, owner, after), "the days they are compared with begin on their first one"
    assert said in get(books, owner, after.replace("22", "21"))


def test_store_without_orders_is_told_what_to_do(books: Books, owner: FlaskClient) -> None:
    books.channel()
    page = get(books, owner)
    assert "No orders in these days" in page
    assert "What these figures mean" in page


def test_read_only_colleague_sees_it_and_the_menu_leads_there(app: Flask, books: Books, store: SomeStore) -> None:
    fill(books, 3)
    page = get(books, signed_in(new_client(app), store.reader))
    assert re.search(rf'<a href="/{store.slug}/{PAGE}" aria-current="page">', page)


def test_report_asks_twice_and_never_the_orders(books: Books) -> None:
    channel = books.channel()
    for many in (3, 300):
        books.orders(channel, [{"placed_at": MIDNIGHT + timedelta(minutes=number)} for number in range(many)])
        with books.scope():
            store = current_store()
            with statements() as seen:
                assert report_of(Choice(Period.TODAY), MIDNIGHT).sheets
            assert store.time_zone, "as in a request, which holds the store's row"
        assert len(seen) == 2
        assert not any(re.search(r"\b(from|join) orders\b", one, re.IGNORECASE) for one in seen)
