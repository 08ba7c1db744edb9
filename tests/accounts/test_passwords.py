"""Changing a password, by knowing the old one or by a mailed link."""

from __future__ import annotations

import re
from threading import Event

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import limits, passwords
from app.extensions import db
from tests.support.factories import PASSWORD, Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import links_in, mails_to, wait_for_mail

NEW = "harbour-mango-17"
HTMX = {"HX-Request": "true"}


def can_sign_in(app: Flask, email: str, password: str) -> bool:
    return new_client(app).post("/signin", data={"email": email, "password": password}).status_code == 303


def ask_for_link(app: Flask, client: FlaskClient, email: str, count: int = 1) -> str:
    """The path of the reset link that was mailed."""
    assert client.post("/forgot", data={"email": email}).status_code == 200
    (link,) = links_in(wait_for_mail(app, email, count))
    assert link.startswith("http://localhost/reset/")
    return link.removeprefix("http://localhost")


def test_change_ends_every_other_session_and_keeps_this_one(app: Flask, store: SomeStore) -> None:
    here, phone = signed_in(new_client(app), store.owner), signed_in(new_client(app), store.owner)
    with here.session_transaction() as cookie:
        before = cookie["_user_id"]
    answer = here.post("/me/password", data={"current": PASSWORD, "password": NEW})
    assert (answer.status_code, answer.location) == (303, "/me/password")
    assert here.get("/me").status_code == 200
    assert phone.get("/me").status_code == 303
    with here.session_transaction() as cookie:
        assert cookie["_user_id"] != before
    thief = new_client(app)
    with thief.session_transaction() as cookie:
        cookie["_user_id"] = before
    assert thief.get("/me").status_code == 303
    assert can_sign_in(app, store.owner.email, NEW)
    assert not can_sign_in(app, store.owner.email, PASSWORD)


def test_change_leaves_colleagues_signed_in(app: Flask, store: SomeStore) -> None:
    colleague = signed_in(new_client(app), store.reader)
    signed_in(new_client(app), store.owner).post("/me/password", data={"current": PASSWORD, "password": NEW})
    assert colleague.get("/me").status_code == 200


@pytest.mark.parametrize(
    "case",
    [
        ("not-the-password", NEW, "not the password you have now"),
        (PASSWORD, "short", "too short"),
        (PASSWORD, "password1234", "first that anybody would try"),
        ("", NEW, "Type the password you have now"),
    ],
)
def test_refused_change_leaves_all_as_it_was(
    app: Flask, client: FlaskClient, store: SomeStore, case: tuple[str, str, str]
) -> None:
    current, new, words = case
    signed_in(client, store.owner)
    for headers in ({}, HTMX):
        answer = client.post("/me/password", data={"current": current, "password": new}, headers=headers)
        assert answer.status_code == 422
        assert words in answer.text
        assert ("<html" in answer.text) == (not headers)
    assert client.get("/me").status_code == 200
    assert can_sign_in(app, store.owner.email, PASSWORD)


def test_own_name_and_address_make_no_password(client: FlaskClient, make: Make) -> None:
    person = make.person("Tengku Zainal")
    signed_in(client, person)
    for new in ("Tengku Zainal 1", f"{person.email.partition('@')[0]}!!"):
        answer = client.post("/me/password", data={"current": PASSWORD, "password": new})
        assert "first that anybody would try" in answer.text, new


