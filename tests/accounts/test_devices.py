"""Where one is signed in, and the mail about a device that is new."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import devices, later, sessions
from app.accounts.sessions import Browser
from app.extensions import db
from tests.accounts.test_proving import let_time_pass
from tests.accounts.test_sign_in import sign_in, token_of
from tests.accounts.test_totp import AGENTS
from tests.support.factories import PASSWORD, Make, SomePerson, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import mails_to, wait_for_mail

OTHERS = "/me/devices/sign-out-others"
CHROME = {"User-Agent": AGENTS["Chrome on Windows"]}
IPHONE = {"User-Agent": AGENTS["Safari on iPhone"]}


@pytest.fixture
def person(make: Make) -> SomePerson:
    return make.person()


def use(client: FlaskClient, agent: dict[str, str]) -> FlaskClient:
    client.environ_base["HTTP_USER_AGENT"] = agent["User-Agent"]
    return client


def mails(app: Flask, person: SomePerson) -> list[str]:
    """The subjects of all mails that were asked for so far."""
    later.finish()
    return [str(mail["Subject"]) for mail in mails_to(app, person.email)]


def test_first_sign_in_with_another_device_is_mailed(app: Flask, store: SomeStore) -> None:
    office, phone = use(new_client(app), CHROME), use(new_client(app), IPHONE)
    sign_in(office, store.owner.email)
    assert mails(app, store.owner) == [], "one has to begin somewhere"
    sign_in(phone, store.owner.email)
    mail = wait_for_mail(app, store.owner.email)
    assert mail["Subject"] == "New sign-in to your account"
    words = mail.get_content()
    for fact in ("Safari on iPhone", phone.environ_base["REMOTE_ADDR"], "GMT+8", "/forgot", "/me/devices"):
        assert fact in words, fact
    phone.post("/signout")
    sign_in(phone, store.owner.email)
    sign_in(office, store.owner.email)
    assert len(mails(app, store.owner)) == 1, "both are known now"


def test_newcomer_hears_nothing(app: Flask, client: FlaskClient) -> None:
    email = "newcomer.with.one.device@shop.example"
    form = {"name": "Mei", "store_name": "Kedai Satu", "email": email, "password": "harbour-mango-17"}
    assert client.post("/signup", data=form).status_code == 303
    later.finish()
    assert mails_to(app, email) == []


def test_device_of_a_colleague_is_new_to_me_and_stays_theirs(app: Flask, make: Make) -> None:
    mine, theirs = make.person(), make.person()
    till = new_client(app)
    sign_in(new_client(app), mine.email)
    for who in (theirs, mine, theirs, mine):
        sign_in(till, who.email)
    assert mails(app, mine) == ["New sign-in to your account"]
    assert mails(app, theirs) == []


def test_invented_device_is_not_believed(app: Flask, person: SomePerson) -> None:
    with app.app_context():
        here = Browser("pytest", "127.0.0.1")
        devices.arrive(person.id, here, "")
        planted = devices.arrive(person.id, here, "planted")
        assert planted.is_told
        assert planted.device != "planted"


def test_list_says_what_is_known_of_each_browser(app: Flask, person: SomePerson) -> None:
    office, phone = use(new_client(app), CHROME), use(new_client(app), IPHONE)
    for client in (office, phone):
        sign_in(client, person.email)
    page = office.get("/me/devices").text
    assert page.index("Chrome on Windows") < page.index("This one") < page.index("Safari on iPhone")
    assert phone.environ_base["REMOTE_ADDR"] in page
    assert page.count("/sign-out") == 2  # the phone, and all others
    assert page.count("in 12 hours") == 2


def test_signing_out_from_afar_asks_who_one_is(app: Flask, person: SomePerson) -> None:
    here, there = (signed_in(new_client(app), person) for _browser in range(2))
    let_time_pass(app, person)
    for path in (re.findall(r'action="(/me/devices/\d+/sign-out)"', here.get("/me/devices").text)[0], OTHERS):
        asked = here.post(path, headers={"Referer": "http://localhost/me/devices"})
        assert asked.location == "/me/prove?next=/me/devices"
    assert there.get("/me").status_code == 200
    assert here.post("/me/prove", data={"password": PASSWORD, "next": "/me/devices"}).location == "/me/devices"
    assert here.post(OTHERS).location == "/me/devices"
    assert there.get("/me").status_code == 303


def test_one_is_signed_out_from_afar_and_none_of_others(app: Flask, make: Make, person: SomePerson) -> None:
    office, phone, stranger = (signed_in(new_client(app), who) for who in (person, person, make.person()))
    with app.app_context():
        token = token_of(phone)
        there = sessions.person_of(token)
        assert there is not None
    path = f"/me/devices/{there.session_id}/sign-out"
    assert stranger.post(path).status_code == 404
    assert phone.get("/me").status_code == 200
    for _press in range(2):
        assert office.post(path).location == "/me/devices"
    assert phone.get("/me").status_code == 303
    assert office.get("/me").status_code == 200


def test_all_others_are_signed_out_at_once(app: Flask, person: SomePerson) -> None:
    here, *others = (signed_in(new_client(app), person) for _ in range(3))
    answer = here.post("/me/devices/sign-out-others", follow_redirects=True)
    assert "2 other browsers are signed out" in answer.text
    assert [client.get("/me").status_code for client in others] == [303, 303]
    assert "nowhere else" in here.post("/me/devices/sign-out-others", follow_redirects=True).text


def test_database_holds_no_token_of_a_device(app: Flask, client: FlaskClient, person: SomePerson) -> None:
    sign_in(client, person.email)
    cookie = client.get_cookie("channelbook-device")
    assert cookie is not None
    assert cookie.http_only
    with app.app_context():
        stored = db.session.scalar(text("select token_hash from devices where user_id = :id"), {"id": person.id})
    assert bytes(stored) == sessions.token_hash(cookie.value)
