"""What a shop reads of orders that hold or lack pieces of its stock, and where it is led."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.reserving import Why
from app.orders.failed import CauseKind, failed_causes, failed_count
from app.orders.filters import OrderFilter
from app.orders.queries import count_matching
from tests.links.test_reserving import Till, till
from tests.support.factories import signed_in
from tests.support.fixtures import new_client

__all__ = ["till"]


@pytest.fixture
def owner(till: Till) -> FlaskClient:
    """The main store's owner."""
    return signed_in(new_client(till.main.app), till.main.store.owner)


@pytest.fixture
def short(till: Till) -> Till:
    """W-1 holds two pieces, W-2 wants twelve of the eight that are left, and W-3 something that nobody knows."""
    till.sell("W-1", "2")
    till.main.check()
    till.sell("W-2", "12")
    order_id = till.sell("W-3", "1", sku="NEW-1")
    till.sub.line(order_id, 2, sku="NEW-2", isku="NEW-2", unit_price=0, gross=0, discount=0)
    till.main.check()
    return till


def read(till: Till, owner: FlaskClient, path: str) -> str:
    """A page of the main store as text, white space folded."""
    response = owner.get(f"/{till.main.store.slug}{path}")
    assert response.status_code == 200, path
    return " ".join(response.text.split())


def order_path(till: Till, number: str) -> str:
    return f"/orders/{till.main.scalar('select id from orders where number = :number', number=number)}"


def item_path(till: Till, sku: str = "KOPI-1") -> str:
    return f"/inventory/{till.main.scalar('select id from items where sku = :sku', sku=sku)}"


def test_an_order_says_how_many_pieces_are_missing_and_what_to_do(short: Till, owner: FlaskClient) -> None:
    page = read(short, owner, order_path(short, "W-2"))
    assert "Oversold: 4 of KOPI-1 are missing in" in page
    assert "(12 wanted, 8 available)" in page
    assert "Receive or adjust stock and it is reserved by itself; or cancel the order." in page
    assert f'href="/{short.main.store.slug}{item_path(short)}">Open KOPI-1' in page
    assert "Oversold: too few of KOPI-1" in page, "and the story tells it"


def test_an_order_says_what_is_not_linked_and_where_to_link_it(short: Till, owner: FlaskClient) -> None:
    page = read(short, owner, order_path(short, "W-3"))
    assert "NEW-1 is linked to no item of yours, so nothing is taken out of stock for it." in page
    assert f"/channels/{short.main.channel_id}/products?q=NEW-2" in page


def test_an_order_shows_what_it_holds(short: Till, owner: FlaskClient) -> None:
    page = read(short, owner, order_path(short, "W-1"))
    assert 'data-label="Reserved">2<' in page
    assert 'data-label="Sent">0<' in page
    assert "missing" not in page


def test_an_items_page_names_the_orders_that_hold_it_or_wait_for_it(short: Till, owner: FlaskClient) -> None:
    page = read(short, owner, item_path(short))
    for number in ("W-1", "W-2"):
        assert f'href="/{short.main.store.slug}{order_path(short, number)}">{number}' in page
    assert "W-3" not in page


def test_the_list_marks_and_finds_orders_that_lack_pieces(short: Till, owner: FlaskClient) -> None:
    oversold = read(short, owner, "/orders?stock=oversold")
    assert ("W-2" in oversold, "W-1" in oversold, "W-3" in oversold) == (True, False, False)
    assert "</svg>Oversold</small>" in oversold
    unlinked = read(short, owner, "/orders?stock=unlinked")
    assert ("W-3" in unlinked, "W-2" in unlinked) == (True, False)
    assert "</svg>Not linked to stock</small>" in unlinked
    with short.main.app.app_context(), short.main.scope():
        assert [count_matching(OrderFilter(stock=why)) for why in (None, *Why)] == [3, 1, 1]


def test_failed_sync_says_what_lacks_how_much_of_it_and_leads_there(short: Till, owner: FlaskClient) -> None:
    page = read(short, owner, "/failed")
    assert "Too few pieces are in stock for what was ordered" in page
    assert ">KOPI-1, 4 missing: 1 order</a>" in page
    assert "What was ordered is linked to no item of yours" in page
    assert ">NEW-1: 1 order</a>" in page
    assert f"/channels/{short.main.channel_id}/products?q=NEW-2" in page
    assert f'href="/{short.main.store.slug}{item_path(short)}">Open its stock' in page
    assert f'href="/{short.main.store.slug}/orders?channel={short.main.channel_id}&amp;stock=oversold"' in page
    assert "Ignore all" not in page
    assert "Retry all" not in page


def test_failed_sync_counts_each_order_once(short: Till, owner: FlaskClient) -> None:
    with short.main.app.app_context(), short.main.scope():
        causes = {cause.code: cause for cause in failed_causes() if cause.kind == CauseKind.STOCK}
        assert {code: cause.count for code, cause in causes.items()} == {"OVERSOLD": 1, "UNLINKED": 1}
        assert [part.key for part in causes["UNLINKED"].parts] == ["NEW-1", "NEW-2"]
        assert sum(causes["UNLINKED"].money.values()) == 3990
        assert failed_count() == 2


@pytest.mark.parametrize("act", ["", "/live", "/retry", "/ignore"])
def test_there_is_nothing_to_press_about_what_lacks(short: Till, owner: FlaskClient, act: str) -> None:
    path = f"/{short.main.store.slug}/failed/{short.main.channel_id}/stock/OVERSOLD{act}"
    assert {owner.get(path).status_code, owner.post(path).status_code} <= {404, 405}


def test_pages_are_silent_again_once_all_is_there(short: Till, owner: FlaskClient) -> None:
    short.shelf.put("KOPI-1", 14)
    short.shelf.link("NEW-1", "NEW-2")
    short.shelf.put("NEW-1", 5)
    short.shelf.put("NEW-2", 5)
    short.shelf.flow()
    assert "Nothing needs you" in read(short, owner, "/failed")
    assert "Oversold: 4" not in read(short, owner, order_path(short, "W-2"))
    assert short.lacking() == []
