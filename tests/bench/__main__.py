"""`make bench`: measure, print the table, keep it as JSON, and end with 1 when a bar is missed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench.frame import Bench, measured, table, write_json
from tests.bench.house import House
from tests.bench.measures import MEASURES


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="letters (or names' beginnings), separated by commas: a,b or a1,h")
    parser.add_argument("--orders", type=int, default=10_000, help="how many orders (a), (b) and (c) use")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many rounds counts")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: proves that the bench runs, and nothing else")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the rows are kept")
    chosen = parser.parse_args(arguments)
    wanted = tuple(filter(None, chosen.only.split(","))) or ("",)
    with House() as house:
        size, rounds = (200, 1) if chosen.quick else (chosen.orders, chosen.rounds)
        bench = Bench(house, size, rounds, chosen.quick)
        rows = measured([measure for measure in MEASURES if measure.name.startswith(wanted)], bench)
    sys.stdout.write(f"{table(rows)}\n")
    write_json(rows, chosen.json)
    return 0 if chosen.quick or all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
