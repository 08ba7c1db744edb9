"""Everything that is measured, in the table's order."""

from __future__ import annotations

from tests.bench import answers, booking, crowd, fairness, growth, linked, live, memory, pages, pulling, reports, source
from tests.bench.frame import Measure

MEASURES: tuple[Measure, ...] = (
    *pulling.MEASURES,
    *booking.MEASURES,
    *growth.MEASURES,
    *pages.MEASURES,
    *live.MEASURES,
    *fairness.MEASURES,
    *memory.MEASURES,
    *crowd.MEASURES,
    *reports.MEASURES,
    *linked.MEASURES,
    *source.MEASURES,
    *answers.MEASURES,
)
