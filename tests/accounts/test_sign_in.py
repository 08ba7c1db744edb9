"""Signing in and out: what a session is, how it ends, and what an answer must not tell."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app import create_app
from app.accounts import sessions
from app.config import Settings
from app.extensions import db
from tests.orders.factories import statements
from tests.support.factories import PASSWORD, Make, SomePerson, SomeStore, expire_sessions_of, signed_in
from tests.support.fixtures import new_client


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
    return client.post("/signin", data={"email": email, "password": password, **fields})


def token_of(client: FlaskClient) -> str:
    with client.session_transaction() as cookie:
        return str(cookie.get("_user_id", ""))


def test_owner_lands_in_the_only_store(client: FlaskClient, store: SomeStore) -> None:
    answer = sign_in(client, store.owner.email)
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/").location == store.url("/")
    assert client.get("/me").status_code == 200


def test_email_is_read_as_people_write_it(client: FlaskClient, store: SomeStore) -> None:
    assert sign_in(client, f"  {store.owner.email.upper()} ").status_code == 303


def test_member_of_two_stores_chooses_and_switches(client: FlaskClient, make: Make, store: SomeStore) -> None:
    from app.core.roles import Role  # noqa: PLC0415

    second = make.store()
    make.member(second, store.owner, Role.READ_ONLY)
    sign_in(client, store.owner.email)
    assert client.get("/").location == store.url("/"), "one's own store comes first"
    page = client.get("/stores").text
    assert store.name in page
    assert second.name in page
    assert "Read only" in page
    here = client.get(store.url("/settings/general")).text
    assert f'href="/{second.slug}/"' in here or second.name in here
    assert client.post(store.url("/settings/payment-methods"), data={"name": "Boost"}).status_code == 303
    assert client.get(second.url("/settings/general")).status_code == 200
    assert client.post(second.url("/settings/payment-methods"), data={"name": "Boost"}).status_code == 403
    assert client.get("/").location == second.url("/"), "then the one that was seen last"


def test_person_without_a_store_is_offered_one(client: FlaskClient, make: Make) -> None:
    signed_in(client, make.person())
    assert client.get("/").location == "/stores"
    assert "You belong to no store yet" in client.get("/stores").text


def test_sign_in_goes_on_to_the_page_that_asked(client: FlaskClient, store: SomeStore) -> None:
    asked = client.get(store.url("/settings/general?x=1"))
    assert asked.status_code == 303
    assert asked.location == f"/signin?next=/{store.slug}/settings/general?x%3D1"
    page = client.get(asked.location).text
    assert f'name="next" value="/{store.slug}/settings/general?x=1"' in page
    answer = sign_in(client, store.owner.email, next=store.url("/settings/general?x=1"))
    assert answer.location == store.url("/settings/general?x=1")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "evil"])
def test_next_never_leads_elsewhere(client: FlaskClient, store: SomeStore, elsewhere: str) -> None:
    assert sign_in(client, store.owner.email, next=elsewhere).location == "/"


def test_unknown_email_and_wrong_password_get_the_same_answer(client: FlaskClient, store: SomeStore) -> None:
    wrong = sign_in(client, store.owner.email, "not-the-password")
    unknown = sign_in(client, "nobody.at.all@shop.example", "not-the-password")
    assert wrong.status_code == unknown.status_code == 422
    assert "E-mail and password do not match" in wrong.text
    assert wrong.text.replace(store.owner.email, "") == unknown.text.replace("nobody.at.all@shop.example", "")
    assert dict(wrong.headers).keys() == dict(unknown.headers).keys()


def test_unknown_email_costs_the_same_hashing(
    client: FlaskClient, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.accounts import passwords  # noqa: PLC0415

    verified: list[str] = []
    real = passwords._hasher

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def verify(self, stored: str, password: str) -> bool:
            verified.append(password)
            return real.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    sign_in(client, store.owner.email, "guess-number-one")
    sign_in(client, "nobody.here@shop.example", "guess-number-two")
    assert verified == ["guess-number-one", "guess-number-two"]


def test_sign_in_keeps_the_email_after_a_mistake(client: FlaskClient, store: SomeStore) -> None:
    page = sign_in(client, store.owner.email, "wrong").text
    assert f'value="{store.owner.email}"' in page
    assert "wrong" not in page.split("<h1>")[1].split("</form>")[0].replace("field-error", "")


def test_session_is_rotated_at_sign_in(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    before = token_of(client)
    sign_in(client, store.owner.email)
    after = token_of(client)
    assert after != before
    stolen = new_client(app)
    with stolen.session_transaction() as cookie:
        cookie["_user_id"] = before
    assert stolen.get("/me").status_code == 303


def test_what_was_in_the_cookie_before_is_gone(client: FlaskClient, store: SomeStore) -> None:
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    sign_in(client, store.owner.email)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie


def test_sign_out_ends_the_session_on_the_server(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    copy = new_client(app)
    with copy.session_transaction() as cookie:
        cookie["_user_id"] = token_of(client)
    assert copy.get("/me").status_code == 200
    assert client.post("/signout").location == "/signin"
    assert client.get("/me").status_code == 303
    assert copy.get("/me").status_code == 303


def test_sign_out_is_a_post(client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    assert client.get("/signout", follow_redirects=True).status_code == 404
    assert client.get("/me").status_code == 200


def test_session_ends_when_its_time_has_come(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    assert client.get("/me").status_code == 200
    expire_sessions_of(app, store.owner)
    assert client.get("/me").status_code == 303


def times_of(app: Flask, person: SomePerson) -> tuple[timedelta, timedelta]:
    """(since it was last seen, until it expires) of a person's only session."""
    query = "select now() - last_seen_at as seen, expires_at - now() as left_ from user_sessions where user_id = :id"
    with app.app_context():
        row = db.session.execute(text(query), {"id": person.id}).one()
    return row.seen, row.left_


