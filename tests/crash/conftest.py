"""One demo for all tests that kill its parts, merchants in it, and the times that were measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.crash.house import House, open_house
from tests.crash.merchant import Merchant
from tests.crash.watching import WITHIN, Case

_measured: list[tuple[str, float]] = []


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """A demo; each test finds it ready and may kill what it likes."""
    with open_house() as opened:
        yield opened


@pytest.fixture(scope="module")
def new_merchant(house: House) -> Iterator[Callable[[str], Merchant]]:
    """Makes merchants with a shop of orders each; they are still strangers to the site."""
    made: list[Merchant] = []

    def new(name: str) -> Merchant:
        made.append(Merchant(house, name))
        return made[-1]

    yield new
    for merchant in made:
        merchant.close()


@pytest.fixture(scope="session")
def note_time() -> Callable[[Case], None]:
    """Asserts that a case went on in time, and keeps how long it took for the list at the end of the run."""

    def note(case: Case) -> None:
        assert case.went_on_after is not None, case.merchant.jobs()
        _measured.append((case.name, case.went_on_after))
        assert case.went_on_after < WITHIN, case.name

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how soon work went on after each kill."""
    if _measured:
        terminalreporter.section("work went on by itself")
        for name, seconds in _measured:
            terminalreporter.line(f"{seconds:5.1f} s  after {name}")
