"""The measurements of pages and people in miniature, so that they do not rot between two real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.smoke import quick


@pytest.mark.processes
@pytest.mark.browser
def test_pages_fairness_a_small_crowd_answers_and_the_way_to_a_browser_are_measured(tmp_path: Path) -> None:
    found, _printed = quick(tmp_path / "bench.json", "e orders,f,g,i,m")
    notes = {str(row["name"])[0]: str(row["note"]) for row in found}
    assert set(notes) == set("efgim")
    assert all(float(str(row["value"])) > 0 for row in found)
    assert "0 not seen" in notes["f"]
    assert "0 errors" in notes["i"]
