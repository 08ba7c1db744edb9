"""With the real processes: an order made in the sub-store stands in the main store, and nobody pressed anything."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.api.examples import ORDER
from app.api.keys import Scope, make_key
from app.config import load_settings
from app.embedded import DataFolder, Postgres, Valkey
from app.embedded.processes import wait_until
from app.extensions import db
from app.tenancy.scope import store_scope
from tests.e2e import installation
from tests.links.pairs import Pair, pair_of
from tests.support.factories import Make, SomeStore

pytestmark = pytest.mark.processes

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class House:
    """Pages, two workers and the tick, and two linked stores that nobody looks at."""

    app: Flask
    url: str
    pair: Pair
    token: str
    said: Callable[[], str]

    def call(self, method: str, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
        """What a program of the sub-store does."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def scalar(self, store: SomeStore, sql: str, **values: Any) -> Any:
        """A look into a store."""
        with self.app.app_context(), store_scope(store.id):
            return db.session.execute(text(sql), values).scalar()

    def jobs(self) -> str:
        """What the main store's jobs came to."""
        said = "kind || ' ' || state || ' ' || phase || ' ' || coalesce(problem, '') || ' ' || problem_detail::text"
        told = self.scalar(self.pair.main, f"select string_agg({said}, E'\\n' order by id) from sync_jobs")
        return f"not in time:\n{told}"

    def arrives(self, number: str, status: str) -> float:
        """Wait until the order stands so in the main store; how many seconds that took."""
        began = time.monotonic()
        sql = "select count(*) from orders where number = :number and status = :status"
        asked = {"number": number, "status": status}
        came = wait_until(lambda: self.scalar(self.pair.main, sql, **asked) == 1, PATIENCE, pause=0.02)
        assert came, f"{self.jobs()}\n{self.said()}"
        return time.monotonic() - began


@pytest.fixture(scope="module")
def house(servers: tuple[Postgres, Valkey], data_folder: DataFolder) -> Iterator[House]:
    """Started once; the link is granted before anything is sold."""
    with installation.running(*servers, data_folder.folder("by-itself")) as started:
        app = create_app(load_settings(started.env))
        pair = pair_of(app, Make(app))
        pair.connected()
        with pair.as_sub():
            token = make_key("Shop", tuple(Scope), pair.sub.owner.id)
        house = House(app, started.url, pair, token, started.said)
        connected = "select count(*) from channels where kind = 'store' and status = 'connected'"
        assert wait_until(lambda: house.scalar(pair.main, connected) == 1, PATIENCE), started.said()
        yield house
        with app.app_context():
            db.engine.dispose()


def test_an_order_and_what_becomes_of_it_arrive_by_themselves(house: House) -> None:
    body = {name: value for name, value in ORDER.items() if name != "number"}
    made = house.call("POST", "/orders", body, key="first")
    house.arrives(made["number"], made["status"])
    house.call("PATCH", f"/orders/{made['id']}", {"status": "processing"})
    house.arrives(made["number"], "processing")
    asked_for = (
        "select count(*) from sync_jobs where kind not in ('announced', 'stock', 'check') or requested_by is not null"
    )
    assert house.scalar(house.pair.main, asked_for) == 0, "nobody pressed"
    assert wait_until(lambda: house.scalar(house.pair.sub, "select count(*) from order_news") == 0, PATIENCE)
