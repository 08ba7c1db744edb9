"""Why an order of a sub-store goes to its main store, or does not: the rule, what really flows, and the words."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.linking import Journey, flows, journey
from app.core.types import OrderType, OrderWindow
from app.extensions import db
from app.links.peer import WEBSTORE, LinkedPeer
from tests.links.flowing import own_channel, webstore_order
from tests.orders.factories import NOON, Books
from tests.support.factories import signed_in
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant

AT = datetime(2026, 3, 1, tzinfo=UTC)
LATER, EARLIER = AT + timedelta(days=1), AT - timedelta(seconds=1)


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("is_suspended", [True, False])
@pytest.mark.parametrize("kind", OrderType)
def test_an_order_goes_when_it_is_of_the_webstore_and_the_main_store_has_begun(
    kind: OrderType, is_suspended: bool, waits: bool
) -> None:
    later = journey(kind, LATER, starts_at=AT, waits=waits, is_suspended=is_suspended)
    earlier = journey(kind, EARLIER, starts_at=AT, waits=waits, is_suspended=is_suspended)
    if kind is not OrderType.WEBSTORE:
        assert (later, earlier) == (Journey.STAYS, Journey.STAYS)
        return
    assert earlier is Journey.EARLIER
    on_the_way = Journey.RESTS if is_suspended else Journey.ON_ITS_WAY
    assert later is (on_the_way if waits else Journey.GOES)


@pytest.mark.usefixtures("linked")
def test_what_the_rule_says_is_what_flows(main: Merchant, sub: Books) -> None:
    """By the list, by the ids, and by the news."""
    shop = own_channel(sub)
    ids = {kind: webstore_order(sub, shop, f"X-{kind}", order_type=kind) for kind in OrderType}
    says = {str(order_id) for kind, order_id in ids.items() if flows(kind)}
    peer = LinkedPeer(main.app, main.store.id, sub.store.id)
    with main.app.app_context():
        window = OrderWindow(WEBSTORE, NOON - timedelta(days=30), NOON + timedelta(days=1))
        assert {stub.remote_id for stub in peer.order_page(window, 1, 100).stubs} == says
        assert {order.remote_id for order in peer.orders([str(one) for one in ids.values()])} == says
        assert set(peer.news(100).order_ids) == says


Line = Callable[[int], str]


@pytest.fixture
def owner(sub: Books) -> FlaskClient:
    """The owner of the sub-store."""
    return signed_in(new_client(sub.app), sub.store.owner)


@pytest.fixture
def line(owner: FlaskClient, sub: Books) -> Line:
    """What an order's page says of its journey; '' where it says nothing."""

    def read(order_id: int) -> str:
        page = " ".join(html.unescape(owner.get(sub.store.url(f"/orders/{order_id}")).text).split())
        _, found, rest = page.partition('<p id="order-journey"')
        return rest.partition("</p>")[0].rpartition("</svg> ")[2] if found else ""

    return read


@pytest.mark.usefixtures("linked")
def test_an_order_says_that_it_is_on_its_way_and_then_since_when_it_goes(
    main: Merchant, sub: Books, line: Line
) -> None:
    order_id = webstore_order(sub, own_channel(sub), "W-1")
    assert line(order_id) == "Goes to Main: on its way."
    main.tick()
    main.work()
    assert line(order_id).startswith("Main has it, since ")
    assert str(datetime.now(UTC).year) in line(order_id)


@pytest.mark.usefixtures("linked")
def test_the_line_follows_by_itself(main: Merchant, sub: Books, owner: FlaskClient) -> None:
    path = sub.store.url(f"/orders/{webstore_order(sub, own_channel(sub), 'W-1')}/journey")
    part = {"HX-Request": "true"}
    assert f'hx-get="{path}"' in owner.get(path, headers=part).text
    main.tick()
    main.work()
    after = owner.get(path, headers=part).text
    assert "has it, since" in after
    assert "hx-get" not in after
    assert owner.get(path).status_code == 303


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("landing_page", "landing page orders do not go to Main."),
        ("social_commerce", "social commerce orders do not go to Main."),
        ("pos", "POS orders do not go to Main."),
        ("shopping_app", "shopping app orders do not go to Main."),
        ("marketplace", "marketplace orders do not go to Main."),
        ("erp_link", "only webstore orders go to Main."),
    ],
)
def test_an_order_that_stays_says_why(sub: Books, line: Line, kind: str, words: str) -> None:
    assert line(webstore_order(sub, own_channel(sub), "X-1", order_type=kind)) == f"Stays here: {words}"


@pytest.mark.usefixtures("linked")
def test_an_order_from_before_the_link_says_so(sub: Books, line: Line) -> None:
    order_id = webstore_order(sub, own_channel(sub), "W-0", placed_at=datetime(2025, 12, 1, tzinfo=UTC))
    assert line(order_id).startswith("Placed before Main was granted access")


def test_a_suspension_lets_it_rest(sub: Books, line: Line, place: Callable[[str], None]) -> None:
    place("suspended")
    order_id = webstore_order(sub, own_channel(sub), "W-1")
    assert line(order_id) == "Goes to Main once the link is not suspended any more."


def test_without_a_main_store_nothing_is_said(
    main: Merchant, sub: Books, line: Line, place: Callable[[str], None]
) -> None:
    order_id = webstore_order(sub, own_channel(sub), "W-1")
    place("ended")
    assert line(order_id) == ""
    own = Books(main.app, main.store)
    here = webstore_order(own, own_channel(own), "M-1")
    page = signed_in(new_client(main.app), main.store.owner).get(main.store.url(f"/orders/{here}")).text
    assert "order-journey" not in page
    with sub.scope():
        assert db.session.scalar(text("select count(*) from order_news")) == 0