def test_change_in_place_answers_with_the_form(client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    answer = client.post("/me/password", data={"current": PASSWORD, "password": NEW}, headers=HTMX)
    assert answer.status_code == 200
    assert 'id="my-password"' in answer.text
    assert "Everywhere else you are signed out" in answer.text
    assert client.get("/me").status_code == 200


def test_name_is_changed_with_and_without_javascript(client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    assert client.post("/me", data={"name": "Puan Tan"}).location == "/me"
    assert 'value="Puan Tan"' in client.get("/me").text
    answer = client.post("/me", data={"name": "Puan Tan Mei"}, headers=HTMX)
    assert answer.status_code == 200
    assert "Puan Tan Mei" in answer.text
    assert "<html" not in answer.text
    assert client.post("/me", data={"name": " "}).status_code == 422


def test_forgot_answers_alike_for_known_and_unknown(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    known = client.post("/forgot", data={"email": store.owner.email})
    unknown = client.post("/forgot", data={"email": "nobody.here@shop.example"})
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace(store.owner.email, "") == unknown.text.replace("nobody.here@shop.example", "")
    wait_for_mail(app, store.owner.email)


def test_forgot_does_no_work_that_depends_on_the_address(
    client: FlaskClient, store: SomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.accounts import routes  # noqa: PLC0415

    put_off: list[object] = []
    monkeypatch.setattr(routes, "later", put_off.append)
    client.post("/forgot", data={"email": store.owner.email})
    client.post("/forgot", data={"email": "nobody.here@shop.example"})
    assert len(put_off) == 2


def test_unknown_address_gets_no_mail(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    client.post("/forgot", data={"email": "stranger@elsewhere.example"})
    ask_for_link(app, client, store.owner.email)  # one after the other: the stranger's turn is over
    assert not mails_to(app, "stranger@elsewhere.example")


def test_link_sets_the_password_once_and_ends_every_session(app: Flask, client: FlaskClient, make: Make) -> None:
    person = make.person()
    phone = signed_in(new_client(app), person)
    link = ask_for_link(app, client, person.email)
    assert person.email in client.get(link).text
    assert client.get(link).status_code == 200, "looking does not use it up: mail programs look too"
    assert client.post(link, data={"password": "short"}).status_code == 422
    assert client.post(link, data={"password": NEW}).location == "/signin"
    assert phone.get("/me").status_code == 303
    assert can_sign_in(app, person.email, NEW)
    again = client.post(link, data={"password": "another-mango-18"})
    assert again.status_code == 410
    assert "no longer works" in again.text
    assert client.get(link).status_code == 410
    assert can_sign_in(app, person.email, NEW)


def test_link_runs_out(app: Flask, client: FlaskClient, make: Make) -> None:
    person = make.person()
    link = ask_for_link(app, client, person.email)
    with app.app_context():
        past = "update password_resets set expires_at = now() - interval '1 second' where user_id = :id"
        db.session.execute(text(past), {"id": person.id})
        db.session.commit()
    assert client.get(link).status_code == 410
    assert client.post(link, data={"password": NEW}).status_code == 410
    assert can_sign_in(app, person.email, PASSWORD)


def test_invented_link_opens_nothing(client: FlaskClient) -> None:
    assert client.get("/reset/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").status_code == 410


def test_changed_password_closes_older_links(app: Flask, client: FlaskClient, make: Make) -> None:
    person = make.person()
    link = ask_for_link(app, client, person.email)
    signed_in(new_client(app), person).post("/me/password", data={"current": PASSWORD, "password": NEW})
    assert client.get(link).status_code == 410


def test_link_begins_with_our_address_whatever_the_visitor_claims(app: Flask, client: FlaskClient, make: Make) -> None:
    person = make.person()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    client.post("/forgot", data={"email": person.email}, headers=headers)
    assert links_in(wait_for_mail(app, person.email))[0].startswith("http://localhost/reset/")


def test_mail_that_cannot_be_sent_breaks_nothing(
    app: Flask, client: FlaskClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import mail  # noqa: PLC0415

    person, other = make.person(), make.person()
    tried = Event()

    def refuse(*_args: object) -> None:
        tried.set()
        raise OSError("no route to host")

    with monkeypatch.context() as broken:
        broken.setattr(mail, "_SENDERS", {"file": refuse})
        answer = client.post("/forgot", data={"email": person.email})
        assert answer.status_code == 200
        assert tried.wait(timeout=10)
    ask_for_link(app, client, other.email)
    assert not mails_to(app, person.email)


def test_older_hash_is_renewed_at_sign_in(app: Flask, make: Make) -> None:
    person = make.person()
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with app.app_context():
        db.session.execute(text("update users set password_hash = :h where id = :id"), {"h": older, "id": person.id})
        db.session.commit()
    assert can_sign_in(app, person.email, PASSWORD)
    with app.app_context():
        stored = db.session.execute(text("select password_hash from users where id = :id"), {"id": person.id}).scalar()
    assert stored != older
    assert can_sign_in(app, person.email, PASSWORD)


def test_passwords_are_hashed_with_argon2id_at_its_recommended_costs() -> None:
    stored = PasswordHasher().hash("anything")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_password_is_the_same_however_it_was_composed(app: Flask, make: Make, client: FlaskClient) -> None:
    person = make.person()
    signed_in(client, person)
    composed, decomposed = "cà-phê-sữa-đá", "ca\u0300-phe\u0302-su\u031b\u0303a-đa\u0301"
    assert client.post("/me/password", data={"current": PASSWORD, "password": composed}).status_code == 303
    assert can_sign_in(app, person.email, decomposed)


@pytest.mark.parametrize("password", ["tram-lantern-82", "correct horse battery", "kopi-o-kaw-satu!"])
def test_unusual_passwords_pass(password: str) -> None:
    assert not passwords.is_guessable(password, "owner@demo.example", "Puan Lim")


METER = "/signup/password-strength"


@pytest.mark.parametrize(
    ("password", "value", "words"),
    [
        ("", None, ""),
        ("mango-lime", 0, "Still too short."),
        ("password12345", 1, "Too easy to guess."),
        ("mango mango mango", 2, "It will do."),
        ("harbour-mango-17", 3, "Good."),
        ("lemongrass and pandan cake", 4, "Strong."),
    ],
)
def test_meter_says_how_strong_a_password_is(client: FlaskClient, password: str, value: int | None, words: str) -> None:
    told = client.post(METER, data={"password": password}, headers={"HX-Request": "true"}).text
    found = re.search(r'<meter[^>]* value="(\d)" aria-label="[^"]+"></meter><span>(.*)</span>', told)
    assert ((int(found[1]), found[2]) if found else (None, told.strip())) == (value, words)


def test_meter_and_form_agree_about_what_is_refused(client: FlaskClient, store: SomeStore) -> None:
    def value(**fields: str) -> str:
        return client.post(METER, data=fields).text.partition('value="')[2][:1]

    mine = "roselyn.ooi2026"
    assert value(password=mine) == "3"
    assert value(password=mine, email="roselyn.ooi@shop.example") == "1"
    assert value(password=mine, name="Roselyn.Ooi") == "1"
    signed_in(client, store.owner)
    assert value(password=f"{store.owner.email}1") == "1", "the page knows who is signed in"


def test_meter_is_asked_so_often_and_by_our_own_pages_alone(client: FlaskClient) -> None:
    form = {"password": "harbour-mango-17"}
    assert client.post(METER, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(f"{METER}?password=harbour-mango-17").status_code in {404, 405}
    many = int(limits.STRENGTH_BY_ADDRESS.split()[0])
    answers = [client.post(METER, data=form).status_code for _try in range(2 * many + 1)]  # a minute may end meanwhile
    assert answers[:2] == [200, 200]
    assert 429 in answers


def test_meter_stands_wherever_a_password_is_chosen_and_sends_no_other(client: FlaskClient, store: SomeStore) -> None:
    pages = [client.get("/signup").text, signed_in(client, store.owner).get("/me/password").text]
    for page in pages:
        (field,) = re.findall(r'<input[^>]*hx-post="/signup/password-strength"[^>]*>', page)
        assert 'name="password"' in field
        assert 'hx-params="password,email,name,store_name"' in field
        assert '<div id="password-strength" class="strength needs-js" role="status" aria-live="polite"></div>' in page
