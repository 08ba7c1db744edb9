"""Packages: all together hold what was ordered, whatever is done with them, and what was sent stays as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.packing import (
    CannotPack,
    Package,
    PackageKey,
    PackageLine,
    Packages,
    Parcel,
    Refusal,
    combine,
    is_whole,
    joins,
    merge_back,
    packages_of,
    relabel,
    separate,
    ship,
    split,
    status_after,
    take_out,
    why_not_combined,
    why_not_together,
)
from app.core.types import OrderStatus

S = OrderStatus
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
BUYER = {"name": "Mei Ling", "phone": "012-345 6789", "address": "1, Jalan Besar", "postcode": "50000"}


def line(order_id: int, line_no: int, quantity: str) -> PackageLine:
    return PackageLine(order_id, f"SO{order_id}", line_no, Decimal(quantity))


def whole(order_id: int) -> Package:
    return Package(f"P{order_id}", (line(order_id, 1, "3"), line(order_id, 2, "0.5")))


def parcel(
    order_id: int, status: OrderStatus = S.PROCESSING, *packages: Package, buyer: dict[str, str] | None = None
) -> Parcel:
    return Parcel(order_id, f"SO{order_id}", status, BUYER | (buyer or {}), packages or (whole(order_id),))


def content(packages: Packages) -> Mapping[PackageKey, Decimal]:
    held: Counter[PackageKey] = Counter()
    for package in packages:
        for one in package.lines:
            held[one.key] += one.quantity  # type: ignore[assignment]
    return held  # type: ignore[return-value]


def refused(refusal: Refusal) -> Any:
    return pytest.raises(CannotPack, match=f"^{refusal}$")


def test_a_split_takes_what_is_said_and_leaves_the_rest() -> None:
    first, second = split((whole(1),), "P1", {(1, 1): Decimal(1), (1, 2): Decimal("0.5")}, "P2")
    assert (first.number, first.lines) == ("P1", (line(1, 1, "2"),))
    assert (second.number, second.lines) == ("P2", (line(1, 1, "1"), line(1, 2, "0.5")))


@pytest.mark.parametrize(
    ("taken", "refusal"),
    [
        ({}, Refusal.NOTHING_TAKEN),
        ({(1, 1): Decimal(0)}, Refusal.NOTHING_TAKEN),
        ({(1, 1): Decimal(3), (1, 2): Decimal("0.5")}, Refusal.NOTHING_LEFT),
        ({(1, 1): Decimal("3.0001")}, Refusal.TOO_MUCH),
        ({(1, 1): Decimal(-1)}, Refusal.TOO_MUCH),
        ({(1, 3): Decimal(1)}, Refusal.TOO_MUCH),
        ({(2, 1): Decimal(1)}, Refusal.TOO_MUCH),
    ],
)
def test_a_split_that_cannot_be_is_refused(taken: dict[PackageKey, Decimal], refusal: Refusal) -> None:
    with refused(refusal):
        split((whole(1),), "P1", taken, "P2")


def test_an_order_has_no_endless_packages() -> None:
    packages: Packages = (Package("P0", (line(1, 1, "100"),)),)
    with refused(Refusal.TOO_MANY):
        for number in range(100):
            packages = split(packages, "P0", {(1, 1): Decimal(1)}, f"P{number + 1}")


def test_what_was_split_is_merged_back() -> None:
    packages = split((whole(1),), "P1", {(1, 1): Decimal(1)}, "P2")
    assert merge_back(packages, "P2") == (whole(1),)
    assert joins(packages, "P1") == "P2"
    with refused(Refusal.NOTHING_TO_JOIN):
        merge_back((whole(1), whole(2)), "P1")


def test_what_was_sent_is_neither_split_nor_merged_nor_sent_again() -> None:
    packages = ship(split((whole(1),), "P1", {(1, 1): Decimal(1)}, "P2"), "P2", "Pos Laju", "EM1", NOW)
    assert (packages[1].courier, packages[1].tracking_number, packages[1].shipped_at) == ("Pos Laju", "EM1", NOW)
    with refused(Refusal.ALREADY_SENT):
        merge_back(packages, "P2")
    with refused(Refusal.NOTHING_TO_JOIN):
        merge_back(packages, "P1")
    with refused(Refusal.ALREADY_SENT):
        split(packages, "P2", {(1, 1): Decimal("0.5")}, "P3")
    with refused(Refusal.ALREADY_SENT):
        ship(packages, "P2", "", "", NOW)
    with refused(Refusal.NO_SUCH_PACKAGE):
        ship(packages, "P9", "", "", NOW)
    with refused(Refusal.PARTLY_SENT):
        take_out(packages, 1)
    assert relabel(packages, "P2", "DHL", "1")[1].courier == "DHL"
    with refused(Refusal.NOT_SENT_YET):
        relabel(packages, "P1", "DHL", "1")


def test_an_order_is_sent_when_its_last_package_is() -> None:
    packages = split((whole(1),), "P1", {(1, 1): Decimal(1)}, "P2")
    assert status_after(S.PROCESSING, ()) == S.PROCESSING
    packages = ship(packages, "P1", "", "", NOW)
    assert status_after(S.PROCESSING, packages) == S.PROCESSING
    packages = ship(packages, "P2", "", "", NOW)
    assert status_after(S.PROCESSING, packages) == S.SHIPPED
    assert status_after(S.COMPLETED, packages) == S.COMPLETED


def test_orders_of_one_customer_and_address_share_a_package() -> None:
    (shared,) = combine([parcel(1), parcel(2, S.READY_TO_SHIP), parcel(3)])
    assert (shared.number, set(shared.order_ids), shared.is_shared) == ("P1", {1, 2, 3}, True)
    assert shared.shared_with(2) == ("SO1", "SO3")
    one, two = parcel(1, S.PROCESSING, shared), parcel(2, S.PROCESSING, shared)
    assert why_not_together(one, two) == Refusal.TOGETHER
    (larger,) = combine([parcel(4), two])
    assert larger.order_ids == {1, 2, 3, 4}, "who shares a package comes along"
    assert separate((shared,), "P1", 2, "P9")[1].lines == whole(2).lines
    with refused(Refusal.NOT_SHARED):
        separate((shared,), "P1", 4, "P9")
    with refused(Refusal.NOT_SHARED):
        separate((whole(1),), "P1", 1, "P9")


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (S.OPEN, Refusal.STILL_OPEN),
        (S.PROCESSING, None),
        (S.READY_TO_SHIP, None),
        (S.ON_HOLD, Refusal.ON_HOLD),
        (S.SHIPPED, Refusal.ALREADY_SENT),
        (S.COMPLETED, Refusal.ALREADY_SENT),
        (S.CANCELLED, Refusal.ENDED),
        (S.RETURNED, Refusal.ENDED),
        (S.UNKNOWN, Refusal.ENDED),
    ],
)
def test_only_orders_in_work_are_combined(status: OrderStatus, refusal: Refusal | None) -> None:
    assert why_not_combined(parcel(1, status)) == refusal
    assert why_not_together(parcel(2), parcel(1, status)) == refusal


@pytest.mark.parametrize(
    ("buyer", "refusal"),
    [
        ({"address": "1, jalan besar"}, Refusal.DIFFERENT_ADDRESS),
        ({"address": "1,  Jalan Besar"}, Refusal.DIFFERENT_ADDRESS),
        ({"address": "1, Jalan Besar "}, Refusal.DIFFERENT_ADDRESS),
        ({"country": "MY"}, Refusal.DIFFERENT_ADDRESS),
        ({"name": "Mei  Ling"}, Refusal.DIFFERENT_CUSTOMER),
        ({"phone": ""}, Refusal.DIFFERENT_CUSTOMER),
        ({"email": "mei@example.com"}, Refusal.DIFFERENT_CUSTOMER),
    ],
)
def test_customer_and_address_are_compared_to_the_letter(buyer: dict[str, str], refusal: Refusal) -> None:
    assert why_not_together(parcel(1), parcel(2, buyer=buyer)) == refusal
    with pytest.raises(CannotPack) as found:
        combine([parcel(1), parcel(2, buyer=buyer)])
    assert (found.value.refusal, found.value.order_number) == (refusal, "SO2")


def test_nobody_and_nowhere_are_not_the_same() -> None:
    nobody = {"name": "", "phone": ""}
    nowhere = {"address": "", "postcode": ""}
    assert why_not_together(parcel(1, buyer=nobody), parcel(2, buyer=nobody)) == Refusal.NO_CUSTOMER
    assert why_not_together(parcel(1, buyer=nowhere), parcel(2, buyer=nowhere)) == Refusal.NO_ADDRESS
    with refused(Refusal.TOO_FEW):
        combine([parcel(1), parcel(1)])
    parts = split((whole(1),), "P1", {(1, 1): Decimal(1)}, "P2")
    assert why_not_combined(parcel(1, S.PROCESSING, *parts)) == Refusal.IS_SPLIT


def test_what_an_order_is_packed_in_before_anybody_packs_is_not_kept() -> None:
    parts = split((whole(1),), "P1", {(1, 1): Decimal(1)}, "P2")
    (shared,) = combine([parcel(1), parcel(2)])
    assert is_whole(whole(1), (whole(1), whole(2)))
    assert not any(is_whole(part, parts) for part in parts)
    assert not is_whole(shared, (shared,))
    assert not is_whole(replace(whole(1), shipped_at=NOW), (whole(1),))
    assert [is_whole(part, separate((shared,), "P1", 2, "P9")) for part in separate((shared,), "P1", 2, "P9")] == [
        True,
        True,
    ]


def test_an_order_that_is_not_sent_is_unpacked() -> None:
    (shared,) = combine([parcel(1), parcel(2)])
    (left,) = take_out((shared, whole(3)), 2)[:1]
    assert left.lines == whole(1).lines
    assert take_out((whole(3),), 3) == ()


MANY = st.decimals(min_value=0, max_value=4, places=1)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["split", "merge", "combine", "separate", "ship", "relabel"]),
        st.integers(0, 9),
        st.integers(1, 3),
        st.lists(MANY, min_size=2, max_size=2),
    ),
    max_size=25,
)


def act(packages: Packages, told: tuple[str, int, int, list[Decimal]], new: str) -> Packages:
    """One of the acts on some package; what may not be leaves everything as it was."""
    name, which, order_id, many = told
    package = packages[which % len(packages)]
    keys = [one.key for one in package.lines]
    match name:
        case "split":
            return split(packages, package.number, dict(zip(keys, many, strict=False)), new)
        case "merge":
            return merge_back(packages, package.number)
        case "separate":
            return separate(packages, package.number, order_id, new)
        case "ship":
            return ship(packages, package.number, "DHL", new, NOW)
        case "relabel":
            return relabel(packages, package.number, "", new)
    mine = min(package.order_ids)
    two = [parcel(one, S.PROCESSING, *packages_of(one, packages)) for one in dict.fromkeys((mine, order_id))]
    joined = combine(two)
    gone = {number.number for one in two for number in one.packages}
    return (*joined, *(one for one in packages if one.number not in gone))


@given(ACTS)
def test_whatever_is_done_all_packages_together_hold_what_was_ordered(acts: list[Any]) -> None:
    packages: Packages = (whole(1), whole(2), whole(3))
    ordered = content(packages)
    for step, told in enumerate(acts):
        sent = {one.number: one.lines for one in packages if one.is_sent}
        try:
            packages = act(packages, told, f"N{step}")
        except CannotPack:
            continue
        assert content(packages) == ordered
        assert len({one.number for one in packages}) == len(packages)
        assert all(one.lines and all(each.quantity > 0 for each in one.lines) for one in packages)
        assert {one.number: one.lines for one in packages if one.number in sent} == sent
