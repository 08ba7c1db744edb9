"""Signing up: straight into a store of one's own, and no word about who is here already."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app import create_app
from app.accounts import later
from app.config import Settings
from app.extensions import db
from app.onboarding.services import EmailTaken, create_owner, create_store
from app.onboarding.stores import RESERVED_SLUGS, slug_of
from app.tenancy import doors
from app.tenancy.scope import store_scope
from tests.support.factories import PASSWORD, Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import mails_to, wait_for_mail

serial = iter(range(1, 10_000))


def sign_up(client: FlaskClient, email: str, password: str = PASSWORD, store_name: str = "") -> TestResponse:
    name = store_name or f"Newcomer {next(serial)}"
    return client.post("/signup", data={"name": "Mei Ling", "store_name": name, "email": email, "password": password})


def new_email() -> str:
    return f"newcomer{next(serial)}@shop.example"


def test_newcomer_is_straight_in_a_store_of_their_own(app: Flask, client: FlaskClient) -> None:
    answer = sign_up(client, new_email(), store_name="Kedai Bunga Raya")
    assert (answer.status_code, answer.location) == (303, "/")
    home = client.get("/").location
    assert home is not None
    assert home.startswith("/kedai-bunga-raya")
    page = client.get(f"{home}settings/invoicing").text
    assert "INV00001" in page
    assert client.get(f"{home}settings/payment-methods").text.count("Cash") >= 1
    assert "Main warehouse" in client.get(f"{home}settings/warehouses").text


def test_signing_up_is_all_or_nothing(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.onboarding import services  # noqa: PLC0415

    def fail(**_values: object) -> None:
        raise RuntimeError("the disk is full")

    email = new_email()
    monkeypatch.setattr(services, "add_store", fail)
    with pytest.raises(RuntimeError, match="disk"):
        sign_up(client, email)
    with app.app_context():
        assert not db.session.execute(text("select 1 from users where email = :e"), {"e": email}).first()


def test_mistakes_keep_what_was_typed(client: FlaskClient) -> None:
    answer = sign_up(client, "not an address", "short", "Kedai <b>Tebal</b>")
    assert answer.status_code == 422
    assert 'value="not an address"' in answer.text
    assert "Kedai &lt;b&gt;Tebal&lt;/b&gt;" in answer.text
    assert "not a complete e-mail address" in answer.text
    assert "too short" in answer.text
    assert "short" not in answer.text.split('name="password"')[1].split(">")[0]


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "123456789012",
        "aaaaaaaaaaaa",
        "qwertyuiop12",
        "malaysia2026",
        "newcomerx123",
        "Mei Ling 123",
        "iloveyou2026",
    ],
)
def test_guessable_passwords_are_refused(client: FlaskClient, password: str) -> None:
    answer = sign_up(client, f"newcomerx@shop{next(serial)}.example", password)
    assert answer.status_code == 422
    assert "first that anybody would try" in answer.text


def test_answer_does_not_tell_whether_the_email_is_known(app: Flask, store: SomeStore) -> None:
    known, new = new_client(app), new_client(app)
    to_known = sign_up(known, store.owner.email, "another-password-7")
    to_new = sign_up(new, new_email(), "another-password-7")
    assert to_known.status_code == to_new.status_code == 303
    assert to_known.location == to_new.location
    assert to_known.text == to_new.text
    shape = [sorted(name for name, _ in answer.headers) for answer in (to_known, to_new)]
    assert shape[0] == shape[1]
    cookies = [answer.headers["Set-Cookie"] for answer in (to_known, to_new)]
    assert abs(len(cookies[0]) - len(cookies[1])) <= 8, "a signed cookie's length varies by a few letters only"
    with known.session_transaction() as first, new.session_transaction() as second:
        assert first.keys() == second.keys()
        assert len(first["_user_id"]) == len(second["_user_id"])


def test_sign_up_with_a_known_email_changes_nothing_and_opens_nothing(app: Flask, store: SomeStore) -> None:
    client = new_client(app)
    sign_up(client, store.owner.email, "another-password-7")
    assert client.get("/me").status_code == 303
    assert client.get("/").location == "/signin"
    with app.app_context():
        assert len(doors.stores_of_person(store.owner.id)) == 1
    fresh = new_client(app)
    assert fresh.post("/signin", data={"email": store.owner.email, "password": PASSWORD}).status_code == 303
    other = new_client(app)
    answer = other.post("/signin", data={"email": store.owner.email, "password": "another-password-7"})
    assert answer.status_code == 422


def test_owner_of_a_known_email_hears_of_it_by_mail_alone(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    sign_up(client, store.owner.email, "another-password-7")
    mail = wait_for_mail(app, store.owner.email)
    assert "already has an account" in mail.get_content()
    assert "http://localhost/forgot" in mail.get_content()


def test_pressing_twice_signs_up_once(app: Flask, client: FlaskClient) -> None:
    email = new_email()
    sign_up(client, email)
    second = new_client(app)
    assert sign_up(second, email).status_code == 303
    assert second.get("/").location == client.get("/").location
    later.finish()
    assert [mail["Subject"] for mail in mails_to(app, email)] == ["New sign-in to your account"], "another browser"


def test_closed_sign_up_says_whom_to_ask(settings: Settings) -> None:
    app = create_app(replace(settings, sign_up_open=False))
    client = new_client(app)
    answer = client.get("/signup")
    assert answer.status_code == 403
    assert "Ask whoever runs this server" in answer.text
    assert sign_up(client, new_email()).status_code == 403
    assert "/signup" not in client.get("/signin").text
    with app.app_context():
        db.engine.dispose()


def test_another_store_is_opened_from_the_list(app: Flask, client: FlaskClient, store: SomeStore) -> None:
    signed_in(client, store.owner)
    form = {"name": "Cửa hàng Đà Nẵng", "currency": "VND", "time_zone": "Asia/Ho_Chi_Minh"}
    answer = client.post("/stores", data=form)
    assert answer.status_code == 303
    assert answer.location is not None
    assert answer.location.startswith("/cua-hang-da-nang")
    page = client.get(f"{answer.location}settings/general").text
    assert '<option selected value="VND">' in page
    assert '<option selected value="Asia/Ho_Chi_Minh">' in page
    assert client.post("/stores", data={**form, "currency": "XXX"}).status_code == 422
    assert client.post("/stores", data={**form, "name": ""}).status_code == 422


def test_stores_of_the_same_name_get_different_addresses(app: Flask, make: Make) -> None:
    people = [make.person() for _ in range(8)]
    with app.app_context():
        slugs = []
        for person in people:
            slugs.append(create_store(person.id, "Toko Kembar").slug)
            db.session.remove()
    assert slugs[0] == "toko-kembar"
    assert len(set(slugs)) == 8


def test_a_person_who_presses_twice_gets_one_store(app: Flask, client: FlaskClient, make: Make) -> None:
    person = make.person()
    signed_in(client, person)
    form = {"name": "Toko Sekali", "currency": "MYR", "time_zone": "Asia/Kuala_Lumpur"}
    answers = [client.post("/stores", data=form), client.post("/stores", data=form | {"name": " toko SEKALI "})]
    assert answers[0].location == answers[1].location
    assert "You have a store of this name already" in client.get(answers[1].location).text
    with app.app_context():
        assert len(doors.stores_of_person(person.id)) == 1


def test_two_presses_at_the_same_moment_make_one_store(app: Flask, make: Make) -> None:
    person = make.person()
    ready, made = threading.Barrier(4), []

    def press() -> None:
        with app.app_context():
            ready.wait()
            made.append(create_store(person.id, "Toko Serentak"))
            db.session.remove()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({store.store_id for store in made}) == 1
    assert sorted(store.is_new for store in made) == [False, False, False, True]


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Kedai Roti 88", "kedai-roti-88"), ("Đặng & Sons", "dang-sons"), ("中文店", "store"), ("  --  ", "store")],
)
def test_slug_is_readable(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_store_named_like_a_page_of_ours_gets_another_address(app: Flask, make: Make) -> None:
    person = make.person()
    with app.app_context():
        assert create_store(person.id, "Signin").slug != "signin"
        db.session.remove()


def test_every_page_of_ours_is_reserved(app: Flask) -> None:
    first_parts = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()} - {""}
    ours = {part for part in first_parts if not part.startswith("<")}
    assert ours <= RESERVED_SLUGS


def test_operator_makes_an_owner(app: Flask) -> None:
    email = new_email()
    with app.app_context():
        made = create_owner(email=email, name="Mei", store_name="Made Here", password=PASSWORD)
        db.session.remove()
        with store_scope(made.store_id):
            role = db.session.execute(text("select role from memberships")).scalar_one()
        assert role == "owner"
        with pytest.raises(EmailTaken):
            create_owner(email=email.upper(), name="Mei", store_name="Twice", password=PASSWORD)
