"""What orders hold of the stock: always what they should hold as they stand last, whatever came before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.reserving import Case, Hold, Holding, Lack, Need, Settled, Why, pieces_of, settle, wanted
from app.core.stock import Kind, Level, Movement, level_after
from app.core.types import OrderStatus, PaymentStatus

S, P = OrderStatus, PaymentStatus
SHOP, BARN = 1, 2
SKUS = {"KOPI": 10, "TEH": 20, "Mug ": 30}
"""What the SKUs of the tests mean, unless a test says otherwise."""


@dataclass
class House:
    """A ledger, the levels that it adds up to, and orders that are settled again and again."""

    levels: dict[tuple[int, int], Level] = field(default_factory=dict)
    ledger: list[Movement] = field(default_factory=list)

    def put(self, item_id: int, pieces: int, place: int = SHOP) -> House:
        self.apply(Movement(item_id, place, Kind.RECEIVE, on_hand=pieces))
        return self

    def apply(self, movement: Movement) -> None:
        place = (movement.item_id, movement.location_id)
        self.levels[place] = level_after(self.levels.get(place, Level()), movement)
        self.ledger.append(movement)

    def holdings(self, order_id: int) -> tuple[Holding, ...]:
        found: dict[tuple[str, int, int], Holding] = {}
        for one in self.ledger:
            if one.order_id == order_id:
                key = (one.order_sku, one.item_id, one.location_id)
                was = found.get(key, Holding(*key))
                found[key] = replace(was, taken=was.taken - one.on_hand, reserved=was.reserved + one.reserved)
        return tuple(one for one in found.values() if one.taken or one.reserved)

    def settle(self, *cases: Case) -> Settled:
        done = settle([replace(case, holdings=self.holdings(case.order_id)) for case in cases], self.levels)
        for one in done.movements:
            self.apply(one)
        return done

    def held(self, order_id: int = 1) -> dict[int, tuple[int, int]]:
        """Item → pieces taken out and pieces reserved."""
        found: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for one in self.holdings(order_id):
            taken, reserved = found[one.item_id]
            found[one.item_id] = (taken + one.taken, reserved + one.reserved)
        return dict(found)


def need(sku: str, pieces: int, item_id: int | None = 0) -> Need:
    return Need(sku, pieces, SKUS[sku] if item_id == 0 else item_id)


def case(hold: Hold, *needs: Need, order_id: int = 1, place: int = SHOP) -> Case:
    return Case(order_id, place, hold, needs)


@pytest.mark.parametrize("status", [S.OPEN, S.PROCESSING, S.READY_TO_SHIP, S.ON_HOLD])
@pytest.mark.parametrize(
    ("payment", "hold"),
    [
        (P.PAID, Hold.RESERVED),
        (P.PARTLY_REFUNDED, Hold.RESERVED),
        (P.UNPAID, Hold.FREED),
        (P.REFUNDED, Hold.FREED),
        (P.UNKNOWN, Hold.KEPT),
    ],
)
def test_before_it_is_sent_only_what_is_paid_for_is_promised(
    status: OrderStatus, payment: PaymentStatus, hold: Hold
) -> None:
    assert wanted(status, payment) == hold


@pytest.mark.parametrize("payment", list(P))
def test_what_was_sent_cancelled_or_not_understood_says_so_whatever_the_payment(payment: PaymentStatus) -> None:
    assert {wanted(status, payment) for status in (S.SHIPPED, S.COMPLETED)} == {Hold.TAKEN}
    assert {wanted(status, payment) for status in (S.CANCELLED, S.RETURNED)} == {Hold.NOTHING}
    assert wanted(S.UNKNOWN, payment) == Hold.KEPT


@pytest.mark.parametrize(
    ("quantities", "pieces"), [(["2"], 2), (["0.5"], 1), (["0.5", "0.5"], 1), (["1.2", "1"], 3), (["-1"], 0), ([], 0)]
)
def test_a_piece_that_is_started_counts_as_one(quantities: list[str], pieces: int) -> None:
    assert pieces_of(map(Decimal, quantities)) == pieces


def test_one_order_goes_the_whole_way() -> None:
    house = House().put(10, 5)
    two = need("KOPI", 2)
    seen = []
    for hold in (Hold.RESERVED, Hold.RESERVED, Hold.TAKEN, Hold.TAKEN, Hold.FREED, Hold.NOTHING, Hold.NOTHING):
        house.settle(case(hold, two))
        seen.append(house.levels[10, SHOP])
    assert seen == [Level(5, 2), Level(5, 2), Level(3), Level(3), Level(3), Level(5), Level(5)]
    assert [one.kind for one in house.ledger] == [Kind.RECEIVE, Kind.RESERVE, Kind.SHIP, Kind.RETURN]


def test_what_was_never_promised_can_be_sent_all_the_same() -> None:
    house = House().put(10, 1)
    assert house.settle(case(Hold.TAKEN, need("KOPI", 3))).lacks == ()
    assert house.levels[10, SHOP] == Level(-2)


def test_of_two_who_want_the_last_piece_the_first_gets_it() -> None:
    house = House().put(10, 1)
    first, second = case(Hold.RESERVED, need("KOPI", 1)), case(Hold.RESERVED, need("KOPI", 1), order_id=2)
    assert house.settle(first, second).lacks == (Lack(2, "KOPI", 10, 1, Why.OVERSOLD),)
    house.put(10, 1)
    assert house.settle(second).lacks == ()
    assert house.levels[10, SHOP] == Level(2, 2)


def test_what_one_gives_back_is_there_for_an_older_one() -> None:
    house = House().put(10, 1)
    house.settle(case(Hold.RESERVED, need("KOPI", 1), order_id=2))
    older, younger = case(Hold.RESERVED, need("KOPI", 1)), case(Hold.NOTHING, need("KOPI", 1), order_id=2)
    assert house.settle(older, younger).lacks == ()
    assert house.held(1) == {10: (0, 1)}


def test_an_item_of_an_order_is_promised_as_a_whole_or_not_at_all() -> None:
    house = House().put(10, 2).put(20, 1)
    done = house.settle(case(Hold.RESERVED, need("KOPI", 3), need("TEH", 1)))
    assert done.lacks == (Lack(1, "KOPI", 10, 3, Why.OVERSOLD),)
    assert house.held() == {20: (0, 1)}


def test_more_and_fewer_pieces_follow_an_edit() -> None:
    house = House().put(10, 3)
    house.settle(case(Hold.RESERVED, need("KOPI", 2)))
    assert house.settle(case(Hold.RESERVED, need("KOPI", 4))).lacks == (Lack(1, "KOPI", 10, 2, Why.OVERSOLD),)
    assert house.held() == {10: (0, 2)}, "what it has already is not taken away"
    house.settle(case(Hold.RESERVED, need("KOPI", 1)))
    house.settle(case(Hold.TAKEN, need("KOPI", 3)))
    house.settle(case(Hold.TAKEN, need("KOPI", 2)))
    assert house.held() == {10: (2, 0)}


def test_a_line_that_is_taken_out_gives_back_what_it_held() -> None:
    house = House().put(10, 3).put(20, 3)
    house.settle(case(Hold.TAKEN, need("KOPI", 1), need("TEH", 1)))
    house.settle(case(Hold.TAKEN, need("TEH", 1)))
    assert house.held() == {20: (1, 0)}


def test_a_sku_that_means_nothing_lacks_until_it_is_linked() -> None:
    house = House().put(10, 3)
    for hold in (Hold.RESERVED, Hold.TAKEN):
        unlinked = case(hold, need("KOPI", 2, None))
        assert house.settle(unlinked).lacks == (Lack(1, "KOPI", None, 2, Why.UNLINKED),)
    house.settle(case(Hold.TAKEN, need("KOPI", 2)))
    assert house.held() == {10: (2, 0)}


def test_a_sku_that_is_unlinked_later_means_what_it_was_promised_for() -> None:
    house = House().put(10, 3)
    house.settle(case(Hold.RESERVED, need("KOPI", 2)))
    for hold, held in ((Hold.RESERVED, (0, 2)), (Hold.TAKEN, (2, 0)), (Hold.TAKEN, (2, 0))):
        assert house.settle(case(hold, need("KOPI", 2, None))).lacks == ()
        assert house.held() == {10: held}


def test_a_promise_follows_a_link_and_what_was_sent_does_not() -> None:
    house = House().put(10, 3).put(99, 3)
    house.settle(case(Hold.RESERVED, need("KOPI", 2)))
    house.settle(case(Hold.RESERVED, need("KOPI", 2, 99)))
    assert house.held() == {99: (0, 2)}
    house.settle(case(Hold.TAKEN, need("KOPI", 2, 99)))
    house.settle(case(Hold.TAKEN, need("KOPI", 2, 10)))
    assert house.held() == {99: (2, 0)}


def test_another_warehouse_serves_what_is_still_to_be_sent() -> None:
    house = House().put(10, 3).put(10, 3, BARN)
    house.settle(case(Hold.TAKEN, need("KOPI", 1)), case(Hold.RESERVED, need("KOPI", 2), order_id=2))
    for order_id, hold in ((1, Hold.TAKEN), (2, Hold.RESERVED)):
        house.settle(case(hold, need("KOPI", order_id), order_id=order_id, place=BARN))
    assert house.levels == {(10, SHOP): Level(2), (10, BARN): Level(3, 2)}
    house.settle(case(Hold.NOTHING, order_id=1, place=BARN))
    assert house.levels[10, SHOP] == Level(3), "what comes back comes back to where it lay"


def test_of_a_kit_nothing_lacks_and_nothing_is_held() -> None:
    house = House()
    for hold in Hold:
        assert house.settle(case(hold, Need("SET", 1, None, is_kit=True))) == Settled((), ())


def test_two_skus_of_one_item_do_not_stand_in_for_each_other() -> None:
    house = House().put(10, 3)
    done = house.settle(case(Hold.RESERVED, need("KOPI", 2), need("TEH", 2, 10)))
    assert done.lacks == (Lack(1, "TEH", 10, 2, Why.OVERSOLD),)
    house.settle(case(Hold.RESERVED, need("TEH", 2, 10)))
    assert house.held() == {10: (0, 2)}


def lacking_of(done: Settled) -> dict[tuple[int, str], int]:
    """How many pieces each order lacks, by SKU."""
    return {(lack.order_id, lack.sku): lack.pieces for lack in done.lacks}


lines = st.dictionaries(st.sampled_from(list(SKUS)), st.integers(1, 3), max_size=3)
acts = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(list(S)), st.sampled_from(list(P)), lines, st.booleans()),
    max_size=25,
)


@given(acts=acts)
def test_whatever_happened_the_last_state_counts(
    acts: list[tuple[int, OrderStatus, PaymentStatus, dict[str, int], bool]],
) -> None:
    house = House().put(10, 99).put(20, 99).put(30, 99)
    should: dict[int, tuple[dict[str, int], dict[str, int]]] = {}
    for order_id, status, payment, wants, twice in acts:
        hold = wanted(status, payment)
        now = case(hold, *(need(sku, pieces) for sku, pieces in wants.items()), order_id=order_id)
        assert house.settle(now).lacks == ()
        if twice:
            assert house.settle(now) == Settled((), ())
        taken, _reserved = should.get(order_id, ({}, {}))
        match hold:
            case Hold.NOTHING:
                should[order_id] = ({}, {})
            case Hold.FREED:
                should[order_id] = (taken, {})
            case Hold.RESERVED:
                should[order_id] = ({}, wants)
            case Hold.TAKEN:
                should[order_id] = (wants, {})
    for sku, item_id in SKUS.items():
        out = sum(taken.get(sku, 0) for taken, _ in should.values())
        promised = sum(reserved.get(sku, 0) for _, reserved in should.values())
        assert house.levels[item_id, SHOP] == Level(99 - out, promised)


@given(acts=acts, arrivals=st.lists(st.integers(0, 4), min_size=25, max_size=25), items=st.integers(0, 2))
def test_nothing_is_promised_twice_and_what_lacks_is_told(
    acts: list[tuple[int, OrderStatus, PaymentStatus, dict[str, int], bool]], arrivals: list[int], items: int
) -> None:
    house, cases = House(), dict[int, Case]()
    for (order_id, status, payment, wants, _), arrived in zip(acts, arrivals, strict=False):
        house.put(10 * (items + 1), arrived)
        meant = {sku: item_id if arrived else None for sku, item_id in SKUS.items()}
        needs = (need(sku, pieces, meant[sku]) for sku, pieces in wants.items())
        cases[order_id] = case(wanted(status, payment), *needs, order_id=order_id)
        done = house.settle(*cases.values())
        again = house.settle(*cases.values())
        assert again.movements == (), "settling again changes nothing"
        assert lacking_of(again) == lacking_of(done)
        promised = {(one.item_id, one.location_id) for one in done.movements if one.kind is Kind.RESERVE}
        assert all(house.levels[place].available >= 0 for place in promised)
        assert all(level.reserved >= 0 for level in house.levels.values())
        assert all(lack.pieces > 0 for lack in done.lacks)
        lacking = lacking_of(done)
        for one in cases.values():
            if one.hold in (Hold.RESERVED, Hold.TAKEN):
                holds: defaultdict[str, int] = defaultdict(int)
                for held in house.holdings(one.order_id):
                    holds[held.sku] += held.taken + held.reserved
                for need_ in one.needs:
                    assert holds[need_.sku] + lacking.get((one.order_id, need_.sku), 0) == need_.pieces
