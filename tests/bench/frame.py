"""What a measurement is, how its bar is held against it, and how all of them are printed."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.bench.house import House

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bar:
    """The ratio of value to limit that must be reached, or must not be passed."""

    ratio: float
    at_most: bool = False

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        return ratio <= self.ratio if self.at_most else ratio >= self.ratio

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.ratio:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured beside what it is measured by, both in `unit`; `note` says what a reader must know."""

    value: float
    limit: float
    unit: str
    note: str = ""

    @property
    def ratio(self) -> float:
        """Value by limit."""
        return self.value / self.limit if self.limit else 0.0


@dataclass(slots=True)
class Bench:
    """What every measurement is given: the servers, the size and a memory for work that several of them share."""

    house: House
    orders: int = 10_000
    rounds: int = 3
    quick: bool = False
    """Tiny sizes that prove nothing but that the measurements still run."""
    _shared: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The result of `make`, made by whoever asks for this name first."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]  # type: ignore[no-any-return]

    def size(self, full: int, quick: int) -> int:
        """A number of things, or few of them in a quick run."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table. Its name begins with the letter that `--only` picks it by; no bar: only told."""

    name: str
    bar: Bar | None
    run: Callable[[Bench], Result]


def middle(rounds: Sequence[Result]) -> Result:
    """The round whose ratio is the median (the lower one of two): value and limit of one and the same round."""
    wanted = statistics.median_low(result.ratio for result in rounds)
    return next(result for result in rounds if result.ratio == wanted)


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement and what came of it."""

    measure: Measure
    result: Result
    seconds: float
    """How long measuring took, setting up included."""

    @property
    def holds(self) -> bool:
        """Whether the bar is reached; always, where there is none."""
        return self.measure.bar is None or self.measure.bar.holds(self.result.ratio)

    def as_json(self) -> dict[str, Any]:
        """The row as it is kept."""
        bar = self.measure.bar
        return {
            "name": self.measure.name,
            "value": round(self.result.value, 3),
            "limit": round(self.result.limit, 3),
            "unit": self.result.unit,
            "ratio": round(self.result.ratio, 3),
            "bar": None if bar is None else str(bar),
            "holds": self.holds,
            "note": self.result.note,
        }


def measured(measures: Iterable[Measure], bench: Bench) -> list[Row]:
    """Run them one after the other, saying on stderr which one is on."""
    rows = []
    for measure in measures:
        sys.stderr.write(f"… {measure.name}\n")
        began = time.monotonic()
        rows.append(Row(measure, measure.run(bench), time.monotonic() - began))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as text, a column each, the notes below."""
    head = ("", "value", "limit", "unit", "ratio", "bar", "")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(both))
        for both in (tuple(zip(row, widths, strict=True)) for row in cells)
    ]
    notes = [f"{row.measure.name}: {row.result.note}" for row in rows if row.result.note]
    return "\n".join([*(line.rstrip() for line in lines), *(["", *notes] if notes else [])])


def _cells(row: Row) -> tuple[str, ...]:
    result, bar = row.result, row.measure.bar
    limit = f"{result.limit:,.1f}" if result.limit else ""
    ratio = f"{result.ratio:.2f}" if result.limit else ""
    verdict = "" if bar is None else ("holds" if row.holds else "MISSED")
    return (row.measure.name, f"{result.value:,.1f}", limit, result.unit, ratio, str(bar or ""), verdict)


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Keep the rows for comparison."""
    path.write_text(json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False) + "\n")
