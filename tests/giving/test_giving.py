"""An order that is made here is made on the channel once, follows there, and says why when it cannot be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.channels.models import Channel
from app.connectors.base import GoAhead, always
from app.core.errors import AuthRejected, RateLimited, Unavailable
from app.core.states import ChangeState, Reason
from app.core.types import OrderReceipt, OrderStatus, OrderWrite
from app.extensions import db
from app.orders.services import lock_channel
from app.sync import giving
from app.sync.models import Change, OrderCopy, SyncJob
from app.sync.services import retry_change
from app.sync.switching import GivenElsewhere, TakesNone, start_giving
from app.sync.tick import tick_once
from tests.connectors.fake import FakeConnector, FakeShop, a_listing, answer_lost, open_shop
from tests.giving.giver import Giver
from tests.orders.factories import statements
from tests.support.working import work_off


def due_again(giver: Giver) -> None:
    """Let the clock go on until what was put off is due."""
    with giver.books.scope():
        db.session.execute(update(Change).values(not_before=None))
        db.session.execute(update(SyncJob).values(not_before=None))
        db.session.commit()


def test_an_order_made_here_is_made_there_once(giver: Giver, shop: FakeShop) -> None:
    order_id = giver.make().order_id
    assert giver.change(order_id).state == ChangeState.PLANNED
    assert giver.send() == ["succeeded"]
    (write,) = shop.made.values()
    assert (write.number, write.total, write.paid, write.branch_id) == ("SO00001", 3980, 3980, "1")
    assert [(line.product_id, line.quantity) for line in write.lines] == [("501", Decimal(2))]
    copy = giver.copy(order_id)
    assert (copy.remote_id, copy.number, copy.mark) == ("orders/1", "DH000001", write.key)
    assert giver.change(order_id).state == ChangeState.DONE
    assert giver.notes(order_id)[-1] == "given"
    assert giver.send() == ["succeeded"] * 2
    assert len(shop.posted) == 1


def test_the_tick_sends_it_by_itself_even_while_a_long_job_waits(giver: Giver, shop: FakeShop) -> None:
    with giver.books.scope():
        db.session.add(SyncJob(store_id=giver.store.id, channel_id=giver.channel_id, kind="products"))
        db.session.commit()
    giver.make()
    with giver.app.app_context():
        tick_once()
    work_off(giver.app, giver.store.id)
    assert len(shop.posted) == 1
    with giver.books.scope():
        kinds = db.session.scalars(select(SyncJob.kind).order_by(SyncJob.id)).all()
    assert kinds == ["products", "write_back"]


def test_only_orders_made_after_it_was_switched_on_are_given(giver: Giver, shop: FakeShop) -> None:
    giver.stop()
    early = giver.make()
    giver.start()
    late = giver.make()
    giver.move(early.order_id, status=OrderStatus.SHIPPED)
    giver.send()
    assert [write.number for write in shop.made.values()] == [late.number]


def test_what_happens_later_follows(giver: Giver, shop: FakeShop) -> None:
    order_id = giver.make(payment_status="unpaid").order_id
    giver.send()
    giver.move(order_id, status=OrderStatus.PROCESSING)
    giver.replace(order_id, lines=[{"sku": "KOPI-1", "name": "Kopi", "quantity": 5, "unit_price": "16.90"}])
    giver.send()
    (write,) = shop.made.values()
    assert (write.status, write.lines[0].quantity, write.total) == (OrderStatus.PROCESSING, Decimal(5), 9050)
    giver.move(order_id, status=OrderStatus.CANCELLED)
    giver.send()
    assert shop.made["orders/1"].status is OrderStatus.CANCELLED
    assert len(shop.posted) == 1
    assert [kind for kind in giver.notes(order_id) if kind.startswith("given")] == [
        "given",
        "given_again",
        "given_cancelled",
    ]


def test_what_is_known_there_is_not_told_again(giver: Giver, shop: FakeShop) -> None:
    order_id = giver.make(note="first").order_id
    giver.send()
    giver.replace(order_id, note="second")
    giver.replace(order_id, note="first")
    before = len(shop.calls)
    giver.send()
    assert shop.calls[before:] == []
    assert giver.change(order_id).state == ChangeState.DONE


def test_an_order_cancelled_before_it_was_sent_is_not_made_there(giver: Giver, shop: FakeShop) -> None:
    order_id = giver.make().order_id
    giver.move(order_id, status=OrderStatus.CANCELLED)
    assert giver.send() == ["succeeded"]
    assert (shop.made, giver.change(order_id).state) == ({}, ChangeState.DONE)


def test_a_line_without_a_product_is_named_before_anything_is_sent(giver: Giver, shop: FakeShop) -> None:
    lines = [{"sku": sku, "name": sku.title(), "quantity": 1, "unit_price": "2.00"} for sku in ("KOPI-1", "TEH-2")]
    order_id = giver.make(lines=lines).order_id
    assert giver.send() == ["partly"]
    change = giver.change(order_id)
    assert (change.state, change.reason) == (ChangeState.BLOCKED, Reason.PRODUCT_UNLINKED)
    assert change.reason_detail["lines"] == "TEH-2 Teh-2"
    assert shop.posted == []
    assert giver.copy(order_id).tried_at is None


def test_it_goes_by_itself_once_the_product_is_linked(giver: Giver, shop: FakeShop) -> None:
    lines = [{"sku": sku, "name": sku, "quantity": 1, "unit_price": "2.00"} for sku in ("TEH-2", "ROTI-3")]
    order_id = giver.make(lines=lines).order_id
    giver.send()
    shop.listings |= {"502": a_listing("502", sku="X"), "503": a_listing("503", sku="Y")}
    giver.books.listings(giver.there(), *shop.listings.values())
    giver.link("502", "TEH-2")
    assert giver.change(order_id).state == ChangeState.PLANNED
    giver.send()
    assert giver.change(order_id).reason_detail["lines"] == "ROTI-3 ROTI-3"
    giver.link("503", "ROTI-3")
    with giver.app.app_context():
        tick_once()
    work_off(giver.app, giver.store.id)
    assert [line.product_id for line in shop.made["orders/1"].lines] == ["502", "503"]


def test_it_is_looked_at_again_when_the_order_itself_is_mended(giver: Giver, shop: FakeShop) -> None:
    order_id = giver.make(lines=[{"sku": "NO-1", "name": "No", "quantity": 1, "unit_price": "2.00"}]).order_id
    giver.send()
    giver.replace(order_id)
    giver.send()
    assert (len(shop.posted), giver.change(order_id).state) == (1, ChangeState.DONE)


def test_an_order_in_another_currency_waits_and_says_so(giver: Giver, shop: FakeShop) -> None:
    with giver.books.scope():
        db.session.execute(
            update(Channel).where(Channel.id == giver.channel_id).values(options={"order_branch_id": "3"})
        )
        db.session.commit()
    order_id = giver.make().order_id
    giver.send()
    change = giver.change(order_id)
    assert (change.reason, change.reason_detail["theirs"]) == (Reason.CURRENCY_DIFFERS, "SGD")
    assert shop.posted == []


def test_a_refusal_stands_with_their_words_until_it_is_tried_again(giver: Giver, shop: FakeShop) -> None:
    shop.refusals["SO00001"] = "The seller is inactive."
    order_id = giver.make().order_id
    assert giver.send() == ["partly"]
    change = giver.change(order_id)
    assert (change.state, change.reason) == (ChangeState.BLOCKED, Reason.ORDER_REFUSED)
    assert change.reason_detail["words"] == "The seller is inactive."
    shop.refusals.clear()
    with giver.books.scope():
        retry_change(change.id, giver.store.owner.id)
    work_off(giver.app, giver.store.id)
    assert (len(shop.posted), giver.change(order_id).state) == (1, ChangeState.DONE)


def test_an_order_that_stands_there_is_known_even_if_they_refuse_a_part_of_it(giver: Giver, shop: FakeShop) -> None:
    shop.refusals["SO00001"] = "No such payment method!"
    order_id = giver.make().order_id
    giver.send()
    copy = giver.copy(order_id)
    assert (copy.remote_id, copy.number, copy.told_digest) == ("orders/1", "DH000001", "")
    assert giver.change(order_id).reason == Reason.ORDER_REFUSED
    shop.refusals.clear()
    giver.replace(order_id, payment_method="Card")
    giver.send()
    assert (len(shop.posted), shop.made["orders/1"].payment_method) == (1, "Card")


def test_an_order_deleted_there_is_not_made_again_in_silence(giver: Giver, shop: FakeShop) -> None:
    order_id = giver.make().order_id
    giver.send()
    shop.made.clear()
    giver.move(order_id, status=OrderStatus.PROCESSING)
    giver.send()
    assert (giver.change(order_id).reason, len(shop.posted)) == (Reason.ORDER_MISSING, 1)
    giver.move(order_id, status=OrderStatus.CANCELLED)
    giver.send()
    assert giver.change(order_id).state == ChangeState.DONE


@pytest.mark.parametrize("after_effect", [True, False])
def test_a_lost_answer_doubles_nothing(giver: Giver, shop: FakeShop, *, after_effect: bool) -> None:
    order_id = giver.make().order_id
    others = [giver.make().order_id for _order in range(2)]
    shop.fail("write_order", answer_lost(), after_effect=after_effect)
    giver.send()
    assert giver.copy(order_id).tried_at is not None
    assert giver.copy(others[1]).tried_at is None
    due_again(giver)
    work_off(giver.app, giver.store.id)
    assert sorted(shop.posted) == sorted(giver.copy(one).mark for one in (order_id, *others))
    assert {giver.change(one).state for one in (order_id, *others)} == {ChangeState.DONE}


@pytest.mark.parametrize("error", [Unavailable("It is down."), RateLimited("Too fast.", retry_after=30)])
def test_a_channel_that_is_down_is_asked_again_by_itself(giver: Giver, shop: FakeShop, error: Any) -> None:
    order_id = giver.make().order_id
    shop.fail("write_order", error, times=2)
    assert giver.send() == ["queued"]
    for _try in range(2):
        due_again(giver)
        work_off(giver.app, giver.store.id)
    assert (len(shop.posted), giver.change(order_id).state) == (1, ChangeState.DONE)


def test_rejected_credentials_pause_the_channel_and_lose_nothing(giver: Giver, shop: FakeShop) -> None:
    giver.make()
    shop.fail("write_order", AuthRejected("The key is wrong."), times=2)
    giver.send()
    due_again(giver)
    work_off(giver.app, giver.store.id)
    with giver.books.scope():
        channel = db.session.get_one(Channel, (giver.store.id, giver.channel_id))
        assert (channel.status, channel.paused_reason) == ("paused", "AUTH_EXPIRED")
        channel.status = "connected"
        db.session.commit()
    due_again(giver)
    giver.send()
    assert len(shop.posted) == 1


def test_a_worker_killed_between_the_call_and_the_record_leaves_nothing_doubled(
    giver: Giver, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_ids = [giver.make().order_id for _order in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(giving, "_record", _killed)
        with pytest.raises(SystemExit):
            giver.send()
    assert len(shop.posted) == 3
    assert {giver.change(one).state for one in order_ids} == {ChangeState.SENDING}
    with giver.books.scope():
        db.session.execute(update(SyncJob).values(lease_until=func.now() - func.make_interval(0, 0, 0, 0, 0, 1)))
        db.session.commit()
    work_off(giver.app, giver.store.id)
    assert len(shop.posted) == 3
    assert [giver.copy(one).remote_id for one in order_ids] == ["orders/1", "orders/2", "orders/3"]


def test_a_worker_that_was_replaced_forgets_nothing_that_its_successor_sends(
    giver: Giver, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept in the call, another one took its job over and tried the orders; then it woke up with an error."""
    order_ids = [giver.make().order_id for _order in range(2)]

    def wakes_late(_connector: FakeConnector, _write: OrderWrite, _go_ahead: GoAhead = always) -> OrderReceipt:
        with giver.books.scope():
            db.session.execute(update(SyncJob).values(fence=SyncJob.fence + 1))
            db.session.commit()
        raise answer_lost()

    monkeypatch.setattr(FakeConnector, "write_order", wakes_late)
    giver.send_once()
    assert all(giver.copy(order_id).tried_at for order_id in order_ids)


