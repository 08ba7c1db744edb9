"""The doors between stores: each gives what its name says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from app.accounts import invitations
from app.accounts.sessions import token_hash
from app.config import Settings
from app.core.calling import Event
from app.core.roles import Role
from app.embedded import Postgres, Valkey
from app.embedded.postgres import SUPERUSER
from app.embedded.processes import wait_until
from app.extensions import db
from app.hooks.services import add_endpoint, send_test
from app.notices.forgetting import forget_old_told
from app.tenancy import doors
from app.tenancy.doors import DOORS_SQL, Invited, Place
from app.tenancy.scope import store_scope
from tests.orders.factories import NOON, Books
from tests.support.factories import Make, SomeStore


def in_store(app: Flask, store: SomeStore, sql: str, **values: Any) -> Any:
    with app.app_context(), store_scope(store.id):
        result = db.session.execute(text(sql), values)
        found = result.scalar() if " returning " in sql else None
        db.session.commit()
    return found


def test_stores_of_person_names_their_stores_only(
    app: Flask, make: Make, store: SomeStore, other_store: SomeStore
) -> None:
    make.member(other_store, store.owner, Role.READ_ONLY)
    with app.app_context():
        assert doors.stores_of_person(store.owner.id) == sorted(
            [
                Place(store.id, store.slug, store.name, "owner"),
                Place(other_store.id, other_store.slug, other_store.name, "read_only"),
            ],
            key=lambda place: place.name.lower(),
        )
        assert [place.store_id for place in doors.stores_of_person(other_store.owner.id)] == [other_store.id]
        assert doors.stores_of_person(make.person().id) == []
        assert doors.stores_of_person(0) == []


def test_open_store_answers_a_stranger_as_if_there_were_no_store(
    app: Flask, store: SomeStore, other_store: SomeStore
) -> None:
    with app.app_context():
        assert doors.open_store(store.owner.id, store.slug) == (store.id, "owner")
        assert doors.open_store(store.reader.id, store.slug) == (store.id, "read_only")
        assert doors.open_store(store.owner.id, other_store.slug) is None
        assert doors.open_store(store.owner.id, "no-such-store") is None
        assert doors.open_store(store.owner.id, store.slug.upper()) is None


def test_opening_does_not_enter(app: Flask, store: SomeStore) -> None:
    with app.app_context():
        doors.open_store(store.owner.id, store.slug)
        assert db.session.execute(text("select count(*) from stores")).scalar_one() == 0


def test_invitation_is_told_to_whoever_has_its_link_and_while_it_waits(app: Flask, store: SomeStore) -> None:
    with app.app_context(), store_scope(store.id):
        number, token = invitations.invite("New@Shop.Example", Role.BOOKKEEPER, by=store.owner.id)
    with app.app_context():
        told = doors.invitation(token_hash(token))
        assert told == Invited(store.id, store.name, "new@shop.example", "bookkeeper", store.owner.name)
        assert doors.invitation(token_hash("another")) is None
    in_store(app, store, "update invitations set expires_at = now() where id = :id", id=number)
    with app.app_context():
        assert doors.invitation(token_hash(token)) is None


def test_due_jobs_gives_two_numbers_of_work_that_is_due(app: Flask, store: SomeStore) -> None:
    channel = Books(app, store).channel()
    new = "insert into sync_jobs (store_id, channel_id, kind, not_before) values (:s, :c, :k, :at) returning id"
    due = in_store(app, store, new, s=store.id, c=channel.id, k="check", at=None)
    later = in_store(app, store, new, s=store.id, c=channel.id, k="sync", at=NOON.replace(year=2099))
    with app.app_context():
        found = doors.due_jobs(1000, 60)
    assert (store.id, due) in found
    assert (store.id, later) not in found
    in_store(app, store, "update sync_jobs set rung_at = now() where id = :id", id=due)
    with app.app_context():
        assert (store.id, due) not in doors.due_jobs(1000, 60)
    in_store(app, store, "update sync_jobs set state = 'cancelled' where channel_id = :c", c=channel.id)


def test_due_channels_gives_two_numbers_of_auto_sync_that_is_due(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    due, off, paused = books.channel("Due"), books.channel("Off"), books.channel("Paused")
    turn_on = "update channels set auto_sync = true, next_sync_at = now() - interval '1 minute' where id = :id"
    in_store(app, store, turn_on, id=due.id)
    in_store(app, store, turn_on.replace("true", "true, status = 'paused'"), id=paused.id)
    with app.app_context():
        found = doors.due_channels(1000)
    assert (store.id, due.id) in found
    assert (store.id, off.id) not in found
    assert (store.id, paused.id) not in found
    in_store(app, store, "update channels set auto_sync = false")


def test_due_refreshes_gives_two_numbers_of_channels_whose_twelve_hours_are_over(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    due, later, paused = books.channel("Due"), books.channel("Later"), books.channel("Paused")
    never = books.channel("Never")
    set_time = "update channels set next_refresh_at = now() + make_interval(mins => :minutes) where id = :id"
    in_store(app, store, set_time, id=due.id, minutes=-1)
    in_store(app, store, set_time, id=later.id, minutes=1)
    in_store(app, store, set_time.replace("set ", "set status = 'paused', "), id=paused.id, minutes=-1)
    with app.app_context():
        found = [channel_id for store_id, channel_id in doors.due_refreshes(1000) if store_id == store.id]
    assert found == [due.id]
    assert never.id not in found
    in_store(app, store, "update channels set next_refresh_at = null")


def test_due_verifications_gives_two_numbers_of_channels_whose_night_has_come(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    due, later, paused = books.channel("Due"), books.channel("Later"), books.channel("Paused")
    set_time = "update channels set next_verify_at = now() + make_interval(mins => :minutes) where id = :id"
    in_store(app, store, set_time, id=due.id, minutes=-1)
    in_store(app, store, set_time, id=later.id, minutes=1)
    in_store(app, store, set_time.replace("set ", "set status = 'paused', "), id=paused.id, minutes=-1)
    with app.app_context():
        found = doors.due_verifications(1000)
    assert (store.id, due.id) in found
    assert (store.id, later.id) not in found
    assert (store.id, paused.id) not in found
    in_store(app, store, "update channels set next_verify_at = null")


def test_due_changes_gives_two_numbers_of_channels_with_something_to_send(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    waiting, idle = books.channel("Waiting"), books.channel("Idle")
    order = books.order(waiting)
    books.change(order, books.invoice(order), "planned")
    with app.app_context():
        found = doors.due_changes(1000)
    assert found.count((store.id, waiting.id)) == 1
    assert (store.id, idle.id) not in found
    in_store(app, store, "update changes set state = 'dropped'")


def test_due_notices_gives_the_numbers_of_stores_where_something_happened(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    stopped, told, by_person = books.channel("Stopped"), books.channel("Told"), books.channel("Paused")

    def is_due() -> bool:
        with app.app_context():
            return store.id in doors.due_notices(1000, 10)

    stop = "update channels set status = 'paused', paused_reason = 'AUTH_EXPIRED' where id = :id"
    in_store(app, store, stop.replace("paused_reason", "owners_told_at = now(), paused_reason"), id=told.id)
    in_store(app, store, "update channels set status = 'paused' where id = :id", id=by_person.id)
    assert not is_due()
    in_store(app, store, stop, id=stopped.id)
    assert is_due()
    in_store(app, store, "update notice_clocks set rung_at = now()")
    assert not is_due(), "it was rung for a moment ago"
    in_store(app, store, "update channels set status = 'connected'")
    in_store(app, store, "update notice_clocks set next_at = null")


def test_due_endpoints_gives_two_numbers_of_endpoints_that_something_waits_for(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    with books.scope():
        made = [
            add_endpoint(f"https://hooks{n}.shop.example/", [Event.ORDER_HELD], store.owner.id)[0] for n in range(3)
        ]
        for endpoint_id in made[:2]:
            send_test(endpoint_id)
    in_store(app, store, "update endpoints set leased_until = now() + interval '1 hour' where id = :id", id=made[1])
    with app.app_context():
        found = doors.due_endpoints(1000, 10)
    assert [endpoint_id for store_id, endpoint_id in found if store_id == store.id] == [made[0]]
    in_store(app, store, "delete from endpoints")


def test_old_told_gives_the_numbers_of_stores_that_keep_what_was_told_long_ago(app: Flask, store: SomeStore) -> None:
    with app.app_context():
        assert store.id not in doors.old_told(30)
        db.session.rollback()
    old = "insert into notices (store_id, kind, key, at) values (:mine, 'digest', 'old', now() - interval '91 days')"
    in_store(app, store, old, mine=store.id)
    with app.app_context():
        assert store.id in doors.old_told(30)
        db.session.rollback()
        forget_old_told()
        assert store.id not in doors.old_told(30)


def test_webhook_knows_an_address_by_its_hash_only(app: Flask, store: SomeStore) -> None:
    channel = Books(app, store).channel()
    listen = "insert into webhooks (store_id, channel_id, token_hash, secret) values (:s, :c, :hash, '')"
    in_store(app, store, listen, s=store.id, c=channel.id, hash=b"h" * 32)
    with app.app_context():
        assert doors.webhook(b"h" * 32) == (store.id, channel.id)
        assert doors.webhook(b"H" * 32) is None
        assert doors.webhook(b"") is None


def test_announcements_are_due_where_nobody_looks_at_them(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    due, worked, paused, failed, old = (books.channel(name) for name in ("Due", "Worked", "Paused", "Failed", "Old"))
    for channel in (due, worked, paused, failed, old):
        listen = "insert into webhooks (store_id, channel_id, token_hash, secret) values (:s, :c, :hash, '')"
        in_store(app, store, listen, s=store.id, c=channel.id, hash=str(channel.id).encode())
        call = (
            "insert into webhook_deliveries (store_id, channel_id, key, topic, order_ids, body, received_at, worked_at)"
        )
        values = {"ago": 8 if channel is old else 0, "worked": NOON if channel is worked else None}
        said = f"{call} values (:s, :c, 'k', '', '{{1}}', '', now() - make_interval(days => :ago), :worked)"
        in_store(app, store, said, s=store.id, c=channel.id, **values)
    in_store(app, store, "update channels set status = 'paused' where id = :id", id=paused.id)
    ended = "insert into sync_jobs (store_id, channel_id, kind, state, problem, finished_at)"
    in_store(app, store, f"{ended} values (:s, :c, 'announced', 'failed', 'X', now())", s=store.id, c=failed.id)
    with app.app_context():
        found = [channel_id for store_id, channel_id in doors.due_announcements(1000) if store_id == store.id]
        assert found == [due.id]
        assert [one for one in doors.old_deliveries(7) if one[0] == store.id] == [(store.id, old.id)]
    in_store(app, store, "delete from webhooks")


def test_count_again_counts_what_has_doubled(app: Flask, store: SomeStore, settings: Settings) -> None:
    books = Books(app, store)
    books.orders(books.channel(), [{"note": "x" * 1500}] * 200)
    owner = create_engine(settings.database_owner_url or "")
    with owner.begin() as connection:
        connection.execute(text("select pg_clear_relation_stats('public', 'orders')"))
    owner.dispose()
    counted = text("select reltuples from pg_class where oid = 'orders'::regclass")
    with app.app_context():
        assert db.session.scalar(counted) == -1
        doors.count_again()
        assert (db.session.scalar(counted) or 0) >= 200
        db.session.commit()


@pytest.fixture
def uncounted(servers: tuple[Postgres, Valkey], app: Flask) -> Iterator[None]:
    """The orders were counted before all that changed, and PostgreSQL does not count them by itself."""
    assert app
    postgres = servers[0]
    url = postgres.url(SUPERUSER, postgres.folder.secrets().superuser_password)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("alter table orders set (autovacuum_enabled = off)")
        admin.execute("analyze orders")
        admin.execute("select pg_stat_reset_single_table_counters('orders'::regclass)")
        yield
        admin.execute("alter table orders reset (autovacuum_enabled)")


@pytest.mark.usefixtures("uncounted")
def test_count_again_counts_what_changed_much_when_asked(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    counted = text(
        "select pg_stat_force_next_flush(), pg_stat_get_mod_since_analyze('orders'::regclass) as changes, "
        "pg_stat_get_last_analyze_time('orders'::regclass) as last"
    )

    def said() -> Any:
        db.session.commit()
        found = db.session.execute(counted).one()
        db.session.commit()
        return found

    with app.app_context():
        books.orders(books.channel(), [{}] * 150)
        assert wait_until(lambda: said().changes >= 150, 5.0)
        doors.count_again()
        assert said().last is None
        doors.count_again(149)
        once = said().last
        assert once is not None
        doors.count_again(149)
        assert said().last == once, "it was done just now"


@pytest.fixture
def same_words(app: Flask, store: SomeStore, other_store: SomeStore) -> tuple[int, int]:
    """An order of each store, and both say the same."""
    mine, theirs = Books(app, store), Books(app, other_store)
    return mine.order(mine.channel(), search="kopi 99"), theirs.order(theirs.channel(), search="kopi 99")


ANYTHING = ("%", "%")


def test_find_orders_knows_the_orders_of_the_scope_only(
    app: Flask, store: SomeStore, other_store: SomeStore, same_words: tuple[int, int]
) -> None:
    for place, order in zip((store, other_store), same_words, strict=True):
        with app.app_context(), store_scope(place.id):
            assert doors.find_orders([("%kopi%", "%kopi%")], "", 10) == [order]
            assert doors.find_orders([ANYTHING], "", 10) == [order]
            assert doors.find_orders([("%tea%", "%tea%")], "99", 10) == [order], "by the digits"
            assert db.session.scalars(doors.FOUND_ORDERS, doors.found_values([ANYTHING], "")).all() == [order]


@pytest.mark.usefixtures("same_words")
def test_find_orders_finds_nothing_without_a_scope(app: Flask) -> None:
    with app.app_context():
        assert doors.find_orders([ANYTHING], "", 10) == []


@pytest.mark.usefixtures("same_words")
@pytest.mark.parametrize("evil", ["' or true --", "%' or store_id > 0 or words like '%", "%L %s $2", "'); select 1"])
def test_find_orders_takes_patterns_for_patterns(app: Flask, store: SomeStore, evil: str) -> None:
    with app.app_context(), store_scope(store.id):
        assert doors.find_orders([(evil, evil)], "", 10) == []
        assert doors.find_orders([("%tea%", "%tea%")], evil, 10) == []


def test_what_is_looked_for_is_another_stores_secret_too(
    app: Flask, store: SomeStore, same_words: tuple[int, int]
) -> None:
    """The table of words itself is behind row-level security like the orders."""
    with app.app_context(), store_scope(store.id):
        assert db.session.execute(text("select distinct order_id from search_texts")).scalars().all() == [same_words[0]]


RESULTS: Mapping[str, str] = {
    "door_api_key": "TABLE(store_id bigint, key_id bigint)",
    "door_stores_of_person": "TABLE(store_id bigint, slug text, name text, role text)",
    "door_open_store": "TABLE(store_id bigint, role text)",
    "door_invitation": "TABLE(store_id bigint, store text, email text, role text, invited_by text)",
    "door_due_jobs": "TABLE(store_id bigint, job_id bigint)",
    "door_due_channels": "TABLE(store_id bigint, channel_id bigint)",
    "door_due_refreshes": "TABLE(store_id bigint, channel_id bigint)",
    "door_due_verifications": "TABLE(store_id bigint, channel_id bigint)",
    "door_due_notices": "TABLE(store_id bigint)",
    "door_due_endpoints": "TABLE(store_id bigint, endpoint_id bigint)",
    "door_old_told": "TABLE(store_id bigint)",
    "door_due_changes": "TABLE(store_id bigint, channel_id bigint)",
    "door_webhook": "TABLE(store_id bigint, channel_id bigint)",
    "door_due_announcements": "TABLE(store_id bigint, channel_id bigint)",
    "door_old_deliveries": "TABLE(store_id bigint, channel_id bigint)",
    "door_count_again": "void",
    "door_find_orders": "TABLE(order_id bigint)",
    "door_verification_code": (
        "TABLE(store_id bigint, name text, code_hash bytea, has_main boolean, is_main boolean, batch bigint, "
        "batch_skus text[], serial bigint, serial_skus text[], kit bigint, kit_skus text[])"
    ),
    "door_link_standing": "TABLE(plan text, main_is_sub boolean)",
    "door_links_to_settle": "TABLE(link_id bigint, sub_store_id bigint)",
    "door_due_stock": "TABLE(store_id bigint, channel_id bigint)",
    "door_due_news": "TABLE(store_id bigint, channel_id bigint)",
    "door_links_to_follow": "TABLE(link_id bigint, main_store_id bigint)",
}
"""What each door gives away. A wider result is a decision: make it here as well."""

CLOCKS: Mapping[str, str] = {
    "ask_for_look": "void",
    "ended_asks_for_look": "trigger",
    "moved_asks_for_look": "trigger",
    "paused_asks_for_look": "trigger",
}
"""What runs as the owner and is no door: triggers that set a store's clock (app/migrations/noticing.py)."""

