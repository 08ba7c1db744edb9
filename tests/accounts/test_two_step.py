"""Two-step sign-in: set up, signed in with, lost and switched off."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet, MultiFernet
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.accounts import halves, limits, recovery, telling, two_step
from app.accounts.two_step import Answer
from app.extensions import db
from tests.accounts.codes import Clock, Phone, with_phone
from tests.accounts.test_sign_in import sign_in, token_of
from tests.support.factories import PASSWORD, Make, SomePerson, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import links_in, wait_for_mail

CODE_PAGE = "/signin/code"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def person(make: Make) -> SomePerson:
    return make.person()


@pytest.fixture
def phone(app: Flask, person: SomePerson, clock: Clock) -> Phone:
    """The phone of a person who has two-step sign-in."""
    return with_phone(app, person, clock)


def bring(client: FlaskClient, code: str, **fields: str) -> TestResponse:
    return client.post(CODE_PAGE, data={"code": code, **fields})


def is_in(client: FlaskClient) -> bool:
    return client.get("/me").status_code == 200


def test_set_up_from_the_page(app: Flask, client: FlaskClient, person: SomePerson, clock: Clock) -> None:
    elsewhere = signed_in(new_client(app), person)
    signed_in(client, person)
    assert "Off: your password is enough" in client.get("/me/two-step").text
    assert client.post("/me/two-step/start").location == "/me/two-step/set-up"
    page = client.get("/me/two-step/set-up").text
    key = re.search(r'data-copy="([A-Z2-7 ]+)"', page)
    assert key
    picture = client.get("/me/two-step/picture.svg")
    assert picture.content_type == "image/svg+xml"
    assert picture.headers["Cache-Control"] == "no-store"
    phone = Phone(key[1].replace(" ", ""), clock)
    wrong = client.post("/me/two-step/set-up", data={"code": phone.other_code()})
    assert wrong.status_code == 422
    assert "does not fit" in wrong.text
    before = token_of(client)
    done = client.post("/me/two-step/set-up", data={"code": phone.code()})
    codes = re.findall(r"<li><code>([A-Z2-9-]{19})</code>", done.text)
    assert len(set(codes)) == recovery.HOW_MANY
    assert token_of(client) != before, "another session, now that more is asked for"
    assert not is_in(elsewhere)
    assert is_in(client)
    assert codes[0] not in client.get("/me/two-step").text, "shown once"
    assert "Two-step sign-in is on" in wait_for_mail(app, person.email)["Subject"]


def test_secret_that_was_scanned_stays_for_a_while(app: Flask, person: SomePerson) -> None:
    with app.app_context():
        two_step.start_set_up(person.id)
        first = two_step.secret_to_set_up(person.id)
        two_step.start_set_up(person.id)
        assert two_step.secret_to_set_up(person.id) == first
        db.session.execute(text("update two_step_secrets set created_at = now() - interval '61 minutes'"))
        db.session.commit()
        assert two_step.secret_to_set_up(person.id) is None
        two_step.start_set_up(person.id)
        assert two_step.secret_to_set_up(person.id) not in {None, first}


def test_password_alone_opens_nothing_but_the_question(
    client: FlaskClient, store: SomeStore, app: Flask, clock: Clock
) -> None:
    with_phone(app, store.owner, clock)
    answer = sign_in(client, store.owner.email)
    assert (answer.status_code, answer.location) == (303, CODE_PAGE)
    for path in ("/me", "/stores", store.url("/"), store.url("/orders"), "/me/two-step/picture.svg", "/me/prove"):
        assert "/signin" in (client.get(path).location or ""), path
    assert client.get(CODE_PAGE).status_code == 200


def test_code_opens_and_goes_on_to_the_page_that_asked(client: FlaskClient, person: SomePerson, phone: Phone) -> None:
    answer = sign_in(client, person.email, next="/stores")
    assert answer.location == f"{CODE_PAGE}?next=/stores"
    half = client.get_cookie("channelbook")
    page = client.get(answer.location).text
    assert 'name="next" value="/stores"' in page
    assert 'autocomplete="one-time-code"' in page
    opened = bring(client, phone.code(), next="/stores")
    assert (opened.status_code, opened.location) == (303, "/stores")
    assert is_in(client)
    whole = client.get_cookie("channelbook")
    assert half is not None
    assert whole is not None
    assert half.value != whole.value
    with client.session_transaction() as cookie:
        assert "half" not in cookie
    assert bring(client, phone.code(), next="https://evil.example/").location == "/"


@pytest.mark.parametrize("keep", ["y", ""])
def test_what_was_ticked_beside_the_password_holds_after_the_code(
    app: Flask, client: FlaskClient, person: SomePerson, phone: Phone, keep: str
) -> None:
    sign_in(client, person.email, **({"keep": keep} if keep else {}))
    bring(client, phone.code())
    page = client.get("/me/devices").text
    assert ("in 1 month" if keep else "in 12 hours") in page
    client.post("/me/two-step/off", data={"password": PASSWORD})
    assert ("in 1 month" if keep else "in 12 hours") in client.get("/me/devices").text, "and as other things change"


def test_account_without_it_sees_no_change(client: FlaskClient, person: SomePerson) -> None:
    assert sign_in(client, person.email).location == "/"
    assert is_in(client)


def test_code_is_accepted_once(app: Flask, person: SomePerson, phone: Phone, clock: Clock) -> None:
    first, second = new_client(app), new_client(app)
    for client in (first, second):
        sign_in(client, person.email)
    code = phone.code()
    assert bring(first, code).status_code == 303
    again = bring(second, code)
    assert again.status_code == 422
    assert "used already" in again.text
    earlier = bring(second, phone.code(-1))
    assert earlier.status_code == 422, "nor one of before"
    clock.pass_spans()
    assert bring(second, phone.code()).status_code == 303


def test_code_that_set_it_up_signs_nobody_in(client: FlaskClient, person: SomePerson, phone: Phone) -> None:
    sign_in(client, person.email)
    assert bring(client, phone.code(-1)).status_code == 422


@pytest.mark.parametrize("kind", ["of the app", "for recovery"])
def test_of_those_who_bring_a_code_at_once_one_gets_in(
    app: Flask, person: SomePerson, phone: Phone, clock: Clock, kind: str
) -> None:
    code = phone.code() if kind == "of the app" else phone.recovery_codes[0]
    with app.app_context():
        tokens = [halves.begin(person.id) or "" for _ in range(4)]
        db.session.remove()
    ready = threading.Barrier(len(tokens))
    answers: list[bool] = []

    def press(token: str) -> None:
        with app.app_context():
            ready.wait()
            brought = halves.bring_code(token, code, at=clock.at)
            answers.append(brought is not None and brought.answer.is_right)
            db.session.remove()

    threads = [threading.Thread(target=press, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]


def test_recovery_code_works_once_and_is_told(
    app: Flask, client: FlaskClient, person: SomePerson, phone: Phone
) -> None:
    code = phone.recovery_codes[3]
    sign_in(client, person.email)
    assert "recovery codes" in client.get(f"{CODE_PAGE}?with=recovery").text
    assert bring(client, code.lower().replace("-", " "), **{"with": "recovery"}).status_code == 303
    assert "9 recovery codes left" in client.get("/me/two-step").text
    assert "recovery code was used" in wait_for_mail(app, person.email)["Subject"]
    other = new_client(app)
    sign_in(other, person.email)
    assert bring(other, code).status_code == 422


def test_fifth_wrong_code_asks_for_the_password_again_and_is_told(
    app: Flask, client: FlaskClient, person: SomePerson, phone: Phone
) -> None:
    sign_in(client, person.email)
    answers = [bring(client, phone.other_code()) for _ in range(halves.MOST_WRONG)]
    assert [answer.status_code for answer in answers] == [422] * 4 + [303]
    assert answers[-1].location == "/signin"
    assert bring(client, phone.code()).location == "/signin", "the right one comes too late"
    assert not is_in(client)
    assert "did not get in" in wait_for_mail(app, person.email).get_content()


def test_codes_cannot_be_tried_without_end(app: Flask, person: SomePerson, phone: Phone) -> None:
    answers = []
    for _ in range(3):
        client = new_client(app)
        sign_in(client, person.email)
        answers += [bring(client, phone.other_code()).status_code for _ in range(halves.MOST_WRONG)]
    assert answers.count(429) == 5
    assert answers[-1] == 429
    assert int(limits.CODE_BY_ACCOUNT.split()[0]) == 10


def test_half_a_sign_in_ends_by_itself_and_with_a_new_password(
    app: Flask, client: FlaskClient, person: SomePerson, phone: Phone
) -> None:
    sign_in(client, person.email)
    with app.app_context():
        db.session.execute(text("update half_sign_ins set expires_at = now() where user_id = :id"), {"id": person.id})
        db.session.commit()
    assert client.get(CODE_PAGE).location == "/signin"
    sign_in(client, person.email)
    here = signed_in(new_client(app), person)
    here.post("/me/password", data={"current": PASSWORD, "password": "harbour-mango-17"})
    assert bring(client, phone.code()).location == "/signin"


def test_mailed_link_does_not_go_round_the_second_step(
    app: Flask, client: FlaskClient, person: SomePerson, phone: Phone
) -> None:
    client.post("/forgot", data={"email": person.email})
    (link,) = links_in(wait_for_mail(app, person.email))
    path = link.removeprefix("http://localhost")
    assert client.post(path, data={"password": "harbour-mango-17"}).location == "/signin"
    assert not is_in(client)
    assert sign_in(client, person.email, "harbour-mango-17").location == CODE_PAGE
    assert not is_in(client)


def test_signing_up_again_does_not_go_round_it_either(client: FlaskClient, person: SomePerson, phone: Phone) -> None:
    form = {"name": "X", "store_name": "Kedai Dua Kali", "email": person.email, "password": PASSWORD}
    assert client.post("/signup", data=form).location == CODE_PAGE
    assert not is_in(client)


def test_switching_off_asks_for_the_password(app: Flask, client: FlaskClient, person: SomePerson, phone: Phone) -> None:
    elsewhere = signed_in(new_client(app), person)
    signed_in(client, person)
    assert client.post("/me/two-step/off", data={"password": "wrong-guess-1"}).status_code == 422
    assert sign_in(new_client(app), person.email).location == CODE_PAGE
    assert client.post("/me/two-step/off", data={"password": PASSWORD}).location == "/me/two-step"
    assert is_in(client)
    assert not is_in(elsewhere)
    assert sign_in(new_client(app), person.email).location == "/"
    assert "is off" in wait_for_mail(app, person.email)["Subject"]
    with app.app_context():
        assert recovery.codes_left(person.id) == 0


def test_new_recovery_codes_end_the_old_ones(app: Flask, client: FlaskClient, person: SomePerson, phone: Phone) -> None:
    page = signed_in(client, person).post("/me/two-step/codes").text
    (new, *_others) = re.findall(r"<li><code>([A-Z2-9-]{19})</code>", page)
    with app.app_context():
        assert not recovery.use_code(person.id, phone.recovery_codes[0])
        assert recovery.use_code(person.id, new)
        db.session.rollback()


def test_another_phone_takes_over_once_it_has_shown_a_code(
    app: Flask, person: SomePerson, phone: Phone, clock: Clock
) -> None:
    with app.app_context():
        two_step.start_set_up(person.id)
        secret = two_step.secret_to_set_up(person.id) or ""
        new = Phone(secret, clock)
        assert two_step.take_code(person.id, new.code(), at=clock.at) is Answer.WRONG, "not confirmed yet"
    with_phone(app, person, clock)  # the secret that waits
    with app.app_context():
        assert two_step.take_code(person.id, phone.code(), at=clock.at) is Answer.WRONG
        assert two_step.take_code(person.id, new.code(), at=clock.at) is Answer.BY_APP
        db.session.rollback()


def test_database_holds_neither_secret_nor_codes(app: Flask, person: SomePerson, phone: Phone) -> None:
    with app.app_context():
        sealed = db.session.scalar(text("select sealed from two_step_secrets where user_id = :id"), {"id": person.id})
        rows = db.session.execute(
            text("select salt, code_hash from recovery_codes where user_id = :id"), {"id": person.id}
        ).all()
    assert phone.secret.encode() not in bytes(sealed)
    assert len({bytes(row.salt) for row in rows}) == recovery.HOW_MANY
    letters = [recovery.letters_of(code).encode() for code in phone.recovery_codes]
    assert not any(code in bytes(row.code_hash) for code in letters for row in rows)


def test_secret_follows_the_keys(app: Flask, person: SomePerson, phone: Phone, clock: Clock) -> None:
    """As channels' credentials: sealed anew with the newest key it opens, and with a lost key recovery codes do."""
    settings = app.extensions["settings"]
    newest = Fernet.generate_key().decode()
    keys = (newest, *settings.credential_keys)
    with app.app_context():
        try:
            row = db.session.scalars(text("select sealed from two_step_secrets where user_id = :id"), {"id": person.id})
            db.session.execute(
                text("update two_step_secrets set sealed = :anew where user_id = :id"),
                {"anew": MultiFernet(map(Fernet, keys)).rotate(bytes(row.one())), "id": person.id},
            )
            app.extensions["settings"] = replace(settings, credential_keys=(newest,))
            assert two_step.take_code(person.id, phone.code(), at=clock.at) is Answer.BY_APP
            app.extensions["settings"] = settings
            assert two_step.take_code(person.id, phone.code(1), at=clock.at) is Answer.WRONG
            assert two_step.take_code(person.id, phone.recovery_codes[0], at=clock.at) is Answer.BY_RECOVERY
        finally:
            app.extensions["settings"] = settings
            db.session.rollback()


