"""An order of a sub-store moves in both stores: what one says reaches the other once, and never comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.connectors.store import LinkedStore
from app.core.errors import Unavailable
from app.core.own_orders import Mistakes
from app.core.packing import CannotPack
from app.core.types import MoveWrite, OrderStatus, Receipt
from app.fulfilment import services as there
from app.links import outbox
from app.links.peer import LinkedPeer
from app.sync import carrying
from app.tenancy.scope import store_scope
from tests.links.flowing import own_channel, webstore_order
from tests.links.moving import Way
from tests.orders.factories import Books, statements
from tests.support.factories import Make
from tests.sync.merchant import Merchant

S = OrderStatus
Place = Callable[[str], None]


@pytest.fixture
def way(main: Merchant, sub: Books, linked: int) -> Way:
    return Way(main, sub)


def test_what_the_sub_store_says_arrives_and_plans_nothing(way: Way) -> None:
    order = way.order("W-1")
    for status in (S.READY_TO_SHIP, S.SHIPPED, S.COMPLETED):
        way.say_there(order, status)
        way.main.check()
        assert way.stands(order) == (status, status)
    assert way.changes() == []


def test_what_the_main_store_says_is_made_in_the_sub_store_and_read_back(way: Way) -> None:
    order = way.order("W-1")
    way.say(order, S.READY_TO_SHIP)
    assert way.stands(order) == ("processing", "processing")
    way.work()
    assert way.stands(order) == ("ready_to_ship", "ready_to_ship")
    kept, here = way.ways(order)
    assert (kept.moved_by, here.moved_by) == ("there", "here")
    assert kept.person == here.person == way.main.store.owner.name
    assert kept.version == here.version
    assert way.changes() == [("done", None)]


def test_what_was_said_here_is_no_news_here(way: Way) -> None:
    """Nothing is read a second time, unless the sub-store did something besides."""
    order, other = way.order("W-1"), way.order("W-2")
    way.main.tick()
    way.work()
    assert _waiting(way) == []
    way.say(order, S.READY_TO_SHIP)
    way.work()
    assert _waiting(way) == []
    way.say(order, S.SHIPPED)
    way.say_there(other, S.READY_TO_SHIP)
    way.work()
    assert str(other) in _waiting(way)


def test_a_check_after_it_finds_nothing_new_to_say(way: Way) -> None:
    order = way.order("W-1")
    way.say(order, S.READY_TO_SHIP)
    way.work()
    before = way.ways(order)
    way.main.check()
    way.work()
    assert way.ways(order) == before
    assert len(way.changes()) == 1


def test_courier_and_tracking_number_arrive_on_both_sides(way: Way) -> None:
    order = way.order("W-1")
    way.say(order, S.SHIPPED, courier="Pos Laju", tracking_number="MY123")
    way.work()
    for one in way.ways(order):
        (package,) = one.packages
        assert (package.courier, package.tracking_number) == ("Pos Laju", "MY123")
        assert package.shipped_at is not None
        assert {line.line_no: line.quantity for line in package.lines} == {1: Decimal(2), 2: Decimal("0.5")}
    assert way.stands(order) == ("shipped", "shipped")


def test_packages_of_the_sub_store_are_mirrored_and_sent_one_by_one(way: Way) -> None:
    order = way.order("W-1")
    with way.sub.scope():
        there.split(order, None, {(order, 1): Decimal(1)}, None)
    way.main.check()
    kept, here = way.ways(order)
    assert [package.number for package in here.packages] == [package.number for package in kept.packages]
    first, second = (package.number for package in here.packages)
    way.say(order, S.SHIPPED, package=second, tracking_number="MY2")
    way.work()
    assert way.stands(order) == ("processing", "processing")
    assert [package.tracking_number for package in way.ways(order)[1].packages] == ["", "MY2"]
    way.say(order, S.SHIPPED, package=first, tracking_number="MY1")
    way.work()
    assert way.stands(order) == ("shipped", "shipped")


def test_what_was_merged_back_is_gone_here_too(way: Way) -> None:
    order = way.order("W-1")
    with way.sub.scope():
        there.split(order, None, {(order, 1): Decimal(1)}, None)
    way.main.check()
    with way.sub.scope():
        there.merge(order, way.ways(order)[0].packages[1].number, None)
    way.main.check()
    assert len(way.ways(order)[1].packages) <= 1
    assert way.main.scalar("select count(*) from packages") == len(way.ways(order)[1].packages)


def test_orders_that_share_a_package_share_it_here_and_leave_together(way: Way) -> None:
    first, second = way.order("W-1"), way.order("W-2")
    with way.sub.scope():
        there.combine([first, second], None)
    way.main.check()
    (package,) = way.ways(first)[1].packages
    assert (package,) == way.ways(second)[1].packages
    assert package.order_ids == {way.here(first), way.here(second)}
    way.say(first, S.SHIPPED, tracking_number="MY9")
    way.work()
    way.main.check()
    assert way.stands(first) == way.stands(second) == ("shipped", "shipped")


def test_a_landing_page_order_that_shares_a_package_is_not_named(way: Way) -> None:
    first = way.order("W-1")
    other = way.order("L-1", kind="landing_page")
    with way.sub.scope():
        there.combine([first, other], None)
    way.main.check()
    (package,) = way.ways(first)[1].packages
    assert package.order_ids == {way.here(first)}
    assert way.main.scalar("select count(*) from orders") == 1


def test_several_moves_of_an_order_are_made_one_after_the_other(way: Way) -> None:
    order = way.order("W-1", status="open")
    for status in (S.PROCESSING, S.READY_TO_SHIP, S.SHIPPED):
        way.say(order, status)
    way.work()
    assert way.stands(order) == ("shipped", "shipped")
    assert way.changes() == [("done", None)] * 3
    assert way.ways(order)[0].conflict is None


def test_only_what_the_table_allows_is_planned(way: Way) -> None:
    order = way.order("W-1")
    assert way.refused(order, S.OPEN) == "not_from_here"
    way.say(order, S.SHIPPED)
    assert way.refused(order, S.SHIPPED) == "not_from_here"
    assert way.refused(order, S.CANCELLED) == "not_from_here"
    assert way.refused(order, S.COMPLETED) == ""


def test_an_order_that_another_channel_sent_is_moved_there(way: Way) -> None:
    order = webstore_order(way.sub, own_channel(way.sub), "C-1")
    way.main.check()
    assert way.refused(order, S.PROCESSING) == "made_elsewhere"
    (receipt,) = _apply(way, _write(order, S.PROCESSING))
    assert receipt.outcome == "rejected"


@pytest.mark.parametrize("other", ["landing_page", "pos"])
def test_what_does_not_flow_cannot_be_moved_from_outside(way: Way, other: str) -> None:
    order = way.order("L-1", kind=other)
    (receipt,) = _apply(way, _write(order, S.SHIPPED))
    assert receipt.outcome == "missing"


def test_the_later_act_of_the_sub_store_counts(way: Way) -> None:
    order = way.order("W-1")
    way.say(order, S.READY_TO_SHIP)
    way.say_there(order, S.ON_HOLD, at=datetime.now(UTC) + timedelta(minutes=1))
    way.work()
    assert way.stands(order) == ("on_hold", "on_hold")
    assert way.changes() == [("done", "OVERTAKEN")]
    for one in way.ways(order):
        assert one.conflict is not None
        assert (one.conflict["wanted"], one.conflict["wanted_side"], one.conflict["stands"]) == (
            "ready_to_ship",
            "main",
            "on_hold",
        )


def test_the_later_act_of_the_main_store_counts(way: Way) -> None:
    order = way.order("W-1")
    way.say_there(order, S.ON_HOLD, at=datetime.now(UTC) - timedelta(minutes=1))
    way.say(order, S.READY_TO_SHIP)
    way.work()
    assert way.stands(order) == ("ready_to_ship", "ready_to_ship")
    for one in way.ways(order):
        assert one.conflict is not None
        assert (one.conflict["wanted"], one.conflict["wanted_by"], one.conflict["stands"]) == (
            "on_hold",
            "Bala",
            "ready_to_ship",
        )


def test_the_next_move_leaves_the_conflict_behind(way: Way) -> None:
    order = way.order("W-1")
    way.say_there(order, S.ON_HOLD, at=datetime.now(UTC) - timedelta(minutes=1))
    way.say(order, S.READY_TO_SHIP)
    way.work()
    way.say(order, S.SHIPPED)
    way.work()
    assert [one.conflict for one in way.ways(order)] == [None, None]


@pytest.mark.parametrize("finished", [S.COMPLETED, S.CANCELLED])
def test_what_is_finished_is_never_opened_again(way: Way, finished: OrderStatus) -> None:
    order = way.order("W-1")
    way.say_there(order, finished, at=datetime.now(UTC) - timedelta(hours=1))
    way.say(order, S.ON_HOLD)
    way.work()
    assert way.stands(order) == (finished, finished)
    assert way.changes() == [("done", "OVERTAKEN")]
    assert (way.ways(order)[1].conflict or {})["outcome"] == "table"


def test_a_lost_answer_is_recognised(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    order = way.order("W-1")
    usual = LinkedStore.move_orders
    lost: list[int] = []

    def lose(self: LinkedStore, writes: Sequence[MoveWrite], *more: Any) -> tuple[Receipt, ...]:
        receipts = usual(self, writes, *more)
        if not lost:
            lost.append(1)
            raise Unavailable("the answer was lost", maybe_done=True)
        return receipts

    monkeypatch.setattr(LinkedStore, "move_orders", lose)
    way.say(order, S.SHIPPED, tracking_number="MY1")
    way.work()
    assert way.changes() == [("planned", "SOURCE_DOWN")]
    assert way.stands(order) == ("shipped", "processing")
    way.main.hurry()
    way.work()
    assert way.changes() == [("done", None)]
    assert way.stands(order) == ("shipped", "shipped")
    kept = way.ways(order)[0]
    assert (kept.version, kept.conflict) == (1, None)


def test_the_sub_store_moving_on_in_between_changes_nothing_about_it(way: Way) -> None:
    """What was made and answered is made, whatever came after it."""
    order = way.order("W-1")
    write = _write(order, S.READY_TO_SHIP)
    assert [one.outcome for one in _apply(way, write)] == ["done"]
    way.say_there(order, S.ON_HOLD)
    assert [one.outcome for one in _apply(way, write)] == ["done"]
    assert way.stands(order)[0] == "on_hold"


def test_a_worker_that_died_between_making_and_recording_makes_nothing_twice(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = way.order("W-1")
    way.say(order, S.READY_TO_SHIP)
    job = way.main.job().id
    usual = carrying._record

    def die(*_rest: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(carrying, "_record", die)
    steps = way.main.steps(job)
    with pytest.raises(KeyboardInterrupt):
        list(steps)
    assert way.stands(order) == ("ready_to_ship", "processing")
    assert way.changes() == [("sending", None)]
    monkeypatch.setattr(carrying, "_record", usual)
    way.main.execute("update sync_jobs set lease_until = now() - interval '1 second'")
    way.work()
    assert way.changes() == [("done", None)]
    assert way.ways(order)[0].version == 1


def test_a_worker_that_slept_past_its_lease_moves_nothing(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    order = way.order("W-1")
    way.say(order, S.READY_TO_SHIP)
    job = way.main.job().id
    usual = LinkedStore.move_orders

    def sleep(self: LinkedStore, writes: Sequence[MoveWrite], *more: Any) -> tuple[Receipt, ...]:
        way.main.execute("update sync_jobs set lease_until = now() - interval '1 second', fence = fence + 1")
        return usual(self, writes, *more)

    monkeypatch.setattr(LinkedStore, "move_orders", sleep)
    with pytest.raises(Exception, match="job"):
        list(way.main.steps(job))
    assert way.stands(order) == ("processing", "processing")
    monkeypatch.setattr(LinkedStore, "move_orders", usual)
    way.work()
    assert way.stands(order) == ("ready_to_ship", "ready_to_ship")


def test_a_suspended_link_keeps_what_was_said_until_it_goes_on(way: Way, place: Place) -> None:
    order = way.order("W-1")
    place("suspended")
    way.say(order, S.READY_TO_SHIP)
    way.main.tick()
    way.work()
    assert way.stands(order) == ("processing", "processing")
    assert way.changes() == [("planned", None)]
    place("connected")
    way.main.tick()
    way.work()
    assert way.stands(order) == ("ready_to_ship", "ready_to_ship")


def test_an_ended_link_gives_up_what_was_said(way: Way, place: Place) -> None:
    order = way.order("W-1")
    place("suspended")
    way.say(order, S.READY_TO_SHIP)
    place("ended")
    assert way.changes() == [("dropped", "LINK_ENDED")]
    assert way.refused(order, S.READY_TO_SHIP) == "ended"
    place("connected")
    way.main.tick()
    way.work()
    assert way.stands(order) == ("processing", "processing")


@pytest.mark.parametrize("state", ["pending", "denied", "suspended", "ended"])
def test_nothing_is_moved_without_a_granted_link(way: Way, place: Place, state: str) -> None:
    order = way.order("W-1")
    place(state)
    with pytest.raises(Exception, match="link"):
        _apply(way, _write(order, S.SHIPPED))
    assert way.stands(order)[0] == "processing"


def test_another_main_store_moves_nothing(way: Way, make: Make) -> None:
    order, stranger = way.order("W-1"), make.store()
    peer = LinkedPeer(way.main.app, stranger.id, way.sub.store.id)
    with way.main.app.app_context(), store_scope(stranger.id), pytest.raises(Exception, match="link"):
        peer.apply_moves([_write(order, S.SHIPPED)], lambda: None)
    assert way.stands(order)[0] == "processing"


def test_many_moves_cost_as_many_statements_as_one(way: Way) -> None:
    orders = [way.order(f"W-{number}") for number in range(6)]
    with way.main.app.app_context(), statements() as of_one:
        _apply(way, _write(orders[0], S.READY_TO_SHIP))
    with way.main.app.app_context(), statements() as of_many:
        _apply(way, *(_write(order, S.READY_TO_SHIP) for order in orders[1:]))
    assert {way.stands(order)[0] for order in orders} == {"ready_to_ship"}
    assert len(of_many) == len(of_one)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(S.SHIPPED, S.ON_HOLD), (S.CANCELLED, S.SHIPPED), (S.ON_HOLD, S.CANCELLED)]
)
def test_both_stores_move_at_once(way: Way, ours: OrderStatus, theirs: OrderStatus) -> None:
    order = way.order("W-1")
    way.say(order, ours)
    ready = threading.Barrier(2)

    def press() -> None:
        ready.wait()
        with suppress(Mistakes, CannotPack):  # the other one was faster, and from there it cannot go on
            way.say_there(order, theirs)

    def carry() -> None:
        ready.wait()
        way.work()

    threads = [threading.Thread(target=one) for one in (press, carry)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    way.main.hurry()
    way.work()
    way.main.check()
    kept, here = way.ways(order)
    assert way.stands(order)[0] == way.stands(order)[1] in {ours, theirs}
    assert (kept.version, kept.person, kept.moved_at) == (here.version, here.person, here.moved_at)
    ((state, reason),) = way.changes()
    assert state == "done"
    assert (reason == "OVERTAKEN") <= (way.stands(order)[0] == theirs and kept.conflict is not None)


def _waiting(way: Way) -> list[str]:
    """The orders of which the main store has still to hear."""
    with way.sub.scope():
        return list(outbox.news(100).order_ids)


def _write(order: int, status: OrderStatus) -> MoveWrite:
    return MoveWrite(f"move:{order}", str(order), status, "", "", "", datetime.now(UTC), 0, "Aminah")


def _apply(way: Way, *writes: MoveWrite) -> tuple[Receipt, ...]:
    peer = LinkedPeer(way.main.app, way.main.store.id, way.sub.store.id)
    with way.main.app.app_context():
        return peer.apply_moves(writes, lambda: None)
