"""The measurements of pages and people in miniature, so that they do not rot between two real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.smoke import quick


@pytest.mark.processes
def test_pages_fairness_a_small_crowd_and_answers_are_measured(tmp_path: Path) -> None:
    found, _printed = quick(tmp_path / "bench.json", "e orders,g,i,m")
    assert {str(row["name"])[0] for row in found} == {"e", "g", "i", "m"}
    assert all(float(str(row["value"])) > 0 for row in found)
    assert "0 errors" in next(str(row["note"]) for row in found if str(row["name"]).startswith("i"))


@pytest.mark.processes
@pytest.mark.browser
def test_the_way_to_a_browser_is_measured(tmp_path: Path) -> None:
    (found,), _printed = quick(tmp_path / "bench.json", "f")
    assert 0 < float(str(found["value"])) < 30_000
    assert "0 not seen" in str(found["note"])
