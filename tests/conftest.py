"""What every test may lean on: servers of our own, settings for them, and an honest word when Chromium is missing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import embedded, garbage
from app.config import Settings, load_settings

pytest_plugins = ["tests.support.fixtures", "tests.support.browsing", "tests.support.dealing"]

CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is found: the one without windows computes a fifth less for the same pages."""
NO_CHROMIUM = "no Chromium found; apt install chromium"
TEST_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture(scope="session")
def data_folder() -> Iterator[embedded.DataFolder]:
    """A data folder for this run alone, removed at its end."""
    path = Path(tempfile.mkdtemp(prefix="channelbook-tests-"))
    path.chmod(0o711)  # as root PostgreSQL runs as another user, who must pass through
    yield embedded.DataFolder(path.resolve())
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def servers(data_folder: embedded.DataFolder) -> Iterator[tuple[embedded.Postgres, embedded.Valkey]]:
    """Embedded PostgreSQL and Valkey, empty, on sockets; the kernel ends them if this run is killed."""
    with embedded.running(data_folder, durable=False) as started:
        yield started


@pytest.fixture(scope="session")
def settings(servers: tuple[embedded.Postgres, embedded.Valkey], data_folder: embedded.DataFolder) -> Settings:
    """Settings for those servers, with the schema in place; connectors may talk to sandboxes."""
    from app.migrations import upgrade  # noqa: PLC0415  # tests without a database need not load Alembic

    postgres, valkey = servers
    upgrade(postgres.owner_url, embedded.APP_ROLE)
    return load_settings(
        {
            "DATABASE_URL": postgres.app_url,
            "DATABASE_OWNER_URL": postgres.owner_url,
            "REDIS_URL": valkey.url,
            "SECRET_KEY": "a secret for tests, and for nothing else",
            "CREDENTIAL_KEYS": TEST_KEY,
            "BASE_URL": "http://localhost",
            "MAIL_URL": f"file:{data_folder.folder('mail')}",
            "ALLOW_SANDBOXES": "1",
        }
    )


def chromium() -> str | None:
    """The path of a Chromium on this machine."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser that browser tests drive; tests marked `browser` do not run without one."""
    path = chromium()
    assert path, NO_CHROMIUM
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a Chromium, skip browser tests out loud; on CI that is an error, since nobody reads it there."""
    browser_items = [item for item in items if item.get_closest_marker("browser")]
    if not browser_items or chromium():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(NO_CHROMIUM)
    for item in browser_items:
        item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_collection_finish() -> None:
    """Collect garbage as the processes of the product do: there is much that stays, and it is not looked at again."""
    garbage.settle()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that browser tests did not run, where a list of skips would be overlooked."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_CHROMIUM in str(report.longrepr) for report in skipped):
        terminalreporter.section("browser tests skipped")
        terminalreporter.line(f"browser tests skipped: {NO_CHROMIUM}")
