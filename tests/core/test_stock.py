"""What a movement may do to a level."""

from __future__ import annotations

import pytest

from app.core.stock import Kind, Level, Movement, NotReserved, Short, level_after


def after(level: Level, kind: Kind, on_hand: int = 0, reserved: int = 0, to: int | None = None) -> Level:
    return level_after(level, Movement(1, 1, kind, on_hand, reserved, to))


def test_what_is_promised_is_not_available() -> None:
    assert after(Level(5, 1), Kind.RESERVE, reserved=3) == Level(5, 4)
    assert Level(5, 4).available == 1


def test_only_what_is_available_can_be_promised() -> None:
    with pytest.raises(Short):
        after(Level(5, 4), Kind.RESERVE, reserved=2)
    with pytest.raises(Short):
        after(Level(2, 4), Kind.RESERVE, reserved=1)


def test_a_count_below_what_is_promised_is_believed_but_never_below_nothing() -> None:
    assert after(Level(5, 4), Kind.ADJUST, to=3).available == -1
    with pytest.raises(Short):
        after(Level(5, 0), Kind.ADJUST, on_hand=-6)
    with pytest.raises(Short):
        after(Level(5, 0), Kind.PUSH, to=-1)


def test_what_left_the_house_left_it_even_if_nobody_counted_it_in() -> None:
    assert after(Level(), Kind.SHIP, on_hand=-2) == Level(-2, 0)
    assert after(Level(-2, 0), Kind.RECEIVE, on_hand=1) == Level(-1, 0)


@pytest.mark.parametrize("kind", [Kind.RELEASE, Kind.SHIP])
def test_nothing_is_released_that_was_not_reserved(kind: Kind) -> None:
    with pytest.raises(NotReserved):
        after(Level(5, 1), kind, reserved=-2)
