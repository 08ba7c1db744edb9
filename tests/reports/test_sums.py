"""The sums by day are those of the orders, whatever happens to these and in whatever zone the store is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from app.config import Settings
from app.core.types import OrderStatus, OrderStub, RemoteLine, RemoteOrder
from app.extensions import db
from app.orders.importing import PulledPage, store_page, store_rules
from app.orders.models import Order
from app.reports.models import OrderDay
from app.sync.models import SyncJob
from app.tenancy.choices import time_zone_choices
from app.tenancy.models import Store
from tests.connectors.fake import an_order
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import Make, SomeStore

ZONES = (
    *("Asia/Kuala_Lumpur", "Asia/Kathmandu", "America/New_York", "Pacific/Chatham", "Africa/Cairo"),
    *("America/Santiago", "Pacific/Kiritimati", "UTC"),
)
PLACES = 3
"""Marketplaces in which a history happens, on two channels."""
_SAME = (
    "store_id, channel_id, marketplace_id, number, order_type, status, status_text, payment_status, "
    "payment_status_text, gateway, gateway_key, remote_invoice_no, currency, placed_at, buyer, note, shipping, "
    "discount, adjustment, tax, tax_included, total, refunded, digest, content_key, search, state"
)
LATE_ORDER = f"insert into orders (remote_id, {_SAME}) select 'late', {_SAME} from orders"


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


def kept(books: Books) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What the triggers made: key → sums; days of which nothing is left do not count."""
    with books.scope():
        rows = db.session.scalars(select(OrderDay).where(OrderDay.store_id == books.store.id)).all()
        sums = {
            (row.day, row.channel_id, row.marketplace_id, row.currency): (
                *(row.orders, row.cancelled, row.units, row.gross, row.discount, row.refunded),
            )
            for row in rows
        }
        db.session.rollback()
    return {key: values for key, values in sums.items() if any(values)}


def recounted(books: Books) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The same, added up here from the orders one by one, with Python's own idea of the zone."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    with books.scope():
        zone = ZoneInfo(db.session.get_one(Store, books.store.id).time_zone)
        for order in db.session.scalars(select(Order).where(Order.store_id == books.store.id)):
            key = (order.placed_at.astimezone(zone).date(), order.channel_id, order.marketplace_id, order.currency)
            discount = order.discount + order.line_discount
            sold = (1, 0, order.units, order.total + discount, discount, order.refunded)
            mine = (0, 1, Decimal(0), 0, 0, 0) if order.status == "cancelled" else sold
            found[key] = tuple(a + b for a, b in zip(found.get(key, (0,) * 6), mine, strict=True))
        db.session.rollback()
    return found


amounts = st.integers(0, 10**9)
facts = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["open", "completed", "cancelled", "returned"]),
        "currency": st.sampled_from(["MYR", "MYR", "SGD"]),
        "placed_at": st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
        "units": st.decimals(0, 999, places=4),
        "total": amounts,
        "discount": amounts,
        "line_discount": amounts,
        "refunded": amounts,
    }
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["completed", "cancelled"]),
        "currency": st.sampled_from(["MYR", "SGD"]),
        "placed_at": st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
        "units": st.decimals(0, 999, places=4),
        "total": amounts,
        "line_discount": amounts,
        "refunded": amounts,
        "state": st.sampled_from(["ready", "booked"]),
    },
)
steps = st.one_of(
    st.tuples(st.just("insert"), st.integers(0, PLACES - 1), st.lists(facts, min_size=1, max_size=6)),
    st.tuples(st.just("change"), st.integers(0, 50), changes.filter(bool)),
    st.tuples(st.just("move"), st.integers(0, 50), st.integers(0, PLACES - 1)),
    st.tuples(st.just("all"), st.just(0), st.sampled_from([{"status": "cancelled"}, {"refunded": 700}, {"note": "x"}])),
    st.tuples(st.just("zone"), st.just(0), st.sampled_from(ZONES)),
)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(steps, min_size=1, max_size=12))
def test_sums_are_those_of_the_orders_after_any_history(make: Make, history: list[tuple[str, int, Any]]) -> None:
    books = Books(make.app, make.store())
    one, two = books.channel(), books.channel("Webstore")
    places = (one, SomeChannel(one.id, one.name, books.marketplace(one, "Lazada")), two)
    ids: list[int] = []
    for kind, at, what in history:
        if kind == "insert":
            ids += books.orders(places[at], what)
        elif kind == "zone":
            move(books, what)
        elif kind == "all":
            every(books, what)
        elif ids:
            books.set(
                ids[at % len(ids)], **(what if kind == "change" else {"marketplace_id": places[what].marketplace_id})
            )
        assert kept(books) == recounted(books), kind


