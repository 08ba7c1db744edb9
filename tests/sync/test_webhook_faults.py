"""The sandbox's own calls, over a real socket into the portal, and each way they go wrong: the books stay right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.channels.announcing import switch_on
from tests.sandbox.running import an_order
from tests.sync.merchant import Merchant
from tests.sync.test_every_fault import nothing_is_half_stored


class Quiet(WSGIRequestHandler):
    def log_request(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The portal at an address of its own, which it knows."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    url = f"http://127.0.0.1:{server.port}"
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], base_url=url))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hooked(served: str, merchant: Merchant) -> Merchant:
    """A merchant whose shop announces orders to the portal."""
    merchant.connect()
    with merchant.acting():
        switch_on(merchant.channel_id)
    return merchant


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def posts(merchant: Merchant) -> list[tuple[int | None, str]]:
    """(status, faults) of what was posted, once nothing waits to be sent any more."""
    until(lambda: merchant.shop.steer("GET", "webhooks")["waiting"] == 0)
    return [(post["status"], post["fault"]) for post in merchant.shop.steer("GET", "webhooks")["posts"]]


def the_books_are_right(merchant: Merchant) -> None:
    """What is stored is what the shop says now, and each paid order is booked once, by nobody but *Sync*."""
    nothing_is_half_stored(merchant)
    assert merchant.scalar("select count(*) from invoices") == 0, "an announcement books nothing"
    merchant.check()
    counts = merchant.job().counts
    assert ("new" in counts, "changed" in counts) == (False, False), "there was nothing that a check had to find"
    merchant.sync()
    sold = merchant.shop.steer("GET", "orders?limit=1000")["orders"]
    paid = sorted(str(order["order_id"]) for order in sold if order["payment_status"] == "Paid")
    booked = merchant.rows("select o.remote_id from orders o join invoices i on i.order_id = o.id order by o.remote_id")
    assert [row[0] for row in booked] == paid
    assert merchant.scalar("select count(*) from orders") == len(sold)


def test_an_order_that_is_paid_on_the_channel_is_in_our_list_without_a_check(hooked: Merchant) -> None:
    hooked.shop.add(an_order(order_id=1, payment_status="Unpaid"))
    assert posts(hooked) == [(200, "")]
    hooked.work()
    assert hooked.rows("select remote_id, state from orders") == [("1", "waiting")]
    hooked.shop.steer("POST", "orders/1/pay")
    assert posts(hooked) == [(200, ""), (200, "")]
    hooked.work()
    assert hooked.rows("select remote_id, state from orders") == [("1", "ready")]
    assert {row[0] for row in hooked.rows("select kind from sync_jobs")} == {"announced"}
    the_books_are_right(hooked)


def test_doubled(hooked: Merchant) -> None:
    hooked.shop.fault("webhook_doubled")
    hooked.shop.add(an_order(order_id=1), an_order(order_id=2))
    assert posts(hooked) == [(200, "webhook_doubled")] * 4
    hooked.work()
    assert hooked.scalar("select count(*) from webhook_deliveries") == 2
    assert hooked.scalar("select count(*) from orders where state = 'ready'") == 2
    the_books_are_right(hooked)


def test_late(hooked: Merchant) -> None:
    hooked.shop.fault("webhook_late", seconds=0.5, times=1)
    hooked.shop.add(an_order(order_id=1, payment_status="Unpaid"))
    until(lambda: hooked.shop.steer("GET", "faults/webhook_late")["on"]["acted"] == 1)
    hooked.shop.steer("POST", "orders/1/pay")
    assert posts(hooked) == [(200, ""), (200, "delayed")]
    told = hooked.rows("select body from webhook_deliveries order by id")
    assert [b'"Unpaid"' in row[0] for row in told] == [False, True], "what was true before comes last"
    hooked.work()
    assert hooked.rows("select remote_id, state from orders") == [("1", "ready")]
    the_books_are_right(hooked)


def test_out_of_order(hooked: Merchant) -> None:
    hooked.shop.add(an_order(order_id=1))
    posts(hooked)
    hooked.work()
    hooked.shop.fault("webhook_out_of_order", times=1)
    hooked.shop.steer("POST", "orders/1/refund")
    hooked.shop.steer("POST", "orders/1/cancel")
    assert posts(hooked)[1:] == [(200, ""), (200, "held")]
    hooked.work()
    assert hooked.rows("select remote_id, state from orders") == [("1", "closed")]
    the_books_are_right(hooked)


def test_badly_signed_is_refused_and_changes_nothing(hooked: Merchant) -> None:
    hooked.shop.fault("webhook_badly_signed", times=1)
    hooked.shop.add(an_order(order_id=1))
    until(lambda: hooked.shop.steer("GET", "webhooks")["posts"])
    assert hooked.shop.steer("GET", "webhooks")["posts"][0]["status"] == 401
    assert posts(hooked) == [(401, "webhook_badly_signed"), (200, "")], "the second try was signed well"
    assert hooked.scalar("select count(*) from webhook_deliveries") == 1
    hooked.work()
    the_books_are_right(hooked)


def test_a_shop_whose_signature_is_always_wrong_is_read_by_checks_all_the_same(hooked: Merchant) -> None:
    hooked.shop.fault("webhook_badly_signed")
    hooked.shop.add(an_order(order_id=1))
    until(lambda: hooked.shop.steer("GET", "webhooks")["posts"])
    hooked.work()
    assert hooked.rows("select id from sync_jobs") == hooked.rows("select id from webhook_deliveries") == []
    hooked.check()
    assert hooked.rows("select remote_id, state from orders") == [("1", "ready")]
