"""Refresh: by hand, by the clock, and what the switches of a channel let it read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.channels.services import NewChannel, connect_channel
from app.channels.setup import SetUp
from app.connectors.base import Connector
from app.core.errors import RateLimited
from app.extensions import db
from app.sync import jobs
from app.sync.refreshing import request_refresh, start_refresh
from app.sync.services import ChannelNotReadyError, JobStart
from app.sync.setting_up import Finished, finish
from app.sync.tick import tick_once
from app.tenancy.scope import store_scope
from tests.channels.branched import Branched, open_branches
from tests.connectors.fake import FakeShop, an_order
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.working import ring, work_off

HALF_A_DAY, SPREAD = timedelta(hours=12), timedelta(minutes=31)


class Retailer:
    """A store with a shop of branches that was set up; the first refresh waits."""

    def __init__(self, app: Flask, store: SomeStore, shop: FakeShop) -> None:
        self.app, self.store, self.shop = app, store, shop
        with app.app_context(), store_scope(store.id):
            new = NewChannel("branched", shop.config, "Hà Nội", date(2026, 1, 1))
            self.channel_id = connect_channel(new)

    def set_up(self, **chosen: Any) -> Finished:
        with self.app.app_context(), store_scope(self.store.id):
            wanted = SetUp(**{"weight_unit": "g", "announces": False, **chosen})
            return finish(self.channel_id, wanted, self.store.owner.id)

    def press(self) -> int:
        with self.app.app_context(), store_scope(self.store.id):
            return request_refresh(self.channel_id, self.store.owner.id).job_id

    def work(self) -> list[str]:
        return work_off(self.app, self.store.id)

    def rows(self, sql: str) -> list[Any]:
        with self.app.app_context(), store_scope(self.store.id):
            return list(db.session.execute(text(sql), {"id": self.channel_id}).all())

    def execute(self, sql: str) -> None:
        with self.app.app_context(), store_scope(self.store.id):
            db.session.execute(text(sql), {"id": self.channel_id})
            db.session.commit()

    @property
    def next_at(self) -> datetime:
        found: datetime = self.rows("select next_refresh_at from channels where id = :id")[0][0]
        return found


@pytest.fixture
def retailer(app: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Retailer]:
    """One, connected and not set up; nothing of it is due for other tests' ticks afterwards."""
    registry: Mapping[str, type[Connector]] = {"branched": Branched}
    monkeypatch.setattr("app.connectors.REGISTRY", registry)
    found = Retailer(app, store, open_branches())
    yield found
    found.execute("update channels set next_refresh_at = null, next_verify_at = null")


