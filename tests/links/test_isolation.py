"""What the database itself shows of a link and of the two stores: raw SQL under the application's own role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.extensions import db
from app.links import services
from app.tenancy import doors
from app.tenancy.scope import store_scope
from tests.links.pairs import Pair
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore

TABLES = ("items", "orders", "order_lines", "channels", "locations", "memberships", "verification_codes", "invoices")


def draft(pair: Pair) -> int:
    return pair.draft()


def pending(pair: Pair) -> int:
    return pair.pending()


def denied(pair: Pair) -> int:
    link_id = pair.pending()
    with pair.as_sub():
        services.deny(link_id, "Somebody", "")
    return link_id


def connected(pair: Pair) -> int:
    return pair.connected()


def ended(pair: Pair) -> int:
    link_id = pair.connected()
    with pair.as_sub():
        services.end(link_id, "Somebody", "keep")
    return link_id


def stock_up(app: Flask, store: SomeStore) -> None:
    """An order, an item and a code, so that there is something to see."""
    books = Books(app, store)
    books.line(books.order(books.channel()))
    books.item("SECRET")


def rows_of(app: Flask, viewer: SomeStore, owner: SomeStore) -> dict[str, int]:
    """How many rows of `owner` raw SQL shows in the scope of `viewer`."""
    with app.app_context(), store_scope(viewer.id):
        found = {
            table: db.session.execute(
                text(f"select count(*) from {table} where store_id = :id"), {"id": owner.id}
            ).scalar_one()
            for table in TABLES
        }
        found["stores"] = db.session.execute(
            text("select count(*) from stores where id = :id"), {"id": owner.id}
        ).scalar_one()
    return {table: count for table, count in found.items() if count}


@pytest.mark.parametrize("state", [draft, pending, denied, connected, ended])
def test_neither_store_reads_a_row_of_the_other(app: Flask, pair: Pair, state: Callable[[Pair], int]) -> None:
    """Not even over a granted link: what flows then goes through one file, in the other store's own scope."""
    stock_up(app, pair.sub)
    stock_up(app, pair.main)
    state(pair)
    assert rows_of(app, pair.main, pair.sub) == {}
    assert rows_of(app, pair.sub, pair.main) == {}
    assert rows_of(app, pair.sub, pair.sub), "there is something to see"


def test_a_third_store_sees_no_link_and_no_story(app: Flask, make: Make, pair: Pair) -> None:
    connected(pair)
    with app.app_context(), store_scope(make.store().id):
        for table in ("links", "link_events"):
            assert db.session.execute(text(f"select count(*) from {table}")).scalar_one() == 0
        changed = db.session.execute(text("update links set channel_name = 'taken over'"))
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    with app.app_context():
        assert db.session.execute(text("select count(*) from links")).scalar_one() == 0, "nor does nobody"


def test_a_third_store_writes_neither_a_link_nor_a_story(app: Flask, make: Make, pair: Pair) -> None:
    link_id = connected(pair)
    values = {"main": pair.main.id, "sub": pair.sub.id, "link": link_id}
    event = (
        "insert into link_events (link_id, main_store_id, sub_store_id, kind, side) "
        "values (:link, :main, :sub, 'x', 'sub')"
    )
    link = (
        "insert into links (main_store_id, sub_store_id, main_name, sub_name, code_hash) "
        "values (:main, :sub, '', '', '')"
    )
    for statement in (event, link):
        with (
            app.app_context(),
            store_scope(make.store().id),
            pytest.raises(ProgrammingError, match="row-level security"),
        ):
            db.session.execute(text(statement), values)


def test_the_sub_store_sees_no_draft(pair: Pair) -> None:
    draft(pair)
    with pair.as_sub():
        assert db.session.execute(text("select count(*) from links")).scalar_one() == 0


@pytest.mark.parametrize("statement", ["state = 'connected'", "state = 'connected', answered_at = now()"])
def test_the_main_store_cannot_grant_itself(pair: Pair, statement: str) -> None:
    link_id = pending(pair)
    with pair.as_main(), pytest.raises(ProgrammingError, match="only the sub-store grants"):
        db.session.execute(text(f"update links set {statement} where id = :id"), {"id": link_id})
    with pair.as_main(), pytest.raises(ProgrammingError, match="was not asked for is not granted"):
        db.session.execute(
            text("update links set state = 'suspended', asked_at = now() where id = :id"), {"id": draft_of(pair)}
        )


def draft_of(pair: Pair) -> int:
    """Another draft: the first request is withdrawn."""
    with pair.as_main():
        (known,) = db.session.execute(text("select id from links where state = 'pending'")).scalars()
        services.withdraw(known, "Somebody")
    return pair.draft()


@pytest.mark.parametrize("values", ["'connected', now()", "'pending', now()", "'draft', now()", "'suspended', now()"])
def test_a_link_begins_as_a_draft(pair: Pair, values: str) -> None:
    insert = (
        "insert into links (main_store_id, sub_store_id, main_name, sub_name, code_hash, state, asked_at) "
        f"values (:main, :sub, '', '', '', {values})"
    )
    with pair.as_main(), pytest.raises(ProgrammingError, match="begins as a draft"):
        db.session.execute(text(insert), {"main": pair.main.id, "sub": pair.sub.id})


@pytest.mark.parametrize(
    "statement",
    [
        "delete from links",
        "delete from link_events",
        "update link_events set person = 'somebody else'",
        "update links set sub_store_id = main_store_id + 1",
        "update links set main_name = 'another'",
    ],
)
def test_what_a_link_is_and_what_happened_cannot_be_rewritten(pair: Pair, statement: str) -> None:
    connected(pair)
    for scope in (pair.as_main(), pair.as_sub()):
        with scope, pytest.raises(ProgrammingError, match="permission denied"):
            db.session.execute(text(statement))


def test_the_door_of_codes_opens_for_the_whole_hash_only(app: Flask, pair: Pair) -> None:
    pair.code()
    with pair.as_sub():
        right = db.session.execute(text("select code_hash from verification_codes")).scalar_one()
    with pair.as_main():
        found = doors.verification_code(bytes(right))
        assert found is not None
        assert (found.store_id, found.name, found.has_main, found.is_main) == (pair.sub.id, pair.sub.name, False, False)
        for wrong in (b"", bytes(right)[:-1], bytes(right) + b"\0", bytes(32)):
            assert doors.verification_code(wrong) is None


def test_the_standing_of_a_link_is_told_to_its_two_stores_only(app: Flask, make: Make, pair: Pair) -> None:
    link_id = pending(pair)
    with pair.as_sub():
        assert doors.link_standing(link_id) == ("premium", False)
    with app.app_context(), store_scope(make.store().id):
        assert doors.link_standing(link_id) is None
    with app.app_context():
        assert doors.link_standing(link_id) is None