COUNTING = ("door_count_again",)
"""Doors that write, and nothing but statistics."""


def test_doors_give_nothing_more(app: Flask) -> None:
    with app.app_context():
        rows = db.session.execute(
            text(
                "select proname, pg_get_function_result(oid) as result from pg_proc "
                "where pronamespace = 'public'::regnamespace and prosecdef"
            )
        )
        assert {row.proname: row.result for row in rows} == {**RESULTS, **CLOCKS}
    assert set(DOORS_SQL) == set(RESULTS)


@pytest.mark.parametrize("door", RESULTS)
def test_door_is_narrow(app: Flask, door: str) -> None:
    """It reads, it cannot be lured to other tables by a search path, and only the application may go through."""
    with app.app_context():
        row = db.session.execute(
            text("select provolatile::text, proconfig, proacl::text as acl from pg_proc where proname = :name"),
            {"name": door},
        ).one()
    assert row.provolatile == ("v" if door in COUNTING else "s")
    assert set(row.proconfig) - {"enable_seqscan=off"} == {"search_path=pg_catalog, public, pg_temp"}
    assert not any(grant.startswith("=") for grant in row.acl.strip("{}").split(",")), "PUBLIC may not execute it"


def test_another_role_may_not_go_through(settings: Settings) -> None:
    engine = create_engine(settings.database_owner_url or "")
    try:
        with engine.connect() as connection:
            if not connection.execute(text("select rolcreaterole from pg_roles where rolname = current_user")).scalar():
                return  # the grants above say the same where no role can be made
            connection.execute(text("create role door_tester"))
            connection.execute(text("set local role door_tester"))
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text("select * from door_stores_of_person(1)"))
            connection.rollback()
    finally:
        engine.dispose()
