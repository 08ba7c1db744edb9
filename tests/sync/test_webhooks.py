"""What a channel announces: it is verified, kept and answered at once, and its orders are read as they are."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.channels.announcing import switch_off, switch_on
from app.channels.models import Webhook
from app.channels.services import pause, resume
from app.connectors.sitegiant import SiteGiant
from app.extensions import db
from app.sealing import open_sealed
from app.sync import queue
from app.sync.inbox import forget_old_deliveries
from app.sync.lease import LeaseLostError
from app.sync.webhooks import MAX_BYTES
from tests.sandbox.running import an_order
from tests.support.fixtures import new_client
from tests.sync.merchant import Merchant


@dataclass
class Caller:
    """Whoever calls as the merchant's channel: it knows the address and the secret, which only the channel is told."""

    merchant: Merchant
    address: str
    secret: str
    client: FlaskClient

    def says(self, *order_ids: object, key: str = "", secret: str | None = None, **more: Any) -> TestResponse:
        said = {"topic": "order.status", "order_id": list(order_ids), **({"event_id": key} if key else {}), **more}
        return self.posts(json.dumps(said).encode(), secret)

    def posts(self, body: bytes, secret: str | None = None, content_type: str = "application/json") -> TestResponse:
        mac = hmac.new((secret or self.secret).encode(), body, hashlib.sha256).hexdigest()
        headers = {"Authorization": mac}
        return self.client.post(self.address, data=body, headers=headers, content_type=content_type)


@pytest.fixture
def announcing(new_merchant: Callable[..., Merchant], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Caller]:
    """Connects a new merchant, and lets its channel announce orders; the sandbox is told, but cannot reach a test."""

    def make() -> Caller:
        merchant = new_merchant()
        merchant.connect()
        return switched_on(merchant, monkeypatch)

    return make


@pytest.fixture
def caller(announcing: Callable[..., Caller]) -> Caller:
    return announcing()


def switched_on(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> Caller:
    told: list[tuple[str, str]] = []
    register = SiteGiant.register_webhook

    def listen(self: SiteGiant, url: str, secret: str) -> str:
        told.append((url, secret))
        return register(self, url, secret)

    with monkeypatch.context() as patch, merchant.acting():
        patch.setattr(SiteGiant, "register_webhook", listen)
        switch_on(merchant.channel_id)
    ((url, secret),) = told
    return Caller(merchant, url.removeprefix("http://localhost"), secret, new_client(merchant.app))


def orders(merchant: Merchant) -> list[tuple[str, str]]:
    return [tuple(row) for row in merchant.rows("select remote_id, state from orders order by remote_id")]


def everything(merchant: Merchant) -> list[Any]:
    tables = ("orders", "order_lines", "seen_orders", "invoices", "journal", "sync_jobs", "webhook_deliveries")
    return [merchant.scalar(f"select md5(string_agg(t::text, '|' order by t::text)) from {one} t") for one in tables]


def test_an_announced_order_is_in_our_list_without_a_check(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2), an_order(order_id=3))
    assert caller.says(1, 2).status_code == 200
    assert (merchant.job().kind, merchant.job().state) == ("announced", "queued")
    merchant.work()
    assert orders(merchant) == [("1", "ready"), ("2", "ready")]
    assert merchant.job().state == "succeeded"
    assert merchant.job().counts == {"announced": 2, "new": 2}
    assert merchant.scalar("select count(*) from invoices") == 0, "nothing is booked by an announcement"
    merchant.check()
    assert merchant.job().counts["new"] == 1, "the check finds what was not announced"
    merchant.sync()
    assert merchant.scalar("select count(*) from invoices") == 3


def test_what_is_read_is_the_present_state_however_late_and_often_it_is_announced(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1, payment_status="Unpaid"))
    caller.says(1, key="made")
    merchant.work()
    assert orders(merchant) == [("1", "waiting")]
    merchant.shop.steer("POST", "orders/1/pay")
    caller.says(1, key="paid")
    merchant.work()
    assert orders(merchant) == [("1", "ready")]
    before = everything(merchant)[:5]
    for key in ("made", "paid", "made", "very late"):
        assert caller.says(1, key=key).status_code == 200
        merchant.work()
    assert everything(merchant)[:5] == before
    assert merchant.scalar("select count(*) from webhook_deliveries") == 3
    assert merchant.scalar("select count(*) from webhook_deliveries where worked_at is null") == 0


