"""What the counts of a channel's branches come to in our warehouses, and which price an item gets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.core.counted import Count, Price, agreed_prices, counted, whole_pieces

ITEM, OTHER = 1, 2
HANOI, SAIGON = 11, 12
SHELF, VAN = 101, 102


def count(listing_id: int, on_hand: str, *, item: int = ITEM, branch: int = HANOI, location: int = SHELF) -> Count:
    return Count(listing_id, item, branch, location, Decimal(on_hand))


@pytest.mark.parametrize(("told", "held"), [("7", 7), ("2.9", 2), ("0.5", 0), ("0", 0), ("-3", 0), ("-0.5", 0)])
def test_only_whole_pieces_that_are_there_are_held(told: str, held: int) -> None:
    assert whole_pieces(Decimal(told)) == held


def test_each_warehouse_holds_what_its_branch_counts() -> None:
    told = counted([count(5, "3"), count(5, "4", branch=SAIGON, location=VAN), count(6, "9", item=OTHER)])
    assert told.pieces == {(ITEM, SHELF): 3, (ITEM, VAN): 4, (OTHER, SHELF): 9}
    assert not told.contradicted


def test_branches_that_share_a_warehouse_are_counted_together_and_halves_are_not_made_whole() -> None:
    told = counted([count(5, "3.5"), count(5, "4.5", branch=SAIGON)])
    assert told.pieces == {(ITEM, SHELF): 7}


def test_two_listings_of_one_item_in_one_branch_are_a_contradiction_and_nothing_is_taken() -> None:
    told = counted([count(5, "3"), count(6, "3"), count(6, "8", branch=SAIGON, location=VAN)])
    assert told.pieces == {(ITEM, VAN): 8}
    assert told.contradicted == {(ITEM, SHELF)}


def test_a_price_on_which_the_listings_agree_is_the_items() -> None:
    one = Decimal(1)
    assert agreed_prices([Price(ITEM, one, 500), Price(ITEM, one, 500), Price(OTHER, one, 70)]) == {
        ITEM: 500,
        OTHER: 70,
    }
    assert agreed_prices([Price(ITEM, one, 500), Price(ITEM, one, 600)]) == {}


def test_a_box_does_not_price_the_piece() -> None:
    box, piece = Price(ITEM, Decimal(12), 5500), Price(ITEM, Decimal(1), 500)
    assert agreed_prices([box, piece]) == agreed_prices([piece, box]) == {ITEM: 500}
    assert agreed_prices([box]) == {ITEM: 5500}, "an item that is a box costs what the box costs"
