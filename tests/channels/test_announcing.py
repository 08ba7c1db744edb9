"""The switch that lets a channel announce orders at once, as its settings page has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import later
from tests.sandbox.running import Running, running
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.sync.conftest import new_merchant as new_merchant  # noqa: PLC0414  # a fixture of theirs
from tests.sync.merchant import Merchant


@pytest.fixture(scope="module")
def channel_server() -> Iterator[Running]:
    """The SiteGiant sandbox, over a real socket."""
    with running("--count", "0") as process:
        yield process


@pytest.fixture
def merchant(new_merchant: Callable[..., Merchant]) -> Merchant:
    made = new_merchant()
    made.connect()
    return made


@pytest.fixture
def owner(merchant: Merchant) -> FlaskClient:
    return signed_in(new_client(merchant.app), merchant.store.owner)


def settings_url(merchant: Merchant) -> str:
    return f"/{merchant.store.slug}/channels/{merchant.channel_id}/settings"


def press(owner: FlaskClient, merchant: Merchant, wanted: str) -> str:
    url = f"/{merchant.store.slug}/channels/{merchant.channel_id}/announce"
    answer = owner.post(url, data={"announce": wanted}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def hooks(merchant: Merchant) -> int:
    """How many webhooks the channel knows, once what was to be said to it was said."""
    later._THREAD.submit(lambda: None).result(timeout=10)
    return len(merchant.shop.steer("GET", "webhooks")["webhooks"])


def test_it_is_switched_on_and_off(owner: FlaskClient, merchant: Merchant) -> None:
    assert "Let SiteGiant announce new orders at once" in owner.get(settings_url(merchant)).text
    page = press(owner, merchant, "on")
    assert "SiteGiant announces new orders at once from now on." in page
    assert "None has come yet." in page
    assert hooks(merchant) == 1
    merchant.execute("update webhooks set last_received_at = now() - interval '3 minutes'")
    assert "The last announcement came" in owner.get(settings_url(merchant)).text
    assert "SiteGiant does not announce orders any more." in press(owner, merchant, "off")
    assert (hooks(merchant), merchant.rows("select * from webhooks")) == (0, [])
    press(owner, merchant, "off")


def test_a_channel_that_cannot_be_told_stays_silent_and_says_why(owner: FlaskClient, merchant: Merchant) -> None:
    merchant.shop.fault("server_error", route="webhooks")
    assert "SiteGiant has trouble just now" in press(owner, merchant, "on")
    assert merchant.rows("select * from webhooks") == []
    assert "Let SiteGiant announce" in owner.get(settings_url(merchant)).text


def test_a_registration_whose_answer_was_lost_calls_in_vain(owner: FlaskClient, merchant: Merchant) -> None:
    merchant.shop.fault("answer_lost", route="webhooks", times=1)
    press(owner, merchant, "on")
    assert (hooks(merchant), merchant.rows("select * from webhooks")) == (1, [])


def test_without_an_https_address_it_says_why_it_cannot_be_switched_on(
    app: Flask, owner: FlaskClient, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = replace(app.extensions["settings"], allow_sandboxes=False)
    monkeypatch.setitem(app.extensions, "settings", plain)
    page = owner.get(settings_url(merchant)).text
    assert "SiteGiant cannot announce new orders here. This server has no https address" in page
    assert 'name="announce"' not in page
    monkeypatch.setitem(app.extensions, "settings", replace(plain, base_url="https://books.example"))
    assert 'name="announce"' in owner.get(settings_url(merchant)).text


def test_reconnecting_registers_again(owner: FlaskClient, merchant: Merchant) -> None:
    press(owner, merchant, "on")
    (before,) = merchant.rows("select token_hash from webhooks")
    url = settings_url(merchant).replace("settings", "reconnect")
    form = {"domain": merchant.shop.sandbox.url, "api_key": merchant.shop.key}
    assert "Reconnected." in owner.post(url, data=form, follow_redirects=True).text
    (after,) = merchant.rows("select token_hash from webhooks")
    assert (before == after, hooks(merchant)) == (False, 1)
    merchant.shop.fault("server_error", route="webhooks")
    page = owner.post(url, data=form, follow_redirects=True).text
    assert "It does not announce new orders any more; switch that on again." in page


def test_removing_the_channel_takes_it_away(owner: FlaskClient, merchant: Merchant) -> None:
    press(owner, merchant, "on")
    owner.post(settings_url(merchant).replace("settings", "remove"))
    assert (hooks(merchant), merchant.rows("select * from webhooks")) == (0, [])


def test_a_reader_sees_it_and_cannot_switch_it(owner: FlaskClient, merchant: Merchant) -> None:
    press(owner, merchant, "on")
    reader = signed_in(new_client(merchant.app), merchant.store.reader)
    page = reader.get(settings_url(merchant)).text
    assert "None has come yet." in page
    assert 'name="announce"' not in page


@pytest.mark.parametrize("wanted", ["", "yes", "ON"])
def test_nonsense_switches_nothing(owner: FlaskClient, merchant: Merchant, wanted: str) -> None:
    url = f"/{merchant.store.slug}/channels/{merchant.channel_id}/announce"
    assert owner.post(url, data={"announce": wanted}).status_code == 422
    assert hooks(merchant) == 0
