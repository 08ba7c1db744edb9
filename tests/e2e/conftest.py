"""One installation and one browser for all end-to-end tests; each test gets a person of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.embedded import DataFolder, Postgres, Valkey
from tests.e2e import installation
from tests.e2e.album import Album
from tests.e2e.installation import Installation
from tests.e2e.person import Person, sitting_at
from tests.e2e.shop import Shop, opened
from tests.sandbox.running import Running, running

KEY = "sandbox-key"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure also says what the processes said last."""
    report = yield
    started = getattr(item, "funcargs", {}).get("channelbook")
    if report.failed and started is not None:
        report.sections.append(("the installation's logs", started.said()))
    return report


@pytest.fixture(scope="session")
def channelbook(servers: tuple[Postgres, Valkey], data_folder: DataFolder) -> Iterator[Installation]:
    """The pages, two workers and the tick, as processes."""
    with installation.running(*servers, data_folder.folder("e2e")) as started:
        yield started


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """SiteGiant's sandbox as a process; tests add shops of their own."""
    with running("--count", "0", "--api-key", KEY) as process:
        yield process


@pytest.fixture
def new_shop(sandbox: Running) -> Iterator[Callable[[int], Shop]]:
    """Opens shops with so many orders in the sandbox."""
    with ExitStack() as stack:
        yield lambda count: stack.enter_context(opened(sandbox, KEY, count))


@pytest.fixture(scope="session")
def album() -> Album:
    """Pictures go where ALBUM says, as in `ALBUM=/tmp/album make test ARGS=tests/e2e`; without it none are taken."""
    wanted, for_help = os.environ.get("ALBUM"), os.environ.get("HELP_PICTURES")
    folder = Path(wanted) if wanted else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    return Album(folder, Path(for_help) if for_help else None)


@pytest.fixture
def new_person(chromium: Browser, channelbook: Installation, album: Album) -> Iterator[Callable[..., Person]]:
    """Seats people at browsers of their own; what the console complained about fails the test."""
    with ExitStack() as stack:
        yield lambda name, *, scripts=True: stack.enter_context(
            sitting_at(chromium, channelbook.url, album, name, scripts=scripts)
        )