def move(books: Books, zone: str) -> None:
    with books.scope():
        db.session.execute(update(Store).where(Store.id == books.store.id).values(time_zone=zone))
        db.session.commit()


def every(books: Books, values: dict[str, Any]) -> None:
    with books.scope():
        db.session.execute(update(Order).where(Order.store_id == books.store.id).values(**values))
        db.session.commit()


def test_store_that_moves_moves_no_days_of_others(app: Flask, store: SomeStore, other_store: SomeStore) -> None:
    mine, theirs = Books(app, store), Books(app, other_store)
    for books in (mine, theirs):
        books.order(books.channel(), placed_at=datetime(2026, 11, 20, 23, tzinfo=UTC))
    before = kept(theirs)
    move(mine, "America/New_York")
    assert kept(theirs) == before
    assert [key[0].isoformat() for key in kept(mine)] == ["2026-11-20"]
    assert [key[0].isoformat() for key in before] == ["2026-11-21"]


def test_order_that_comes_while_the_store_moves_is_counted_on_its_new_day(
    books: Books, settings: Settings, store: SomeStore
) -> None:
    channel = books.channel()
    books.order(channel)
    with session(settings, store) as job, session(settings, store) as mover:
        job.execute(LATE_ORDER)
        moving = in_background(
            lambda: mover.execute("update stores set time_zone = 'Pacific/Chatham' where id = %s", [store.id])
        )
        moving.join(0.3)
        assert moving.is_alive(), "the move waits for the order"
        job.commit()
        moving.join(10)
        mover.commit()
    assert sum(values[0] for values in kept(books).values()) == 2
    assert kept(books) == recounted(books)


def test_two_who_write_orders_of_one_day_at_once_are_both_counted(
    books: Books, settings: Settings, store: SomeStore
) -> None:
    order = books.order(books.channel())
    with session(settings, store) as job, session(settings, store) as person:
        job.execute(LATE_ORDER)
        cancelling = in_background(
            lambda: person.execute("update orders set status = 'cancelled' where id = %s", [order])
        )
        cancelling.join(0.3)
        job.commit()
        cancelling.join(10)
        person.commit()
    assert [values[:2] for values in kept(books).values()] == [(1, 1)]
    assert kept(books) == recounted(books)


def session(settings: Settings, store: SomeStore) -> psycopg.Connection[Any]:
    connection = psycopg.connect(settings.database_url, autocommit=True)
    connection.execute("select set_config('app.store_id', %s, false)", [str(store.id)])
    connection.autocommit = False
    return connection


def in_background(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_pieces_and_discounts_of_the_lines_are_summed_as_the_channel_sends_them(books: Books) -> None:
    channel = books.channel()
    coffee, tea = an_order().lines[0], RemoteLine("2", "B", "B", "Teh", "", Decimal("2.5"), 1000, 2500, 300, 0)
    sold = an_order("7", lines=(coffee, tea), discount=100, total=4200, refunded=50)
    pull(books, channel, sold)
    assert list(kept(books).values()) == [(1, 0, Decimal("3.5"), 4600, 400, 50)]
    pull(books, channel, replace(sold, lines=(coffee,), discount=0, total=2100, digest="another"))
    assert list(kept(books).values()) == [(1, 0, Decimal(1), 2100, 0, 50)]
    pull(books, channel, replace(sold, status=OrderStatus.CANCELLED, digest="a third"))
    assert list(kept(books).values()) == [(0, 1, Decimal(0), 0, 0, 0)]


def pull(books: Books, channel: SomeChannel, order: RemoteOrder) -> None:
    """What a job does with a page that holds this order."""
    stub = OrderStub(order.remote_id, "1", order.status, order.payment_status, order.created_at, order.digest)
    page = PulledPage(channel.id, (stub,), frozenset({order.remote_id}), (order,), {})
    with books.scope():
        job = SyncJob(store_id=books.store.id, channel_id=channel.id, kind="check", state="succeeded")
        db.session.add(job)
        db.session.flush()
        store_page(page, store_rules(channel.id), {"1": channel.marketplace_id}, job.id)
        db.session.commit()


def test_what_is_not_summed_costs_no_write(books: Books) -> None:
    order = books.order(books.channel())
    before = written(books)
    books.set(order, state="booked", remote_invoice_no="INV00001", status="returned", credited=100)
    assert written(books) == before
    books.set(order, total=1)
    assert written(books) != before


def written(books: Books) -> list[str]:
    with books.scope():
        rows = db.session.scalars(text("select xmin::text || ctid::text from order_days")).all()
        db.session.rollback()
    return list(rows)


def test_every_time_zone_to_choose_is_known_to_the_database(app: Flask) -> None:
    with app.app_context():
        known = set(db.session.scalars(text("select name from pg_timezone_names")))
    with app.test_request_context():
        assert {str(choice.value) for choice in time_zone_choices()} <= known
