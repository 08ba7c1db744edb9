"""Both stores of a link may move an order at once: which of them counts, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fulfilment import FINISHED, MOVES
from app.core.moves import Side, Stands, Verdict, conflict_of, judge
from app.core.types import MoveWrite, OrderStatus

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
S = OrderStatus


def move(
    to: OrderStatus, *, at: datetime = NOON, version: int = 1, package: str = "", tracking_number: str = ""
) -> MoveWrite:
    return MoveWrite("k", "7", to, package, "", tracking_number, at, version, "Aminah")


def stands(at: OrderStatus, *, moved_at: datetime | None = None, version: int = 1, side: Side | None = None) -> Stands:
    return Stands(at, version, moved_at, side, "Bala" if side else "")


@pytest.mark.parametrize("before", list(OrderStatus))
@pytest.mark.parametrize("after", list(OrderStatus))
def test_whoever_saw_the_newest_version_goes_by_the_table(before: OrderStatus, after: OrderStatus) -> None:
    verdict = judge(move(after, tracking_number="T"), stands(before))
    assert verdict is (Verdict.APPLY if after in MOVES[before] else Verdict.REFUSED)


@pytest.mark.parametrize(
    ("act", "there", "expected", "lost"),
    [
        (move(S.SHIPPED, at=LATER), stands(S.ON_HOLD, moved_at=NOON, version=2, side="sub"), Verdict.REFUSED, "main"),
        (move(S.PROCESSING, at=LATER), stands(S.ON_HOLD, moved_at=NOON, version=2, side="sub"), Verdict.APPLY, "sub"),
        (
            move(S.PROCESSING, at=NOON),
            stands(S.ON_HOLD, moved_at=LATER, version=2, side="sub"),
            Verdict.OVERTAKEN,
            "main",
        ),
        (
            move(S.SHIPPED, at=NOON),
            stands(S.PROCESSING, moved_at=LATER, version=2, side="sub"),
            Verdict.OVERTAKEN,
            "main",
        ),
        (move(S.SHIPPED, at=LATER), stands(S.PROCESSING, moved_at=NOON, version=2, side="sub"), Verdict.APPLY, None),
        (move(S.PROCESSING, at=NOON), stands(S.SHIPPED, moved_at=LATER, version=2, side="sub"), Verdict.AGREES, None),
        (move(S.CANCELLED, at=LATER), stands(S.SHIPPED, moved_at=NOON, version=2, side="sub"), Verdict.REFUSED, "main"),
        (move(S.SHIPPED, at=LATER), stands(S.CANCELLED, moved_at=NOON, version=2, side="sub"), Verdict.REFUSED, "main"),
        (move(S.CANCELLED, at=NOON), stands(S.CANCELLED, moved_at=LATER, version=2, side="sub"), Verdict.AGREES, None),
    ],
)
def test_the_later_act_counts_as_far_as_the_table_allows(
    act: MoveWrite, there: Stands, expected: Verdict, lost: str | None
) -> None:
    verdict = judge(act, there)
    conflict = conflict_of(act, there, verdict)
    assert verdict is expected
    assert (conflict["wanted_side"] if conflict else None) == lost


def test_what_one_side_said_twice_is_no_conflict() -> None:
    there = stands(S.PROCESSING, moved_at=LATER, version=2, side="main")
    assert judge(move(S.SHIPPED, at=NOON), there) is Verdict.APPLY
    assert conflict_of(move(S.SHIPPED, at=NOON), there, Verdict.APPLY) is None


def test_a_tracking_number_that_lost_is_told() -> None:
    there = stands(S.SHIPPED, moved_at=LATER, version=2, side="sub")
    act = move(S.SHIPPED, tracking_number="MY123")
    conflict = conflict_of(act, there, judge(act, there))
    assert conflict is not None
    assert (conflict["wanted"], conflict["wanted_by"], conflict["tracking_number"]) == ("shipped", "Aminah", "MY123")
    assert (conflict["stands"], conflict["stands_by"], conflict["outcome"]) == ("shipped", "Bala", "later")


_moments = st.integers(0, 100).map(lambda minutes: NOON + timedelta(minutes=minutes))


@given(
    st.sampled_from(sorted(FINISHED)),
    st.builds(move, st.sampled_from(list(OrderStatus)), at=_moments, version=st.integers(0, 3)),
    _moments,
    st.sampled_from(["sub", "main", None]),
)
def test_what_is_finished_is_never_opened_again(
    finished: OrderStatus, act: MoveWrite, moved: datetime, side: Side | None
) -> None:
    if judge(act, stands(finished, moved_at=moved, version=3, side=side)) is Verdict.APPLY:
        assert (finished, act.status) == (OrderStatus.COMPLETED, OrderStatus.RETURNED)


@given(st.sampled_from(list(OrderStatus)), st.sampled_from(list(OrderStatus)), _moments, _moments)
def test_nobody_loses_without_being_told(there: OrderStatus, to: OrderStatus, acted: datetime, moved: datetime) -> None:
    """A move that is not made leaves a word, unless the order is there or further on its way already."""
    stood, act = stands(there, moved_at=moved, version=2, side="sub"), move(to, at=acted)
    verdict = judge(act, stood)
    assert (conflict_of(act, stood, verdict) is None) <= (verdict in (Verdict.APPLY, Verdict.AGREES))
