"""Orders on their way: what is said of one is said of its packages, counted by its version, and whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from app.core.own_orders import Mistakes, Move
from app.core.packing import CannotPack, Refusal
from app.core.states import OrderState
from app.core.types import OrderStatus
from app.fulfilment import services
from app.fulfilment.house import NotHere
from app.fulfilment.queries import fulfilments_of
from app.own_orders.services import Packed, own_order, replace_order
from tests.fulfilment.making import content, fulfilment, made, packed, status, story
from tests.orders.factories import Books, statements
from tests.support.factories import SomeStore

S = OrderStatus
ONE_KOPI = {1: Decimal(1)}


def run(books: Books, act: Callable[..., None], order: Any, *told: Any, **more: Any) -> None:
    """One act, by the owner."""
    with books.scope():
        act(order, *told, user_id=books.store.owner.id, **more)


def go(books: Books, order_id: int, to: OrderStatus, **more: Any) -> None:
    run(books, services.move, order_id, to, **more)


def split(books: Books, order_id: int, package: str | None = None, taken: dict[int, Decimal] = ONE_KOPI) -> None:
    run(books, services.split, order_id, package, {(order_id, line): many for line, many in taken.items()})


def refused(refusal: Refusal, number: str = "") -> Any:
    return pytest.raises(CannotPack, check=lambda one: (one.refusal, one.order_number) == (refusal, number))


def test_an_order_goes_its_way_and_each_step_is_counted(books: Books) -> None:
    order_id = made(books, status="open")
    assert fulfilment(books, order_id).version == 0
    for number, to in enumerate((S.PROCESSING, S.ON_HOLD, S.READY_TO_SHIP), start=1):
        go(books, order_id, to)
        assert (status(books, order_id), fulfilment(books, order_id).version) == (to, number)
    go(books, order_id, S.SHIPPED, courier="Pos Laju", tracking_number="EM1")
    sent = fulfilment(books, order_id)
    assert (sent.version, sent.moved_by, sent.person) == (4, "here", books.store.owner.name)
    (package,) = sent.packages
    assert (package.number, package.courier, package.tracking_number) == ("PK00001", "Pos Laju", "EM1")
    assert (package.shipped_at, content(package, order_id)) == (sent.moved_at, {1: Decimal(2), 2: Decimal("0.5")})
    go(books, order_id, S.COMPLETED)
    go(books, order_id, S.RETURNED)
    assert (status(books, order_id), fulfilment(books, order_id).version) == (S.RETURNED, 6)
    assert "sent" in story(books, order_id)


def test_what_cannot_follow_is_refused_and_names_what_can(books: Books) -> None:
    order_id = made(books)
    with pytest.raises(Mistakes) as refusal:
        go(books, order_id, S.OPEN)
    (mistake,) = refusal.value.found
    assert mistake.facts == {
        "status": "processing",
        "possible": "ready_to_ship shipped completed on_hold cancelled",
    }
    assert fulfilment(books, order_id).version == 0


def test_to_say_it_twice_does_no_harm(books: Books) -> None:
    order_id = made(books)
    for _press in range(2):
        go(books, order_id, S.SHIPPED, courier="DHL")
    assert fulfilment(books, order_id).version == 1
    go(books, order_id, S.SHIPPED, courier="DHL", tracking_number="9")
    (package,) = fulfilment(books, order_id).packages
    assert (package.courier, package.tracking_number, fulfilment(books, order_id).version) == ("DHL", "9", 2)
    assert story(books, order_id)[-1] == "relabelled"


def test_what_is_split_is_sent_piece_by_piece(books: Books) -> None:
    order_id = made(books)
    split(books, order_id)
    assert packed(books, order_id) == [{1: Decimal(1), 2: Decimal("0.5")}, {1: Decimal(1)}]
    go(books, order_id, S.SHIPPED, package="PK00002")
    assert status(books, order_id) == S.PROCESSING
    go(books, order_id, S.SHIPPED, package="PK00002", courier="DHL")
    assert status(books, order_id) == S.PROCESSING, "once more for the same package only names the courier"
    with refused(Refusal.PARTLY_SENT):
        go(books, order_id, S.CANCELLED)
    go(books, order_id, S.SHIPPED, package="PK00001")
    assert (status(books, order_id), fulfilment(books, order_id).version) == (S.SHIPPED, 4)
    with pytest.raises(Mistakes):
        run(books, services.tell, order_id, Move(status=S.COMPLETED, package="PK00001"))


def test_merged_back_it_is_as_if_nobody_had_packed(books: Books) -> None:
    order_id = made(books)
    split(books, order_id)
    split(books, order_id, "PK00001", {2: Decimal("0.5")})
    assert len(packed(books, order_id)) == 3
    run(books, services.merge, order_id, "PK00003")
    run(books, services.merge, order_id, "PK00002")
    assert (packed(books, order_id), fulfilment(books, order_id).version) == ([], 4)
    assert story(books, order_id)[-4:] == ["split", "split", "merged_back", "merged_back"]


def test_done_sends_what_is_left(books: Books) -> None:
    order_id = made(books)
    split(books, order_id)
    go(books, order_id, S.COMPLETED)
    assert status(books, order_id) == S.COMPLETED
    assert all(package.is_sent for package in fulfilment(books, order_id).packages)


def test_orders_share_a_package_and_leave_together(books: Books) -> None:
    one, other, third = (made(books) for _order in range(3))
    run(books, services.combine, [one, other])
    (shared,) = fulfilment(books, one).packages
    assert fulfilment(books, other).packages == (shared,)
    assert (shared.number, set(shared.order_ids)) == ("PK00001", {one, other})
    assert fulfilment(books, third).version == 0
    go(books, other, S.SHIPPED, courier="DHL")
    assert [status(books, order_id) for order_id in (one, other, third)] == [S.SHIPPED, S.SHIPPED, S.PROCESSING]
    assert [fulfilment(books, order_id).version for order_id in (one, other)] == [2, 2]
    with refused(Refusal.ALREADY_SENT, "SO00001"):
        run(books, services.combine, [third, one])


def test_a_shared_package_stays_while_one_of_its_orders_is_on_hold(books: Books) -> None:
    one, other = made(books), made(books)
    run(books, services.combine, [one, other])
    go(books, other, S.ON_HOLD)
    with refused(Refusal.ON_HOLD, "SO00002"):
        go(books, one, S.SHIPPED)
    run(books, services.separate, one, "PK00001")
    assert (packed(books, one), packed(books, other)) == ([], [])
    go(books, one, S.SHIPPED)
    assert (status(books, one), status(books, other)) == (S.SHIPPED, S.ON_HOLD)


def test_an_order_that_is_cancelled_is_taken_out_of_the_package(books: Books) -> None:
    one, other, third = (made(books) for _order in range(3))
    run(books, services.combine, [one, other, third])
    go(books, other, S.CANCELLED)
    (shared,) = fulfilment(books, one).packages
    assert set(shared.order_ids) == {one, third}
    assert packed(books, other) == []
    go(books, third, S.CANCELLED)
    assert packed(books, one) == [], "it has a package for itself again"


def test_a_shared_package_that_is_split_moves_each_order_when_its_last_part_leaves(books: Books) -> None:
    one, other = made(books), made(books)
    run(books, services.combine, [one, other])
    split(books, one, "PK00001")
    assert packed(books, other) == [{1: Decimal(2), 2: Decimal("0.5")}]
    go(books, one, S.SHIPPED, package="PK00001")
    assert (status(books, one), status(books, other)) == (S.PROCESSING, S.SHIPPED)
    go(books, one, S.SHIPPED)
    assert status(books, one) == S.SHIPPED


def test_an_open_order_is_split_and_not_combined(books: Books) -> None:
    one, other = made(books, status="open"), made(books)
    with refused(Refusal.STILL_OPEN, "SO00001"):
        run(books, services.combine, [other, one])
    split(books, one)
    go(books, other, S.COMPLETED)
    with refused(Refusal.ALREADY_SENT):
        split(books, other)
    assert fulfilment(books, other).version == 1


def test_orders_of_channels_are_packed_there(books: Books) -> None:
    channel = books.channel()
    order_id = books.order(channel, state=OrderState.READY)
    mine = made(books)
    with pytest.raises(NotHere):
        go(books, order_id, S.SHIPPED)
    with pytest.raises(NotHere):
        split(books, order_id)
    with pytest.raises(NotHere):
        run(books, services.combine, [mine, order_id])


def test_what_is_packed_is_not_edited_and_what_is_merged_back_is(books: Books) -> None:
    order_id = made(books)
    split(books, order_id)
    with books.scope():
        row = own_order(order_id)
        assert row is not None
        fewer = replace(row.order, lines=row.order.lines[:1])
        with pytest.raises(Packed):
            replace_order(order_id, fewer, None)
        replace_order(order_id, replace(row.order, note="Ring the bell"), None)
    run(books, services.merge, order_id, "PK00002")
    with books.scope():
        replace_order(order_id, fewer, None)


def test_who_shares_a_package_stays_where_he_lives(books: Books) -> None:
    one, other = made(books), made(books)
    run(books, services.combine, [one, other])
    with books.scope():
        row = own_order(one)
        assert row is not None
        moved = replace(row.order, buyer={**row.order.buyer, "address": "2, Jalan Besar"})
        with pytest.raises(Packed):
            replace_order(one, moved, None)


def test_two_who_pack_at_the_same_moment_take_turns(app: Flask, books: Books) -> None:
    order_id = made(books)

    def press(_number: int) -> str:
        try:
            split(books, order_id)
        except CannotPack as problem:
            return str(problem.refusal)
        return "split"

    with ThreadPoolExecutor(4) as pool:
        came = sorted(pool.map(press, range(4)))
    assert came == ["no_such_package"] * 3 + ["split"]
    assert packed(books, order_id) == [{1: Decimal(1), 2: Decimal("0.5")}, {1: Decimal(1)}]


def test_two_who_send_at_the_same_moment_send_once(app: Flask, books: Books) -> None:
    one, other = made(books), made(books)
    run(books, services.combine, [one, other])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: go(books, (one, other)[number % 2], S.SHIPPED), range(4)))
    assert [fulfilment(books, order_id).version for order_id in (one, other)] == [2, 2]
    assert story(books, one).count("sent") == story(books, other).count("sent") == 1


def test_many_orders_are_read_by_two_statements(books: Books, store: SomeStore) -> None:
    orders = [made(books) for _order in range(4)]
    run(books, services.combine, orders[:2])
    split(books, orders[2])
    with books.scope(), statements() as seen:
        found = fulfilments_of(orders)
    assert len([one for one in seen if "set_config" not in one]) == 2
    assert [len(found[order_id].packages) for order_id in orders] == [1, 1, 2, 0]
