"""The bench in miniature, so that it does not rot between two real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.frame import Bar, Result, middle
from tests.bench.orders import order
from tests.bench.smoke import quick
from tests.bench.wire import encoded


@pytest.mark.processes
def test_the_bench_runs_and_keeps_its_rows(tmp_path: Path) -> None:
    rows, printed = quick(tmp_path / "bench.json", "a,b,c")
    assert [row["name"] for row in rows if row["ratio"] <= 0 and row["bar"]] == []
    assert all(row["name"] in printed for row in rows)


def test_an_order_is_the_same_whenever_it_is_made() -> None:
    assert order(4711) == order(4711)
    assert order(4711) != order(4711, merchant=2)
    assert json.loads(encoded(order(4711)).with_number("INV1"))["invoice_no"] == "INV1"


def test_a_bar_holds_from_its_own_side() -> None:
    assert Bar(0.9).holds(0.9)
    assert not Bar(0.9).holds(0.89)
    assert Bar(1.3, at_most=True).holds(1.3)
    assert not Bar(1.3, at_most=True).holds(1.31)


def test_the_middle_round_counts_as_it_was() -> None:
    rounds = [Result(9, 10, "s"), Result(1, 10, "s"), Result(5, 10, "s")]
    assert middle(rounds) == rounds[2]
