"""Moving a channel's start date, and what it means for orders that are in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.channels.models import Channel
from app.extensions import db
from app.orders.models import Order
from tests.orders.factories import NOON, Books, SomeChannel
from tests.support.factories import SomeStore


def state_of(books: Books, order_id: int) -> tuple[str, str | None]:
    with books.scope():
        order = db.session.get_one(Order, (books.store.id, order_id))
        return order.state, order.reason


def save(owner: FlaskClient, store: SomeStore, channel: SomeChannel, start_on: str, name: str = "Kedai") -> str:
    data = {"name": name, "start_on": start_on}
    return owner.post(store.url(f"/channels/{channel.id}/settings"), data=data, follow_redirects=True).text


def with_line(books: Books, channel: SomeChannel, placed_at: datetime, **values: object) -> int:
    order_id = books.order(channel, placed_at=placed_at, total=4190, **values)
    books.line(order_id, discount=0)
    return order_id


def test_a_later_day_closes_older_orders_and_an_earlier_day_opens_them_again(
    app: Flask, owner: FlaskClient, store: SomeStore
) -> None:
    books = Books(app, store)
    channel = books.channel()
    old = with_line(books, channel, NOON - timedelta(days=10))
    young = with_line(books, channel, NOON)
    assert "One order was judged anew." in save(owner, store, channel, "2026-11-15")
    assert state_of(books, old) == ("closed", "BEFORE_START_DATE")
    assert state_of(books, young) == ("ready", None)
    assert "One order was judged anew." in save(owner, store, channel, "2026-11-01")
    assert state_of(books, old) == ("ready", None)


def test_invoiced_orders_stay_as_they_are(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    books = Books(app, store)
    channel = books.channel()
    order_id = with_line(books, channel, NOON - timedelta(days=10))
    books.invoice(order_id)
    save(owner, store, channel, "2026-11-15")
    assert state_of(books, order_id) == ("booked", None)


def test_the_day_begins_in_the_stores_zone_and_an_earlier_one_makes_auto_sync_read_all(
    app: Flask, owner: FlaskClient, store: SomeStore
) -> None:
    books = Books(app, store)
    channel = books.channel()
    with books.scope():
        row = db.session.get_one(Channel, (store.id, channel.id))
        row.start_at, row.swept_at = NOON, NOON
        db.session.commit()
    page = save(owner, store, channel, "2026-11-01", name="Kedai Baru")
    assert 'value="Kedai Baru"' in page
    with books.scope():
        row = db.session.get_one(Channel, (store.id, channel.id))
        assert row.start_at == datetime(2026, 10, 31, 16, tzinfo=UTC)
        assert row.swept_at is None
        assert row.name == "Kedai Baru"


def test_wrong_settings_keep_what_was_typed(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    books = Books(app, store)
    channel = books.channel()
    page = save(owner, store, channel, "2199-01-01", name="")
    assert "This day is more than a year ahead." in page
    assert "Give the channel a name." in page
    assert 'value="2199-01-01"' in page
