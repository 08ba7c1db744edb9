"""Invitations: a link in a mail that opens one place in one store, once, for one address."""

from __future__ import annotations

import itertools
import os
import threading
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import invitations, later
from app.accounts.invitations import AT_MOST, HasAccount, Joined, NoSuchInvitation, TooMany
from app.core.roles import Role
from app.extensions import db
from app.tenancy.scope import store_scope
from tests.support.factories import PASSWORD, Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import links_in, mails_to, text_of, wait_for_mail

GONE = "This invitation no longer works"
_numbers = itertools.count(1)


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


def an_address() -> str:
    return f"new{next(_numbers)}.{os.getpid()}@shop.example"


def invited(app: Flask, store: SomeStore, email: str, role: Role = Role.BOOKKEEPER) -> str:
    """The path of the link of an invitation."""
    with app.app_context(), store_scope(store.id):
        _id, token = invitations.invite(email, role, by=store.owner.id)
    return f"/invite/{token}"


def link_of(app: Flask, email: str, count: int = 1) -> str:
    """The path of the link in the mail that came last."""
    return urlsplit(links_in(wait_for_mail(app, email, count))[0]).path


def role_of(app: Flask, store: SomeStore, email: str) -> str | None:
    with app.app_context(), store_scope(store.id):
        role: str | None = db.session.scalar(
            text("select m.role from memberships m join users u on u.id = m.user_id where u.email = :email"),
            {"email": email},
        )
        return role


def test_a_newcomer_joins_with_a_name_and_a_password_and_gets_no_store_of_their_own(
    app: Flask, owner: FlaskClient, store: SomeStore
) -> None:
    email = an_address()
    answer = owner.post(store.url("/settings/staff/invite"), data={"email": email.upper(), "role": "order_desk"})
    assert answer.location == store.url("/settings/staff")
    listed = owner.get(store.url("/settings/staff")).text
    assert email in listed
    assert "is on its way" in listed
    mail = wait_for_mail(app, email)
    assert mail["Subject"] == f"{store.owner.name} invites you to {store.name}"
    assert "Your role there: Order desk." in mail.get_content()
    client, link = new_client(app), link_of(app, email)
    page = client.get(link).text
    assert f"Join {store.name}" in page
    assert email in page
    form = {"name": "Cik Aina", "password": "seven wet umbrellas", "email": "another@shop.example"}
    joined = client.post(link, data=form)
    assert (joined.status_code, joined.location) == (303, store.url("/"))
    assert f"Welcome to {store.name}." in client.get(store.url("/")).text
    assert role_of(app, store, email) == "order_desk"
    assert role_of(app, store, "another@shop.example") is None
    assert client.get("/stores").text.count("list-group-item-action") == 1
    again = new_client(app).post("/signin", data={"email": email, "password": form["password"]})
    assert again.status_code == 303
    listed = owner.get(store.url("/settings/staff")).text
    assert "Cik Aina" in listed
    assert "Send again" not in listed
    for who in (client, new_client(app)):
        assert who.get(link).status_code == 410, "a link works once"
    later.finish()
    (told,) = mails_to(app, store.owner.email)
    assert told["Subject"] == f"Cik Aina has joined {store.name}"
    for words in (f"Cik Aina ({email})", f"the invitation of {store.owner.name}", "Order desk", "/settings/staff"):
        assert words in text_of(told)
    assert mails_to(app, store.reader.email) == [], "owners are told, and no others"


def test_whoever_has_an_account_signs_in_and_joins(app: Flask, make: Make, store: SomeStore) -> None:
    person, client = make.person(), new_client(app)
    link = invited(app, store, person.email, Role.MANAGER)
    page = client.get(link).text
    assert "You have an account" in page
    assert f'href="/signin?next={link}"' in page
    assert client.post(link, data={"name": "X", "password": "seven wet umbrellas"}).status_code == 422
    signing = client.post("/signin", data={"email": person.email, "password": PASSWORD, "next": link})
    assert signing.location == link
    assert client.get(link).status_code == 200
    assert role_of(app, store, person.email) is None, "looking takes no place"
    assert client.post(link).location == store.url("/")
    assert role_of(app, store, person.email) == "manager"
    assert client.get(link).status_code == 410


