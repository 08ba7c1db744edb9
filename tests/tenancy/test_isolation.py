"""No store sees or changes another's rows: the database says so, whatever the code above it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from flask import Flask
from sqlalchemy import ForeignKeyConstraint, Table, delete, func, insert, inspect, select, text, union_all, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.pool import QueuePool

import app.wiring  # noqa: F401  # every model
from app.catalog.models import Location
from app.extensions import Base, db
from app.mappings.models import PaymentMapping, PaymentMethod
from app.tenancy.models import Store, StoreOwned
from app.tenancy.scope import OutsideScopeError, ScopeSwitchError, current_store, enter_store, store_scope
from tests.orders.factories import Books
from tests.support.factories import SomeStore

OWNED = sorted((mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, StoreOwned)), key=str)
TABLE = cast(Table, Location.__table__)
RLS_REFUSES = "row-level security"


@contextmanager
def scope(app: Flask, store: SomeStore) -> Iterator[None]:
    with app.app_context(), store_scope(store.id):
        yield


@pytest.fixture
def both(store: SomeStore, other_store: SomeStore) -> tuple[SomeStore, SomeStore]:
    """Two stores; each has a warehouse, a payment method and a counter from the start."""
    return store, other_store


def test_orm_sees_its_own_rows_only(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    with scope(app, mine):
        assert {row.store_id for row in db.session.scalars(select(Location))} == {mine.id}
        assert {row.id for row in db.session.scalars(select(Store))} == {mine.id}
        assert db.session.get(Store, theirs.id) is None


def test_nothing_of_a_session_is_left_when_its_connection_died(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    with app.app_context():
        enter_store(mine.id)
        connection = db.session.scalar(text("select pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": connection})
        lent = cast(QueuePool, db.engine.pool).checkedout()
        db.session.remove()
        assert cast(QueuePool, db.engine.pool).checkedout() == lent - 1
        enter_store(theirs.id)
        assert current_store().id == theirs.id


def test_core_select_of_a_table_is_scoped(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, _ = both
    with scope(app, mine):
        assert {row.store_id for row in db.session.execute(select(Location.__table__))} == {mine.id}


def test_text_is_scoped(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    with scope(app, mine):
        assert db.session.execute(text("select distinct store_id from locations")).scalars().all() == [mine.id]
        query = text("select count(*) from locations where store_id = :id")
        assert db.session.execute(query, {"id": theirs.id}).scalar_one() == 0


def test_unions_subqueries_and_ctes_are_scoped(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, _ = both
    table = TABLE
    cte = select(table.c.store_id).cte("all_of_them")
    with scope(app, mine):
        rows = db.session.execute(union_all(select(table.c.store_id), select(cte.c.store_id))).scalars()
        assert set(rows) == {mine.id}
        assert db.session.execute(select(func.count()).select_from(select(table).subquery())).scalar_one() == 1


def test_update_and_delete_reach_nothing_of_others(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    with scope(app, mine):
        touched = db.session.execute(update(TABLE).values(name="Taken over"))
        assert touched.rowcount == 1  # type: ignore[attr-defined]
        gone = db.session.execute(delete(TABLE).where(Location.store_id == theirs.id))
        assert gone.rowcount == 0  # type: ignore[attr-defined]
        db.session.commit()
    with scope(app, theirs):
        assert db.session.scalars(select(Location.name)).all() == ["Main warehouse"]


def test_rows_for_another_store_are_refused_one_by_one_and_in_bulk(
    app: Flask, both: tuple[SomeStore, SomeStore]
) -> None:
    mine, theirs = both
    rows = [{"store_id": mine.id, "name": "A"}, {"store_id": theirs.id, "name": "B"}]
    with scope(app, mine), pytest.raises(ProgrammingError, match=RLS_REFUSES):
        db.session.execute(insert(Location), rows)
    with scope(app, mine), pytest.raises(ProgrammingError, match=RLS_REFUSES):
        db.session.execute(text("insert into locations (store_id, name) values (:id, 'C')"), {"id": theirs.id})


def test_row_cannot_be_moved_into_another_store(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    with scope(app, mine), pytest.raises(ProgrammingError, match=RLS_REFUSES):
        db.session.execute(text("update locations set store_id = :id"), {"id": theirs.id})


def test_reference_to_another_stores_row_is_refused(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    channel = Books(app, mine).channel()
    with scope(app, theirs):
        their_method = db.session.scalars(select(PaymentMethod.id)).one()
    mapping = {"channel_id": channel.id, "gateway_key": "boost", "gateway": "Boost", "payment_method_id": their_method}
    with scope(app, mine), pytest.raises(IntegrityError, match="payment_methods"):
        db.session.execute(insert(PaymentMapping).values(store_id=mine.id, **mapping))


def test_without_a_scope_asking_raises_and_the_tables_are_empty(app: Flask, store: SomeStore) -> None:
    with app.app_context():
        with pytest.raises(OutsideScopeError):
            db.session.scalars(select(Location)).all()
        with pytest.raises(OutsideScopeError):
            current_store()
        assert db.session.execute(text("select count(*) from locations")).scalar_one() == 0
        assert db.session.execute(text("select count(*) from stores")).scalar_one() == 0
        with pytest.raises(ProgrammingError, match=RLS_REFUSES):
            db.session.execute(text("insert into locations (store_id, name) values (:id, 'D')"), {"id": store.id})


def test_session_serves_one_store(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, theirs = both
    with scope(app, mine):
        enter_store(mine.id)
        with pytest.raises(ScopeSwitchError):
            enter_store(theirs.id)
        assert current_store().id == mine.id


def test_scope_holds_over_commits_and_rollbacks(app: Flask, both: tuple[SomeStore, SomeStore]) -> None:
    mine, _ = both
    with scope(app, mine):
        for end in (db.session.commit, db.session.rollback):
            end()
            assert db.session.execute(text("select distinct store_id from locations")).scalars().all() == [mine.id]


def test_pooled_connection_carries_nothing_over(app: Flask, store: SomeStore) -> None:
    pid = text("select pg_backend_pid()")
    with app.app_context():
        with store_scope(store.id):
            used = db.session.execute(pid).scalar_one()
            db.session.commit()
        for _ in range(50):  # the pool hands its connections round
            same = db.session.execute(pid).scalar_one() == used
            assert db.session.execute(text("select count(*) from locations")).scalar_one() == 0
            db.session.remove()
            if same:
                return
    raise AssertionError("the connection of the scope never came back")


def test_uncommitted_work_does_not_outlive_its_scope(app: Flask, store: SomeStore) -> None:
    with scope(app, store):
        db.session.add(Location(store_id=store.id, name="Never"))
        db.session.flush()
    with scope(app, store):
        assert "Never" not in db.session.scalars(select(Location.name)).all()


def test_role_of_the_application_can_neither_bypass_nor_own(app: Flask) -> None:
    with app.app_context():
        role = db.session.execute(
            text("select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user")
        ).one()
        assert tuple(role) == (False, False, False)
        owned = text("select count(*) from pg_class where relowner = current_user::regrole")
        assert db.session.execute(owned).scalar_one() == 0
        db.session.execute(text("set local row_security = off"))
        with pytest.raises(ProgrammingError, match=RLS_REFUSES):
            db.session.execute(text("select * from locations"))


@pytest.mark.parametrize("model", OWNED, ids=lambda model: str(model.__tablename__))
def test_every_table_of_a_store_is_guarded_and_led_by_it(app: Flask, model: type[StoreOwned]) -> None:
    table = inspect(model).local_table
    assert next(iter(table.primary_key.columns)).name == "store_id"
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint) and "store_id" in constraint.referred_table.c:
            assert constraint.column_keys[0] == "store_id", f"{constraint.column_keys} could point into another store"
    with app.app_context():
        guarded = db.session.execute(
            text("select relrowsecurity, relforcerowsecurity from pg_class where oid = cast(:table as regclass)"),
            {"table": table.name},
        ).one()
        assert tuple(guarded) == (True, True)
        policies = db.session.execute(
            text("select polname from pg_policy where polrelid = cast(:table as regclass)"), {"table": table.name}
        ).scalars()
        assert "store_scope" in set(policies)


def test_every_table_that_names_a_store_is_in_that_list(app: Flask) -> None:
    with app.app_context():
        named = db.session.execute(
            text(
                "select table_name from information_schema.columns "
                "where table_schema = 'public' and column_name = 'store_id'"
            )
        ).scalars()
        assert set(named) == {inspect(model).local_table.name for model in OWNED}


@pytest.mark.parametrize(
    "sql",
    [
        "delete from invoices",
        "update invoices set total = 0",
        "update invoices set number_text = 'INV99999'",
        "delete from credit_notes",
        "update credit_notes set total = 0",
        "update credit_note_lines set amount = 0",
        "delete from void_numbers",
        "update void_numbers set words = 'other'",
        "delete from closings",
        "delete from number_series",
        "delete from seen_orders",
        "delete from orders",
        "delete from stores",
        "update invoice_lines set amount = 0",
        "delete from journal",
        "update journal set kind = 'other'",
        "drop table locations",
        "alter table locations disable row level security",
        "update alembic_version set version_num = 'x'",
    ],
)
def test_books_cannot_be_rewritten_by_the_application(app: Flask, store: SomeStore, sql: str) -> None:
    with scope(app, store), pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        db.session.execute(text(sql))
