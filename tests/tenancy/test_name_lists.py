"""Payment methods, salespeople, warehouses: lists that are kept by name."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.catalog.services import add_warehouse, archive_warehouse
from app.extensions import db
from app.mappings.services import make_default_payment_method
from app.tenancy.named import IsLast
from app.tenancy.scope import store_scope
from tests.orders.factories import Books
from tests.support.factories import SomeStore, signed_in
from tests.support.fixtures import new_client

HTMX = {"HX-Request": "true"}
TABLES = {"payment-methods": "payment_methods", "salespeople": "salespeople", "warehouses": "locations"}
every_list = pytest.mark.parametrize("kind", TABLES)


@pytest.fixture
def owner(client: FlaskClient, store: SomeStore) -> FlaskClient:
    return signed_in(client, store.owner)


def rows(app: Flask, store: SomeStore, kind: str) -> dict[str, int]:
    """The names that are offered, and their ids."""
    with app.app_context(), store_scope(store.id):
        found = db.session.execute(text(f"select name, id from {TABLES[kind]} where archived_at is null"))
        return {row.name: row.id for row in found}


def post(client: FlaskClient, store: SomeStore, path: str, *, htmx: bool = False, **form: str) -> Any:
    return client.post(store.url(f"/settings/{path}"), data=form, headers=HTMX if htmx else {})


@every_list
def test_name_is_added_both_ways(app: Flask, owner: FlaskClient, store: SomeStore, kind: str) -> None:
    answer = post(owner, store, kind, name="  Siti ")
    assert (answer.status_code, answer.location) == (303, store.url(f"/settings/{kind}"))
    assert "Siti is added." in owner.get(answer.location).text
    part = post(owner, store, kind, htmx=True, name="Ravi")
    assert part.status_code == 200
    assert "Ravi" in part.text
    assert "<html" not in part.text
    assert {"Siti", "Ravi"} <= rows(app, store, kind).keys()


@every_list
def test_same_name_twice_is_refused_and_kept(app: Flask, owner: FlaskClient, store: SomeStore, kind: str) -> None:
    post(owner, store, kind, name="Siti")
    for htmx in (False, True):
        answer = post(owner, store, kind, htmx=htmx, name="SITI")
        assert answer.status_code == 422
        assert "in the list already" in answer.text
        assert 'value="SITI"' in answer.text
    assert post(owner, store, kind, name=" ").status_code == 422
    assert post(owner, store, kind, name="x" * 61).status_code == 422


@every_list
def test_name_is_changed(app: Flask, owner: FlaskClient, store: SomeStore, kind: str) -> None:
    post(owner, store, kind, name="Siti")
    post(owner, store, kind, name="Ravi")
    row = rows(app, store, kind)["Siti"]
    assert 'value="Siti"' in owner.get(store.url(f"/settings/{kind}?rename={row}")).text
    assert post(owner, store, f"{kind}/{row}/rename", name="Siti Aminah").status_code == 303
    assert rows(app, store, kind)["Siti Aminah"] == row
    taken = post(owner, store, f"{kind}/{row}/rename", htmx=True, name="ravi")
    assert taken.status_code == 422
    assert 'value="ravi"' in taken.text
    assert post(owner, store, f"{kind}/{row}/rename", name="siti aminah").status_code == 303, "its own name, smaller"


@every_list
def test_archived_name_is_out_of_sight_and_comes_back(
    app: Flask, owner: FlaskClient, store: SomeStore, kind: str
) -> None:
    post(owner, store, kind, name="Siti")
    row = rows(app, store, kind)["Siti"]
    assert post(owner, store, f"{kind}/{row}/archive").status_code == 303
    assert "Siti" not in rows(app, store, kind)
    again = post(owner, store, kind, name="siti")
    assert again.status_code == 422
    assert "among the archived ones" in again.text
    assert post(owner, store, f"{kind}/{row}/archive").status_code == 303, "pressing twice is no mistake"
    assert post(owner, store, f"{kind}/{row}/restore").status_code == 303
    assert rows(app, store, kind)["Siti"] == row


def test_default_method_stays_until_another_takes_over(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    post(owner, store, "payment-methods", name="Bank")
    found = rows(app, store, "payment-methods")
    refused = post(owner, store, f"payment-methods/{found['Cash']}/archive", htmx=True)
    assert refused.status_code == 422
    assert "Make another one the default first" in refused.text
    assert post(owner, store, f"payment-methods/{found['Bank']}/default").status_code == 303
    assert post(owner, store, f"payment-methods/{found['Cash']}/archive").status_code == 303
    with app.app_context(), store_scope(store.id):
        names = db.session.execute(text("select name from payment_methods where is_default")).scalars().all()
    assert names == ["Bank"]


def test_there_is_exactly_one_default_whoever_presses(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    for name in ("A", "B", "C"):
        post(owner, store, "payment-methods", name=name)
    found = rows(app, store, "payment-methods")
    failures: list[BaseException] = []

    def press(method_id: int) -> None:
        try:
            with app.app_context(), store_scope(store.id):
                make_default_payment_method(method_id)
        except BaseException as error:  # whatever it is, the test must tell
            failures.append(error)

    for _round in range(5):
        threads = [threading.Thread(target=press, args=(found[name],)) for name in ("A", "B", "C", "Cash")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    with app.app_context(), store_scope(store.id):
        assert db.session.execute(text("select count(*) from payment_methods where is_default")).scalar_one() == 1


def test_method_that_gateways_mean_stays(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    books = Books(app, store)
    books.gateway(books.channel(), "Boost", "Boost Wallet")
    row = rows(app, store, "payment-methods")["Boost Wallet"]
    answer = post(owner, store, f"payment-methods/{row}/archive")
    assert answer.status_code == 422
    assert "1 gateway still use" in answer.text
    assert "Boost Wallet" in rows(app, store, "payment-methods")


def test_salesperson_in_charge_stays(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    channel = Books(app, store).channel()
    post(owner, store, "salespeople", name="Siti")
    row = rows(app, store, "salespeople")["Siti"]
    with app.app_context(), store_scope(store.id):
        db.session.execute(
            text("insert into salesperson_mappings (store_id, marketplace_id, salesperson_id) values (:s, :m, :p)"),
            {"s": store.id, "m": channel.marketplace_id, "p": row},
        )
        db.session.commit()
    answer = post(owner, store, f"salespeople/{row}/archive")
    assert answer.status_code == 422
    assert "1 marketplace" in answer.text


def test_last_warehouse_stays(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    (row,) = rows(app, store, "warehouses").values()
    answer = post(owner, store, f"warehouses/{row}/archive")
    assert answer.status_code == 422
    assert "at least one warehouse" in answer.text


def test_two_who_archive_the_last_two_leave_one(app: Flask, store: SomeStore) -> None:
    with app.app_context(), store_scope(store.id):
        add_warehouse("Second")
    both = list(rows(app, store, "warehouses").values())
    gate, outcomes = threading.Barrier(2), []

    def press(location_id: int) -> None:
        with app.app_context(), store_scope(store.id):
            gate.wait()
            try:
                archive_warehouse(location_id)
                outcomes.append("archived")
            except IsLast:
                outcomes.append("last")

    threads = [threading.Thread(target=press, args=(location_id,)) for location_id in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["archived", "last"]
    assert len(rows(app, store, "warehouses")) == 1


@every_list
def test_another_stores_row_is_not_there(
    app: Flask, owner: FlaskClient, store: SomeStore, other_store: SomeStore, kind: str
) -> None:
    theirs = signed_in(new_client(app), other_store.owner)
    post(theirs, other_store, kind, name="Theirs")
    row = rows(app, other_store, kind)["Theirs"]
    for act in ("rename", "archive", "restore"):
        assert post(owner, store, f"{kind}/{row}/{act}", name="Mine").status_code == 404
    assert "Theirs" in rows(app, other_store, kind)


@every_list
def test_reader_sees_no_button_and_stranger_no_page(
    app: Flask, owner: FlaskClient, store: SomeStore, other_store: SomeStore, kind: str
) -> None:
    post(owner, store, kind, name="Siti")
    row = rows(app, store, kind)["Siti"]
    reader, stranger = signed_in(new_client(app), store.reader), signed_in(new_client(app), other_store.owner)
    page = reader.get(store.url(f"/settings/{kind}")).text
    assert "Siti" in page
    assert "/archive" not in page
    for path in (kind, f"{kind}/{row}/rename", f"{kind}/{row}/archive", f"{kind}/{row}/restore"):
        assert post(reader, store, path, name="X").status_code == 403
        assert post(stranger, store, path, name="X").status_code == 404
    assert stranger.get(store.url(f"/settings/{kind}")).status_code == 404
    assert "Siti" in rows(app, store, kind)


def test_acts_that_a_list_does_not_have_are_not_there(app: Flask, owner: FlaskClient, store: SomeStore) -> None:
    (row,) = rows(app, store, "warehouses").values()
    assert post(owner, store, f"warehouses/{row}/default").status_code == 404
    assert post(owner, store, f"warehouses/{row}/explode").status_code == 404
    assert owner.get(store.url("/settings/spaceships")).status_code == 404


def test_names_are_shown_as_text(owner: FlaskClient, store: SomeStore) -> None:
    answer = post(owner, store, "salespeople", htmx=True, name="<script>alert(1)</script>")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text
