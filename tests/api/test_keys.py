"""Settings → API keys: made, shown once, revoked after a question."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from app.api.keys import Scope, key_rows
from app.channels.queries import channels
from tests.api.conftest import Program
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client


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