def _killed(*_args: object) -> None:
    raise SystemExit


class Slow:
    """Lets a call wait where the channel has taken the order and its answer is still on its way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.may_end = Event(), Event()
        taken = FakeConnector.write_order

        def slowly(connector: FakeConnector, write: OrderWrite, go_ahead: GoAhead = always) -> OrderReceipt:
            receipt = taken(connector, write, go_ahead)
            if not self.began.is_set():
                self.began.set()
                assert self.may_end.wait(60)
            return receipt

        monkeypatch.setattr(FakeConnector, "write_order", slowly)


@pytest.mark.parametrize("act", ["edited", "cancelled"])
def test_what_is_said_while_it_is_on_its_way_follows(
    giver: Giver, shop: FakeShop, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    order_id = giver.make().order_id
    slow = Slow(monkeypatch)
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(giver.send)
        assert slow.began.wait(60)
        if act == "edited":
            giver.replace(order_id, note="Ring twice")
        else:
            giver.move(order_id, status=OrderStatus.CANCELLED)
        slow.may_end.set()
        assert sent.result(60) == ["succeeded"]
    write = shop.made["orders/1"]
    assert write.note == "Ring twice" if act == "edited" else write.status is OrderStatus.CANCELLED
    assert (len(shop.posted), giver.change(order_id).state) == (1, ChangeState.DONE)


def test_presses_at_the_same_moment_make_one_order_each(giver: Giver, shop: FakeShop) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: giver.make(number=f"WEB-{number}"), [1, 2, 1, 2]))
        list(pool.map(lambda _press: giver.send(), range(3)))
    work_off(giver.app, giver.store.id)
    assert len(shop.posted) == 2
    with giver.books.scope():
        assert db.session.scalar(select(func.count()).select_from(Change)) == 2


def test_making_an_order_waits_for_nobody_who_holds_the_channel(giver: Giver, shop: FakeShop) -> None:
    """Who links products holds every channel of the store, one after the other: two who wait would wait for ever."""
    giver.make()
    with ThreadPoolExecutor(1) as pool, giver.books.scope():
        lock_channel(giver.channel_id)
        assert pool.submit(giver.make).result(60).number == "SO00002"
        db.session.rollback()
    giver.send()
    assert len(shop.posted) == 2


def test_switched_off_nothing_is_sent_and_switched_on_again_it_catches_up(giver: Giver, shop: FakeShop) -> None:
    known = giver.make().order_id
    giver.send()
    waiting = giver.make().order_id
    assert giver.stop() == 1
    giver.move(known, status=OrderStatus.SHIPPED)
    giver.send()
    assert len(shop.made) == 1
    with giver.app.app_context():
        tick_once()
    assert giver.start() == 2
    giver.send()
    assert shop.made["orders/1"].status is OrderStatus.SHIPPED
    assert giver.copy(waiting).remote_id == "orders/2"


def test_one_channel_of_a_store_has_its_orders(giver: Giver) -> None:
    second = Giver(giver.app, giver.store)
    second.connect("fake", open_shop().config)
    with pytest.raises(GivenElsewhere) as refused:
        second.start()
    assert refused.value.name == "Kedai"
    giver.stop()
    assert second.start() == 0


def test_a_channel_that_takes_no_orders_cannot_be_switched_on(giver: Giver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeConnector, "capabilities", frozenset())
    with giver.books.scope(), pytest.raises(TakesNone):
        start_giving(giver.channel_id, giver.store.owner.id)


def test_many_orders_are_claimed_and_recorded_together(giver: Giver, shop: FakeShop) -> None:
    giver.make(*(giver.order() for _order in range(25)))
    with giver.app.app_context(), statements() as seen:
        giver.send()
    assert len(shop.posted) == 25
    beside = [text for text in seen if "sync_jobs" not in text and "set_config" not in text]
    assert len(beside) < 25 * 3
    with giver.books.scope():
        assert set(db.session.scalars(select(OrderCopy.number))) == {f"DH{n:06d}" for n in range(1, 26)}
