"""The ledger of stock: what is written adds up, happens once, and never promises a piece twice."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.catalog.items import HoldsStock, ItemFacts, NoSuchItem, save_item
from app.catalog.stock import KitHoldsNoStock, Oversold, move
from app.catalog.stock_queries import changed_since
from app.core.stock import Kind, Level, Movement, NotReserved
from app.extensions import db
from tests.catalog.shelves import Shelves
from tests.orders.factories import Books, statements
from tests.support.factories import SomeStore

STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which item
        st.integers(0, 1),  # which warehouse
        st.sampled_from([Kind.ADJUST, Kind.RECEIVE, Kind.RESERVE, Kind.RELEASE, Kind.SHIP, Kind.PUSH]),
        st.integers(0, 6),
        st.integers(0, 4),  # which key; 0 is none
    ),
    max_size=14,
)
_examples = itertools.count(1)


def a_movement(item_id: int, location_id: int, kind: Kind, pieces: int, key: str | None) -> Movement:
    amounts: dict[Kind, dict[str, Any]] = {
        Kind.ADJUST: {"on_hand_to": pieces},
        Kind.PUSH: {"on_hand_to": pieces},
        Kind.RECEIVE: {"on_hand": pieces},
        Kind.RESERVE: {"reserved": pieces},
        Kind.RELEASE: {"reserved": -pieces},
        Kind.SHIP: {"on_hand": -pieces, "reserved": -pieces},
    }
    return Movement(item_id, location_id, kind, key=key, **amounts[kind])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=st.lists(STEPS, max_size=4))
def test_levels_are_the_sum_of_their_movements(
    stocked: tuple[Shelves, list[int], list[int]], pages: list[list[tuple[int, int, Kind, int, int]]]
) -> None:
    shelves, items, places = stocked
    example, used = next(_examples), set[str | None]()
    for page in pages:
        wanted = [
            a_movement(items[item], places[place], kind, pieces, f"{example}-{kind}-{key}" if key else None)
            for item, place, kind, pieces, key in page
        ]
        before = shelves.levels()
        try:
            moved = shelves.move(*wanted)
        except (Oversold, NotReserved):
            assert shelves.levels() == before, "a page that is refused leaves nothing behind"
            continue
        new = [one.movement.key for one in moved if one.is_new and one.movement.key]
        assert len(new) == len(set(new)) and used.isdisjoint(new), "a key counts once"
        used |= set(new)
        again = shelves.move(*(one for one in wanted if one.key))
        assert not any(one.is_new for one in again), "and not once more when it is asked for again"
        assert shelves.levels() == shelves.sums()
        assert all(level.reserved >= 0 for level in shelves.levels().values())


@pytest.fixture
def stocked(books: Books, shelves: Shelves) -> tuple[Shelves, list[int], list[int]]:
    """Three items in two warehouses; each example goes on where the last one ended."""
    items = [books.item(f"A{number}") for number in range(3)]
    return shelves, items, [shelves.main, shelves.warehouse("Shop floor")]


def in_threads(*works: Callable[[], object]) -> list[object]:
    """Run these at the same moment; what each returned or raised."""
    ready = threading.Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        ready.wait(10)
        try:
            return work()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(one, works))


def test_of_two_who_want_the_last_piece_one_gets_it(books: Books, shelves: Shelves) -> None:
    for number in range(5):
        item = books.item(f"LAST-{number}")
        shelves.put(item, 1)
        wanted = [Movement(item, shelves.main, Kind.RESERVE, reserved=1, key=f"{number}-{buyer}") for buyer in "AB"]
        ends = in_threads(*(lambda one=one: shelves.move(one) for one in wanted))
        refused = [end for end in ends if isinstance(end, Oversold)]
        assert len(refused) == 1 and refused[0].sku == f"LAST-{number}", ends
        assert shelves.level(item) == Level(1, 1)


def test_a_key_that_comes_twice_at_the_same_moment_counts_once(books: Books, shelves: Shelves) -> None:
    item = books.item("TWICE")
    one = Movement(item, shelves.main, Kind.RECEIVE, on_hand=5, key="delivery-7")
    in_threads(*[lambda: shelves.move(one)] * 6)
    assert shelves.level(item) == Level(5, 0)
    assert len(shelves.ledger()) == 1


def test_opposite_orders_of_items_do_not_wait_for_each_other_for_ever(books: Books, shelves: Shelves) -> None:
    items = [books.item(f"RING-{number}") for number in range(20)]
    there = [Movement(item, shelves.main, Kind.RECEIVE, on_hand=1) for item in items]
    ends = in_threads(*[lambda: shelves.move(*there), lambda: shelves.move(*there[::-1])] * 3)
    assert not [end for end in ends if isinstance(end, Exception)]
    assert {shelves.level(item) for item in items} == {Level(6, 0)}
    assert shelves.sums() == shelves.levels()


def test_a_page_with_one_piece_too_many_moves_nothing(books: Books, shelves: Shelves) -> None:
    plenty, scarce = books.item("PLENTY"), books.item("SCARCE")
    shelves.put(plenty, 9)
    with pytest.raises(Oversold) as refused:
        shelves.move(*(Movement(item, shelves.main, Kind.RESERVE, reserved=1) for item in (plenty, scarce)))
    assert (refused.value.sku, refused.value.level) == ("SCARCE", Level())
    assert shelves.level(plenty) == Level(9, 0)


def test_a_kit_and_an_item_of_nobody_hold_no_stock(books: Books, shelves: Shelves, other_store: SomeStore) -> None:
    kit = books.item("KIT", kit=True)
    with pytest.raises(KitHoldsNoStock):
        shelves.put(kit, 1)
    theirs = Books(books.app, other_store).item("THEIRS")
    with pytest.raises(NoSuchItem):
        shelves.put(theirs, 1)


def test_pieces_that_come_in_while_their_item_becomes_a_kit_are_found_or_find_it(
    books: Books, shelves: Shelves, store: SomeStore
) -> None:
    for number in range(4):
        sku = f"KIT-{number}"
        item = books.item(sku)

        def become_a_kit(item: int = item, sku: str = sku) -> None:
            with books.scope():
                save_item(item, ItemFacts(sku, kit=True), 1, store.owner.id)
                db.session.commit()

        ends = in_threads(become_a_kit, lambda item=item: shelves.put(item, 1))  # type: ignore[misc]
        (refused,) = [end for end in ends if end is not None]
        assert isinstance(refused, HoldsStock if shelves.level(item).on_hand else KitHoldsNoStock)


def test_ledger_can_be_written_once_only(books: Books, shelves: Shelves) -> None:
    shelves.put(books.item("INK"), 1)
    for sql in (
        "update stock_movements set on_hand_change = 2",
        "delete from stock_movements",
        "delete from stock_levels",
    ):
        with books.scope(), pytest.raises(ProgrammingError, match="permission denied"):
            db.session.execute(text(sql))


def test_statements_do_not_grow_with_the_movements(books: Books, shelves: Shelves) -> None:
    items = [books.item(f"MANY-{number}") for number in range(30)]

    def cost(count: int) -> int:
        with books.scope(), statements() as seen:
            move(
                [Movement(item, shelves.main, Kind.RECEIVE, on_hand=1, key=f"{count}-{item}") for item in items[:count]]
            )
            db.session.commit()
        return len(seen)

    assert cost(1) == cost(30) <= 8


def test_what_changed_is_read_in_the_order_of_commits_and_once(books: Books, shelves: Shelves) -> None:
    kopi, teh, milo = (books.item(sku) for sku in ("KOPI", "TEH", "MILO"))
    for item in (kopi, teh, milo, kopi):
        shelves.put(item, 2)
    with books.scope():
        first, *rest = changed_since(0, 10)
        assert [first.item_id, *(one.item_id for one in rest)] == [teh, milo, kopi]
        assert [one.available for one in (first, *rest)] == [2, 2, 4]
        assert [one.item_id for one in changed_since(first.seq, 1)] == [milo]
        assert changed_since(rest[-1].seq, 10) == []
    shelves.move(Movement(teh, shelves.main, Kind.RESERVE, reserved=1))
    shelves.move(Movement(milo, shelves.main, Kind.SHIP, on_hand=-1))
    with books.scope():
        assert [(one.item_id, one.available) for one in changed_since(rest[-1].seq, 10)] == [(teh, 1), (milo, 1)]
    shelves.move(Movement(teh, shelves.main, Kind.SHIP, on_hand=-1, reserved=-1))
    with books.scope():
        assert changed_since(rest[-1].seq, 10)[-1].item_id == milo, "what is available did not change"


def test_who_goes_on_from_a_number_misses_nothing_that_commits_later(books: Books, shelves: Shelves) -> None:
    """The second may not draw its number while the first, whose number is smaller, has not committed."""
    early, late = books.item("EARLY"), books.item("LATE")
    drawn, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with books.scope():
            move([Movement(early, shelves.main, Kind.RECEIVE, on_hand=1)])
            drawn.set()
            assert may_end.wait(10)
            db.session.commit()

    def second() -> None:
        assert drawn.wait(10)
        shelves.put(late, 1)

    with ThreadPoolExecutor(2) as threads:
        ends = [threads.submit(first), threads.submit(second)]
        assert drawn.wait(10)
        with books.scope():
            _wait_until_somebody_waits()
            assert changed_since(0, 10) == []
        may_end.set()
        for end in ends:
            end.result(20)
    with books.scope():
        assert [one.item_id for one in changed_since(0, 10)] == [early, late]


def _wait_until_somebody_waits() -> None:
    waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
    for _turn in range(200):
        if db.session.scalar(waiting):
            return
        db.session.execute(text("select pg_sleep(0.05)"))
    raise AssertionError("nobody waits for a turn")
