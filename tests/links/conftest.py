"""Two stores for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import LiteralString

import psycopg
import pytest
from flask import Flask

from app import embedded
from app.embedded.postgres import SUPERUSER
from tests.links.flowing import Behind, Shelf
from tests.links.pairs import Pair, pair_of
from tests.orders.factories import Books
from tests.support.factories import Make, SomeStore
from tests.sync.merchant import Merchant


@pytest.fixture
def pair(app: Flask, make: Make) -> Pair:
    """A store on Premium, and another one."""
    return pair_of(app, make)


@pytest.fixture
def main(app: Flask, store: SomeStore) -> Merchant:
    """The store that asks; its channels are links, so it has no shop of its own."""
    return Merchant(app, store, None)  # type: ignore[arg-type]


@pytest.fixture
def sub(app: Flask, make: Make) -> Books:
    """The store that grants."""
    return Books(app, make.store("Kedai Utara"))


@pytest.fixture
def links_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are test_settling's matter; elsewhere a link stands in a state that no rule asks for."""
    monkeypatch.setattr("app.sync.tick.settle_due", lambda _limit: [])


@pytest.fixture
def behind(servers: tuple[embedded.Postgres, embedded.Valkey]) -> Behind:
    """Writes what no role of ours may: a link in any state, whatever it was before."""
    postgres = servers[0]
    url = postgres.url(SUPERUSER, postgres.folder.secrets().superuser_password)

    def write(statement: LiteralString, **values: object) -> None:
        with psycopg.connect(url, options="-c session_replication_role=replica") as admin:
            admin.execute(statement, values)

    return write


@pytest.fixture
def linked(main: Merchant, sub: Books, behind: Behind, links_stay: None) -> int:
    """A granted link between the two, whose channel has appeared; the first check is left to who asks for one."""
    behind(
        "insert into links (main_store_id, sub_store_id, state, main_name, sub_name, code_hash, channel_name, "
        "asked_at, answered_at) values (%(main)s, %(sub)s, 'connected', 'Main', 'Kedai Utara', '', 'North', "
        "'2026-01-01', '2026-01-01')",
        main=main.store.id,
        sub=sub.store.id,
    )
    main.tick()
    ((main.channel_id,),) = main.rows("select id from channels where kind = 'store'")
    main.execute("update sync_jobs set state = 'succeeded', finished_at = now() where kind = 'check'")
    return int(main.rows("select id from links")[0][0])


@pytest.fixture
def place(main: Merchant, linked: int, behind: Behind) -> Callable[[str], None]:
    """Put the link into a state behind everybody's back, and let the tick follow."""

    def put(state: str) -> None:
        behind("update links set state = %(state)s where id = %(id)s", state=state, id=linked)
        main.tick()

    return put


@pytest.fixture
def shelf(main: Merchant, sub: Books, linked: int, behind: Behind) -> Shelf:
    """Both stores' stock, with the channel told that of the main store's first warehouse."""
    place = main.rows("select min(id) from locations")[0][0]
    behind("update links set location_id = %(place)s where id = %(id)s", place=place, id=linked)
    main.tick()
    assert main.rows("select stock_location_id from channels")[0][0] == place
    return Shelf(main, sub, main.channel_id)
