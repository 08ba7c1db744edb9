"""Settings → Audit log, and the file of it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.audit.words import EXPORTS, FIELDS, THINGS, VERBS, value_words
from app.catalog.services import add_warehouse, rename_warehouse
from app.channels.models import Channel
from app.core.roles import Role
from app.extensions import db
from app.links.codes import ensure_code
from app.migrations.auditing import WATCHED
from tests.audit.helpers import acting, entries, told
from tests.orders.factories import Books, statements
from tests.support.factories import Make, SomeStore, signed_in
from tests.support.fixtures import new_client
from tests.tenancy.test_every_route import RULES


@pytest.fixture
def owner(app: Flask, store: SomeStore) -> FlaskClient:
    return signed_in(new_client(app), store.owner)


def test_a_form_that_is_saved_is_told_with_who_and_from_where(store: SomeStore, owner: FlaskClient) -> None:
    answer = owner.post(
        store.url("/settings/warehouses"), data={"name": "Ipoh"}, headers={"User-Agent": "Till 7\x01 Firefox"}
    )
    assert answer.status_code == 303
    page = owner.get(store.url("/settings/audit")).text
    assert "Ipoh" in page
    assert store.owner.name in page
    entry = entries(owner.application, store, "warehouse")[-1]
    assert entry.address == owner.environ_base["REMOTE_ADDR"]
    assert entry.browser == "Till 7 Firefox"


def test_each_field_is_read_before_and_after(app: Flask, store: SomeStore, owner: FlaskClient) -> None:
    channel = Books(app, store).channel("KiotViet")
    with acting(app, store, store.owner):
        db.session.execute(update(Channel).where(Channel.id == channel.id).values(auto_sync=True, stock_buffer=3))
        db.session.commit()
        chosen = {"weight_unit": "kg", "order_branch_id": "12"}
        values: dict[str, Any] = {"config": {"retailer": "cuahang"}, "options": chosen}
        db.session.execute(update(Channel).where(Channel.id == channel.id).values(**values))
        db.session.commit()
        values = {"options": {**chosen, "set_up": {"takes_products": True}}}
        db.session.execute(update(Channel).where(Channel.id == channel.id).values(**values))
        db.session.commit()
    page = owner.get(store.url("/settings/audit?thing=channel")).text
    plain = " ".join(page.split())
    assert "Shop name: cuahang</ins>" in plain
    assert "Orders made here go to: 12, Weights: Kilograms</ins>" in plain
    assert "set_up" not in plain, "nothing follows from a draft"
    assert "<dt>Auto Sync</dt>" in plain
    assert "Before: </span>no</del>" in plain
    assert "After: </span>yes</ins>" in plain
    assert f'href="/{store.slug}/channels/{channel.id}"' in page
    with acting(app, store, store.owner):
        db.session.execute(update(Channel).where(Channel.id == channel.id).values(status="removed"))
        db.session.commit()
    assert f'href="/{store.slug}/channels/{channel.id}"' not in owner.get(store.url("/settings/audit")).text


def test_filters_choose_and_survive_paging(app: Flask, store: SomeStore, owner: FlaskClient, make: Make) -> None:
    other = make.person("Mei Ling")
    make.member(store, other, Role.MANAGER)
    with acting(app, store, store.owner):
        for name in ("Ipoh", "Penang", "Muar"):
            add_warehouse(name)
    with acting(app, store, other):
        add_warehouse("Klang")

    def shown(query: str) -> set[str]:
        page = owner.get(store.url(f"/settings/audit?{query}")).text
        return {name for name in ("Ipoh", "Penang", "Muar", "Klang") if f">{name}</a>" in page}

    assert shown("") == {"Ipoh", "Penang", "Muar", "Klang"}
    assert shown(f"person={other.id}") == {"Klang"}
    assert shown("q=pEnan") == {"Penang"}
    assert shown("q=mei+ling") == {"Klang"}
    assert shown("q=100%25") == set()
    assert shown("thing=channel") == set()
    assert shown("date_from=2020-01-01&date_to=2020-01-31") == set()
    assert shown("date_from=2020-01-01") == {"Ipoh", "Penang", "Muar", "Klang"}
    assert shown("person=itself&thing=warehouse") == set()
    first = owner.get(store.url(f"/settings/audit?thing=warehouse&limit=2&person={store.owner.id}")).text
    assert [name in first for name in (">Muar<", ">Penang<", ">Ipoh<", ">Klang<")] == [True, True, False, False]
    assert f'<option value="{store.owner.id}" selected>' in first
    after = first.split("after=")[1].split('"')[0].split("&amp;")[0]
    second = owner.get(store.url(f"/settings/audit?thing=warehouse&limit=2&person={store.owner.id}&after={after}")).text
    assert [name in second for name in (">Muar<", ">Penang<", ">Ipoh<", ">Klang<")] == [False, False, True, False]


def test_a_page_of_the_log_costs_a_few_statements_however_long_it_is(
    app: Flask, store: SomeStore, owner: FlaskClient
) -> None:
    owner.get(store.url("/settings/audit"))
    with acting(app, store, store.owner):
        for number in range(8):
            add_warehouse(f"Place {number}")
    with app.app_context(), statements() as few:
        owner.get(store.url("/settings/audit?limit=2"))
    with app.app_context(), statements() as many:
        owner.get(store.url("/settings/audit?limit=50"))
    assert len(many) == len(few)


def test_who_acts_is_told_with_the_store_and_costs_no_statement(
    app: Flask, store: SomeStore, owner: FlaskClient
) -> None:
    owner.get(store.url("/settings/closing"))
    with app.app_context(), statements() as seen:
        owner.get(store.url("/settings/closing"))
    telling = [statement for statement in seen if "set_config" in statement]
    assert len(telling) == 1
    assert all(f"'app.{name}'" in telling[0] for name in ("store_id", "user_id", "address", "browser"))


def test_a_filter_that_nothing_matches_says_so(store: SomeStore, owner: FlaskClient) -> None:
    assert "No entry matches" in owner.get(store.url("/settings/audit?q=nothing-like-it")).text


def test_only_owners_and_managers_read_it(app: Flask, store: SomeStore, make: Make) -> None:
    answers = {}
    for role in Role:
        person = make.person()
        make.member(store, person, role)
        client = signed_in(new_client(app), person)
        answers[role] = [client.get(store.url(f"/settings/{path}")).status_code for path in ("audit", "audit.csv")]
    allowed, refused = [200, 200], [403, 403]
    assert answers == {
        Role.OWNER: allowed,
        Role.MANAGER: allowed,
        Role.BOOKKEEPER: refused,
        Role.ORDER_DESK: refused,
        Role.READ_ONLY: refused,
    }


def test_the_file_has_a_row_for_each_field_runs_nothing_and_is_told_of(
    app: Flask, store: SomeStore, owner: FlaskClient
) -> None:
    formula = '=HYPERLINK("http://x.example")'
    with acting(app, store, store.owner):
        warehouse = add_warehouse("Ipoh")
        rename_warehouse(warehouse, formula)
    answer = owner.get(store.url("/settings/audit.csv?thing=warehouse"))
    heading, *rows = csv.reader(io.StringIO(answer.text.lstrip("\ufeff")))
    assert heading[-3:] == ["Field", "Before", "After"]
    assert [row[-3:] for row in rows[1:]] == [["Name", "", "Ipoh"], ["Name", "Ipoh", f"'{formula}"]]
    assert [row[6] for row in rows[1:]] == ["Ipoh", f"'{formula}"]
    assert told(app, store, "export")[-1][1:] == ("settings.audit_export", {"filter": [None, "thing=warehouse"]})


def test_every_export_is_told_of_and_has_words(app: Flask, store: SomeStore, owner: FlaskClient) -> None:
    named = {name for name in RULES if name.endswith("csv") or "export" in name}
    assert named | {"store"} == set(EXPORTS)
    owner.get(store.url("/orders.csv?state=held"), buffered=True)
    page = owner.get(store.url("/settings/audit?thing=export")).text
    assert told(app, store, "export")[-1] == ("exported", "orders.export", {"filter": [None, "state=held"]})
    assert "State: Needs attention" in page and "state=held" not in page


def test_what_a_file_was_asked_for_is_said_as_its_page_says_it(app: Flask) -> None:
    with app.test_request_context():
        for asked, words in {
            "period=last_30_days": "Period: Last 30 days",
            "period=custom, date_from=2026-11-01, date_to=x": "From: 1 Nov 2026, To: x",
            "state=ready, state=posted, status=shipped": "State: Ready to sync, State: Posted, Status: Shipped",
            "q=tea, coffee=2, kind=adjust, sale=refunded": (
                "Search: tea, coffee=2, What happened: Adjusted, Sale: Paid back, wholly or in part"
            ),
            "thing=warehouse, channel=3, rows=lines, alone": "What: Warehouse, Channel: 3, rows=lines, alone",
        }.items():
            assert value_words("filter", asked) == words


def test_an_empty_form_to_fill_in_is_no_export(app: Flask, store: SomeStore, owner: FlaskClient) -> None:
    before = len(told(app, store, "export"))
    assert owner.get(store.url("/orders/import.csv")).status_code == 200
    owner.get(store.url("/settings/general"))
    assert len(told(app, store, "export")) == before


def test_looking_at_the_code_is_told_once(app: Flask, store: SomeStore, owner: FlaskClient) -> None:
    with acting(app, store, None):
        ensure_code(store.owner.id)
    for _ in range(3):
        assert owner.get(store.url("/settings/general")).status_code == 200
    assert [verb for verb, _label, _changes in told(app, store, "code")] == ["shown"]


def test_everything_that_is_written_has_words() -> None:
    fields = {name for one in WATCHED for name in one.fields if name not in one.turns}
    assert fields - set(FIELDS) == set()
    assert {one.thing for one in WATCHED} - set(THINGS) == set()
    verbs = {
        verb for one in WATCHED for verb in (*one.verbs.values(), *(v for pair in one.turns.values() for v in pair))
    }
    assert verbs - set(VERBS) == set()