def age(app: Flask, person: SomePerson, sql: str) -> None:
    with app.app_context():
        db.session.execute(text(f"update user_sessions set {sql} where user_id = :id"), {"id": person.id})
        db.session.commit()


def test_sign_in_lasts_twelve_hours_in_all(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    sign_in(client, store.owner.email)
    cookie = client.get_cookie("channelbook")
    assert cookie is not None
    assert cookie.expires is None, "a browser that is closed forgets it"
    assert times_of(app, store.owner)[1] <= timedelta(hours=12)
    age(app, store.owner, "created_at = now() - interval '11 hours', last_seen_at = now() - interval '1 hour'")
    age(app, store.owner, "expires_at = expires_at - interval '11 hours'")
    assert client.get("/me").status_code == 200
    seen, left = times_of(app, store.owner)
    assert seen < timedelta(minutes=1)
    assert left < timedelta(hours=1), "using it does not prolong it"


def test_whoever_asks_for_it_stays_signed_in_on_the_device(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    page = client.get("/signin").text
    (tick,) = re.findall(r'<input[^>]*name="keep"[^>]*>', page)
    assert "checked" not in tick
    sign_in(client, store.owner.email, keep="y")
    cookie = client.get_cookie("channelbook")
    assert cookie is not None
    assert cookie.expires is not None
    assert times_of(app, store.owner)[1] > sessions.IDLE - timedelta(minutes=1)


def test_use_is_noted_once_in_a_while_and_prolongs(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    sign_in(client, store.owner.email, keep="y")
    age(app, store.owner, "last_seen_at = now() - interval '20 days', expires_at = now() + interval '10 days'")
    client.get("/me")
    seen, left = times_of(app, store.owner)
    assert seen < timedelta(minutes=1)
    assert left > sessions.IDLE - timedelta(minutes=1)
    age(app, store.owner, "last_seen_at = now() - interval '2 minutes'")
    client.get("/me")
    assert times_of(app, store.owner)[0] >= timedelta(minutes=2)


def test_no_session_outlives_ninety_days(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    sign_in(client, store.owner.email, keep="y")
    age(app, store.owner, "created_at = now() - interval '80 days', last_seen_at = now() - interval '1 day'")
    client.get("/me")
    assert times_of(app, store.owner)[1] < timedelta(days=10, minutes=1)


def test_knowing_who_is_signed_in_costs_one_statement(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    client.get("/me")
    with app.app_context(), statements() as seen:
        client.get("/me")
    assert len(seen) == 1
    assert "user_sessions" in seen[0]


def test_cookie_is_kept_from_scripts_other_sites_and_plain_http(settings: Settings, store: SomeStore) -> None:
    from dataclasses import replace  # noqa: PLC0415

    app = create_app(replace(settings, base_url="https://books.example"))
    client = new_client(app)
    answer = client.post("/signin", data={"email": store.owner.email, "password": PASSWORD})
    cookies = answer.headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["__Host-channelbook", "__Host-channelbook-device"]
    for cookie in cookies:
        for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert flag in cookie
        assert "Domain" not in cookie
    with app.app_context():
        db.engine.dispose()


def test_database_holds_no_token_that_opens_anything(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    token = token_of(client)
    with app.app_context():
        stored = db.session.execute(
            text("select token_hash from user_sessions where user_id = :id"), {"id": store.owner.id}
        ).scalar_one()
    assert bytes(stored) == sessions.token_hash(token)
    assert token.encode() not in bytes(stored)


def test_sessions_are_forgotten_a_month_after_their_end_and_no_sooner(
    app: Flask, client: FlaskClient, store: SomeStore
) -> None:
    person = store.owner
    for _sign_in in range(3):
        signed_in(new_client(app), person)
    ends = ("now() - interval '31 days'", "now() - interval '29 days'", "null")
    with app.app_context():
        ids = db.session.scalars(
            text("select id from user_sessions where user_id = :id order by id"), {"id": person.id}
        ).all()
        for session_id, ended_at in zip(ids, ends, strict=True):
            db.session.execute(
                text(f"update user_sessions set ended_at = {ended_at} where id = :id"), {"id": session_id}
            )
        db.session.commit()
        sessions.forget_old()
        kept = db.session.scalars(text("select id from user_sessions where user_id = :id"), {"id": person.id}).all()
    assert sorted(kept) == ids[1:]
