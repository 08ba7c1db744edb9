"""Everything that is measured, in the table's order."""

from __future__ import annotations

from tests.bench import booking, pulling
from tests.bench.frame import Measure

MEASURES: tuple[Measure, ...] = (*pulling.MEASURES, *booking.MEASURES)