@pytest.fixture
def page(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


def test_a_refresh_reads_products_and_orders_and_books_nothing(retailer: Retailer) -> None:
    retailer.shop.put(an_order("7", marketplace_id="11"))
    retailer.set_up()
    assert retailer.work() == ["succeeded"]
    assert len(retailer.rows("select id from listings")) == 3
    assert retailer.rows("select state from orders") == [("ready",)]
    assert retailer.rows("select id from invoices") == []


def test_a_second_press_finds_the_refresh_that_waits(retailer: Retailer) -> None:
    retailer.set_up()
    assert retailer.press() == retailer.press()
    assert retailer.work() == ["succeeded"]
    retailer.press()
    assert retailer.work() == ["succeeded"] * 2


def test_the_next_one_is_due_half_a_day_after_it_ended(retailer: Retailer) -> None:
    retailer.set_up()
    retailer.execute("update channels set next_refresh_at = now() - interval '3 hours' where id = :id")
    before = datetime.now(UTC)
    retailer.work()
    assert before + HALF_A_DAY - SPREAD <= retailer.next_at <= datetime.now(UTC) + HALF_A_DAY + SPREAD


def test_the_clock_starts_it_once_and_moves_on_at_once(retailer: Retailer) -> None:
    retailer.set_up()
    retailer.work()
    retailer.execute("update channels set next_refresh_at = now() where id = :id")
    with retailer.app.app_context():
        tick_once()
        tick_once()
    assert retailer.rows("select requested_by is null from sync_jobs order by id") == [(False,), (True,)]
    assert retailer.next_at > datetime.now(UTC) + HALF_A_DAY - SPREAD
    assert retailer.work() == ["succeeded"] * 2


def test_finish_names_the_job_that_the_clock_was_faster_to_start(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[JobStart | None] = []

    def faster(channel_id: int, user_id: int | None) -> None:
        started.append(start_refresh(channel_id))

    monkeypatch.setattr("app.sync.setting_up.start_refresh", faster)
    finished = retailer.set_up()
    (by_the_clock,) = started
    assert by_the_clock is not None
    assert finished.start is not None
    assert finished.start.job_id == by_the_clock.job_id


def test_what_was_finished_starts_even_if_the_process_ended_right_then(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.setting_up._start", lambda *_: None)
    retailer.set_up()
    assert retailer.rows("select id from sync_jobs") == []
    with retailer.app.app_context():
        tick_once()
    assert retailer.work() == ["succeeded"]


def test_a_paused_channel_is_refreshed_when_it_goes_on(retailer: Retailer) -> None:
    retailer.set_up()
    retailer.work()
    retailer.execute("update channels set next_refresh_at = now(), status = 'paused' where id = :id")
    with retailer.app.app_context(), store_scope(retailer.store.id):
        assert start_refresh(retailer.channel_id) is None
    retailer.execute("update channels set status = 'connected' where id = :id")
    with retailer.app.app_context(), store_scope(retailer.store.id):
        assert start_refresh(retailer.channel_id) is not None


def test_nothing_is_refreshed_before_it_was_set_up(retailer: Retailer) -> None:
    with retailer.app.app_context(), store_scope(retailer.store.id), pytest.raises(ChannelNotReadyError):
        request_refresh(retailer.channel_id, retailer.store.owner.id)


def test_a_phase_that_was_switched_off_meanwhile_is_passed_over(retailer: Retailer) -> None:
    retailer.shop.put(an_order("7", marketplace_id="11"))
    retailer.set_up()
    retailer.execute("update sync_jobs set phase = 'match'")
    retailer.execute("update channels set takes_products = false where id = :id")
    assert retailer.work() == ["succeeded"]
    assert retailer.rows("select id from listings") == []
    assert len(retailer.rows("select id from orders")) == 1


def test_a_job_that_nothing_is_left_of_ends(retailer: Retailer) -> None:
    retailer.set_up()
    retailer.execute("update channels set takes_products = false, takes_orders = false where id = :id")
    assert retailer.work() == ["succeeded"]


def test_the_first_sync_is_shown_with_how_far_it_is(retailer: Retailer, page: FlaskClient) -> None:
    retailer.set_up()
    retailer.execute(
        "update sync_jobs set state = 'running', phase = 'products', done = 500, total = 2000, lease_until = now() + "
        "interval '1 minute', started_at = now(), phase_started_at = now() - interval '20 seconds'"
    )
    shown = " ".join(page.get(retailer.store.url(f"/channels/{retailer.channel_id}/orders")).text.split())
    assert "First sync</a></strong>: reading products, <strong>500 of 2,000</strong>" in shown
    assert re.search(r"\d+ a (second|minute) · about \d[^.]* left\. Its orders come after that\.", shown), shown


def test_the_estimate_of_the_first_sync_includes_the_orders_it_counted(retailer: Retailer, page: FlaskClient) -> None:
    for number in range(1, 4):
        retailer.shop.put(an_order(str(number), marketplace_id="11"))
    retailer.set_up()
    assert retailer.work() == ["succeeded"]
    assert retailer.rows("select (counts ->> 'orders_ahead')::int from sync_jobs") == [(3,)]
    retailer.execute(
        "update sync_jobs set state = 'running', phase = 'products', done = 500, total = 1000, finished_at = null, "
        "lease_until = now() + interval '1 minute', phase_started_at = now() - interval '50 seconds', "
        """counts = counts || '{"orders_ahead": 11500}'"""
    )
    shown = " ".join(page.get(retailer.store.url(f"/channels/{retailer.channel_id}/orders")).text.split())
    assert re.search(r"10 a second · about 20\sm\w* left, its orders included\. 11,500 orders come", shown), shown


def test_what_was_read_once_is_not_counted_beforehand(retailer: Retailer) -> None:
    retailer.shop.put(an_order("7", marketplace_id="11"))
    retailer.set_up()
    retailer.work()
    retailer.press()
    assert retailer.work() == ["succeeded", "succeeded"]
    assert retailer.rows("select counts ? 'orders_ahead' from sync_jobs order by id") == [(True,), (False,)]


def test_where_the_hour_allows_less_the_estimate_says_so(
    retailer: Retailer, page: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Branched, "reads_an_hour", 100)
    retailer.set_up()
    retailer.execute(
        "update sync_jobs set state = 'running', phase = 'products', done = 0, total = 24000, lease_until = now() + "
        "interval '1 minute', started_at = now(), phase_started_at = now()"
    )
    shown = " ".join(page.get(retailer.store.url(f"/channels/{retailer.channel_id}/orders")).text.split())
    assert re.search(r"about 2\sh\w* left, because Branchy lets us read only 80 pages an hour\.", shown), shown


def test_a_spent_hour_lets_it_wait_and_says_until_when(retailer: Retailer, page: FlaskClient) -> None:
    retailer.shop.fail("list_products", RateLimited("The reads are used up.", retry_after=600))
    retailer.set_up()
    assert retailer.work() == ["queued"]
    shown = page.get(retailer.store.url(f"/channels/{retailer.channel_id}/orders")).text
    assert "Next try at" in shown
    retailer.execute("update sync_jobs set not_before = null")
    assert retailer.work() == ["succeeded"]


def test_a_channel_that_stopped_announcing_is_told_again(retailer: Retailer) -> None:
    retailer.set_up(announces=True)
    retailer.work()
    hooks: list[str] = retailer.shop.hooks  # type: ignore[attr-defined]
    (first,) = hooks
    hooks.clear()
    retailer.press()
    retailer.work()
    assert len(hooks) == 1 and hooks != [first]
    retailer.press()
    retailer.work()
    assert len(hooks) == 1
    found = retailer.rows("select (counts ->> 'registered_anew')::int from sync_jobs order by id")
    assert [count for (count,) in found] == [None, 1, None]


def test_a_killed_refresh_goes_on_where_it_stood(retailer: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    retailer.shop.put(an_order("7", marketplace_id="11"))
    retailer.set_up()
    with monkeypatch.context() as killed:
        killed.setattr("app.sync.lease.LEASE_SECONDS", 0)
        killed.setattr(jobs, "_go_through", lambda *_: None)  # the worker vanishes with its lease
        ring(retailer.app, retailer.store.id, retailer.rows("select id from sync_jobs")[0][0])
    retailer.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    assert retailer.work() == ["succeeded"]
    assert len(retailer.rows("select id from orders")) == 1
