"""KiotViet against its sandbox, in every way of speaking that its sources disagree about, and through its faults."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.connectors.base import ConnectorOptions
from app.connectors.kiotviet import KiotViet
from app.core.errors import AuthRejected, RateLimited, Rejected, Unavailable, Unsupported
from app.core.types import (
    OrderPage,
    OrderStatus,
    OrderWindow,
    OrderWrite,
    OrderWriteLine,
    RemoteListing,
    RemoteOrder,
    UnreadableOrder,
    WindowAxis,
    WriteOutcome,
)
from tests.sandbox.kiotviet.visiting import BRANCH, OTHER_BRANCH, Visitor, a_line, a_product, an_order

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = "https://books.example/hooks/1"
DIALECTS: list[dict[str, str]] = [
    {"empty_page": "list", "removed_key": "removeId", "images": "objects", "onhand_key": "onHand"},
    {"removed_key": "removeIds", "order_delivery": "array", "sale_channel_key": "SaleChannelId"},
    {"removed_key": "removedId", "missing_record": "404", "error_place": "message", "delete_answer": "true"},
    {"large_page": "420", "webhook_answer": "wrapped", "stock_edits": "yes", "customer_answer": "flat"},
    {"repeated_lines": "420", "delivery": "off", "sale_time": "off", "offset_dates": "420", "wrong_shop": "420"},
]


class Shop:
    """A connector and the hand that steers its shop."""

    def __init__(self, visitor: Visitor, **config: str) -> None:
        self.visitor = visitor
        self.there = KiotViet({**self.config, **config}, ConnectorOptions(allow_sandboxes=True))

    @property
    def config(self) -> dict[str, str]:
        return {
            "retailer": f"{self.visitor.sandbox.url}/{self.visitor.key}",
            "client_id": self.visitor.client_id,
            "client_secret": self.visitor.client_secret,
        }

    def listed(self, list_id: str = "orders", since: datetime = LONG_AGO) -> list[OrderPage]:
        within = OrderWindow(list_id, since, datetime.now(UTC), WindowAxis.UPDATED)
        pages: list[OrderPage] = []
        while not pages or not pages[-1].is_last:
            pages.append(self.there.list_orders(within, len(pages) + 1, {}))
        return pages

    def ids(self, list_id: str = "orders") -> list[str]:
        return [stub.remote_id for page in self.listed(list_id) for stub in page.stubs]

    def order(self, remote_id: str) -> RemoteOrder:
        (found,) = self.there.get_orders([remote_id], {})
        assert isinstance(found, RemoteOrder), found
        return found


@pytest.fixture
def shop(kiotviet_shop: Visitor) -> Iterator[Shop]:
    made = Shop(kiotviet_shop, weight_unit="g")
    yield made
    made.there.close()


def an_order_of_ours(product_id: int, **changes: Any) -> OrderWrite:
    write = OrderWrite(
        key=hashlib.md5(repr(changes).encode(), usedforsecurity=False).hexdigest(),
        remote_id="",
        tried_at=None,
        number="CB-7",
        branch_id=str(BRANCH),
        placed_at=datetime.now(UTC),
        status=OrderStatus.OPEN,
        buyer={"name": "Nguyễn An", "phone": "0900000001", "address": "1 Hàng Gai"},
        note="",
        lines=(OrderWriteLine(str(product_id), "SP1", "Trà sen", Decimal(3), 100_000, 100),),
        shipping=0,
        discount=0,
        tax=0,
        total=299_900,
        paid=0,
        payment_method="",
        currency="VND",
    )
    return replace(write, **changes)


def _row(number: int, **changes: Any) -> dict[str, Any]:
    """An order as it stands there."""
    line = {"productId": 9, "productCode": "SP9", "quantity": 1, "price": 100_000}
    created = "2026-11-20T08:00:00"
    body = {"id": number, "branchId": BRANCH, "purchaseDate": created, "createdDate": created, "status": 1}
    return {**body, "total": 100_000, "totalPayment": 0, "orderDetails": [line], **changes}


# ---- what the sources disagree about


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_way_of_speaking_is_understood(shop: Shop, dialect: dict[str, str]) -> None:
    visitor = shop.visitor
    visitor.speak(**dialect)
    began = datetime.now(UTC) - timedelta(minutes=1)
    assert shop.there.check().account_name == visitor.key
    assert (shop.ids(), shop.there.list_products(1).listings) == ([], ())
    first, second = visitor.add("product", a_product(images=["https://pictures.example/1.jpg "]), a_product())
    found = shop.there.list_products(1).listings[0]
    assert isinstance(found, RemoteListing)
    assert (found.picture, found.stock) == ("https://pictures.example/1.jpg", Decimal(20))
    visitor.steer("DELETE", f"records/product/{second}")
    visitor.steer("POST", "stock", json={"productId": first, "branchId": BRANCH, "onHand": 4})
    changed = shop.there.changed_products(began, 1)
    assert changed.removed == (str(second),)
    assert changed.counted[str(first)][0].on_hand == Decimal(4)
    assert shop.there.get_products([str(second), str(first)])[0].remote_id == str(first)
    line = OrderWriteLine(str(first), "SP1", "Trà sen", Decimal(1), 100_000, 0)
    write = an_order_of_ours(first, lines=(line, line, line), total=300_000)
    receipt = shop.there.write_order(write)
    assert (receipt.outcome, receipt.words) == (WriteOutcome.DONE, "")
    assert shop.order(receipt.remote_id).total == 300_000
    assert shop.ids() == [receipt.remote_id]
    hooks = shop.there.register_webhook(ADDRESS, "secret of ours")
    assert len(hooks.split(",")) == len(visitor.get("webhooks")["data"]) == 5
    shop.there.remove_webhook(hooks)
    assert visitor.get("webhooks").get("data", []) == []
    cancelled = replace(write, remote_id=receipt.remote_id, status=OrderStatus.CANCELLED)
    assert shop.there.write_order(cancelled).outcome is WriteOutcome.DONE
    assert shop.order(receipt.remote_id).status is OrderStatus.CANCELLED
    assert shop.there.get_orders(["orders/5", "invoices/5"], {}) == ()


# ---- sales


def test_an_invoice_of_an_order_is_part_of_it_and_a_sale_at_the_counter_is_not(shop: Shop) -> None:
    visitor = shop.visitor
    (product,) = visitor.add("product", a_product())
    order = visitor.answer("POST", "orders", json=an_order(a_line(product), makeInvoice=True))
    sale = {"branchId": OTHER_BRANCH, "invoiceDetails": [a_line(product)], "totalPayment": 200_000}
    visitor.answer("POST", "invoices", json=sale)
    (page,) = shop.listed("invoices")
    papers, counter = page.stubs
    assert (papers.part_of, counter.part_of) == (order["code"], "")
    assert page.orders is not None
    (sold,) = page.orders.values()
    assert isinstance(sold, RemoteOrder)
    assert (sold.remote_id, sold.status, sold.marketplace_id) == (
        counter.remote_id,
        OrderStatus.COMPLETED,
        str(OTHER_BRANCH),
    )
    assert (sold.total, sold.gateway) == (200_000, "Cash")
    (again,) = shop.there.get_orders([papers.remote_id], {})
    assert isinstance(again, RemoteOrder)
    assert again.part_of == order["code"]


@pytest.mark.parametrize("seen", ["seen", "unseen"])
@pytest.mark.parametrize("edited", [0, 100, 130])
def test_orders_that_were_never_edited_are_listed_whether_or_not_they_count_as_changed(
    shop: Shop, seen: str, edited: int
) -> None:
    shop.visitor.speak(never_edited=seen)
    at = "2026-11-20T08:00:00"
    rows = [_row(number, **({"modifiedDate": at} if number <= edited else {})) for number in range(1, 281)]
    shop.visitor.add("order", *rows, _row(281, createdDate="2025-11-20T08:00:00"))
    found = shop.ids()
    assert sorted(set(found)) == sorted(f"orders/{number}" for number in range(1, 281))
    assert len(found) == 280
    if seen == "seen":
        assert len(shop.visitor.log("orders.list")) == 4  # three pages, and one look at the newest


@pytest.mark.parametrize("seen", ["seen", "unseen"])
def test_new_products_are_told_whether_or_not_they_count_as_changed(shop: Shop, seen: str) -> None:
    shop.visitor.speak(never_edited=seen)
    shop.visitor.add("product", a_product(id=1), a_product(id=2, createdDate="2026-11-22T08:00:00"))
    found: list[str] = []
    for number in range(1, 5):
        page = shop.there.changed_products(datetime(2026, 11, 21, tzinfo=UTC), number)
        found += [listing.remote_id for listing in page.listings]
        if page.is_last:
            break
    assert found == ["2"]


def test_a_status_that_nobody_knows_parks_the_order(shop: Shop) -> None:
    shop.visitor.add("product", a_product(id=1))
    shop.visitor.answer("POST", "orders", json=an_order(a_line(1)))
    shop.visitor.fault("unknown_status", row=1)
    (page,) = shop.listed()
    assert page.orders is not None
    assert [order.status for order in page.orders.values() if isinstance(order, RemoteOrder)] == [OrderStatus.UNKNOWN]


def test_a_row_that_cannot_be_read_is_kept_with_its_reason_and_spoils_no_other(shop: Shop) -> None:
    shop.visitor.add("product", a_product(id=1))
    bad, good = (shop.visitor.answer("POST", "orders", json=an_order(a_line(1)))["id"] for _time in range(2))
    shop.visitor.steer("PATCH", f"records/order/{bad}", json={"total": "many"})
    (page,) = shop.listed()
    assert page.orders is not None
    unreadable = page.orders[f"orders/{bad}"]
    assert isinstance(unreadable, UnreadableOrder)
    assert "total" in unreadable.problem
    assert isinstance(page.orders[f"orders/{good}"], RemoteOrder)
    assert [stub.remote_id for stub in page.stubs] == [f"orders/{bad}", f"orders/{good}"]


@pytest.mark.parametrize(
    ("fault", "settings"), [("rows_move", {}), ("row_repeated", {}), ("wrong_total", {"total": 7})]
)
def test_no_row_is_lost_while_rows_move_repeat_or_are_miscounted(
    shop: Shop, fault: str, settings: dict[str, int]
) -> None:
    made = shop.visitor.add("product", *[a_product() for _number in range(230)])
    shop.visitor.fault(fault, **settings)
    found: set[str] = set()
    for number in range(1, 10):
        page = shop.there.list_products(number)
        found |= {listing.remote_id for listing in page.listings}
        if page.is_last:
            break
    assert found == {str(one) for one in made}


def test_a_window_over_the_creation_is_not_offered(shop: Shop) -> None:
    with pytest.raises(Unsupported):
        shop.there.list_orders(OrderWindow("orders", LONG_AGO, datetime.now(UTC)), 1, {})


# ---- tokens and refusals


def test_a_token_that_expires_in_between_is_renewed_and_the_call_repeated(shop: Shop) -> None:
    shop.there.check()
    shop.visitor.fault("expired_token", times=1)
    shop.there.check()
    assert len(shop.visitor.log("token")) == 2


def test_a_write_whose_token_expired_is_made_once_and_asks_again_whether_it_may(shop: Shop) -> None:
    (product,) = shop.visitor.add("product", a_product())
    shop.visitor.fault("expired_token", route="write", times=1)
    asked: list[bool] = []
    receipt = shop.there.write_order(an_order_of_ours(product, buyer={}), lambda: asked.append(True))
    assert (receipt.outcome, len(asked)) == (WriteOutcome.DONE, 2)
    assert len(shop.visitor.writes(kind="order", action="create")) == 1


def test_each_mistake_has_its_own_sentence(shop: Shop) -> None:
    visitor = shop.visitor
    said: dict[str, str] = {}

    def check(name: str, **config: str) -> None:
        mistaken = Shop(visitor, **config)
        with pytest.raises(AuthRejected) as caught:
            mistaken.there.check()
        mistaken.there.close()
        said[name] = caught.value.user_message

    check("client", client_id="somebody-else")
    check("secret", client_secret="wrong")
    check("shop", retailer=f"{visitor.sandbox.url}/another")
    for fault in ("wrong_shop", "forbidden", "bad_token"):
        visitor.fault(fault)
        check(fault)
        visitor.steer("DELETE", f"faults/{fault}")
    assert said["client"] == said["secret"]
    assert "client ID" in said["client"]
    assert visitor.key in said["shop"]
    assert "another" in said["shop"]
    assert "Bạn không có quyền" in said["forbidden"]
    assert len(set(said.values())) == 5


def test_a_spent_quota_says_when_to_come_back(shop: Shop) -> None:
    shop.visitor.fault("quota_spent", seconds=900, times=1)
    with pytest.raises(RateLimited) as caught:
        shop.there.check()
    assert 0 < caught.value.retry_after <= 900


def test_the_reads_of_the_hour_are_asked_for_before_each_read_and_not_for_writes(shop: Shop) -> None:
    class Reads:
        left = 2

        def take(self) -> float:
            self.left -= 1
            return 0.0 if self.left >= 0 else 1234.0

    options = ConnectorOptions(allow_sandboxes=True, reads=Reads())
    limited = KiotViet(shop.config, options)
    limited.list_products(1)
    limited.register_webhook(ADDRESS, "secret of ours")
    limited.list_products(1)
    with pytest.raises(RateLimited) as caught:
        limited.list_products(1)
    limited.close()
    assert caught.value.retry_after == 1234.0
    assert len(shop.visitor.log("products.list")) == 2


# ---- webhooks


def test_it_is_seen_that_a_registration_was_ended_over_there(shop: Shop) -> None:
    refusing = f"{shop.visitor.sandbox.root}/control/nothing-of-the-kind"
    hooks = shop.there.register_webhook(refusing, "secret of ours")
    assert shop.there.keeps_webhook(hooks)
    shop.visitor.add("product", a_product())
    deadline = time.monotonic() + 20
    while shop.there.keeps_webhook(hooks):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert shop.visitor.steer("GET", "webhooks")["posts"][-1]["status"] in (401, 404)


@pytest.mark.parametrize("fault", ["server_error", "answer_lost"])
def test_a_registration_that_fails_half_way_leaves_nothing_behind(shop: Shop, fault: str) -> None:
    shop.there.register_webhook("https://books.example/hooks/of-another", "secret of ours")
    shop.visitor.fault(fault, route="webhooks", skip=2, times=1)
    with pytest.raises(Unavailable):
        shop.there.register_webhook(ADDRESS, "secret of ours")
    urls = [hook["url"] for hook in shop.visitor.get("webhooks")["data"]]
    assert urls == ["https://books.example/hooks/of-another"] * 5


# ---- orders out


def test_the_total_there_is_ours_whatever_does_not_divide(shop: Shop) -> None:
    (product,) = shop.visitor.add("product", a_product())
    line = OrderWriteLine(str(product), "SP1", "Trà sen", Decimal("1.5"), 12_345, 100)
    write = an_order_of_ours(product, lines=(line,), shipping=25_000, discount=7, tax=333, total=43_744)
    receipt = shop.there.write_order(write)
    assert receipt.outcome is WriteOutcome.DONE
    assert shop.order(receipt.remote_id).total == 43_744
    assert shop.there.write_order(replace(write, remote_id=receipt.remote_id)).outcome is WriteOutcome.DONE
    assert [one["action"] for one in shop.visitor.writes(kind="order")] == ["create"]


def test_what_is_done_there_is_never_set_back(shop: Shop) -> None:
    (product,) = shop.visitor.add("product", a_product())
    write = an_order_of_ours(product)
    write = replace(write, remote_id=shop.there.write_order(write).remote_id)
    shop.visitor.answer("PUT", write.remote_id, json={"status": 3})
    for status in (OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.COMPLETED):
        assert shop.there.write_order(replace(write, status=status)).outcome is WriteOutcome.DONE
    assert shop.order(write.remote_id).status is OrderStatus.COMPLETED
    refused = shop.there.write_order(replace(write, total=299_899, discount=1))
    assert (refused.outcome, refused.remote_id) == (WriteOutcome.REJECTED, write.remote_id)
    assert "không thể cập nhật" in refused.words


def test_what_people_wrote_on_our_order_there_stays(shop: Shop) -> None:
    (product,) = shop.visitor.add("product", a_product())
    write = an_order_of_ours(product)
    write = replace(write, remote_id=shop.there.write_order(write).remote_id)
    shop.visitor.answer("PUT", write.remote_id, json={"description": "Gọi trước khi giao"})
    paid = replace(write, paid=299_900, payment_method="Visa")
    assert shop.there.write_order(paid).outcome is WriteOutcome.DONE
    found = shop.order(write.remote_id)
    assert (found.note, found.gateway, found.buyer["name"]) == ("Gọi trước khi giao", "Card", "Nguyễn An")
    assert len(shop.visitor.writes(kind="customer")) == 1


def test_an_order_in_another_currency_is_refused_without_a_call(shop: Shop) -> None:
    receipt = shop.there.write_order(an_order_of_ours(1, currency="MYR"))
    assert receipt.outcome is WriteOutcome.REJECTED
    assert shop.visitor.log("orders.write") == []


def test_a_setting_that_is_off_is_named_in_their_words(shop: Shop) -> None:
    (product,) = shop.visitor.add("product", a_product())
    shop.visitor.speak(surcharges="off")
    receipt = shop.there.write_order(an_order_of_ours(product, shipping=1000, total=300_900))
    assert receipt.outcome is WriteOutcome.REJECTED
    assert "Thu khác" in receipt.words


def test_a_read_that_a_rule_forbids_is_refused_in_their_words(shop: Shop) -> None:
    with pytest.raises(Rejected, match="KiotViet refused"):
        shop.there._client.get("/orders", {"branchIds": "none"})


# ---- what it calls out


def test_a_real_call_is_read_and_a_forged_one_refused(shop: Shop) -> None:
    body = json.dumps({"Id": "1", "Notifications": [{"Action": "order.update", "Data": [{"Id": 5}]}]}).encode()
    key = base64.b64encode(b"secret of ours")
    signature = hmac.new(key, body, hashlib.sha256).hexdigest()
    heard = KiotViet.read_webhook({"X-Hub-Signature": f"sha1={signature}"}, body, "secret of ours")
    assert (heard.key, heard.order_ids) == ("1", ("orders/5",))
