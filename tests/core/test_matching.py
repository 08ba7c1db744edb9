"""Which item a listing means: by what, how surely, and that nothing is ever guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import matching
from app.core.matching import (
    Candidate,
    Certainty,
    Listed,
    Match,
    Proposal,
    Shelf,
    barcode_key,
    loose_key,
    meanings,
    name_key,
    sku_key,
)

KOPI = Candidate(1, ("KOPI-O",), "9551234567890", "Kopi O", "")


def propose(listing: Listed, items: Sequence[Candidate], others: Sequence[Listed]) -> Proposal | None:
    return matching.propose(listing, Shelf(items), Shelf(others))


def listed(listing_id: int = 10, sku: str = "", isku: str = "", **fields: object) -> Listed:
    plain = Listed(listing_id, tuple(filter(None, (isku, sku))), "", "", "")
    return replace(plain, **fields)  # type: ignore[arg-type]


def test_the_same_sku_is_certain() -> None:
    assert propose(listed(sku="KOPI-O"), [KOPI], []) == Proposal((1,), Match.SKU, Certainty.CERTAIN)
    assert propose(listed(isku=" KOPI-O "), [KOPI], []) == Proposal((1,), Match.SKU, Certainty.CERTAIN)


def test_the_same_barcode_is_certain() -> None:
    found = propose(listed(sku="X", barcode="955-1234567890"), [KOPI], [])
    assert found == Proposal((1,), Match.BARCODE, Certainty.CERTAIN)


@pytest.mark.parametrize("sku", ["kopi-o", "KOPI O", "kopi_o", "ＫＯＰＩ-O"])
def test_a_sku_that_differs_in_case_spaces_or_punctuation_is_likely(sku: str) -> None:
    assert propose(listed(sku=sku), [KOPI], []) == Proposal((1,), Match.ALIKE_SKU, Certainty.LIKELY)


def test_the_same_name_and_variant_are_possible_and_another_variant_is_nothing() -> None:
    red = Candidate(2, ("R",), "", "Mug", "Red")
    assert propose(listed(name="MUG ", variant="red"), [red], []) == Proposal((2,), Match.NAME, Certainty.POSSIBLE)
    assert propose(listed(name="Mug", variant="Blue"), [red], []) is None


def test_a_box_is_not_the_piece_that_has_its_name_but_is_the_item_that_has_its_sku() -> None:
    piece, box = listed(10, sku="K1", name="Kopi O"), listed(11, sku="K12", name="Kopi O", is_pack=True)
    item = Candidate(1, ("KOPI",), "", "Kopi O", "")
    assert propose(box, [item], [piece, box]) is None
    assert propose(piece, [item], [piece, box]) == Proposal((1,), Match.NAME, Certainty.POSSIBLE), "and it is no rival"
    dozen = Candidate(2, ("K12",), "", "Kopi O", "")
    assert propose(box, [item, dozen], [piece, box]) == Proposal((2,), Match.SKU, Certainty.CERTAIN)


def test_two_items_that_answer_are_unclear_and_both_are_named() -> None:
    mug, cup = Candidate(2, ("M",), "", "Mug", ""), Candidate(3, ("C",), "", "mug", "")
    assert propose(listed(name="Mug"), [cup, mug], []) == Proposal((2, 3), Match.NAME, Certainty.UNCLEAR)


def test_sku_and_barcode_of_different_items_are_unclear() -> None:
    other = Candidate(2, ("OTHER",), "9550000000012", "", "")
    found = propose(listed(sku="KOPI-O", barcode="9550000000012"), [KOPI, other], [])
    assert found == Proposal((1, 2), Match.SKU, Certainty.UNCLEAR)


def test_the_same_sku_with_another_barcode_is_only_likely() -> None:
    found = propose(listed(sku="KOPI-O", barcode="9559999999991"), [KOPI], [])
    assert found == Proposal((1,), Match.SKU, Certainty.LIKELY)


def test_two_listings_with_one_sku_are_unclear_for_both() -> None:
    red, blue = listed(10, sku="KOPI-O", isku="RED"), listed(11, sku="KOPI-O", isku="BLUE")
    for one, other in ((red, blue), (blue, red)):
        assert propose(one, [KOPI], [red, other]) == Proposal((1,), Match.SKU, Certainty.UNCLEAR, 1)


def test_a_listing_that_means_another_item_or_refused_this_one_is_no_rival() -> None:
    mine = listed(10, sku="KOPI-O")
    for other in (listed(11, sku="KOPI-O", item_id=7), listed(11, sku="KOPI-O", refused=frozenset({1}))):
        assert propose(mine, [KOPI], [mine, other]) == Proposal((1,), Match.SKU, Certainty.CERTAIN)


def test_a_listing_that_is_linked_to_the_item_already_is_a_rival() -> None:
    found = propose(listed(10, sku="KOPI-O"), [KOPI], [listed(11, sku="KOPI-O", item_id=1)])
    assert found == Proposal((1,), Match.SKU, Certainty.UNCLEAR, 1)


def test_what_was_refused_is_not_proposed_again() -> None:
    assert propose(listed(sku="KOPI-O", refused=frozenset({1})), [KOPI], []) is None


@pytest.mark.parametrize("blank", ["", "0", "N/A", "00000000", "1111111", " - ", "12345"])
def test_what_stands_in_for_no_barcode_is_none(blank: str) -> None:
    assert barcode_key(blank) == ""
    item = Candidate(1, ("A",), blank, "", "")
    assert propose(listed(sku="B", barcode=blank), [item], []) is None


def test_upc_and_ean_of_the_same_goods_are_the_same() -> None:
    assert barcode_key("0 12345 67890 5") == barcode_key("0012345678905")


def test_keys_are_blank_only_for_what_is_blank() -> None:
    assert loose_key("---") == "---"
    assert loose_key("  ") == sku_key(" \t") == name_key("", "Red") == ""


words = st.sampled_from(["", "A1", "a1", "A-1", "a 1", "B2", "b2", "955123456789", "0955123456789", "9550000000019"])
an_item = st.builds(Candidate, st.integers(1, 6), st.tuples(words), words, words, st.sampled_from(["", "Red"]))
refusals = st.frozensets(st.integers(1, 6), max_size=2)
a_listing = st.builds(
    Listed,
    st.integers(10, 16),
    st.tuples(words, words),
    words,
    words,
    st.sampled_from(["", "Red"]),
    st.none() | st.integers(1, 6),
    refusals,
)
some_items = st.lists(an_item, max_size=6, unique_by=lambda item: item.id)
some_listings = st.lists(a_listing, max_size=6, unique_by=lambda listing: listing.id)


@given(a_listing, some_items, some_listings)
def test_a_proposal_is_one_item_that_nobody_refused_or_unclear(
    listing: Listed, items: list[Candidate], others: list[Listed]
) -> None:
    found = propose(listing, items, others)
    if found is None:
        return
    assert found.items
    assert set(found.items) <= {item.id for item in items} - listing.refused
    assert (found.certainty is Certainty.UNCLEAR) == (len(found.items) > 1 or found.rivals > 0)


@given(a_listing, some_items, some_listings, st.randoms())
def test_the_order_of_what_is_looked_at_changes_nothing(
    listing: Listed, items: list[Candidate], others: list[Listed], luck: object
) -> None:
    found = propose(listing, items, others)
    assert propose(listing, items[::-1], others[::-1]) == found


@given(a_listing, some_items, some_listings, an_item)
def test_more_items_never_make_a_proposal_point_elsewhere_with_the_same_certainty(
    listing: Listed, items: list[Candidate], others: list[Listed], more: Candidate
) -> None:
    """An item that comes in may be a stronger likeness or make it unclear; it never replaces an equal one."""
    items = [item for item in items if item.id != more.id]
    before, after = propose(listing, items, others), propose(listing, [*items, more], others)
    if before and after and after.certainty is not Certainty.UNCLEAR and after.match == before.match:
        assert after.items == before.items


@given(some_items, some_listings)
def test_no_two_unlinked_listings_are_certain_of_one_item(items: list[Candidate], listings: list[Listed]) -> None:
    free = [replace(listing, item_id=None, refused=frozenset()) for listing in listings]
    found = [propose(listing, items, free) for listing in free]
    sure = [one.items for one in found if one and one.certainty is Certainty.CERTAIN]
    assert len(sure) == len(set(sure))


@given(a_listing, some_items, some_listings)
def test_what_shares_no_key_may_be_left_out(listing: Listed, items: list[Candidate], others: list[Listed]) -> None:
    """What the database narrows down to is enough."""

    def keys(one: Listed | Candidate) -> set[str]:
        skus = {f"s:{loose_key(sku)}" for sku in one.skus if sku}
        named = name_key(one.name, one.variant)
        return {*skus, f"b:{barcode_key(one.barcode)}", f"n:{named}"} - {"b:", "n:"}

    near = [item for item in items if keys(item) & keys(listing)]
    wanted = {key for item in near for key in keys(item)}
    close = [other for other in others if keys(other) & wanted]
    assert propose(listing, near, close) == propose(listing, items, others)


def test_a_line_means_what_its_linked_listings_mean_before_what_looks_alike() -> None:
    linked = {"a1": frozenset({5})}
    ours = {"a1": frozenset({9}), "b2": frozenset({2})}
    assert meanings(["A1", "B2"], linked, ours) == ((), ())


def test_lines_without_a_meaning_and_with_several_are_told_apart_each_once() -> None:
    linked = {"twice": frozenset({1, 2})}
    found = meanings(["X", "TWICE", " X ", "", "  "], linked, {})
    assert found == (("X",), ("TWICE",))
