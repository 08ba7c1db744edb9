"""What the pages of both stores show of an order that either may move, and what they let one press."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from app.core.types import OrderStatus
from app.fulfilment import services as there
from tests.links.moving import Way
from tests.orders.factories import Books
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant

S = OrderStatus


@pytest.fixture
def way(main: Merchant, sub: Books, linked: int) -> Way:
    return Way(main, sub)


@pytest.fixture
def ours(way: Way) -> FlaskClient:
    """An owner of the main store."""
    return signed_in(new_client(way.main.app), way.main.store.owner)


@pytest.fixture
def theirs(way: Way) -> FlaskClient:
    """An owner of the sub-store."""
    return signed_in(new_client(way.main.app), way.sub.store.owner)


def here(way: Way, order: int) -> str:
    """The order's page in the main store."""
    return f"/{way.main.store.slug}/orders/{way.here(order)}"


def test_the_buttons_are_those_of_the_table(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    page = ours.get(here(way, order)).text
    assert "Packages in North" in page
    assert "Split and combined only in North" in page
    for to, offered in (
        ("ready_to_ship", True),
        ("shipped", True),
        ("on_hold", True),
        ("open", False),
        ("returned", False),
    ):
        assert (f"/say/{to}" in page) is offered, to
    assert "Split…" not in page
    assert "Combine…" not in page


def test_a_press_is_on_its_way_until_it_arrived(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    url = here(way, order)
    answer = ours.post(f"{url}/say/ready_to_ship", follow_redirects=True)
    assert "Ready to ship: on its way to North." in answer.text
    assert "on its way to North." in ours.get(url).text
    assert "/say/ready_to_ship" not in ours.get(url).text
    way.work()
    page = ours.get(url).text
    assert "on its way to North." not in page
    assert "North was told" in page


def test_sending_asks_for_courier_and_tracking_number(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    url = here(way, order)
    assert "Tracking number" in ours.get(f"{url}/say/shipped").text
    ours.post(f"{url}/say/shipped", data={"courier": "Pos Laju", "tracking_number": "MY123"})
    assert way.stands(order) == ("processing", "processing")
    way.work()
    page = ours.get(url).text
    assert "Pos Laju" in page
    assert "MY123" in page


def test_a_second_press_is_refused_in_words(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    url = here(way, order)
    ours.post(f"{url}/say/shipped")
    assert "or on its way there" in ours.post(f"{url}/say/shipped", follow_redirects=True).text
    assert len(way.changes()) == 1


def test_cancelling_asks_first(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    assert "Cancel order W-1?" in ours.get(f"{here(way, order)}/say/cancelled").text
    assert way.changes() == []


def test_a_conflict_stands_on_both_pages_until_it_is_read(way: Way, ours: FlaskClient, theirs: FlaskClient) -> None:
    order = way.order("W-1")
    way.say(order, S.READY_TO_SHIP)
    way.say_there(order, S.ON_HOLD, at=datetime.now(UTC) + timedelta(minutes=1))
    way.work()
    there_url = f"/{way.sub.store.slug}/orders/{order}"
    for client, url in ((ours, here(way, order)), (theirs, there_url)):
        assert "Two stores said different things of it." in client.get(url).text
    assert "Bala of North" in ours.get(here(way, order)).text
    assert "of Main" in theirs.get(there_url).text
    for client, slug in ((ours, way.main.store.slug), (theirs, way.sub.store.slug)):
        assert "Said differently in two stores" in client.get(f"/{slug}/failed").text
        assert "W-1" in client.get(f"/{slug}/orders?contested=1").text
    ours.post(f"{here(way, order)}/understood")
    way.main.check()
    assert "Said differently" not in ours.get(f"/{way.main.store.slug}/failed").text
    assert "W-1" not in ours.get(f"/{way.main.store.slug}/orders?contested=1").text
    assert "Two stores said" not in ours.get(here(way, order)).text
    assert "Two stores said" in theirs.get(there_url).text
    theirs.post(f"{there_url}/understood")
    assert "Two stores said" not in theirs.get(there_url).text


def test_what_was_not_taken_over_is_a_cause_with_buttons(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    with way.sub.scope():
        there.split(order, None, {(order, 1): Decimal(1)}, None)
    way.main.check()
    _first, second = (package.number for package in way.ways(order)[1].packages)
    with way.sub.scope():
        there.merge(order, second, None)
    way.say(order, S.SHIPPED, package=second)
    way.work()
    assert way.changes() == [("blocked", "MOVE_REFUSED")]
    url, slug = here(way, order), way.main.store.slug
    assert "North did not take it over" in ours.get(url).text
    failed = ours.get(f"/{slug}/failed").text
    assert "Status not taken over" in failed
    assert (
        "There is no such package any more" in ours.get(f"/{slug}/failed/{way.main.channel_id}/moves/MOVE_REFUSED").text
    )
    ours.post(f"/{slug}/failed/{way.main.channel_id}/moves/MOVE_REFUSED/retry")
    way.work()
    assert way.changes() == [("blocked", "MOVE_REFUSED")]
    ours.post(f"/{slug}/failed/{way.main.channel_id}/moves/MOVE_REFUSED/ignore", data={"words": "Sent together"})
    assert way.changes() == [("dropped", "IGNORED")]
    assert "Sent together" in ours.get(url).text
    assert "Status not taken over" not in ours.get(f"/{slug}/failed").text


def test_one_that_is_stuck_can_be_left_from_the_orders_page(way: Way, ours: FlaskClient) -> None:
    order = way.order("W-1")
    way.say(order, S.ON_HOLD)
    way.main.execute(
        "update changes set state = 'blocked', reason = 'MOVE_REFUSED', reason_detail = '{\"words\": \"No.\"}'"
    )
    (change,) = way.main.rows("select id from changes")
    url = f"/{way.main.store.slug}/changes/{change.id}/drop"
    assert "It is then never told that the order is “On hold”." in ours.get(url).text
    ours.post(url, data={"confirmed": "1"})
    assert way.changes()[0][0] == "dropped"


def test_a_reader_sees_it_and_presses_nothing(way: Way) -> None:
    order = way.order("W-1")
    reader = signed_in(new_client(way.main.app), way.main.store.reader)
    page = reader.get(here(way, order)).text
    assert "Packages in North" in page
    assert "/say/" not in page
