"""A list's filters out of the URL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from app.core.states import OrderState
from app.web.args import read_args, write_args


@dataclass(frozen=True)
class Wanted:
    """One filter of each kind."""

    q: str = ""
    state: OrderState | None = None
    channel: int | None = None
    since: date | None = None
    mine: bool = False
    tags: tuple[str, ...] = ()
    states: tuple[OrderState, ...] = ()


def wanted(query: list[tuple[str, str]]) -> Wanted:
    return read_args(Wanted, MultiDict(query))


def test_every_kind_is_read() -> None:
    found = wanted(
        [
            ("q", " 2611ABC "),
            ("state", "held"),
            ("channel", "7"),
            ("since", "2026-11-22"),
            ("mine", "1"),
            ("tags", "a"),
            ("tags", "b"),
            ("tags", "a"),
            ("states", "held"),
            ("states", "never"),
            ("other", "x"),
        ]
    )
    assert found == Wanted("2611ABC", OrderState.HELD, 7, date(2026, 11, 22), True, ("a", "b"), (OrderState.HELD,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q", ""),
        ("q", "a\0b"),
        ("state", "never"),
        ("channel", "seven"),
        ("channel", "9" * 40),
        ("channel", "٣"),
        ("since", "2026-13-01"),
        ("mine", "yes"),
    ],
)
def test_what_cannot_be_read_is_left_out(name: str, value: str) -> None:
    assert wanted([(name, value)]) == Wanted()


def test_long_text_is_cut() -> None:
    assert len(wanted([("q", "x" * 5000)]).q) == 200


def test_what_is_written_is_read_again() -> None:
    full = Wanted("2611ABC", OrderState.HELD, 0, date(2026, 11, 22), True, ("a", "b"), (OrderState.HELD,))
    written = write_args(full)
    assert read_args(Wanted, MultiDict(written)) == full
    assert written["mine"] == "1" and written["channel"] == "0", "a channel that cannot exist is no channel"
    assert write_args(Wanted()) == {}


def test_only_dataclasses_are_made() -> None:
    kind: Any = dict
    with pytest.raises(TypeError, match="dataclass"):
        read_args(kind, MultiDict())
