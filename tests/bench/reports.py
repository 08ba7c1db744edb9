"""(j) The Marketplace Channel Report of a store with a million orders, as a page: within a second.

The orders are those of the lists in (e), a minute apart over two years, in 24 marketplaces of three channels. The page
is asked for with the last 30 days and with all days there are, and the slower one counts.
"""

from __future__ import annotations

import statistics
import time
from typing import Final

from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.pages import Shelf, shelves

_LIMIT_MS: Final = 1_000.0
_TURNS: Final = 9
_PERIODS: Final = {"last 30 days": "period=last_30_days", "all days": "period=custom&date_from=2020-01-01"}


def _report(bench: Bench) -> Result:
    shelf = shelves(bench)[-1]
    taken = {name: _median(bench, shelf, query) for name, query in _PERIODS.items()}
    note = ", ".join(f"{name} {milliseconds:.0f} ms" for name, milliseconds in taken.items())
    return Result(max(taken.values()), _LIMIT_MS, "ms", f"{shelf.orders:,} orders: {note}")


def _median(bench: Bench, shelf: Shelf, query: str) -> float:
    address = f"/{shelf.store.slug}/reports/marketplace-channels?{query}"
    times = []
    for _turn in range(bench.size(_TURNS, 1) + 1):
        began = time.perf_counter()
        answer = shelf.ours.get(address)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        assert "Pasar malam" in answer.text, "the report shows the store's channels"
    return statistics.median(times[1:])


MEASURES: Final = (Measure("j report at 1,000,000 orders", Bar(1.0, at_most=True), _report),)
