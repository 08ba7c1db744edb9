"""Endpoints are called until they take what they are told: signed, more than once if need be, and never for ever."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from dataclasses import replace

import pytest
from flask import Flask
from rq.utils import import_attribute

from app.core.calling import Event, signature
from app.core.errors import AddressRefused
from app.hooks import services
from app.hooks.addresses import parse_url
from app.hooks.sending import deliver
from app.sync import queue
from app.sync.tick import tick_once
from tests.hooks.conftest import Told
from tests.support.factories import SomeStore
from tests.support.mails import ask_for_look, mails_to, tell_people


def held(told: Told, many: int = 1) -> None:
    """So many orders come to need somebody."""
    told.books.orders(told.books.channel(), [{"state": "held", "reason": "PAID_LESS"} for _number in range(many)])


def test_a_call_is_signed_and_written_down(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    held(told)
    told.receiver.words = b"x" * 5000
    told.deliver()
    (call,), (message,) = told.receiver.calls, told.messages
    at = int(call.headers["webhook-timestamp"])
    assert call.headers["webhook-signature"] == signature(told.secret, message.message_id, at, call.body)
    assert call.headers["content-type"] == "application/json"
    assert call.json["id"] == call.headers["webhook-id"] == message.message_id
    assert (message.state, message.status, message.attempts, len(message.answer)) == ("delivered", 200, 1, 1024)
    told.deliver()
    assert len(told.receiver.calls) == 1


def test_a_changed_secret_signs_beside_the_former_one_for_a_day(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    with told.scope():
        new = services.rotate_secret(told.id)
    held(told)
    told.deliver()
    call = told.receiver.calls[0]
    at, sent = int(call.headers["webhook-timestamp"]), call.headers["webhook-signature"].split()
    assert sent == [signature(secret, call.headers["webhook-id"], at, call.body) for secret in (new, told.secret)]
    told.execute("update endpoints set old_until = now()")
    held(told)
    told.deliver()
    assert len(told.receiver.calls[1].headers["webhook-signature"].split()) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_is_not_taken_is_tried_again_under_the_same_id(told: Told, status: int) -> None:
    told.add(Event.ORDER_HELD)
    held(told)
    told.receiver.status = status
    told.deliver()
    (message,) = told.messages
    assert (message.state, message.status, message.attempts) == ("planned", status, 1)
    told.deliver()
    assert len(told.receiver.calls) == 1, "it waits, and no redirect is followed"
    told.receiver.status = 204
    told.hurry()
    told.deliver()
    assert told.receiver.ids == [message.message_id] * 2
    assert told.receiver.calls[0].body == told.receiver.calls[1].body
    assert (told.messages[0].state, told.messages[0].attempts) == ("delivered", 2)


def test_an_address_that_does_not_answer_is_left_alone_with_all_that_waits(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    told.execute("update endpoints set url = 'http://127.0.0.1:1/'")
    held(told, 20)
    told.deliver()
    tried = [message for message in told.messages if message.attempts]
    assert 0 < len(tried) <= 8
    assert {message.trouble for message in tried} == {"UNREACHABLE"}
    assert told.row.rests_until is not None
    with told.scope():
        services.change_endpoint(told.id, f"{told.receiver.url}/mended", [Event.ORDER_HELD])
    told.hurry()
    told.deliver()
    assert len(told.receiver.calls) == 20
    assert {message.state for message in told.messages} == {"delivered"}


def test_after_three_days_it_is_paused_and_the_owner_is_told(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    held(told)
    told.receiver.status = 500
    told.execute("update hook_messages set planned_at = now() - interval '71 hours 59 minutes', attempts = 9")
    told.deliver()
    assert (told.row.state, told.row.paused_reason, told.messages[0].state) == ("paused", "FAILING", "failed")
    tell_people(told.app, told.store)
    mails = [str(mail["Subject"]) for mail in mails_to(told.app, told.store.owner.email)]
    assert mails.count("The webhook to 127.0.0.1 is paused") == 1
    told.receiver.status = 200
    with told.scope():
        services.resume(told.id)
        services.redeliver(told.id, told.messages[0].id)
    told.deliver()
    assert (told.messages[0].state, told.row.state) == ("delivered", "active")


def test_an_address_that_is_gone_is_paused_at_once(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    held(told)
    told.receiver.status = 410
    told.deliver()
    assert (told.row.state, told.row.paused_reason) == ("paused", "GONE")


def test_a_test_goes_even_where_it_is_paused_and_is_tried_once(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    with told.scope():
        services.pause(told.id)
        services.send_test(told.id)
    told.receiver.status = 500
    told.deliver()
    assert [(message.type, message.state) for message in told.messages] == [("endpoint.test", "failed")]
    assert told.row.paused_reason == ""
    with told.scope(), pytest.raises(services.NoSuchEndpoint):
        services.redeliver(told.id, 0)


def test_the_tick_rings_for_endpoints_and_people_and_not_again_at_once(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[int, int, str]] = []

    def note(_url: str, store_id: int, number: int, *, task: str = queue.TASK) -> bool:
        assert callable(import_attribute(task))
        rung.append((store_id, number, task))
        return True

    monkeypatch.setattr(queue, "ring", note)
    monkeypatch.setattr("app.sync.tick._AT_MOST", 100_000)  # other tests' stores may wait as well
    told.add(Event.ORDER_HELD)
    held(told)
    with told.scope():
        ask_for_look()
    mine = [(told.store.id, 0, "app.notices.jobs.run"), (told.store.id, told.id, "app.hooks.jobs.run")]
    for _tick in range(2):
        with told.app.app_context():
            tick_once()
    assert [bell for bell in rung if bell in mine] == mine
    told.deliver()
    held(told)
    with told.app.app_context():
        tick_once()
    assert [bell for bell in rung if bell in mine] == [*mine, mine[1]], "what comes after a call is rung for at once"


def test_only_one_worker_calls_an_endpoint(told: Told) -> None:
    told.add(Event.ORDER_HELD)
    held(told)
    told.receiver.gate.clear()
    first = threading.Thread(target=told.deliver)
    first.start()
    assert told.receiver.arrived.acquire(timeout=30)
    told.deliver()
    told.receiver.gate.set()
    first.join(30)
    assert len(told.receiver.calls) == 1
    assert told.messages[0].state == "delivered"


def test_a_worker_that_is_killed_over_a_call_loses_nothing(told: Told) -> None:
    """The message came and nobody wrote it down: it comes again, under the same id."""
    told.add(Event.ORDER_HELD)
    held(told)
    told.receiver.gate.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the receiver has a thread, which the child does without
        worker = os.fork()
    if not worker:
        try:
            from app.extensions import db  # noqa: PLC0415

            with told.app.app_context():
                db.engine.dispose(close=False)
                deliver(told.store.id, told.id)
        finally:
            os._exit(0)
    assert told.receiver.arrived.acquire(timeout=60)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    told.receiver.gate.set()
    assert told.messages[0].state == "planned"
    told.deliver()
    assert len(told.receiver.calls) == 1, "as long as the lease of the dead runs nobody else calls"
    told.hurry()
    told.deliver()
    assert told.receiver.ids == [told.messages[0].message_id] * 2
    assert told.messages[0].state == "delivered"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hooks",
        "https://127.0.0.1/hooks",
        "https://[::1]/",
        "https://user:secret@shop.example/",
        "https://shop.example:8443/",
        "ftp://shop.example/",
        "https://shop.example/#part",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_we_do_not_call_is_refused(app: Flask, url: str) -> None:
    with app.test_request_context("/"), pytest.raises(AddressRefused):
        parse_url(url, allow_sandboxes=False)


def test_an_address_keeps_its_path_and_query(app: Flask) -> None:
    with app.test_request_context("/"):
        assert parse_url("shop.example", allow_sandboxes=False) == "https://shop.example/"
        assert parse_url(" https://Shop.example/a/?b=c ", allow_sandboxes=False) == "https://shop.example/a/?b=c"
        with pytest.raises(AddressRefused):
            parse_url("http://192.168.1.7/hooks", allow_sandboxes=True)


def test_a_name_that_leads_into_our_network_is_not_called(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was public when it was typed in, and is not when it is called."""
    told.add(Event.ORDER_HELD)
    held(told)
    monkeypatch.setitem(
        told.app.extensions, "settings", replace(told.app.extensions["settings"], allow_sandboxes=False)
    )
    told.deliver()
    assert told.receiver.calls == []
    assert (told.messages[0].trouble, told.messages[0].status) == ("ADDRESS_REFUSED", None)


def test_another_store_sees_nothing_of_it(told: Told, other_store: SomeStore) -> None:
    told.add(Event.ORDER_HELD)
    held(told)
    with told.app.app_context():
        deliver(other_store.id, told.id)
    assert told.receiver.calls == []
