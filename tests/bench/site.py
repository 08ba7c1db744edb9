"""Channelbook as it runs on a server, for what can only be measured from outside: pages, two workers, the tick."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from app import create_app
from app.config import load_settings
from app.embedded.postgres import SUPERUSER
from tests.bench.frame import Bench
from tests.bench.house import Database
from tests.e2e import installation
from tests.e2e.installation import Installation
from tests.support.factories import SomePerson, signed_in


@dataclass(frozen=True, slots=True)
class Site:
    """The running processes, and the application on their database for setting things up."""

    running: Installation
    database: Database

    @property
    def port(self) -> int:
        """Where the pages are, on the loopback address."""
        return urlsplit(self.running.url).port or 0

    def cookie(self, person: SomePerson) -> str:
        """The cookie of a browser in which the person is signed in."""
        cookie = signed_in(self.database.app.test_client(), person).get_cookie("channelbook")
        assert cookie is not None
        return f"channelbook={cookie.value}"


def site(bench: Bench) -> Site:
    """The one installation of this run."""
    return bench.once("site", lambda: _started(bench))


def _started(bench: Bench) -> Site:
    postgres, valkey = bench.house.servers
    running = bench.house.keep(installation.running(postgres, valkey, bench.house.folder.folder("site")))
    settings = load_settings(running.env)
    app = create_app(settings)
    app.testing = True
    password = bench.house.folder.secrets().superuser_password
    return Site(
        running,
        Database("site", app, settings, postgres.url(SUPERUSER, password, urlsplit(settings.database_url).path[1:])),
    )
