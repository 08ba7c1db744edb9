"""Settings → Webhooks, as the owner uses it and as nobody else may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.calling import Event
from tests.hooks.conftest import Told
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(told: Told) -> FlaskClient:
    """The owner's browser, without scripts."""
    return signed_in(new_client(told.app), told.store.owner)


def test_a_webhook_is_added_and_its_secret_shown_once(told: Told, owner: FlaskClient) -> None:
    url = told.store.url("/settings/webhooks")
    address = f"{told.receiver.url}/in?key=1"
    form = {"url": address, "events": ["invoice.issued", "order.held"]}
    answer = owner.post(url, data=form)
    secret = re.search(r"whsec_[\w+/=]{40,}", answer.text)
    assert secret is not None
    listed = owner.get(url)
    assert address in listed.text
    assert "invoice.issued, order.held" in listed.text
    (told.id,) = told.scalars("select id from endpoints")
    shown = owner.get(told.store.url(f"/settings/webhooks/{told.id}"))
    assert "whsec_" not in listed.text + shown.text
    assert secret[0].encode() not in told.scalars("select secret from endpoints")[0]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"url": "", "events": ["order.held"]}, "Enter the address"),
        ({"url": "http://192.168.1.7/", "events": ["order.held"]}, "begin with https"),
        ({"url": "https://shop.example/"}, "Say what it is to be told"),
        ({"url": "https://shop.example/", "events": ["endpoint.test"]}, "field-error"),
    ],
)
def test_mistakes_are_named_and_nothing_is_kept(
    told: Told, owner: FlaskClient, form: dict[str, Any], words: str
) -> None:
    answer = owner.post(told.store.url("/settings/webhooks"), data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert told.scalars("select id from endpoints") == []


def test_a_test_is_sent_and_its_answer_shows_on_the_page(told: Told, owner: FlaskClient) -> None:
    told.add(Event.ORDER_HELD)
    page = told.store.url(f"/settings/webhooks/{told.id}")
    assert owner.post(f"{page}/test").status_code == 303
    assert "On its way" in owner.get(f"{page}/log", headers=HTMX).text
    told.receiver.words = b"<b>understood</b>"
    told.deliver()
    log = owner.get(f"{page}/log", headers=HTMX).text
    assert "Taken" in log
    assert "&lt;b&gt;understood&lt;/b&gt;" in log
    (message,) = told.messages
    assert owner.post(f"{page}/messages/{message.id}/redeliver").status_code == 303
    told.deliver()
    assert told.receiver.ids == [message.message_id] * 2


def test_it_is_paused_resumed_changed_and_removed(told: Told, owner: FlaskClient) -> None:
    told.add(Event.ORDER_HELD)
    page = told.store.url(f"/settings/webhooks/{told.id}")
    owner.post(f"{page}/pause")
    assert told.row.state == "paused"
    assert "You paused it" in owner.get(page).text
    owner.post(f"{page}/resume")
    assert told.row.is_active
    owner.post(page, data={"url": "https://shop.example/new", "events": ["stock.changed"]})
    assert (told.row.url, list(told.row.events)) == ("https://shop.example/new", ["stock.changed"])
    assert "24 hours" in owner.get(f"{page}/secret").text
    assert "whsec_" in owner.post(f"{page}/secret").text
    assert owner.post(f"{page}/remove").status_code == 303
    assert owner.get(page).status_code == 404


def test_strangers_and_those_who_only_look_find_none(told: Told, other_store: SomeStore) -> None:
    told.add(Event.ORDER_HELD)
    page = told.store.url(f"/settings/webhooks/{told.id}")
    reader = signed_in(new_client(told.app), told.store.reader)
    assert reader.get(page).status_code == 403
    assert "/settings/webhooks" not in reader.get(told.store.url("/settings/general")).text
    stranger = signed_in(new_client(told.app), other_store.owner)
    assert stranger.get(page).status_code == 404
    assert stranger.get(other_store.url(f"/settings/webhooks/{told.id}")).status_code == 404
    assert stranger.post(other_store.url(f"/settings/webhooks/{told.id}/remove")).status_code == 404
    assert told.row.is_active
