"""The database tells by itself who changed a setting or a right, and tells of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, delete, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from app.accounts.models import Membership
from app.api.keys import Scope, make_key, revoke_key
from app.audit.models import AuditEntry
from app.audit.recording import record, record_look
from app.catalog.models import Item, Location
from app.catalog.services import add_warehouse, rename_warehouse
from app.channels.models import Channel
from app.core.roles import Role
from app.extensions import Base, db
from app.invoices.models import NumberSeries
from app.links.codes import ensure_code, replace_code
from app.mappings.models import PaymentMapping, PaymentMethod
from app.migrations.auditing import ONE_BY_ONE, WATCHED, Watched
from app.sealing import seal
from app.tenancy.models import Store
from app.tenancy.scope import Actor, act_as, store_scope
from tests.audit.helpers import ADDRESS, BROWSER, acting, entries, told
from tests.links.pairs import pair_of
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore


def test_an_entry_says_who_from_where_when_and_what_it_was(app: Flask, store: SomeStore) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    with acting(app, store, store.owner):
        db.session.execute(update(Store).where(Store.id == store.id).values(name="Kedai Baru", auto_credit=True))
        db.session.commit()
    entry = entries(app, store, "store")[-1]
    assert (entry.user_id, entry.who, entry.address, entry.browser) == (
        *(store.owner.id, store.owner.name),
        *(ADDRESS, BROWSER),
    )
    assert entry.at > before
    assert (entry.verb, entry.label) == ("changed", "Kedai Baru")
    assert entry.changes == {"name": [store.name, "Kedai Baru"], "auto_credit": [False, True]}


def test_a_name_stays_as_it_was(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        add_warehouse("Penang")
        db.session.execute(text("update users set name = 'Somebody Else' where id = :id"), {"id": store.owner.id})
        db.session.commit()
    assert entries(app, store, "warehouse")[-1].who == store.owner.name


def test_who_changes_nothing_is_not_told_of(app: Flask, store: SomeStore) -> None:
    count = len(entries(app, store))
    with acting(app, store, store.owner):
        db.session.execute(update(Store).where(Store.id == store.id).values(name=Store.name))
        db.session.execute(update(NumberSeries).values(next_number=NumberSeries.next_number + 1))
        db.session.commit()
    assert len(entries(app, store)) == count


def test_the_rules_of_numbers_are_told_and_their_counter_is_not(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        query = update(NumberSeries).where(NumberSeries.code == "invoice")
        db.session.execute(query.values(prefix="KS-", next_number=77))
        db.session.commit()
    assert told(app, store, "numbers") == [("changed", "invoice", {"prefix": ["INV", "KS-"]})]


def test_mappings_are_told_by_their_names(app: Flask, store: SomeStore) -> None:
    books = Books(app, store)
    channel = books.channel("SiteGiant KL")
    mapping = books.gateway(channel, "Boost")
    with acting(app, store, store.owner):
        cash = db.session.scalars(select(PaymentMethod.id)).one()
        of_mapping = update(PaymentMapping).where(PaymentMapping.id == mapping)
        db.session.execute(of_mapping.values(payment_method_id=cash, version=1))
        db.session.commit()
    told_of = ("changed", "Boost · SiteGiant KL", {"payment_method": [None, "Cash"]})
    assert told(app, store, "gateway")[-1] == told_of


def test_a_role_is_told_whoever_gave_it(app: Flask, store: SomeStore, make: Make) -> None:
    person = make.person("Mei Ling")
    with acting(app, store, None):
        db.session.add(Membership(store_id=store.id, user_id=person.id, role=Role.READ_ONLY))
        db.session.commit()
    with acting(app, store, store.owner):
        of_person = Membership.user_id == person.id
        db.session.execute(update(Membership).where(of_person).values(role=Role.OWNER))
        db.session.execute(delete(Membership).where(of_person))
        db.session.commit()
    of_her = [one for one in told(app, store, "member") if one[1] == "Mei Ling"]
    assert [(verb, changes.get("role")) for verb, _label, changes in of_her] == [
        ("added", [None, "read_only"]),
        ("changed", ["read_only", "owner"]),
        ("removed", ["owner", None]),
    ]


def test_of_a_channel_its_switches_are_told_and_that_its_key_changed(app: Flask, store: SomeStore) -> None:
    channel = Books(app, store).channel("KiotViet")
    with acting(app, store, store.owner):
        of_channel = update(Channel).where(Channel.id == channel.id)
        now = datetime.now(UTC)
        db.session.execute(of_channel.values(auto_sync=True, checked_at=now, credentials=seal({"api_key": "one"})))
        db.session.commit()
        db.session.execute(of_channel.values(credentials=seal({"api_key": "two"})))
        db.session.execute(of_channel.values(status="paused"))
        db.session.execute(of_channel.values(status="connected"))
        db.session.execute(of_channel.values(status="removed"))
        db.session.commit()
    assert told(app, store, "channel")[-5:] == [
        (
            "changed",
            "KiotViet",
            {"auto_sync": [False, True], "auto_sync_minutes": [None, 30], "credentials": [None, "secret"]},
        ),
        ("changed", "KiotViet", {"credentials": ["secret", "secret"]}),
        ("paused", "KiotViet", {}),
        ("resumed", "KiotViet", {}),
        ("removed", "KiotViet", {}),
    ]


def test_a_channel_that_pauses_by_itself_is_told_with_the_job_and_its_progress_is_not(
    app: Flask, store: SomeStore
) -> None:
    channel = Books(app, store).channel()
    with app.app_context():
        act_as(Actor(job_id="41"))
        with store_scope(store.id):
            of_channel = update(Channel).where(Channel.id == channel.id)
            db.session.execute(of_channel.values(checked_at=datetime.now(UTC), auto_sync=True))
            db.session.commit()
            db.session.execute(of_channel.values(status="paused", paused_reason="AUTH_REJECTED"))
            db.session.commit()
    _added, entry = entries(app, store, "channel")
    assert (entry.who, entry.user_id, entry.job_id, entry.verb) == ("", None, 41, "paused")
    assert entry.changes == {"paused_reason": [None, "AUTH_REJECTED"]}


def test_what_a_person_does_to_many_is_one_entry(app: Flask, store: SomeStore) -> None:
    many = ONE_BY_ONE + 1
    books = Books(app, store)
    with acting(app, store, None):
        for number in range(many):
            books.item(f"SKU-{number:03}", price=100)
    assert told(app, store, "item") == []
    with acting(app, store, store.owner):
        db.session.execute(update(Item).where(Item.store_id == store.id).values(price=250))
        db.session.execute(update(Item).where(Item.sku == "SKU-001").values(price=390, name="Kopi"))
        db.session.commit()
    bulk, single = entries(app, store, "item")
    assert (bulk.many, bulk.label, bulk.changes["price"]) == (many, "", ["100 MYR", "250 MYR"])
    assert len(bulk.changes["examples"][1]) == 5
    assert (single.many, single.label) == (1, "SKU-001")
    assert single.changes == {"price": ["250 MYR", "390 MYR"], "name": [None, "Kopi"]}


def test_an_api_key_is_who_acts_with_it_and_is_told_when_it_is_made_and_revoked(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        token = make_key("Our webshop", [Scope.READ], store.owner.id)
        made = entries(app, store, "api_key")[-1]
        act_as(Actor(key_id=made.thing_id, address=ADDRESS))
        add_warehouse("By a program")
        act_as(Actor(user_id=str(store.owner.id)))
        revoke_key(int(made.thing_id))
    by_key = entries(app, store, "warehouse")[-1]
    assert (by_key.who, by_key.user_id, by_key.key_id) == ("Our webshop", None, int(made.thing_id))
    assert [verb for verb, _label, _changes in told(app, store, "api_key")] == ["added", "revoked"]
    assert token not in str([one.changes for one in entries(app, store)])


def test_a_link_is_told_in_both_stores_by_what_each_did(app: Flask, make: Make) -> None:
    pair = pair_of(app, make)
    with acting(app, pair.main, pair.main.owner):
        link_id = pair.pending()
    pair.grant(link_id)
    asked = entries(app, pair.main, "link")[-1]
    granted = entries(app, pair.sub, "link")[-1]
    assert (asked.label, asked.changes["state"]) == (pair.sub.name, ["draft", "pending"])
    assert (granted.label, granted.changes["state"]) == (pair.main.name, ["pending", "connected"])


def test_the_verification_code_is_told_when_it_is_shown_once_and_changed(app: Flask, store: SomeStore) -> None:
    with acting(app, store, None):
        ensure_code(store.owner.id)
    with acting(app, store, store.owner):
        for _ in range(3):
            record_look("code")
        replace_code(store.owner.id)
        db.session.commit()
    assert [verb for verb, _label, _changes in told(app, store, "code")] == ["shown", "rotated"]


def test_what_is_no_change_of_a_row_can_be_recorded(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        record("exported", "orders", facts={"filter": "state=held"})
        db.session.commit()
    assert told(app, store, "orders") == [("exported", "", {"filter": [None, "state=held"]})]


@pytest.mark.parametrize(
    "sql",
    [
        "update audit_entries set who = 'Somebody'",
        "delete from audit_entries",
        "truncate audit_entries",
        "alter table audit_entries disable trigger all",
        "drop trigger audit_update on channels",
        "create or replace function audit_stamp() returns trigger language plpgsql as 'begin return new; end'",
    ],
)
def test_the_log_cannot_be_rewritten_by_the_application(app: Flask, store: SomeStore, sql: str) -> None:
    with acting(app, store, store.owner), pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        db.session.execute(text(sql))


def test_no_trigger_of_the_log_runs_with_more_rights_than_its_writer(app: Flask) -> None:
    query = text("select proname from pg_proc where proname like 'audit\\_%' and prosecdef")
    with app.app_context():
        assert db.session.scalars(query).all() == []


def test_who_and_when_cannot_be_said_by_whoever_adds_an_entry(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        forged = {"who": "Somebody Else", "user_id": store.reader.id, "address": "1.2.3.4"}
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        db.session.execute(
            insert(AuditEntry).values(store_id=store.id, verb="exported", thing="orders", at=long_ago, **forged)
        )
        db.session.commit()
    entry = entries(app, store, "orders")[-1]
    assert (entry.who, entry.user_id, entry.address) == (store.owner.name, store.owner.id, ADDRESS)
    assert entry.at > datetime.now(UTC) - timedelta(hours=1)


def test_another_store_reads_and_writes_nothing_of_it(app: Flask, store: SomeStore, other_store: SomeStore) -> None:
    with acting(app, store, store.owner):
        add_warehouse("Ours")
    with acting(app, other_store, other_store.owner):
        assert db.session.scalars(select(AuditEntry).where(AuditEntry.store_id == store.id)).all() == []
        with pytest.raises(ProgrammingError, match="row-level security"):
            db.session.execute(insert(AuditEntry).values(store_id=store.id, verb="exported", thing="orders"))


def test_renaming_is_told(app: Flask, store: SomeStore) -> None:
    with acting(app, store, store.owner):
        main = db.session.scalars(select(Location.id)).one()
        rename_warehouse(main, "Shah Alam")
    assert told(app, store, "warehouse")[-1] == ("changed", "Shah Alam", {"name": ["Main warehouse", "Shah Alam"]})


@pytest.mark.parametrize("one", WATCHED, ids=lambda one: one.table)
def test_every_column_of_a_watched_table_is_told_or_is_quiet_on_purpose(one: Watched) -> None:
    """A new column of such a table must be put into `fields`, or into `quiet` when nobody decides it."""
    columns = {column.name: column for column in Base.metadata.tables[one.table].c}
    words = " ".join((*one.fields.values(), one.where, one.key))
    assert {name for name in columns if name not in one.quiet and f"r.{name}" not in words} == set()
    assert set(one.quiet) <= columns.keys()
    bytes_of = {name for name, column in columns.items() if isinstance(column.type, LargeBinary)}
    assert {name for name in bytes_of if f"r.{name}" in words} == set(one.secrets)
