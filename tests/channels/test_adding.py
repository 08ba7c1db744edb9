"""The steps of [+] Add channel, as plain forms."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.channels import services
from app.core.errors import AddressRefused, CertificateTrouble, ChannelError, NotThisSystem, Unavailable, Unreachable
from app.extensions import db
from app.sealing import open_sealed
from app.tenancy.models import Store
from app.tenancy.scope import store_scope
from tests.channels.paths import OPTIONS, channels_of, connect
from tests.connectors.fake import FakeShop, open_shop
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client

ADD = "/channels/add/fake"


def test_the_first_step_offers_every_kind(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    page = owner.get(store.url("/channels/add"))
    assert "Fake channel" in page.text
    assert store.url(ADD) in page.text


def test_steps_lead_to_a_channel_with_its_marketplaces(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    channel_id = connect(owner, store, shop, unmapped_gateway="hold")
    (channel,) = channels_of(app, store)
    assert (channel.id, channel.status, channel.name, channel.account_name) == (
        channel_id,
        "connected",
        "Kedai Penang",
        "Kedai",
    )
    assert channel.config == {"domain": shop.domain}
    assert channel.start_at == datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Kuala_Lumpur"))
    assert channel.credentials is not None
    with app.app_context(), store_scope(store.id):
        assert open_sealed(channel.credentials) == {"api_key": shop.api_key}
        assert db.session.get_one(Store, store.id).unmapped_gateway == "hold"
    done = owner.get(store.url(f"/channels/{channel_id}/connected"))
    assert "3 marketplaces found" in done.text
    for words in ("Kedai - Shopee SG", "SGD", "Check for updates"):
        assert words in done.text


def test_orders_in_a_currency_that_is_not_invoiced_are_named_at_once(
    owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    channel_id = connect(owner, store, shop)
    done = owner.get(store.url(f"/channels/{channel_id}/connected"))
    assert "Orders in SGD are held until you allow invoices in SGD" in done.text


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("There is no website at shop.example."),
        NotThisSystem("That is not SiteGiant."),
        AddressRefused("We do not connect to that address."),
        CertificateTrouble("The certificate has expired."),
        Unavailable("It took too long to answer."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_each_mistake_says_its_own_sentence_where_it_is_mended_and_stores_nothing(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, error: ChannelError
) -> None:
    shop.fail("check", error)
    page = owner.post(store.url(ADD), data=shop.config)
    assert page.status_code == 422
    assert error.user_message in page.text
    at_the_address = page.text.partition('id="domain-error"')[2].partition("</p>")[0]
    assert (error.user_message in at_the_address) == (type(error) is not Unavailable)
    assert f'value="{shop.domain}"' in page.text
    assert channels_of(app, store) == []


def test_a_wrong_key_is_told_at_the_key(app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    page = owner.post(store.url(ADD), data={**shop.config, "api_key": "wrong-key-9"})
    assert page.status_code == 422
    assert "does not accept this key" in page.text.partition('id="api_key-error"')[2].partition("</p>")[0]
    assert "wrong-key-9" not in page.text
    assert channels_of(app, store) == []


def test_empty_fields_are_asked_for_without_a_call(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    page = owner.post(store.url(ADD), data={"domain": "", "api_key": ""})
    assert page.status_code == 422
    assert page.text.count("Enter this to go on.") == 2
    assert shop.calls == []


def test_the_key_is_in_no_page_no_cookie_and_no_log(
    owner: FlaskClient, store: SomeStore, fakes: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shop = open_shop(api_key="kunci-7c1f-rahsia")
    answers = [
        owner.post(store.url(ADD), data=shop.config),
        owner.get(store.url(ADD)),
        owner.get(store.url(ADD + "/options")),
        owner.post(store.url(ADD + "/options"), data=OPTIONS),
    ]
    channel_id = int(answers[-1].location.split("/")[-2])
    answers += [
        owner.get(store.url(f"/channels/{channel_id}/{place}"))
        for place in ("connected", "orders", "settings", "reconnect")
    ]
    for answer in answers:
        assert answer.status_code in {200, 303}
        assert shop.api_key not in answer.text
        assert shop.api_key not in unquote(str(answer.headers))
    assert "•••• set on" in answers[-2].text
    assert shop.api_key not in caplog.text


def test_the_draft_travels_only_to_its_steps_and_no_script_reads_it(
    owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    tested = owner.post(store.url(ADD), data=shop.config)
    (cookie,) = [one for one in tested.headers.getlist("Set-Cookie") if one.startswith("channelbook_connect=")]
    assert "HttpOnly" in cookie
    assert f"Path={store.url(ADD)}" in cookie
    assert "SameSite=Strict" in cookie
    connected = owner.post(store.url(ADD + "/options"), data=OPTIONS)
    assert any("channelbook_connect=;" in one for one in connected.headers.getlist("Set-Cookie"))


def test_back_and_continue_lose_nothing(app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    owner.post(store.url(ADD), data=shop.config)
    typed = {"name": "Cawangan Ipoh", "start_on": "2026-03-05", "unmapped_gateway": "hold", "go": "back"}
    back = owner.post(store.url(ADD + "/options"), data=typed)
    assert back.location.endswith(store.url(ADD))
    connection = owner.get(store.url(ADD))
    assert f'value="{shop.domain}"' in connection.text
    assert "•••• is kept" in connection.text
    assert owner.post(store.url(ADD), data={"domain": shop.domain, "api_key": ""}).status_code == 303
    options = owner.get(store.url(ADD + "/options")).text
    assert 'value="Cawangan Ipoh"' in options
    assert 'value="2026-03-05"' in options
    first = owner.post(store.url(ADD), data={"domain": shop.domain, "api_key": "", "go": "back"})
    assert first.location.endswith(store.url("/channels/add"))
    assert f'value="{shop.domain}"' in owner.get(store.url(ADD)).text
    assert channels_of(app, store) == []


def test_a_kept_key_is_never_sent_to_another_address(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    owner.post(store.url(ADD), data=shop.config)
    other = open_shop()
    page = owner.post(store.url(ADD), data={"domain": other.domain, "api_key": ""})
    assert page.status_code == 422
    assert "only for the address it was typed for" in page.text
    assert other.calls == []


def test_a_long_key_survives_the_steps(app: Flask, owner: FlaskClient, store: SomeStore, fakes: None) -> None:
    shop = open_shop(api_key="k" * 1000)
    tested = owner.post(store.url(ADD), data=shop.config)
    (cookie,) = [one for one in tested.headers.getlist("Set-Cookie") if one.startswith("channelbook_connect=")]
    assert len(cookie) < 4096
    connect(owner, store, shop)
    longer = owner.post(store.url(ADD), data={**shop.config, "api_key": "k" * 1001})
    assert "This is longer than 1000 characters." in longer.text


def test_options_want_a_tested_connection_first(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    for answer in (owner.get(store.url(ADD + "/options")), owner.post(store.url(ADD + "/options"), data=OPTIONS)):
        assert answer.status_code == 303
        assert answer.location.endswith(store.url(ADD))


def test_a_draft_of_another_store_or_person_is_not_used(
    app: Flask, make: Make, owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    tested = owner.post(store.url(ADD), data=shop.config)
    (cookie,) = [one for one in tested.headers.getlist("Set-Cookie") if one.startswith("channelbook_connect=")]
    sealed = cookie.partition("=")[2].partition(";")[0]
    other = make.store()
    thief = signed_in(new_client(app), other.owner)
    thief.set_cookie("channelbook_connect", sealed, path=other.url(ADD))
    assert thief.get(other.url(ADD + "/options")).status_code == 303
    assert shop.domain not in thief.get(other.url(ADD)).text


def test_wrong_options_keep_what_was_typed(app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    owner.post(store.url(ADD), data=shop.config)
    page = owner.post(store.url(ADD + "/options"), data={**OPTIONS, "name": "", "start_on": "1999-12-31"})
    assert page.status_code == 422
    assert "Give the channel a name." in page.text
    assert "Choose a day after 1 January 2000." in page.text
    assert 'value="1999-12-31"' in page.text
    assert channels_of(app, store) == []


@pytest.mark.parametrize("start_on", ["31/01/2026", "2026-02-30", "soon"])
def test_a_day_that_cannot_be_read_is_asked_for_again(
    owner: FlaskClient, store: SomeStore, shop: FakeShop, start_on: str
) -> None:
    owner.post(store.url(ADD), data=shop.config)
    page = owner.post(store.url(ADD + "/options"), data={**OPTIONS, "start_on": start_on})
    assert page.status_code == 422
    assert "Write the day as in 2026-01-31." in page.text
    assert f'value="{start_on}"' in page.text


def test_a_connection_that_broke_since_its_test_stores_nothing(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    owner.post(store.url(ADD), data=shop.config)
    shop.fail("check", Unreachable("There is no website any more."))
    page = owner.post(store.url(ADD + "/options"), data=OPTIONS)
    assert page.status_code == 422
    assert "There is no website any more." in page.text
    assert channels_of(app, store) == []


def test_the_rule_for_unmapped_gateways_is_asked_once(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    owner.post(store.url(ADD), data=shop.config)
    assert 'name="unmapped_gateway"' in owner.get(store.url(ADD + "/options")).text
    connect(owner, store, shop)
    owner.post(store.url(ADD), data=open_shop().config)
    assert 'name="unmapped_gateway"' not in owner.get(store.url(ADD + "/options")).text


def test_the_same_account_is_not_connected_twice(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    channel_id = connect(owner, store, shop)
    owner.post(store.url(ADD), data=shop.config)
    again = owner.post(store.url(ADD + "/options"), data=OPTIONS)
    assert again.location.endswith(store.url(f"/channels/{channel_id}"))
    assert [channel.id for channel in channels_of(app, store)] == [channel_id]


def test_connect_pressed_twice_at_once_makes_one_channel(app: Flask, store: SomeStore, shop: FakeShop) -> None:
    new = services.NewChannel("fake", shop.config, "Kedai", datetime(2026, 1, 1, tzinfo=UTC).date())
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def press() -> None:
        with app.app_context(), store_scope(store.id):
            together.wait(10)
            try:
                services.connect_channel(new)
                outcomes.append("connected")
            except services.AlreadyConnected:
                outcomes.append("already")

    presses = [threading.Thread(target=press) for _ in range(2)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join(20)
    assert sorted(outcomes) == ["already", "connected"]
    assert len(channels_of(app, store)) == 1


def test_another_store_may_connect_the_same_account(
    app: Flask, make: Make, owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    connect(owner, store, shop)
    other = make.store()
    connect(signed_in(new_client(app), other.owner), other, shop)
    assert len(channels_of(app, other)) == 1


def test_no_transaction_is_open_while_the_channel_is_asked(
    app: Flask, store: SomeStore, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_then: list[bool] = []
    check = type(shop.connector()).check

    def watched(connector: object) -> object:
        open_then.append(db.session().in_transaction())
        return check(connector)  # type: ignore[arg-type]

    monkeypatch.setattr(type(shop.connector()), "check", watched)
    with app.app_context(), store_scope(store.id):
        db.session.get_one(Store, store.id)
        services.test_connection("fake", shop.config)
    assert open_then == [False]


@pytest.mark.parametrize("path", ["/channels/add", ADD, ADD + "/options"])
def test_a_reader_may_not_add(reader: FlaskClient, store: SomeStore, shop: FakeShop, path: str) -> None:
    assert reader.get(store.url(path)).status_code == 403
    assert shop.calls == []


@pytest.mark.parametrize("path", [ADD, ADD + "/options"])
def test_a_reader_may_not_send_the_steps(reader: FlaskClient, store: SomeStore, shop: FakeShop, path: str) -> None:
    assert reader.post(store.url(path), data=shop.config | OPTIONS).status_code == 403
    assert shop.calls == []


def test_a_kind_that_nobody_knows_is_not_found(owner: FlaskClient, store: SomeStore, fakes: None) -> None:
    assert owner.get(store.url("/channels/add/elsewhere")).status_code == 404
    assert owner.get(store.url("/channels/add/elsewhere/options")).status_code == 404


def test_trying_keys_one_after_the_other_is_limited(owner: FlaskClient, store: SomeStore, shop: FakeShop) -> None:
    wrong = {**shop.config, "api_key": "wrong"}
    statuses = [owner.post(store.url(ADD), data=wrong).status_code for _ in range(21)]
    assert statuses[:20] == [422] * 20
    assert statuses[20] == 429


def test_the_sandbox_is_hinted_at_only_where_sandboxes_are_allowed(
    app: Flask, owner: FlaskClient, store: SomeStore, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "begins with “Sandbox: fake”" in owner.get(store.url(ADD)).text
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], allow_sandboxes=False))
    assert "Sandbox" not in owner.get(store.url(ADD)).text
