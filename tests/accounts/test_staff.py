"""Who works in a store: the list, other roles, leaving; and that there is always an owner."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import invitations, later, staff
from app.accounts.roles import ABILITY_WORDS, ROLE_TEXTS, ROLE_WORDS
from app.accounts.services import speak_to
from app.accounts.staff import LastOwner, NoSuchMember, NotEntitled
from app.core.roles import Ability, Role
from app.extensions import db
from app.tenancy import doors
from app.tenancy.scope import store_scope
from tests.orders.factories import statements
from tests.support.factories import Make, SomePerson, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.support.mails import links_in, mails_to, text_of


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


def roles_of(app: Flask, store: SomeStore) -> dict[int, str]:
    with app.app_context(), store_scope(store.id):
        return {row.user_id: row.role.value for row in staff.member_rows()}


def test_list_shows_the_mightiest_first_with_when_they_were_seen(make: Make, store: SomeStore, app: Flask) -> None:
    people = make.staff(store)
    signed_in(new_client(app), people[Role.BOOKKEEPER])
    with app.app_context(), store_scope(store.id):
        rows = staff.member_rows()
    assert [row.role for row in rows] == list(Role)
    assert {row.role: row.name for row in rows} == {role: person.name for role, person in people.items()}
    assert rows[2].seen_at is not None
    assert rows[3].seen_at is None


def test_everybody_sees_their_colleagues_and_only_an_owner_what_to_press(
    app: Flask, make: Make, store: SomeStore
) -> None:
    for role, person in make.staff(store).items():
        page = signed_in(new_client(app), person).get(store.url("/settings/staff")).text
        assert store.owner.email in page
        assert "Leave this store" in page
        for words in ("Invite somebody", "Change…", "Last seen"):
            assert (words in page) is (role is Role.OWNER), (words, role)


def test_the_table_of_who_may_do_what_is_the_one_of_the_code(owner: FlaskClient, store: SomeStore) -> None:
    page = owner.get(store.url("/settings/staff/roles")).text
    assert page.count('visually-hidden">yes<') == sum(role.may(ability) for role in Role for ability in Ability)
    for words in (*ABILITY_WORDS.values(), *ROLE_WORDS.values()):
        assert str(words) in page
    assert set(ABILITY_WORDS) == set(Ability)
    assert set(ROLE_WORDS) == set(ROLE_TEXTS) == set(Role)


def test_another_role_holds_at_the_next_press(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    reader = signed_in(new_client(app), store.reader)
    assert reader.get(store.url("/orders/new")).status_code == 403
    url = store.url(f"/settings/staff/{store.reader.id}")
    assert owner.post(url, data={"role": "order_desk"}).status_code == 303
    assert f"{store.reader.name} has the role Order desk now." in owner.get(store.url("/settings/staff")).text
    assert reader.get(store.url("/orders/new")).status_code == 200
    assert roles_of(app, store)[store.reader.id] == "order_desk"


def test_whoever_gets_another_role_is_told_once_and_in_their_language(
    app: Flask, owner: FlaskClient, store: SomeStore
) -> None:
    with app.app_context():
        speak_to(store.reader.id, "ms")
    url = store.url(f"/settings/staff/{store.reader.id}")
    for _press in range(2):
        assert owner.post(url, data={"role": "order_desk"}).status_code == 303
    later.finish()
    (mail,) = mails_to(app, store.reader.email)
    assert store.name in mail["Subject"]
    words = text_of(mail)
    assert store.owner.name in words
    assert "Kerani pesanan" in words
    assert links_in(mail) == [f"http://localhost{store.url('/')}"]
    assert mails_to(app, store.owner.email) == []


def test_whoever_is_removed_is_told_and_whoever_leaves_is_not(
    app: Flask, owner: FlaskClient, make: Make, store: SomeStore
) -> None:
    leaver = make.person()
    make.member(store, leaver, Role.MANAGER)
    assert signed_in(new_client(app), leaver).post(store.url("/settings/staff/leave")).status_code == 303
    for _press in range(2):
        owner.post(store.url(f"/settings/staff/{store.reader.id}/remove"))
    later.finish()
    (mail,) = mails_to(app, store.reader.email)
    assert mail["Subject"] == f"You no longer work in {store.name}"
    assert f"{store.owner.name} removed you from the store {store.name}" in text_of(mail)
    assert mails_to(app, leaver.email) == []


@pytest.mark.parametrize("role", ["", "admin", "OWNER", "owner "])
def test_a_role_that_there_is_not_is_refused(app: Flask, owner: FlaskClient, store: SomeStore, role: str) -> None:
    before = roles_of(app, store)
    assert owner.post(store.url(f"/settings/staff/{store.reader.id}"), data={"role": role}).status_code == 422
    assert roles_of(app, store) == before


def test_a_removed_member_loses_the_store_at_once_and_nothing_else(
    app: Flask, owner: FlaskClient, make: Make, store: SomeStore, other_store: SomeStore
) -> None:
    make.member(other_store, store.reader, Role.MANAGER)
    removed = signed_in(new_client(app), store.reader)
    assert removed.get(store.url("/orders")).status_code == 200
    url = store.url(f"/settings/staff/{store.reader.id}/remove")
    assert f"Remove {store.reader.name} from the store?" in owner.get(url).text
    assert owner.post(url).status_code == 303
    assert removed.get(store.url("/orders")).status_code == 404
    assert removed.get(other_store.url("/orders")).status_code == 200
    assert owner.post(url).status_code == 404, "nobody is removed twice"


def test_one_leaves_by_oneself(app: Flask, store: SomeStore) -> None:
    reader = signed_in(new_client(app), store.reader)
    assert f"Leave {store.name}?" in reader.get(store.url("/settings/staff/leave")).text
    answer = reader.post(store.url("/settings/staff/leave"))
    assert (answer.status_code, answer.location) == (303, "/stores")
    assert f"You have left {store.name}." in reader.get("/stores").text
    assert reader.get(store.url("/orders")).status_code == 404


def test_the_last_owner_stays(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    words = "The store needs an owner. Make somebody else an owner first."
    lowered = owner.post(store.url(f"/settings/staff/{store.owner.id}"), data={"role": "manager"})
    assert lowered.status_code == 422
    assert words in lowered.text
    assert owner.post(store.url("/settings/staff/leave")).location == store.url("/settings/staff")
    assert words in owner.get(store.url("/settings/staff")).text
    assert roles_of(app, store)[store.owner.id] == "owner"


def test_of_two_owners_one_may_go(app: Flask, owner: FlaskClient, make: Make, store: SomeStore) -> None:
    second = make.person()
    make.member(store, second, Role.OWNER)
    assert owner.post(store.url(f"/settings/staff/{store.owner.id}"), data={"role": "read_only"}).status_code == 303
    assert roles_of(app, store)[store.owner.id] == "read_only"
    with app.app_context(), store_scope(store.id), pytest.raises(LastOwner):
        staff.remove_member(second.id, by=second.id)


@pytest.mark.parametrize("act", ["remove", "lower", "leave"])
def test_two_owners_at_the_same_moment_leave_one(app: Flask, make: Make, store: SomeStore, act: str) -> None:
    """Each lets the other go, or each goes by oneself: whoever is second finds the other gone."""
    second = make.person()
    make.member(store, second, Role.OWNER)
    acts: dict[str, Callable[[SomePerson, SomePerson], object]] = {
        "remove": lambda one, other: staff.remove_member(other.id, by=one.id),
        "lower": lambda one, other: staff.change_role(other.id, Role.READ_ONLY, by=one.id),
        "leave": lambda one, _other: staff.remove_member(one.id, by=one.id),
    }
    done = at_once(app, store, [(acts[act], store.owner, second), (acts[act], second, store.owner)])
    owners = [role for role in roles_of(app, store).values() if role == "owner"]
    assert owners == ["owner"]
    assert sorted(done) == ["done", "refused"]


def at_once(
    app: Flask,
    store: SomeStore,
    presses: list[tuple[Callable[[SomePerson, SomePerson], object], SomePerson, SomePerson]],
) -> list[str]:
    """Press at the same moment, from transactions that have all begun: what became of each."""
    ready, done = threading.Barrier(len(presses)), []

    def press(act: Callable[[SomePerson, SomePerson], object], one: SomePerson, other: SomePerson) -> None:
        with app.app_context(), store_scope(store.id):
            db.session.execute(text("select 1"))
            ready.wait(30)
            try:
                act(one, other)
            except (LastOwner, NotEntitled, NoSuchMember):
                done.append("refused")
            else:
                done.append("done")

    threads = [threading.Thread(target=press, args=one) for one in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return done


def test_the_second_waits_for_the_first(app: Flask, make: Make, store: SomeStore) -> None:
    """While one owner's removal is not committed yet, the other's is neither done nor refused."""
    second = make.person()
    make.member(store, second, Role.OWNER)
    done: list[str] = []

    def press() -> None:
        with app.app_context(), store_scope(store.id), pytest.raises(LastOwner):
            staff.remove_member(store.owner.id, by=store.owner.id)
        done.append("refused")

    with app.app_context(), store_scope(store.id):
        db.session.execute(text("select from memberships for update"))
        thread = threading.Thread(target=press)
        thread.start()
        waits = text("select count(*) from pg_locks where not granted")
        while not db.session.execute(waits).scalar_one():
            thread.join(0.05)
            assert thread.is_alive()
        db.session.execute(text("delete from memberships where user_id = :id"), {"id": second.id})
        db.session.commit()
    thread.join(60)
    assert done == ["refused"]


def test_whoever_was_lowered_meanwhile_may_not_go_on(app: Flask, make: Make, store: SomeStore) -> None:
    """Their page was opened as an owner, and their press comes after another one has changed that."""
    manager = make.person()
    make.member(store, manager, Role.MANAGER)
    with app.app_context(), store_scope(store.id):
        for member in (manager, store.reader):
            with pytest.raises(NotEntitled):
                staff.change_role(member.id, Role.OWNER, by=manager.id)
        for by in (manager.id, 0):
            with pytest.raises(NotEntitled):
                staff.remove_member(store.reader.id, by=by)
    assert roles_of(app, store)[manager.id] == "manager"


@pytest.mark.parametrize("act", ["removed", "lowered"])
def test_invitations_of_whoever_goes_open_nothing(app: Flask, make: Make, store: SomeStore, act: str) -> None:
    """An owner who is let go leaves no way back in."""
    second = make.person()
    make.member(store, second, Role.OWNER)
    with app.app_context(), store_scope(store.id):
        _id, theirs = invitations.invite("back@shop.example", Role.OWNER, by=second.id)
        _id, ours = invitations.invite("new@shop.example", Role.OWNER, by=store.owner.id)
        if act == "removed":
            staff.remove_member(second.id, by=store.owner.id)
        else:
            staff.change_role(second.id, Role.MANAGER, by=store.owner.id)
        assert invitations.opens(theirs) is None
        assert invitations.opens(ours) is not None


def test_the_list_takes_few_statements(app: Flask, owner: FlaskClient, make: Make, store: SomeStore) -> None:
    owner.get(store.url("/settings/staff"))
    with app.app_context(), statements() as few:
        owner.get(store.url("/settings/staff"))
    for _one in range(3):
        make.member(store, make.person(), Role.MANAGER)
    with app.app_context(), statements() as many:
        owner.get(store.url("/settings/staff"))
    assert len(many) == len(few)


def test_the_stores_page_says_what_one_is_there(app: Flask, make: Make, store: SomeStore) -> None:
    desk = make.person()
    make.member(store, desk, Role.ORDER_DESK)
    assert "Order desk" in signed_in(new_client(app), desk).get("/stores").text
    with app.app_context():
        assert [place.role for place in doors.stores_of_person(desk.id)] == ["order_desk"]
