"""How the tests are dealt out to the workers of `pytest -n 2 --dist loadfile`. `tests/conftest.py` names this plugin.

Whole files go to whoever is free. By itself pytest-xdist begins with those of many tests, and so leaves the few long
ones for the end, where one worker has them and the other one nothing to do.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

_HOUSE = "tests/crash/"
_WITHOUT_HOUSE = tuple(f"{_HOUSE}test_{name}.py" for name in ("chaos", "kin_ledger", "kiot_ledger", "ledger"))


class Dealing(LoadFileScheduling):  # type: ignore[misc]  # xdist does not say what its types are
    """By file, in the order in which they were collected; those that share the house that is killed stay together.

    It takes six processes and some fifteen seconds to start, and two of them on one machine disturb each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return _HOUSE if file.startswith(_HOUSE) and file not in _WITHOUT_HOUSE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Dealing | None:
    """Deal in our way wherever files were asked for."""
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Dealing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start processes first, then those with a browser, then the rest, of which long ones first."""
    counts = Counter(item.path for item in items)
    ranks: dict[Path, int] = {}
    for item in items:
        marked = 2 * bool(item.get_closest_marker("processes")) + bool(item.get_closest_marker("browser"))
        ranks[item.path] = min(2, max(ranks.get(item.path, 0), marked))
    items.sort(key=lambda item: (-ranks[item.path], 0 if ranks[item.path] == 2 else -counts[item.path]))