def test_the_address_must_be_the_invited_one(app: Flask, make: Make, store: SomeStore) -> None:
    other, email = make.person(), an_address()
    client = signed_in(new_client(app), other)
    link = invited(app, store, email)
    page = client.get(link).text
    assert f"You are signed in as {other.email}, and the invitation is for {email}." in page
    assert client.post(link).status_code == 409
    assert role_of(app, store, other.email) is None
    with app.app_context(), pytest.raises(NoSuchInvitation):
        invitations.accept(link.rpartition("/")[2], other.id, other.email)
    assert new_client(app).get(link).status_code == 200, "it waits for whom it is for"


@pytest.mark.parametrize("how", ["used", "withdrawn", "sent again", "run out", "never was", "garbled"])
def test_what_opens_nothing_looks_all_the_same(app: Flask, make: Make, store: SomeStore, how: str) -> None:
    person = make.person()
    link = invited(app, store, person.email)
    token = link.rpartition("/")[2]
    with app.app_context(), store_scope(store.id):
        waiting = invitations.waiting()[0].id
        if how == "withdrawn":
            invitations.withdraw(waiting)
        elif how == "sent again":
            invitations.send_again(waiting)
        elif how == "run out":
            db.session.execute(text("update invitations set expires_at = now()"))
            db.session.commit()
    if how == "used":
        with app.app_context():
            invitations.accept(token, person.id, person.email)
    opened = {"never was": "/invite/" + "A" * 43, "garbled": link[:-1]}.get(how, link)
    for client in (new_client(app), signed_in(new_client(app), person)):
        for answer in (client.get(opened), client.post(opened, data={"name": "A", "password": "seven wet umbrellas"})):
            assert answer.status_code == 410
            assert GONE in answer.text
            assert store.name not in answer.text
    assert role_of(app, store, person.email) == ("bookkeeper" if how == "used" else None)


def test_the_database_keeps_a_hash_alone(app: Flask, store: SomeStore) -> None:
    link = invited(app, store, an_address())
    with app.app_context(), store_scope(store.id):
        row = str(db.session.execute(text("select i::text, encode(token_hash, 'escape') from invitations i")).one())
    assert link.rpartition("/")[2] not in row


def test_the_answer_does_not_say_whether_an_address_has_an_account(
    app: Flask, make: Make, owner: FlaskClient, store: SomeStore
) -> None:
    known, unknown = make.person().email, an_address()
    answers, mails = [], []
    for email in (known, unknown):
        answer = owner.post(store.url("/settings/staff/invite"), data={"email": email, "role": "manager"})
        shown = owner.get(store.url("/settings/staff")).text
        answers.append((answer.status_code, answer.location, answer.text, shown.count(email)))
        mail = wait_for_mail(app, email)
        mails.append((mail["Subject"], mail.get_content().replace(links_in(mail)[0], "link")))
    assert answers[0] == answers[1]
    assert mails[0] == mails[1]