def test_two_calls_without_ids_that_say_the_same_are_two_hints(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    caller.says(1)
    merchant.work()
    merchant.shop.steer("POST", "orders/1/cancel")
    caller.says(1)
    caller.says(1)
    merchant.work()
    assert orders(merchant) == [("1", "closed")]
    assert merchant.scalar("select count(*) from webhook_deliveries") == 1
    assert merchant.scalar("select count(*) from sync_jobs") == 2


def test_many_announcements_are_one_job_and_few_calls(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = caller.merchant
    monkeypatch.setattr(SiteGiant, "page_size", 10)
    merchant.shop.add(*(an_order(order_id=number) for number in range(1, 26)))
    for number in [*range(1, 26), *range(1, 26)]:
        assert caller.says(number, key=f"of {number}").status_code == 200
    assert merchant.scalar("select count(*) from sync_jobs") == 1
    assert merchant.scalar("select count(*) from webhook_deliveries") == 25
    merchant.work()
    assert merchant.scalar("select count(*) from orders where state = 'ready'") == 25
    assert len(merchant.shop.log("detail")) == 4, "three, and one again because its marketplace was new to us"


def test_what_comes_while_the_job_runs_is_worked_off_by_it(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1), an_order(order_id=2))
    caller.says(1)
    steps = merchant.steps(merchant.job().id)
    next(steps)
    next(steps)
    assert caller.says(2).status_code == 200
    steps.close()
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    merchant.work()
    assert [one for one, _ in orders(merchant)] == ["1", "2"]
    assert merchant.scalar("select count(*) from sync_jobs") == 1


def test_a_killed_job_is_taken_up_where_it_stood(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = caller.merchant
    monkeypatch.setattr(SiteGiant, "page_size", 10)
    merchant.shop.add(*(an_order(order_id=number) for number in range(1, 31)))
    for number in range(1, 31):
        caller.says(number)
    merchant.run_steps(merchant.job().id, 2)
    assert len(orders(merchant)) == 10
    merchant.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    merchant.work()
    assert len(orders(merchant)) == 30
    assert len(merchant.shop.log("detail")) == 4, "three, and one again because its marketplace was new to us"
    assert merchant.job().counts == {"announced": 30, "new": 30}


def test_a_worker_that_was_replaced_can_commit_nothing(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    caller.says(1)
    late = merchant.steps(merchant.job().id)
    next(late)
    merchant.execute("update sync_jobs set fence = fence + 1")
    with pytest.raises(LeaseLostError):
        next(late)
    assert orders(merchant) == []
    assert merchant.scalar("select count(*) from webhook_deliveries where worked_at is null") == 1


def test_what_a_person_left_out_unread_stays_out(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    merchant.shop.steer("PUT", "orders/1/spoil", data='{"total":"nothing"}')
    merchant.check()
    assert merchant.scalar("select state from seen_orders") == "unreadable"
    merchant.execute("update seen_orders set state = 'skipped', reason = 'IGNORED'")
    merchant.shop.steer("PUT", "orders/1/spoil", data="{}")
    caller.says(1)
    merchant.work()
    assert orders(merchant) == []
    assert merchant.scalar("select state from seen_orders") == "skipped"


def test_a_badly_signed_call_is_refused_and_changes_nothing(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    before = everything(merchant)
    for answer in (
        caller.says(1, secret="another"),
        caller.client.post(caller.address, data=b'{"order_id":1}'),
        caller.posts(b"", "another"),
    ):
        assert (answer.status_code, answer.text) == (401, "")
    assert everything(merchant) == before
    assert merchant.scalar("select last_received_at from webhooks") is None


def test_another_merchants_secret_opens_nothing(announcing: Callable[..., Caller]) -> None:
    ours, theirs = announcing(), announcing()
    ours.merchant.shop.add(an_order(order_id=1))
    before = everything(ours.merchant)
    assert ours.says(1, secret=theirs.secret).status_code == 401
    assert everything(ours.merchant) == before


def test_an_order_of_another_shop_brings_nothing(announcing: Callable[..., Caller]) -> None:
    ours, theirs = announcing(), announcing()
    theirs.merchant.shop.add(an_order(order_id=77))
    assert ours.says(77, 78).status_code == 200
    ours.merchant.work()
    assert ours.merchant.job().state == "succeeded"
    assert orders(ours.merchant) == orders(theirs.merchant) == []
    assert ours.merchant.rows("select remote_id from seen_orders") == []
    assert ours.merchant.scalar("select count(*) from webhook_deliveries where worked_at is not null") == 1


def test_an_address_that_nobody_was_given_answers_nothing(caller: Caller) -> None:
    for token in ("x", caller.address.rpartition("/")[2][:-1], "é", "%00", "x" * 3000):
        answer = caller.client.post(f"/hooks/{token}", data=b"{}")
        assert (answer.status_code, answer.text) == (404, "Nobody listens at this address.")
    assert caller.client.get(caller.address).status_code in (404, 405)


def test_what_is_signed_is_never_refused_and_kept_as_it_came(caller: Caller) -> None:
    bodies = [b"", b"\x00", b"{", b"[]", b'{"order_id":"\\ud800"}', b'{"order_id":"a\\u0000b"}', b"a=1&b=2", b"\xff"]
    for body in bodies:
        for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
            assert caller.posts(body, content_type=content_type).status_code == 200
    kept = caller.merchant.rows("select body, worked_at is null from webhook_deliveries order by id")
    assert [tuple(row) for row in kept] == [(body, False) for body in bodies], "there is nothing to look at"
    assert caller.merchant.rows("select id from sync_jobs") == []


def test_a_body_that_is_too_large_is_not_taken(caller: Caller) -> None:
    assert caller.posts(b" " * (MAX_BYTES + 1)).status_code == 413
    assert caller.posts(b" " * MAX_BYTES).status_code == 200
    assert caller.merchant.scalar("select length(body) from webhook_deliveries") == 64 * 1024


def test_an_order_that_is_gone_from_the_channel_is_held_as_a_check_does(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    merchant.check()
    merchant.shop.steer("DELETE", "orders/1")
    caller.says(1)
    merchant.work()
    assert merchant.rows("select state, reason from orders") == [("held", "ORDER_MISSING")]
    assert merchant.job().state == "partly"


def test_orders_of_before_the_start_date_stay_out(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1, order_creation_date="2025-12-31T23:00:00+08:00"))
    for _time in range(2):
        caller.says(1, key=str(_time))
        merchant.work()
    assert orders(merchant) == []
    assert merchant.rows("select state, reason from seen_orders") == [("skipped", "BEFORE_START_DATE")]


def test_an_order_of_a_marketplace_that_is_new_to_us_comes_in(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1, marketplace="TikTok Shop"))
    caller.says(1)
    merchant.work()
    assert orders(merchant) == [("1", "ready")]
    assert len(merchant.shop.log("detail")) == 2


def test_a_paused_channel_is_called_in_vain_and_does_not_hear_of_it(caller: Caller) -> None:
    merchant = caller.merchant
    with merchant.acting():
        pause(merchant.channel_id)
    assert caller.says(1).status_code == 200
    assert merchant.rows("select id from webhook_deliveries") == []
    with merchant.acting():
        resume(merchant.channel_id)
    assert caller.says(1).status_code == 200
    assert merchant.scalar("select count(*) from webhook_deliveries") == 1


def test_what_came_while_no_bell_could_be_rung_is_found_by_the_tick(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    with monkeypatch.context() as patch:
        patch.setattr("app.sync.webhooks.start_announced", lambda _channel_id: None)
        caller.says(1)
    assert merchant.rows("select id from sync_jobs") == []
    merchant.tick()
    merchant.work()
    assert orders(merchant) == [("1", "ready")]


def test_the_answer_does_not_wait_for_whoever_holds_the_channel(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(an_order(order_id=1))
    with merchant.app.app_context(), db.engine.connect() as somebody:
        somebody.exec_driver_sql(f"select set_config('app.store_id', '{merchant.store.id}', true)")
        somebody.exec_driver_sql(f"select id from channels where id = {merchant.channel_id} for update")
        assert caller.says(1).status_code == 200
        assert merchant.rows("select id from sync_jobs") == []
        somebody.rollback()
    merchant.tick()
    assert merchant.job().kind == "announced"


def test_without_a_queue_server_it_is_kept_all_the_same(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ring", lambda *_arguments: False)
    assert caller.says(1).status_code == 200
    assert caller.merchant.scalar("select count(*) from webhook_deliveries") == 1


def test_a_job_that_failed_is_not_followed_by_another_at_once(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.fault("logical_failure", route="detail")
    caller.says(1)
    merchant.work()
    assert merchant.job().state == "failed"
    caller.says(2)
    merchant.tick()
    assert merchant.scalar("select count(*) from sync_jobs") == 1
    merchant.shop.steer("DELETE", "faults")
    merchant.execute("update sync_jobs set finished_at = now() - interval '16 minutes'")
    merchant.tick()
    merchant.work()
    assert merchant.job().state == "succeeded"
    assert merchant.scalar("select count(*) from webhook_deliveries where worked_at is null") == 0


def test_a_job_that_failed_keeps_nobody_back_once_another_went_well(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.fault("logical_failure", route="detail")
    caller.says(1)
    merchant.work()
    merchant.shop.steer("DELETE", "faults")
    merchant.execute("update sync_jobs set finished_at = now() - interval '16 minutes'")
    merchant.tick()
    merchant.work()
    merchant.execute("update sync_jobs set finished_at = now()")
    caller.says(2)
    merchant.work()
    assert [row[0] for row in merchant.rows("select state from sync_jobs order by id")] == [
        "failed",
        "succeeded",
        "succeeded",
    ]


def test_an_id_that_the_channel_refuses_stands_in_nobodys_way(caller: Caller) -> None:
    merchant = caller.merchant
    merchant.shop.add(*(an_order(order_id=number) for number in (1, 2, 3)))
    merchant.check()
    for number in (1, "nonsense", 2, 3):
        if number != "nonsense":
            merchant.shop.steer("POST", f"orders/{number}/cancel")
        caller.says(number)
    merchant.work()
    assert merchant.job().state == "succeeded"
    assert orders(merchant) == [("1", "closed"), ("2", "closed"), ("3", "closed")]
    assert merchant.scalar("select count(*) from webhook_deliveries where worked_at is null") == 0


def test_what_is_old_is_forgotten(caller: Caller) -> None:
    merchant = caller.merchant
    caller.says(1, key="old")
    caller.says(1, key="new")
    merchant.execute("update webhook_deliveries set received_at = now() - interval '8 days' where key = 'old'")
    with merchant.app.app_context():
        forget_old_deliveries()
    assert merchant.rows("select key from webhook_deliveries") == [("new",)]


def test_each_switching_on_has_an_address_and_a_secret_of_its_own(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = caller.merchant
    again = switched_on(merchant, monkeypatch)
    assert (again.address == caller.address, again.secret == caller.secret) == (False, False)
    assert (caller.says(1).status_code, again.says(1).status_code) == (404, 200)
    assert len(merchant.shop.steer("GET", "webhooks")["webhooks"]) == 1
    with merchant.acting():
        switch_off(merchant.channel_id)
    assert again.says(1).status_code == 404
    assert merchant.rows("select * from webhooks") == merchant.rows("select * from webhook_deliveries") == []


def test_neither_address_nor_secret_can_be_read_in_the_database(caller: Caller) -> None:
    token = caller.address.rpartition("/")[2]
    whole = str(caller.merchant.rows("select t::text, encode(secret, 'escape') from webhooks t"))
    assert token not in whole
    assert caller.secret not in whole
    with caller.merchant.acting():
        row = db.session.get_one(Webhook, (caller.merchant.store.id, caller.merchant.channel_id))
        assert open_sealed(row.secret) == {"secret": caller.secret}
    assert len(token) * 6 >= 128, "bits"
