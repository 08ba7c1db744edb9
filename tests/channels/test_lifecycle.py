"""What happens to a channel after it was connected: new keys, pauses, removal and return."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.channels import services
from app.channels.allowance import Use
from app.channels.connecting import open_connector, reads_spent
from app.channels.models import Channel, Marketplace
from app.connectors.base import ConnectorOptions
from app.core.errors import AuthRejected, Unavailable
from app.core.types import RemoteMarketplace
from app.extensions import db
from app.orders.models import Order
from app.sealing import open_sealed
from app.sync.of_channel import active_job_ids
from app.tenancy.scope import store_scope
from tests.channels.paths import channels_of, connect
from tests.connectors.fake import FakeConnector, FakeShop, open_shop
from tests.orders.factories import Books, SomeChannel
from tests.support.factories import SomeStore


@pytest.fixture
def channel_id(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> int:
    """A connected channel."""
    return connect(owner, store, shop)


def the_channel(app: Flask, store: SomeStore) -> Channel:
    (channel,) = channels_of(app, store)
    return channel


def test_jobs_open_the_connector_with_the_stored_key(
    app: Flask, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    with app.app_context(), store_scope(store.id):
        connector = open_connector(db.session.get_one(Channel, (store.id, channel_id)))
        assert connector.check().account_name == "Kedai"


def test_a_stored_channel_shares_its_token_and_counts_its_reads_and_is_told_its_options(
    app: Flask, store: SomeStore, shop: FakeShop, channel_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Mapping[str, str], ConnectorOptions]] = []
    monkeypatch.setattr("app.connectors.connect", lambda _kind, config, options: opened.append((config, options)))
    with app.app_context(), store_scope(store.id):
        channel = db.session.get_one(Channel, (store.id, channel_id))
        channel.options = {"weight_unit": "g"}
        assert reads_spent(channel.kind, channel.id) is None
        open_connector(channel)
        monkeypatch.setattr(FakeConnector, "reads_an_hour", 10)
        open_connector(channel, {"weight_unit": "kg"}, use=Use.FIRST)
        (config, unlimited), (told, limited) = opened
        assert (config["weight_unit"], told["weight_unit"]) == ("g", "kg")
        assert unlimited.reads is None
        assert limited.reads is not None
        assert [limited.reads.take() > 0 for _time in range(9)] == [False] * 8 + [True]
        spent = reads_spent(channel.kind, channel.id)
        assert spent is not None
        assert (spent.by_use[Use.FIRST], spent.left) == (8, 2)
        assert unlimited.tokens is not None
        assert limited.tokens is not None
        assert unlimited.tokens.renewed("", lambda: ("a-token", 600)) == limited.tokens.current() == "a-token"


def test_a_channel_whose_key_is_gone_asks_to_be_reconnected(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    with app.app_context(), store_scope(store.id):
        channel = db.session.get_one(Channel, (store.id, channel_id))
        channel.credentials = b"sealed by a key that is lost"
        db.session.commit()
        with pytest.raises(AuthRejected):
            open_connector(channel)
    page = owner.get(store.url(f"/channels/{channel_id}/settings"))
    assert "cannot be read any more" in page.text
    assert store.url(f"/channels/{channel_id}/reconnect") in page.text


def test_reconnecting_tests_the_new_key_before_it_replaces_the_old(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    before = the_channel(app, store).credentials
    page = owner.post(store.url(f"/channels/{channel_id}/reconnect"), data={**shop.config, "api_key": "wrong-key-5"})
    assert page.status_code == 422
    assert "does not accept this key" in page.text
    assert "wrong-key-5" not in page.text
    assert the_channel(app, store).credentials == before


def test_reconnecting_lets_a_channel_go_on_that_an_error_had_paused(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    with app.app_context(), store_scope(store.id):
        services.pause_by_error(channel_id, "AUTH_EXPIRED")
    card = owner.get(store.url("/channels/"))
    assert "does not accept the key of this channel any more" in card.text
    shop.api_key = "new-key-31"
    answer = owner.post(store.url(f"/channels/{channel_id}/reconnect"), data=shop.config)
    assert answer.status_code == 303
    channel = the_channel(app, store)
    assert (channel.status, channel.paused_reason) == ("connected", "")
    with app.app_context():
        assert channel.credentials is not None
        assert open_sealed(channel.credentials) == {"api_key": "new-key-31"}


def test_reconnecting_always_wants_the_key_typed(
    owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    calls = len(shop.calls)
    page = owner.post(store.url(f"/channels/{channel_id}/reconnect"), data={"domain": "elsewhere.example"})
    assert page.status_code == 422
    assert len(shop.calls) == calls


def test_a_key_of_another_account_is_refused(app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int) -> None:
    before = the_channel(app, store).config
    other = open_shop(places=(RemoteMarketplace("77", "Somebody else", "Shopee", "MYR"),))
    page = owner.post(store.url(f"/channels/{channel_id}/reconnect"), data=other.config)
    assert page.status_code == 422
    assert "opens another account" in page.text
    assert the_channel(app, store).config == before


def test_a_person_pauses_and_resumes(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    assert owner.post(store.url(f"/channels/{channel_id}/pause")).status_code == 303
    assert the_channel(app, store).status == "paused"
    refused = owner.post(store.url(f"/channels/{channel_id}/check"), follow_redirects=True)
    assert "is paused. Let it go on first" in refused.text
    assert "nothing is read from it or written to it" in refused.text
    calls = len(shop.calls)
    assert owner.post(store.url(f"/channels/{channel_id}/resume")).status_code == 303
    assert the_channel(app, store).status == "connected"
    assert len(shop.calls) == calls


def test_a_channel_that_is_paused_again_meanwhile_is_not_said_to_go_on(
    owner: FlaskClient, store: SomeStore, channel_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "resume", services.pause)
    page = owner.post(store.url(f"/channels/{channel_id}/resume"), follow_redirects=True)
    assert "It was paused again in the meantime." in page.text


def test_resuming_after_an_error_tries_the_key_first(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    with app.app_context(), store_scope(store.id):
        services.pause_by_error(channel_id, "AUTH_EXPIRED")
    shop.fail("check", Unavailable("It took too long to answer."))
    page = owner.post(store.url(f"/channels/{channel_id}/resume"), follow_redirects=True)
    assert "It took too long to answer." in page.text
    assert the_channel(app, store).status == "paused"
    owner.post(store.url(f"/channels/{channel_id}/resume"))
    assert the_channel(app, store).status == "connected"


def test_an_error_does_not_overwrite_a_pause_by_a_person(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    owner.post(store.url(f"/channels/{channel_id}/pause"))
    with app.app_context(), store_scope(store.id):
        services.pause_by_error(channel_id, "AUTH_EXPIRED")
    assert the_channel(app, store).paused_reason == ""


def test_pausing_and_resuming_lead_back_to_the_page_they_were_pressed_on(
    owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    home = store.url("/channels/")
    assert owner.post(store.url(f"/channels/{channel_id}/pause"), data={"next": home}).location.endswith(home)
    elsewhere = owner.post(store.url(f"/channels/{channel_id}/resume"), data={"next": "//evil.example"})
    assert elsewhere.location.endswith(store.url(f"/channels/{channel_id}/settings"))


def test_auto_sync_runs_one_interval_from_now_and_stops_when_switched_off(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    url = store.url(f"/channels/{channel_id}/auto-sync")
    page = owner.post(url, data={"on": "1", "minutes": "60"}, follow_redirects=True)
    assert "Auto Sync is on." in page.text
    assert "Next sync" in page.text
    channel = the_channel(app, store)
    assert (channel.auto_sync, channel.auto_sync_minutes) == (True, 60)
    assert channel.next_sync_at is not None
    assert abs(channel.next_sync_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    owner.post(url, data={"minutes": "60"})
    channel = the_channel(app, store)
    assert (channel.auto_sync, channel.next_sync_at) == (False, None)


def test_an_interval_that_is_not_offered_is_refused(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    answer = owner.post(store.url(f"/channels/{channel_id}/auto-sync"), data={"on": "1", "minutes": "1"})
    assert answer.status_code == 422
    assert the_channel(app, store).auto_sync is False


def test_removing_asks_first_and_keeps_the_row_without_its_key(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    asked = owner.get(store.url(f"/channels/{channel_id}/remove"))
    assert "Remove Kedai Penang?" in asked.text
    assert "0 invoices stay in your books." in asked.text
    assert the_channel(app, store).status == "connected"
    assert owner.post(store.url(f"/channels/{channel_id}/remove")).status_code == 303
    channel = the_channel(app, store)
    assert (channel.status, channel.credentials, channel.auto_sync) == ("removed", None, False)
    assert owner.get(store.url(f"/channels/{channel_id}/settings")).status_code == 404
    assert "Nothing is connected yet" in owner.get(store.url("/channels/")).text


def test_removing_ends_what_runs(app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int) -> None:
    owner.post(store.url(f"/channels/{channel_id}/check"))
    with app.app_context(), store_scope(store.id):
        assert len(active_job_ids(channel_id)) == 1
    owner.post(store.url(f"/channels/{channel_id}/remove"))
    with app.app_context(), store_scope(store.id):
        assert active_job_ids(channel_id) == []


def test_a_removed_account_comes_back_as_itself(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    owner.post(store.url(f"/channels/{channel_id}/remove"))
    assert connect(owner, store, shop, name="Again") == channel_id
    channel = the_channel(app, store)
    assert (channel.status, channel.name) == ("connected", "Again")


def test_a_removed_account_that_comes_back_with_a_later_start_wants_its_old_orders_no_more(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    books = Books(app, store)
    with books.scope():
        place = db.session.scalars(select(Marketplace.id).where(Marketplace.channel_id == channel_id).limit(1)).one()
    order_id = books.order(SomeChannel(channel_id, "Kedai", place), total=4190)
    books.line(order_id, discount=0)
    owner.post(store.url(f"/channels/{channel_id}/remove"))
    assert connect(owner, store, shop, start_on="2026-11-22") == channel_id
    with books.scope():
        order = db.session.get_one(Order, (store.id, order_id))
        assert (order.state, order.reason) == ("closed", "BEFORE_START_DATE")


def test_marketplaces_are_followed_and_never_forgotten(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int
) -> None:
    shop.places = (
        RemoteMarketplace("1", "Kedai - Shopee baru", "Shopee", "MYR"),
        RemoteMarketplace("4", "Kedai - TikTok", "TikTok", "MYR"),
    )
    page = owner.post(store.url(f"/channels/{channel_id}/marketplaces/refresh"), follow_redirects=True)
    assert "One new marketplace was found." in page.text
    for name in ("Kedai - Shopee baru", "Kedai - TikTok", "Kedai - Webstore"):
        assert name in page.text
    shop.fail("check", Unavailable("It took too long to answer."))
    failed = owner.post(store.url(f"/channels/{channel_id}/marketplaces/refresh"), follow_redirects=True)
    assert "It took too long to answer." in failed.text


def test_a_channel_that_is_paused_while_it_is_reconnected_is_not_said_to_go_on(
    owner: FlaskClient, store: SomeStore, shop: FakeShop, channel_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconnect = services.reconnect

    def and_pause(channel_id: int, values: Any) -> None:
        reconnect(channel_id, values)
        services.pause(channel_id)

    monkeypatch.setattr(services, "reconnect", and_pause)
    page = owner.post(store.url(f"/channels/{channel_id}/reconnect"), data=shop.config, follow_redirects=True)
    assert "Reconnected, but it was paused again in the meantime." in page.text
