"""Settings → API keys: made, shown once, revoked after a question."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.api.keys import Scope, key_rows
from app.channels.queries import channels
from app.extensions import db
from tests.api.conftest import Program
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

A_MOMENT = timedelta(minutes=1)


def test_a_key_is_shown_once_and_works_until_it_is_revoked(client: FlaskClient, store: SomeStore, books: Books) -> None:
    owner = signed_in(client, store.owner)
    made = owner.post(store.url("/settings/api-keys"), data={"name": "Our webshop", "reads": "y"})
    (token,) = set(re.findall(r"cb_[\w-]{32}", made.text))
    program = Program(new_client(client.application), token)
    assert program.call("GET", "/orders?number=1").status_code == 200
    page = owner.get(store.url("/settings/api-keys")).text
    assert token not in page
    assert "Our webshop" in page
    with books.scope():
        (key,) = key_rows()
        assert key.scopes == {Scope.READ}
        assert [channel.kind for channel in channels()] == ["own"]
    url = store.url(f"/settings/api-keys/{key.id}/revoke")
    assert "Revoke the key “Our webshop”?" in owner.get(url).text
    assert owner.post(url).status_code == 303
    assert program.call("GET", "/orders?number=1").status_code == 401
    assert "Revoked" in owner.get(store.url("/settings/api-keys")).text


def test_a_name_stands_for_one_key(client: FlaskClient, store: SomeStore, books: Books) -> None:
    owner = signed_in(client, store.owner)
    form = {"name": "Our webshop", "writes": "y"}
    assert owner.post(store.url("/settings/api-keys"), data=form).status_code == 200
    again = owner.post(store.url("/settings/api-keys"), data=form | {"name": "our WEBSHOP"})
    assert (again.status_code, "Another key has this name" in again.text) == (422, True)
    nothing = owner.post(store.url("/settings/api-keys"), data={"name": "Till"})
    assert (nothing.status_code, "Say what the key may do" in nothing.text) == (422, True)
    with books.scope():
        assert len(key_rows()) == 1


@pytest.mark.parametrize(("days", "lasts"), [("90", 90), ("365", 365), (None, 365), ("0", None)])
def test_a_key_works_as_long_as_was_chosen(
    client: FlaskClient, store: SomeStore, books: Books, days: str | None, lasts: int | None
) -> None:
    chosen = {"name": "Till", "reads": "y"} | ({} if days is None else {"days": days})
    assert signed_in(client, store.owner).post(store.url("/settings/api-keys"), data=chosen).status_code == 200
    with books.scope():
        (key,) = key_rows()
    assert (key.expires_at and key.expires_at - key.created_at) == (
        lasts and pytest.approx(timedelta(days=lasts), abs=A_MOMENT)
    )
    assert not key.is_over
    assert not key.ends_soon


def test_a_key_whose_time_is_over_is_refused_with_words(client: FlaskClient, store: SomeStore, books: Books) -> None:
    owner, url = signed_in(client, store.owner), store.url("/settings/api-keys")
    made = owner.post(url, data={"name": "Our webshop", "reads": "y", "days": "90"})
    program = Program(new_client(client.application), re.findall(r"cb_[\w-]{32}", made.text)[0])

    def let_pass(days: int) -> str:
        with books.scope():
            passed = text("update api_keys set expires_at = now() + interval '90 days' - make_interval(days => :days)")
            db.session.execute(passed, {"days": days})
            db.session.commit()
        return owner.get(url).text

    assert "Expires soon" not in let_pass(75)
    assert "Expires soon" in let_pass(77)
    assert program.call("GET", "/orders?number=1").status_code == 200
    page = let_pass(91)
    assert "Expires soon" not in page
    assert "Expired" in page
    refused = program.call("GET", "/orders?number=1")
    problem = json.loads(refused.text)
    assert (refused.status_code, problem["title"]) == (401, "The key has expired")
    assert "Make a new one under Settings → API keys." in problem["detail"]
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Channelbook", error="invalid_token"'
    assert program.call("POST", "/orders", {}, Idempotency_Key="1").status_code == 401
    assert owner.post(url, data={"name": "our webshop", "reads": "y"}).status_code == 200, "it makes way for its heir"
    with books.scope():
        assert [(key.is_over, key.revoked_at is None) for key in key_rows()] == [(False, True), (True, False)]
