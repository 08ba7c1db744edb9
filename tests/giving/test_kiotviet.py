"""Orders made here, at KiotViet's sandbox over a real socket: none doubled and none lost, whatever the answers do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.channels.models import Channel
from app.core.states import ChangeState
from app.core.types import OrderStatus, PaymentStatus
from app.extensions import db
from app.orders.models import Order
from app.sync.models import Change, OrderCopy, SyncJob
from app.sync.services import request_check
from tests.connectors.fake import a_listing
from tests.giving.giver import Giver
from tests.sandbox.kiotviet.visiting import BRANCH, Visitor, a_product
from tests.sandbox.running import Running, running
from tests.support.factories import Make
from tests.support.working import work_off

_numbers = count(1)


@pytest.fixture(scope="module")
def kiotviet() -> Iterator[Running]:
    """A sandbox without goods and sales of its own."""
    with running("--products", "0", "--orders", "0", kind="kiotviet") as started:
        yield started


@pytest.fixture
def there(kiotviet: Running) -> Iterator[Visitor]:
    """A shop of the test's own."""
    key = f"given{next(_numbers)}"
    visitor = Visitor(kiotviet, key, f"client-of-{key}", f"secret-of-{key}")
    with visitor.session:
        visitor.steer("POST", "shops", params={"key": "cuahangsen"}, json={"key": key})
        yield visitor


@pytest.fixture
def vendor(make: Make, there: Visitor) -> Giver:
    """A store in dong that sells the shop's tea."""
    found = Giver(make.app, make.store(currency="VND"), "VND")
    (tea,) = there.add("product", a_product())
    listing = a_listing(str(tea), sku="KOPI-1", isku="", name="Trà sen", currency="VND")
    retailer = f"{there.sandbox.url}/{there.key}"
    config = {"retailer": retailer, "client_id": there.client_id, "client_secret": there.client_secret}
    found.connect("kiotviet", config, listing)
    found.link(str(tea), "KOPI-1")
    found.start()
    return found


def an_order(vendor: Giver, **other: Any) -> int:
    line = {"sku": "KOPI-1", "name": "Trà sen", "quantity": 2, "unit_price": "100000"}
    return vendor.make(
        lines=[line], shipping="15000", buyer={"name": "Chị Lan", "phone": "0901234567"}, **other
    ).order_id


def until_told(vendor: Giver) -> None:
    """Let the clock go on until all is told: what was put off is due at once."""
    for _round in range(20):
        vendor.send()
        with vendor.books.scope():
            db.session.execute(update(Change).values(not_before=None))
            db.session.execute(update(SyncJob).values(not_before=None))
            left = db.session.scalar(select(func.count()).where(Change.state != ChangeState.DONE))
            db.session.commit()
        if not left:
            return
    raise AssertionError("it is never told")


def created(there: Visitor) -> list[int]:
    return [write["record_id"] for write in there.writes(kind="order", action="create")]


def test_an_order_stands_there_with_all_it_says(vendor: Giver, there: Visitor) -> None:
    order_id = an_order(vendor)
    assert vendor.send() == ["succeeded"]
    copy = vendor.copy(order_id)
    (made,) = created(there)
    order = there.get(f"orders/{made}")
    assert (copy.remote_id, copy.number) == (f"orders/{made}", order["code"])
    assert (order["branchId"], order["total"], order["totalPayment"]) == (BRANCH, 215_000, 215_000)
    assert f"[cb:{copy.mark}]" in order["description"]
    assert [(line["quantity"], line["price"]) for line in order["orderDetails"]] == [(2, 100_000)]


def test_what_happens_to_it_follows(vendor: Giver, there: Visitor) -> None:
    order_id = an_order(vendor, payment_status="unpaid")
    vendor.send()
    (made,) = created(there)
    vendor.move(order_id, status=OrderStatus.PROCESSING, payment_status=PaymentStatus.PAID)
    until_told(vendor)
    order = there.get(f"orders/{made}")
    assert (order["status"], order["totalPayment"]) == (5, 215_000)
    vendor.move(order_id, status=OrderStatus.CANCELLED)
    until_told(vendor)
    assert (there.get(f"orders/{made}")["status"], created(there)) == (4, [made])


@pytest.mark.parametrize("fault", ["answer_lost", "dropped_connection", "server_error", "truncated_json"])
def test_lost_answers_double_nothing_and_lose_nothing(vendor: Giver, there: Visitor, fault: str) -> None:
    order_ids = [an_order(vendor) for _order in range(4)]
    there.fault(fault, route="write", times=2)
    until_told(vendor)
    assert len(created(there)) == len(set(created(there))) == 4
    copies = {vendor.copy(order_id).remote_id for order_id in order_ids}
    assert copies == {f"orders/{made}" for made in created(there)}
    with vendor.books.scope():
        assert db.session.scalar(select(func.count()).select_from(OrderCopy)) == 4


def test_what_was_made_there_does_not_come_back_as_another_order(vendor: Giver, there: Visitor) -> None:
    order_ids = [an_order(vendor) for _order in range(2)]
    there.fault("answer_lost", route="write", times=1)
    vendor.send()
    with vendor.books.scope():
        db.session.execute(update(Channel).where(Channel.id == vendor.channel_id).values(takes_orders=True))
        db.session.execute(update(SyncJob).values(not_before=None))
        db.session.commit()
        request_check(vendor.channel_id, vendor.store.owner.id)
    work_off(vendor.app, vendor.store.id)
    with vendor.books.scope():
        assert set(db.session.scalars(select(Order.id))) == set(order_ids)
    until_told(vendor)
    assert {vendor.copy(order_id).remote_id for order_id in order_ids} == {f"orders/{one}" for one in created(there)}
    assert len(created(there)) == 2


def test_a_refusal_is_told_in_their_words(vendor: Giver, there: Visitor) -> None:
    there.fault("refused", route="write")
    order_id = an_order(vendor)
    vendor.send()
    work_off(vendor.app, vendor.store.id)
    change = vendor.change(order_id)
    assert (change.state, change.reason_detail["words"]) == (ChangeState.BLOCKED, "Có lỗi xảy ra")
    assert created(there) == []
