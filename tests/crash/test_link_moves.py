"""A worker that dies, or sleeps past its lease, while it moves an order that a linked store keeps.

The demo's own pair of stores, with the real processes: what was said is made once, recorded once, and both stores
stand alike in the end.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from app import create_app
from app.config import load_settings
from app.core.own_orders import read_order
from app.core.types import OrderStatus
from app.extensions import db
from app.own_orders.services import add_orders
from app.sync.lease import LEASE_SECONDS
from app.sync.moving import Wanted, plan_move
from app.tenancy.scope import store_scope
from tests.crash.house import Holder, House
from tests.setup.test_demo import alive

pytestmark = pytest.mark.processes

PATIENCE = 60.0
_serial = count(1)
Connection = psycopg.Connection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A main store and its sub-store, and the channels in which each has the sub-store's orders."""

    house: House
    app: Flask
    main: int
    sub: int
    here: int
    there: int

    def order(self) -> tuple[int, int]:
        """A new order, as soon as it came to the main store by itself: its id (there, here)."""
        number = f"MOVE-{next(_serial)}"
        line = {"sku": "MOVE", "name": "Kopi", "quantity": 1, "unit_price": "1.00"}
        said = {"kind": "webstore", "number": number, "payment_status": "paid", "lines": [line]}
        with self.app.app_context(), store_scope(self.sub):
            order = read_order(said, currency="MYR", now=datetime.now(UTC))
            there_id = add_orders([order], user_id=None).made[0].order_id
        arrived = "select id from orders where store_id = %s and remote_id = %s"
        self.house.until(lambda: bool(self.house.query(arrived, self.main, str(there_id))), PATIENCE, "it arrives")
        return there_id, self.house.query(arrived, self.main, str(there_id))[0]["id"]

    def say(self, here_id: int, status: OrderStatus) -> None:
        """Somebody of the main store presses."""
        with self.app.app_context(), store_scope(self.main):
            plan_move(here_id, Wanted(status, tracking_number="MY1"), self.person())

    def person(self) -> int:
        sql = "select user_id from memberships where store_id = %s and role = 'owner' limit 1"
        return int(self.house.query(sql, self.main)[0]["user_id"])

    def waits_for(self, connection: Connection) -> bool:
        """Whether somebody waits for what this connection holds."""
        sql = "select 1 from pg_stat_activity where %s = any(pg_blocking_pids(pid))"
        return bool(self.house.query(sql, connection.info.backend_pid))

    def is_made(self, there_id: int) -> bool:
        return bool(
            self.house.query("select 1 from fulfilments where store_id = %s and order_id = %s", self.sub, there_id)
        )

    def holder(self) -> Holder:
        """Who works on the main store's job."""
        found: list[Holder] = []

        def is_known() -> bool:
            sql = "select id from sync_jobs where store_id = %s and state = 'running' order by id desc limit 1"
            for row in self.house.query(sql, self.main):
                found.extend(filter(None, [self.house.holder(self.main, row["id"])]))
            return bool(found)

        self.house.until(is_known, 10.0, "somebody works")
        return found[-1]

    def is_idle(self) -> bool:
        busy = """select 1 from sync_jobs where store_id = %s and state in ('queued', 'running')
                  union all select 1 from changes where store_id = %s and state in ('planned', 'sending')
                  union all select 1 from order_news where store_id = %s"""
        return not self.house.query(busy, self.main, self.main, self.sub)


@contextmanager
def locked(connection: Connection, store_id: int, channel_id: int) -> Iterator[None]:
    """Hold a channel, so that whoever wants to write to its orders waits."""
    with connection.transaction():
        connection.execute("select 1 from channels where store_id = %s and id = %s for update", (store_id, channel_id))
        yield


