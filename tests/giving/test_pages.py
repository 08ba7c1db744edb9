"""What people see of it: why an order waits, on Failed Sync and on its own page, and the buttons that settle it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.api.keys import Scope, make_key
from app.core.states import ChangeState
from app.core.types import OrderStatus
from app.extensions import db
from app.orders.failed import failed_count
from app.sync.models import SyncJob
from tests.api.conftest import Program
from tests.connectors.fake import FakeShop
from tests.giving.giver import Giver
from tests.support.factories import SomeStore, signed_in
from tests.support.working import work_off

TEH = [{"sku": "TEH-2", "name": "Teh tarik", "quantity": 1, "unit_price": "2.00"}]


@pytest.fixture
def owner(client: FlaskClient, store: SomeStore) -> FlaskClient:
    return signed_in(client, store.owner)


def cause(giver: Giver, code: str = "PRODUCT_UNLINKED") -> str:
    return giver.store.url(f"/failed/{giver.channel_id}/given/{code}")


def page_of(owner: FlaskClient, giver: Giver, order_id: int) -> str:
    return " ".join(owner.get(giver.store.url(f"/orders/{order_id}")).text.split())


def test_the_order_says_where_it_stands_there(giver: Giver, owner: FlaskClient) -> None:
    order_id = giver.make().order_id
    assert "Being sent to Kedai" in page_of(owner, giver, order_id)
    giver.send()
    page = page_of(owner, giver, order_id)
    assert "<strong>DH000001</strong> · since" in page
    assert "Made on Kedai: DH000001" in page
    giver.stop()
    assert "Kedai is told of no orders any more" in page_of(owner, giver, order_id)


def test_an_open_page_swaps_only_when_something_changed(giver: Giver, owner: FlaskClient) -> None:
    order_id = giver.make().order_id
    url, asks = giver.store.url(f"/orders/{order_id}"), {"HX-Request": "true"}
    page = owner.get(url).text
    seen = page.partition("seen=")[2].partition('"')[0]
    assert owner.get(f"{url}?seen={seen}", headers=asks).status_code == 204
    giver.send()
    assert "DH000001" in owner.get(f"{url}?seen={seen}", headers=asks).text


def test_an_order_that_lacks_a_product_names_it_and_leads_to_where_it_is_linked(
    giver: Giver, owner: FlaskClient
) -> None:
    order_id = giver.make(lines=TEH).order_id
    giver.send()
    page = page_of(owner, giver, order_id)
    assert "Kedai has no product for: TEH-2 Teh tarik" in page
    assert f"/channels/{giver.channel_id}/products?q=TEH-2" in page


def test_failed_sync_counts_them_by_cause_with_their_money(giver: Giver, owner: FlaskClient) -> None:
    roti = [{"sku": "ROTI-3", "name": "Roti", "quantity": 1, "unit_price": "3.00"}]
    giver.make(giver.order(lines=TEH), giver.order(lines=TEH), giver.order(lines=roti))
    giver.send()
    page = " ".join(owner.get(giver.store.url("/failed")).text.split())
    for words in ("Product not linked", "made here, and not there as it stands", "RM 25.00", "Retry all", "Ignore all"):
        assert words in page
    for words in ("TEH-2: 2 orders</a> RM 16.00", "ROTI-3: 1 order</a> RM 9.00"):
        assert words in page.replace('<span class="amount">', "").replace("</span>", "")
    assert owner.get(cause(giver)).text.count("Kedai has no product for:") == 3
    assert owner.get(f"{cause(giver)}?skus=ROTI-3").text.count("Kedai has no product for: ROTI-3 Roti.") == 1
    assert "3 orders made here could not be made on their channel." in owner.get(giver.store.url("/")).text
    with giver.books.scope():
        assert failed_count() == 3


def test_retry_sends_it_again(giver: Giver, shop: FakeShop, owner: FlaskClient) -> None:
    shop.refusals["SO00001"] = "The seller is inactive."
    order_id = giver.make().order_id
    giver.send()
    assert "The seller is inactive." in owner.get(cause(giver, "ORDER_REFUSED")).text
    shop.refusals.clear()
    again = owner.post(f"{cause(giver, 'ORDER_REFUSED')}/retry", data={"row": str(giver.change(order_id).id)})
    assert again.status_code == 303
    work_off(giver.app, giver.store.id)
    assert len(shop.posted) == 1
    assert "To be told to Kedai again" in page_of(owner, giver, order_id)


def test_what_is_ignored_stays_so_whatever_happens_to_it_until_it_is_taken_back(
    giver: Giver, shop: FakeShop, owner: FlaskClient
) -> None:
    order_id = giver.make(lines=TEH).order_id
    giver.send()
    change = giver.change(order_id)
    owner.post(f"{cause(giver)}/ignore", data={"row": str(change.id), "words": "Sold at the counter"})
    giver.move(order_id, status=OrderStatus.PROCESSING)
    assert giver.change(order_id).state == ChangeState.DROPPED
    assert "Kedai is not told of it." in page_of(owner, giver, order_id)
    ignored = owner.get(giver.store.url("/failed/ignored")).text
    assert "Sold at the counter" in ignored
    assert "SO00001" in ignored
    giver.replace(order_id)
    taken = owner.post(
        giver.store.url(f"/failed/{giver.channel_id}/take-back"), data={"kind": "given", "row": str(change.id)}
    )
    assert taken.status_code == 303
    work_off(giver.app, giver.store.id)
    assert giver.change(order_id).state == ChangeState.DONE
    assert shop.made["orders/1"].status is OrderStatus.PROCESSING


def test_the_job_says_what_it_did(giver: Giver, owner: FlaskClient) -> None:
    giver.make(giver.order(), giver.order(lines=TEH))
    giver.send()
    with giver.books.scope():
        job_id = db.session.scalar(select(SyncJob.id))
    page = " ".join(owner.get(giver.store.url(f"/jobs/{job_id}")).text.split())
    for words in ("Give orders", "Orders given", "Orders that cannot be given", "Made on Kedai: DH000001"):
        assert words in page


def test_what_a_shop_s_program_says_follows(giver: Giver, shop: FakeShop, client: FlaskClient) -> None:
    with giver.books.scope():
        token = make_key("Shop", list(Scope), giver.store.owner.id)
    program = Program(client, token)
    line = {"sku": "KOPI-1", "name": "Kopi", "quantity": 1, "unit_price": "16.90"}
    made = program.make({"kind": "webstore", "number": "W-1", "lines": [line]}).get_json()
    giver.send()
    for said in ({"payment_status": "paid"}, {"status": "shipped"}):
        assert program.call("PATCH", f"/orders/{made['id']}", said).status_code == 200
    giver.send()
    (write,) = shop.made.values()
    assert (write.number, write.paid, write.status) == ("W-1", 1690, OrderStatus.SHIPPED)
    assert len(shop.posted) == 1
