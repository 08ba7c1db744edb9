"""Setting a channel up: what flows which way is chosen before anything does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.channels.models import Channel, Marketplace
from app.core.errors import Unavailable
from app.extensions import db
from app.tenancy.scope import store_scope
from tests.channels.branched import open_branches
from tests.channels.paths import OPTIONS, channels_of, connect
from tests.connectors.fake import FakeShop, an_order
from tests.support.factories import SomeStore
from tests.support.working import work_off

CHOSEN = {
    "takes_products": "y",
    "takes_orders": "y",
    "weight_unit": "g",
    "stock": "there",
    "prices": "there",
    "announces": "y",
}


@pytest.fixture
def channel_id(owner: FlaskClient, store: SomeStore, branches: FakeShop) -> int:
    """A connected channel that is still to be set up."""
    assert owner.post(store.url("/channels/add/branched"), data=branches.config).status_code == 303
    connected = owner.post(store.url("/channels/add/branched/options"), data=OPTIONS)
    assert connected.location.endswith("/set-up"), connected.location
    return int(connected.location.split("/")[-2])


def form_of(app: Flask, store: SomeStore, **changes: str) -> dict[str, str]:
    """What *Finish* sends, with a warehouse to be made for each branch; `changes` of '' leave a field out."""
    places = {f"place_{place.id}": "new" for place in places_of(app, store)}
    return {name: value for name, value in (CHOSEN | places | changes).items() if value != "-"}


def places_of(app: Flask, store: SomeStore) -> list[Marketplace]:
    with app.app_context(), store_scope(store.id):
        found = list(db.session.scalars(db.select(Marketplace).order_by(Marketplace.id)))
        db.session.expunge_all()
    return found


def the_channel(app: Flask, store: SomeStore) -> Channel:
    (channel,) = channels_of(app, store)
    return channel


def rows(app: Flask, store: SomeStore, sql: str) -> list[Any]:
    with app.app_context(), store_scope(store.id):
        return list(db.session.execute(text(sql)).all())


def flows(channel: Channel) -> tuple[bool, ...]:
    return (
        channel.takes_products,
        channel.takes_orders,
        channel.gives_orders,
        channel.takes_stock,
        channel.takes_prices,
    )


def test_nothing_flows_before_it_is_finished(
    app: Flask, owner: FlaskClient, store: SomeStore, branches: FakeShop, channel_id: int
) -> None:
    channel = the_channel(app, store)
    assert flows(channel) == (False,) * 5
    assert channel.next_refresh_at is None
    called = list(branches.calls)
    owner.post(store.url(f"/channels/{channel_id}/check"))
    owner.post(store.url(f"/channels/{channel_id}/products/refresh"))
    owner.post(store.url(f"/channels/{channel_id}/sync-now"))
    assert owner.post(store.url(f"/channels/{channel_id}/refresh-now")).status_code == 404
    work_off(app, store.id)
    assert branches.calls == called
    for place in ("orders", "products", "settings"):
        page = owner.get(store.url(f"/channels/{channel_id}/{place}"))
        assert "Set-up is not finished" in page.text
        assert store.url(f"/channels/{channel_id}/set-up") in page.text


def test_weights_are_shown_in_both_units_by_products_of_the_shop(
    owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    page = owner.get(store.url(f"/channels/{channel_id}/set-up")).text
    rows = [" ".join(part.split()) for part in page.split("<tr>")[2:]]
    coffee = next(row for row in rows if "Cà phê 500 g" in row)
    assert ">500</td>" in coffee
    assert ">0.5 kg</td>" in coffee
    assert ">500 kg</td>" in coffee
    assert "Quà tặng" not in page


def test_a_channel_that_does_not_answer_can_be_set_up_without_examples(
    owner: FlaskClient, store: SomeStore, branches: FakeShop, channel_id: int
) -> None:
    branches.fail("list_products", Unavailable("It took too long to answer."))
    page = owner.get(store.url(f"/channels/{channel_id}/set-up"))
    assert page.status_code == 200
    assert "No example can be shown at the moment. It took too long to answer." in page.text


def test_finish_stores_it_all_and_starts_the_first_sync(
    app: Flask, owner: FlaskClient, store: SomeStore, branches: FakeShop, channel_id: int
) -> None:
    branches.put(an_order("7", marketplace_id="11"))
    first, _second = places_of(app, store)
    chosen = form_of(app, store, gives_orders="y", order_branch="12")
    done = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=chosen)
    assert done.status_code == 303, done.text
    channel = the_channel(app, store)
    assert flows(channel) == (True,) * 5
    assert channel.options == {"weight_unit": "g", "order_branch_id": "12"}
    assert channel.next_refresh_at is not None
    warehouses = rows(app, store, "select m.name, l.name from marketplaces m join locations l on l.id = m.location_id")
    assert sorted(warehouses) == sorted((place.name, place.name) for place in places_of(app, store))
    assert [row.kind for row in rows(app, store, "select kind from sync_jobs")] == ["refresh"]
    assert len(branches.hooks) == 1  # type: ignore[attr-defined]
    assert work_off(app, store.id) == ["succeeded"]
    weights = rows(app, store, "select remote_id, weight from listings order by remote_id")
    assert [(row.remote_id, row.weight and float(row.weight)) for row in weights[:2]] == [("501", 0.5), ("502", 0.25)]
    assert rows(app, store, "select marketplace_id from orders") == [(first.id,)]


def test_finish_pressed_twice_is_as_once(
    app: Flask, owner: FlaskClient, store: SomeStore, branches: FakeShop, channel_id: int
) -> None:
    chosen = form_of(app, store)
    for _press in range(2):
        assert owner.post(store.url(f"/channels/{channel_id}/set-up"), data=chosen).status_code == 303
    assert work_off(app, store.id) == ["succeeded"]
    assert len(rows(app, store, "select id from locations")) == 3
    assert len(branches.hooks) == 1  # type: ignore[attr-defined]


def test_only_one_channel_of_a_store_takes_its_orders(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    other = open_branches()
    owner.post(store.url("/channels/add/branched"), data=other.config)
    second = owner.post(store.url("/channels/add/branched/options"), data=OPTIONS | {"name": "Huế"}).location
    giving = {"gives_orders": "y", "order_branch": "12", "takes_products": "-", "weight_unit": "-"}
    assert owner.post(second, data=form_of(app, store, **giving)).status_code == 303
    refused = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, **giving))
    assert refused.status_code == 422
    assert "Orders made here go to Huế already." in refused.text
    assert [flows(channel)[2] for channel in channels_of(app, store)] == [False, True]
    assert channels_of(app, store)[0].next_refresh_at is None


def test_switched_off_is_not_read(
    app: Flask, owner: FlaskClient, store: SomeStore, branches: FakeShop, channel_id: int
) -> None:
    branches.put(an_order("7", marketplace_id="11"))
    owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, takes_orders="-"))
    work_off(app, store.id)
    assert rows(app, store, "select id from orders") == []
    assert len(rows(app, store, "select id from listings")) == 3
    branches.calls.clear()
    saved = owner.post(
        store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, takes_products="-", weight_unit="-")
    )
    assert saved.status_code == 303, saved.text
    work_off(app, store.id)
    assert len(rows(app, store, "select id from orders")) == 1
    assert "list_products" not in branches.calls


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight_unit": "-"}, "Choose grams or kilograms"),
        ({"takes_products": "-", "takes_orders": "-"}, "Switch on at least one of the three"),
        ({"gives_orders": "y", "order_branch": "-"}, "Choose the branch that your orders are made at."),
        ({"weight_unit": "stone\0"}, "Choose grams or kilograms"),
        ({"stock": "both"}, "Choose one of these."),
    ],
    ids=["no_unit", "nothing", "no_branch", "strange_unit", "strange_count"],
)
def test_what_is_missing_is_said_and_nothing_is_stored(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int, *, changes: dict[str, str], words: str
) -> None:
    refused = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, **changes))
    assert refused.status_code == 422
    assert words in refused.text
    assert the_channel(app, store).next_refresh_at is None
    assert rows(app, store, "select id from sync_jobs") == []


def test_two_branches_cannot_count_one_warehouse(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    ((warehouse,),) = rows(app, store, "select id from locations")
    same = {f"place_{place.id}": str(warehouse) for place in places_of(app, store)}
    refused = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, **same))
    assert refused.status_code == 422
    assert "Each branch needs one of its own." in refused.text
    assert the_channel(app, store).next_refresh_at is None


def test_stock_that_is_counted_here_needs_no_warehouses(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    none = {f"place_{place.id}": "" for place in places_of(app, store)}
    refused = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, **none))
    assert "Choose a warehouse for at least one branch" in refused.text
    saved = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store, stock="here", **none))
    assert saved.status_code == 303
    assert not the_channel(app, store).takes_stock


def test_leaving_and_coming_back_loses_nothing(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    place = places_of(app, store)[0]
    chosen = form_of(app, store, weight_unit="kg", takes_orders="-", prices="here", **{f"place_{place.id}": ""})
    later = owner.post(store.url(f"/channels/{channel_id}/set-up"), data=chosen | {"go": "later"})
    assert later.status_code == 303
    assert flows(the_channel(app, store)) == (False,) * 5
    page = owner.get(store.url(f"/channels/{channel_id}/set-up")).text
    assert re.search(r'<input[^>]*checked[^>]*value="kg"', page)
    assert not re.search(r'<input[^>]*checked[^>]*name="takes_orders"', page)
    strange = {"order_branch": "\0", f"place_{places_of(app, store)[1].id}": "\0x"}
    kept = owner.post(store.url(f"/channels/{channel_id}/set-up/draft"), data=chosen | {"weight_unit": "g"} | strange)
    assert kept.status_code == 204
    draft = the_channel(app, store).options["set_up"]
    assert (draft["weight_unit"], draft["takes_orders"], draft["prices_there"]) == ("g", False, False)
    assert draft["places"][str(place.id)] == ""


def test_another_unit_makes_every_product_be_read_again(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    url = store.url(f"/channels/{channel_id}/set-up")
    owner.post(url, data=form_of(app, store))
    work_off(app, store.id)
    owner.post(url, data=form_of(app, store, weight_unit="kg"))
    work_off(app, store.id)
    assert rows(app, store, "select weight::int from listings where remote_id = '501'") == [(500,)]


def test_the_branch_of_a_warehouse_that_exists_takes_it(
    app: Flask, owner: FlaskClient, store: SomeStore, channel_id: int
) -> None:
    first = places_of(app, store)[0]
    with app.app_context(), store_scope(store.id):
        db.session.execute(text("update locations set name = :name"), {"name": first.name.upper()})
        db.session.commit()
    owner.post(store.url(f"/channels/{channel_id}/set-up"), data=form_of(app, store))
    assert len(rows(app, store, "select id from locations")) == 2


def test_a_removed_channel_must_be_set_up_again_when_it_comes_back(
    app: Flask, owner: FlaskClient, store: SomeStore, branches: FakeShop, channel_id: int
) -> None:
    chosen = form_of(app, store, gives_orders="y", order_branch="12")
    owner.post(store.url(f"/channels/{channel_id}/set-up"), data=chosen)
    owner.post(store.url(f"/channels/{channel_id}/remove"))
    assert flows(the_channel(app, store)) == (False,) * 5
    owner.post(store.url("/channels/add/branched"), data=branches.config)
    back = owner.post(store.url("/channels/add/branched/options"), data=OPTIONS)
    assert back.location.endswith(store.url(f"/channels/{channel_id}/set-up"))
    assert the_channel(app, store).next_refresh_at is None


def test_a_channel_with_nothing_to_set_up_has_no_such_page(
    owner: FlaskClient, store: SomeStore, shop: FakeShop
) -> None:
    channel_id = connect(owner, store, shop)
    assert owner.get(store.url(f"/channels/{channel_id}/set-up")).status_code == 404
    assert owner.post(store.url(f"/channels/{channel_id}/refresh-now")).status_code == 404


def test_readers_may_not_set_up(reader: FlaskClient, store: SomeStore, channel_id: int) -> None:
    assert reader.get(store.url(f"/channels/{channel_id}/set-up")).status_code == 403
    assert reader.post(store.url(f"/channels/{channel_id}/refresh-now")).status_code == 403