@pytest.fixture(scope="module")
def pair(house: House) -> Iterator[Pair]:
    """The demo's linked stores, with an application of the test's own on their database."""
    lines = Path(f"/proc/{min(house.parts('worker'))}/environ").read_text().split("\0")
    app = create_app(load_settings(dict(line.split("=", 1) for line in lines if line)))
    linked = """select main_store_id, sub_store_id from links join stores on stores.id = main_store_id
                where state = 'connected' and slug = %s"""
    (link,) = house.query(linked, "kedai-serai")  # other tests link stores of their own
    main, sub = link["main_store_id"], link["sub_store_id"]
    sql = "select id from channels where store_id = %s and kind = %s and status = 'connected'"
    house.until(lambda: bool(house.query(sql, main, "store")), PATIENCE, "the channel of the link is there")
    here = next(row["id"] for row in house.query(sql, main, "store"))
    there = house.query(sql, sub, "own")[0]["id"]
    yield Pair(house, app, main, sub, here, there)
    with app.app_context():
        db.engine.dispose()


@contextmanager
def about_to_be_made(pair: Pair, there_id: int, here_id: int) -> Iterator[None]:
    """The sub-store's transaction has begun, and waits for its turn."""
    with pair.house.connect() as connection, locked(connection, pair.sub, pair.there):
        pair.say(here_id, OrderStatus.SHIPPED)
        pair.house.until(lambda: pair.waits_for(connection), PATIENCE, "the move waits")
        assert not pair.is_made(there_id)
        yield


@contextmanager
def made_but_not_recorded(pair: Pair, there_id: int, here_id: int) -> Iterator[None]:
    """The sub-store has it; the main store's own transaction waits for its turn."""
    with pair.house.connect() as here, ExitStack() as held:
        with about_to_be_made(pair, there_id, here_id):
            held.enter_context(locked(here, pair.main, pair.here))
        pair.house.until(lambda: pair.is_made(there_id) and pair.waits_for(here), PATIENCE, "it is made")
        yield


MOMENTS = {"about to be made": about_to_be_made, "made but not recorded": made_but_not_recorded}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_dies_moves_an_order_once(pair: Pair, moment: str) -> None:
    there_id, here_id = pair.order()
    with MOMENTS[moment](pair, there_id, here_id):
        pair.holder().send(signal.SIGKILL)
    _stand_alike(pair, there_id, here_id)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_sleeps_past_its_lease_moves_nothing_late(pair: Pair, moment: str) -> None:
    there_id, here_id = pair.order()
    with pair.house.more_workers(1):  # one of all must stay awake
        with MOMENTS[moment](pair, there_id, here_id):
            holder = pair.holder()
            holder.send(signal.SIGSTOP)
        try:
            _stand_alike(pair, there_id, here_id)
            before = _rows(pair, there_id, here_id)
        finally:
            holder.send(signal.SIGCONT)
        pair.house.until(lambda: not alive({holder.child}), 20.0, "the late worker gives up")
        assert _rows(pair, there_id, here_id) == before


def _stand_alike(pair: Pair, there_id: int, here_id: int) -> None:
    pair.house.until(pair.is_idle, PATIENCE + LEASE_SECONDS, "it is made and recorded")
    there, here = _rows(pair, there_id, here_id)
    assert there == here == {"status": "shipped", "version": 1, "tracking": "MY1", "conflict": None}
    notes = "select kind from journal where store_id = %s and order_id = %s and kind like 'move%%' order by id"
    assert [row["kind"] for row in pair.house.query(notes, pair.sub, there_id)] == ["moved_there"]
    assert [row["kind"] for row in pair.house.query(notes, pair.main, here_id)] == ["move_planned", "move_made"]


def _rows(pair: Pair, there_id: int, here_id: int) -> list[dict[str, Any]]:
    sql = """select o.status, f.version, f.conflict, string_agg(p.tracking_number, ' ') as tracking from orders o
             join fulfilments f on f.store_id = o.store_id and f.order_id = o.id
             left join package_lines l on l.store_id = o.store_id and l.order_id = o.id
             left join packages p on p.store_id = l.store_id and p.id = l.package_id
             where o.store_id = %s and o.id = %s group by 1, 2, 3"""
    return [pair.house.query(sql, store, key)[0] for store, key in ((pair.sub, there_id), (pair.main, here_id))]
