"""Being asked again who one is, before what could hurt."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import limits
from app.extensions import db
from tests.accounts.codes import Clock, with_phone
from tests.accounts.test_sign_in import token_of
from tests.support.factories import PASSWORD, SomePerson, SomeStore, signed_in
from tests.support.fixtures import new_client

ASKS = {
    "accounts.set_up_two_step",
    "accounts.start_two_step",
    "accounts.renew_recovery_codes",
    "accounts.sign_out_device",
    "accounts.sign_out_others",
    "accounts.two_step_picture",
    "channels.add_connection",
    "channels.reconnect",
    "invoices.reissue",
    "settings.api_keys",
    "settings.invite",
    "settings.member",
    "settings.release_two_step",
    "settings.remove_member",
    "settings.require_two_step",
    "settings.revoke_api_key",
    "settings.send_invitation_again",
    "settings.webhook_secret",
    "settings.webhooks",
    "settings.withdraw_invitation",
}
"""Keys, who gets in and how, and what stands in the books."""


@pytest.fixture
def owner(app: Flask, client: FlaskClient, store: SomeStore) -> FlaskClient:
    """The owner's browser, in which nobody has shown for a while who they are."""
    signed_in(client, store.owner)
    let_time_pass(app, store.owner)
    return client


def let_time_pass(app: Flask, person: SomePerson, minutes: int = 16) -> None:
    with app.app_context():
        passed = text("update user_sessions set proved_at = now() - make_interval(mins => :m) where user_id = :id")
        db.session.execute(passed, {"m": minutes, "id": person.id})
        db.session.commit()


def test_what_could_hurt_asks(app: Flask) -> None:
    asking = {name for name, view in app.view_functions.items() if hasattr(view, "asks_for_proof")}
    assert asking >= ASKS


def test_page_asks_and_goes_on(owner: FlaskClient, store: SomeStore) -> None:
    keys = store.url("/settings/api-keys")
    asked = owner.get(keys)
    assert (asked.status_code, asked.location) == (303, f"/me/prove?next={keys}")
    assert f'name="next" value="{keys}"' in owner.get(asked.location).text
    before = token_of(owner)
    assert owner.post("/me/prove", data={"password": PASSWORD, "next": keys}).location == keys
    assert token_of(owner) != before, "a proof renews the session"
    assert owner.get(keys).status_code == 200
    assert owner.post(keys, data={"name": "Our webshop", "reads": "y"}).status_code == 200


def test_form_that_came_too_late_did_nothing_and_returns_to_its_page(owner: FlaskClient, store: SomeStore) -> None:
    keys = store.url("/settings/api-keys")
    form = {"name": "Our webshop", "reads": "y"}
    asked = owner.post(keys, data=form, headers={"Referer": f"http://localhost{keys}"})
    assert asked.location == f"/me/prove?next={keys}"
    assert "Nothing was done yet" in owner.get(asked.location).text
    shown = owner.post("/me/prove", data={"password": PASSWORD, "next": keys}, follow_redirects=True)
    assert "Our webshop" not in shown.text.replace("such as “Our webshop”", "")


def test_wrong_password_proves_nothing(owner: FlaskClient, store: SomeStore) -> None:
    answer = owner.post("/me/prove", data={"password": "wrong-guess-1", "next": "/stores"})
    assert answer.status_code == 422
    assert 'value="/stores"' in answer.text
    assert "wrong-guess-1" not in answer.text
    assert owner.get(store.url("/settings/api-keys")).status_code == 303


def test_old_token_opens_nothing_after_a_proof(app: Flask, owner: FlaskClient) -> None:
    thief = new_client(app)
    with thief.session_transaction() as cookie:
        cookie["_user_id"] = token_of(owner)
    assert thief.get("/me").status_code == 200
    owner.post("/me/prove", data={"password": PASSWORD})
    assert thief.get("/me").status_code == 303
    assert owner.get("/me").status_code == 200


def test_proof_elsewhere_is_no_proof_here(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    signed_in(new_client(app), store.owner)
    assert owner.get(store.url("/settings/api-keys")).status_code == 303


def test_code_of_the_app_proves_as_well_and_once(
    app: Flask, client: FlaskClient, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    phone = with_phone(app, store.owner, clock)
    signed_in(client, store.owner)
    let_time_pass(app, store.owner)
    assert "Use a code of the app instead" in client.get("/me/prove").text
    recovery = client.post("/me/prove", data={"with": "code", "code": phone.recovery_codes[0]})
    assert recovery.status_code == 422, "these are for getting in"
    code = {"with": "code", "code": phone.code(), "next": "/stores"}
    assert client.post("/me/prove", data=code).location == "/stores"
    assert client.post("/me/prove", data=code).status_code == 422


def test_who_has_no_app_cannot_prove_by_code(owner: FlaskClient) -> None:
    assert owner.post("/me/prove", data={"with": "code", "code": "000000"}).status_code == 422


def test_borrowed_browser_cannot_guess_without_end(owner: FlaskClient) -> None:
    most = int(limits.CHANGE_BY_ACCOUNT.split()[0])
    codes = [owner.post("/me/prove", data={"password": f"wrong-{n}"}).status_code for n in range(most + 1)]
    assert codes == [422] * most + [429]


def test_asking_leads_nowhere_else(owner: FlaskClient) -> None:
    answer = owner.post("/me/prove", data={"password": PASSWORD, "next": "https://evil.example/"})
    assert answer.location == "/me"