def test_an_address_is_invited_once_and_sent_again_as_often_as_needed(
    app: Flask, owner: FlaskClient, store: SomeStore
) -> None:
    email = an_address()
    for code in (303, 422):
        answer = owner.post(store.url("/settings/staff/invite"), data={"email": email, "role": "manager"})
        assert answer.status_code == code
    assert "This address is invited already." in answer.text
    first = link_of(app, email)
    with app.app_context(), store_scope(store.id):
        waiting = invitations.waiting()[0].id
    assert owner.post(store.url(f"/settings/staff/invitations/{waiting}/again")).status_code == 303
    second = link_of(app, email, 2)
    assert new_client(app).get(first).status_code == 410
    assert new_client(app).get(second).status_code == 200
    assert owner.post(store.url(f"/settings/staff/invitations/{waiting}/withdraw")).status_code == 303
    assert new_client(app).get(second).status_code == 410
    for act in ("again", "withdraw"):
        assert owner.post(store.url(f"/settings/staff/invitations/{waiting}/{act}")).status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "", "role": "manager"}, "Type an e-mail."),
        ({"email": "not an address", "role": "manager"}, "not a complete e-mail address"),
        ({"email": "a@shop.example\r\nBcc: b@shop.example", "role": "manager"}, ""),
        ({"email": "a@shop.example"}, "Choose a role."),
        ({"email": "a@shop.example", "role": "admin"}, ""),
    ],
)
def test_what_is_missing_is_said(owner: FlaskClient, store: SomeStore, form: dict[str, str], words: str) -> None:
    answer = owner.post(store.url("/settings/staff/invite"), data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "is on its way" not in owner.get(store.url("/settings/staff")).text


def test_a_member_is_not_invited(owner: FlaskClient, store: SomeStore) -> None:
    form = {"email": store.reader.email, "role": "owner"}
    answer = owner.post(store.url("/settings/staff/invite"), data=form)
    assert answer.status_code == 422
    assert "works here already" in answer.text


def test_who_is_a_member_by_now_keeps_their_role(app: Flask, make: Make, store: SomeStore) -> None:
    """Invited as a reader, and made a manager by another road before the link was opened."""
    person = make.person()
    token = invited(app, store, person.email, Role.READ_ONLY).rpartition("/")[2]
    make.member(store, person, Role.MANAGER)
    with app.app_context():
        assert invitations.accept(token, person.id, person.email) == Joined(person.id, store.slug, is_new=False)
    assert role_of(app, store, person.email) == "manager"


def test_so_many_wait_and_no_more(app: Flask, store: SomeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert AT_MOST == 50
    monkeypatch.setattr(invitations, "AT_MOST", 1)
    invited(app, store, an_address())
    with app.app_context(), store_scope(store.id), pytest.raises(TooMany):
        invitations.invite(an_address(), Role.MANAGER, by=store.owner.id)


def test_mails_to_one_address_are_few_whoever_asks(app: Flask, make: Make) -> None:
    email = an_address()
    codes = []
    for _store in range(11):
        store = make.store()
        client = signed_in(new_client(app), store.owner)
        codes.append(
            client.post(store.url("/settings/staff/invite"), data={"email": email, "role": "manager"}).status_code
        )
    assert codes == [303] * 10 + [429]
    with app.app_context():
        later.finish()
    assert len(mails_to(app, email)) == 10


def test_a_link_that_is_pressed_by_many_at_once_opens_once(app: Flask, store: SomeStore) -> None:
    email = an_address()
    token = invited(app, store, email).rpartition("/")[2]
    ready, done = threading.Barrier(3), []

    def press() -> None:
        with app.app_context():
            ready.wait(30)
            try:
                invitations.join(token, "Cik Aina", "seven wet umbrellas")
            except (NoSuchInvitation, HasAccount):
                done.append("refused")
            else:
                done.append("done")

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == ["done", "refused", "refused"]
    with app.app_context(), store_scope(store.id):
        count = text("select count(*) from memberships m join users u on u.id = m.user_id where u.email = :email")
        assert db.session.execute(count, {"email": email}).scalar_one() == 1


def test_an_account_made_meanwhile_is_not_taken_over(app: Flask, make: Make, store: SomeStore) -> None:
    """The page for newcomers was open while its address got an account: its password stays."""
    person = make.person()
    token = invited(app, store, person.email).rpartition("/")[2]
    with app.app_context(), pytest.raises(HasAccount):
        invitations.join(token, "Thief", "seven wet umbrellas")
    client = new_client(app)
    assert client.post("/signin", data={"email": person.email, "password": PASSWORD}).status_code == 303
    assert role_of(app, store, person.email) is None


def test_another_store_sees_nothing_of_it(app: Flask, store: SomeStore, other_store: SomeStore) -> None:
    invited(app, store, an_address())
    with app.app_context(), store_scope(store.id):
        number = invitations.waiting()[0].id
    with app.app_context(), store_scope(other_store.id):
        assert invitations.waiting() == []
        for act in (invitations.withdraw, invitations.send_again):
            with pytest.raises(NoSuchInvitation):
                act(number)


def test_a_guessable_password_is_refused(app: Flask, store: SomeStore) -> None:
    email = an_address()
    link = invited(app, store, email)
    for password in ("short", email, "password1234"):
        answer = new_client(app).post(link, data={"name": "Cik Aina", "password": password})
        assert answer.status_code == 422
    assert role_of(app, store, email) is None
