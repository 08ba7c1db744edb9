"""The first-run checklist follows what the books say, one step after the other."""

from __future__ import annotations

import pytest
from flask import Flask, g, render_template
from sqlalchemy import text

from app.accounts.access import Member
from app.core.roles import Role
from app.extensions import db
from app.onboarding.queries import Step, checklist
from app.tenancy.scope import current_store, store_scope
from tests.orders.factories import Books, statements
from tests.support.factories import SomeStore


@pytest.fixture
def books(app: Flask, store: SomeStore) -> Books:
    return Books(app, store)


def steps(app: Flask, store: SomeStore) -> list[Step]:
    with app.test_request_context(), store_scope(store.id):
        g.store = current_store()
        return checklist()


def done(app: Flask, store: SomeStore) -> list[bool]:
    return [step.is_done for step in steps(app, store)]


def run(app: Flask, store: SomeStore, sql: str) -> None:
    with app.app_context(), store_scope(store.id):
        db.session.execute(text(sql))
        db.session.commit()


def test_each_step_is_done_when_the_books_say_so(app: Flask, store: SomeStore, books: Books) -> None:
    assert done(app, store) == [False] * 5
    channel = books.channel()
    assert done(app, store) == [True, False, False, False, False]
    run(app, store, "update channels set checked_at = now()")
    mapping = books.gateway(channel, "ShopeePay")
    assert done(app, store) == [True, True, False, False, False]
    with books.scope():
        db.session.execute(
            text("update payment_mappings set payment_method_id = (select id from payment_methods) where id = :id"),
            {"id": mapping},
        )
        db.session.commit()
    assert done(app, store) == [True, True, True, False, False]
    order = books.order(channel)
    books.invoice(order)
    assert done(app, store) == [True, True, True, True, False]
    books.note("written_back", order, number="INV00001")
    assert done(app, store) == [True] * 5


def test_another_stores_progress_is_not_ours(app: Flask, store: SomeStore, other_store: SomeStore) -> None:
    Books(app, other_store).channel()
    assert done(app, store) == [False] * 5


def test_removed_channel_does_not_count(app: Flask, store: SomeStore, books: Books) -> None:
    books.channel()
    run(app, store, "update channels set status = 'removed'")
    assert not steps(app, store)[0].is_done


def test_list_shows_the_one_next_thing_and_goes_when_all_is_done(app: Flask, store: SomeStore) -> None:
    with app.test_request_context(), store_scope(store.id):
        g.store = current_store()
        g.membership = Member(store.id, store.owner.id, Role.OWNER)
        shown = render_template("onboarding/_checklist.html", checklist=checklist())
        finished = [Step(True, "All", "done", None)]
        assert render_template("onboarding/_checklist.html", checklist=finished).strip() == ""
    assert shown.count("btn-primary") == 1
    assert f'href="{store.url("/channels/add")}"' in shown
    assert "0 of 5 done" in shown
    for page in ("/settings/general", "/settings/invoicing"):
        assert f'href="{store.url(page)}"' in shown, "an invoice keeps what it says"


def test_a_reader_sees_how_far_it_is_and_is_asked_for_nothing(app: Flask, store: SomeStore) -> None:
    with app.test_request_context(), store_scope(store.id):
        g.store = current_store()
        g.membership = Member(store.id, store.reader.id, Role.READ_ONLY)
        shown = render_template("onboarding/_checklist.html", checklist=checklist())
    assert "0 of 5 done" in shown
    assert "btn-primary" not in shown


def test_list_costs_two_statements_however_long_the_books_are(app: Flask, store: SomeStore, books: Books) -> None:
    channel = books.channel()
    for _ in range(3):
        books.invoice(books.order(channel))
    with app.test_request_context(), store_scope(store.id):
        g.store = current_store()
        with statements() as seen:
            checklist()
    assert len(seen) == 2


def test_orders_made_here_are_neither_checked_nor_written_back(app: Flask, store: SomeStore, books: Books) -> None:
    books.channel()
    run(app, store, "update channels set kind = 'own'")
    assert [step.title for step in steps(app, store)] == [
        "Connect a channel",
        "Choose payment methods",
        "Book the first order",
    ]
    books.channel()
    assert [step.title for step in steps(app, store)][1] == "Check for updates"