def test_store_that_asks_for_it_leads_members_to_set_up(
    app: Flask, client: FlaskClient, store: SomeStore, clock: Clock
) -> None:
    owner, reader = signed_in(client, store.owner), signed_in(new_client(app), store.reader)
    refused = owner.post(store.url("/settings/security/require"), follow_redirects=True)
    assert "you would lock yourself out" in refused.text
    assert reader.get(store.url("/settings/general")).status_code == 200, "nothing changed"
    with_phone(app, store.owner, clock)
    signed_in(owner, store.owner)
    assert owner.post(store.url("/settings/security/require")).status_code == 303
    page = owner.get(store.url("/settings/security")).text
    assert "The store asks its members for it." in page
    assert store.reader.email in page
    led = reader.get(store.url("/settings/general?x=1"))
    assert led.location == f"/me/two-step?store={store.slug}&next=/{store.slug}/settings/general?x%3D1"
    why = reader.get(led.location).text
    assert f"{store.name} lets in only members who sign in in two steps" in why
    part = reader.get(store.url("/strip"), headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"].startswith("/me/two-step")
    assert reader.get("/stores").status_code == 200
    with_phone(app, store.reader, clock)
    assert signed_in(reader, store.reader).get(store.url("/settings/general")).status_code == 200
    assert owner.post(store.url("/settings/security/release")).status_code == 303


def test_page_names_no_store_of_others(client: FlaskClient, person: SomePerson, store: SomeStore) -> None:
    assert store.name not in signed_in(client, person).get(f"/me/two-step?store={store.slug}").text


def test_operator_helps_who_lost_phone_and_codes(
    app: Flask, client: FlaskClient, person: SomePerson, phone: Phone
) -> None:
    signed_in(client, person)
    with app.app_context():
        assert two_step.lift(f" {person.email.upper()} ") == person.id
        assert two_step.lift(person.email) is None
        assert two_step.lift("nobody.here@shop.example") is None
        telling.tell(person.id, telling.two_step_lifted, None)
    assert not is_in(client)
    assert sign_in(client, person.email).location == "/"
    assert "Set it up again" in wait_for_mail(app, person.email).get_content()
