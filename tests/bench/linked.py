"""(k) A main store with twelve sub-stores that sell the same ten thousand items: stock on its way to all of them."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from flask import Flask
from sqlalchemy import event, text

from app.catalog.stock import move
from app.core.stock import Kind, Movement
from app.extensions import db
from app.links.following import follow_due
from app.sync import jobs, queue
from app.sync.nudge import nudge
from app.sync.services import start_stock, start_stock_soon
from app.tenancy.scope import store_scope
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Database
from tests.bench.live import tab
from tests.bench.site import site
from tests.support.factories import SomeStore

SUBS: Final = 12
ITEMS: Final = 10_000
TELLING_AT_ONCE: Final = 500
CHANGES: Final = 40
APART: Final = (2.5, 3.5)
LIMIT_SECONDS: Final = 2.0
_ITEMS_SQL: Final = """
insert into items (store_id, sku, sku_key, loose_key, name, currency)
select %(store)s, 'K-' || n, 'k-' || n, 'k' || n, 'Item ' || n, 'MYR' from generate_series(1, %(items)s) n"""
_LINK_SQL: Final = """
insert into links (main_store_id, sub_store_id, state, main_name, sub_name, code_hash, channel_name, location_id,
                   asked_at, answered_at)
values (%(main)s, %(sub)s, 'connected', 'Main', 'Sub', '', %(name)s,
        (select min(id) from locations where store_id = %(main)s), now(), now())"""
_LISTINGS_SQL: Final = """
insert into listings (store_id, channel_id, remote_id, sku, sku_key, name, digest, item_id)
select c.store_id, c.id, theirs.id::text, theirs.sku, theirs.loose_key, theirs.name, '', ours.id
from channels c
join items theirs on theirs.store_id = (c.config ->> 'store')::bigint
join items ours on ours.store_id = c.store_id and ours.sku_key = theirs.sku_key
where c.store_id = %(main)s and c.kind = 'store'"""
_WATCH: Final = """() => {
    window.seen = {};
    const look = () => document.querySelectorAll('#item-levels td.num').forEach(cell => {
        const pieces = cell.innerText.replace(/\\D/g, '');
        if (!(pieces in window.seen)) window.seen[pieces] = Date.now();
    });
    new MutationObserver(look).observe(document.querySelector('main'), {childList: true, subtree: true});
}"""


@dataclass(frozen=True, slots=True)
class Family:
    """A main store and its sub-stores, every item of theirs linked to one of its own."""

    app: Flask
    main: SomeStore
    subs: Sequence[SomeStore]
    channels: Sequence[int]
    items: Sequence[int]
    place: int

    def put(self, item_ids: Sequence[int], pieces: int) -> None:
        """Count the stock of these items in the main store."""
        with self.app.app_context(), store_scope(self.main.id):
            for start in range(0, len(item_ids), 1_000):
                some = item_ids[start : start + 1_000]
                move([Movement(item, self.place, Kind.ADJUST, on_hand_to=pieces) for item in some])
                db.session.commit()

    def tell_all(self) -> None:
        """Let each channel's one job tell what is due, and insist that it went well."""
        for channel_id in self.channels:
            with self.app.app_context():
                with store_scope(self.main.id):
                    started = start_stock(channel_id)
                assert started is not None
                self._run(started.job_id)

    def _run(self, job_id: int) -> None:
        state = text("select state from sync_jobs where id = :id")
        while True:
            queue.connection(self.app.extensions["settings"].redis_url).flushdb()  # nobody else waits
            jobs.run(self.main.id, job_id)
            with store_scope(self.main.id):
                ended = db.session.scalar(state, {"id": job_id})
            if ended not in ("queued", "running"):
                break
        assert ended == "succeeded", ended

    def agrees(self, pieces: int) -> bool:
        """Whether every sub-store has so many of everything."""
        for sub in self.subs:
            with self.app.app_context(), store_scope(sub.id):
                found = db.session.execute(
                    text("select count(*), min(on_hand - reserved), max(on_hand - reserved) from stock_levels")
                ).one()
            if tuple(found) != (len(self.items), pieces, pieces):
                return False
        return True


def family(bench: Bench, database: Database) -> Family:
    """Make one in a database."""
    stores = [bench.house.store(database) for _number in range(bench.size(SUBS, 2) + 1)]
    main, subs, items = stores[0], stores[1:], bench.size(ITEMS, 600)
    database.execute("update stores set plan = 'premium' where id = %(id)s", id=main.id)
    for store in stores:
        database.execute(_ITEMS_SQL, store=store.id, items=items)
    with psycopg.connect(database.admin_url, options="-c session_replication_role=replica") as admin:
        for number, sub in enumerate(subs, start=1):
            admin.execute(_LINK_SQL, {"main": main.id, "sub": sub.id, "name": f"Sub {number}"})
    with database.app.app_context():
        while _channels(database, main) < len(subs):
            follow_due(200)
            db.session.remove()
    database.execute(_LISTINGS_SQL, main=main.id)
    for table in ("items", "listings", "stock_levels"):
        database.execute(f"vacuum (analyze) {table}")
    with database.app.app_context(), store_scope(main.id):
        channels = db.session.scalars(text("select id from channels where kind = 'store' order by id")).all()
        own = db.session.scalars(text("select id from items order by id")).all()
        place = db.session.scalar(text("select min(id) from locations"))
    return Family(database.app, main, subs, channels, own, int(place))


def _channels(database: Database, main: SomeStore) -> int:
    with database.admin() as admin:
        row = admin.execute(
            "select count(*) from channels where store_id = %s and kind = 'store'", [main.id]
        ).fetchone()
    return int(row[0]) if row else 0


def _growth(bench: Bench) -> Result:
    """Milliseconds for a thousand figures: when all stock has changed, against when a tenth of it has."""
    house = family(bench, bench.house.main)
    house.put(house.items, 50)
    house.tell_all()
    some = house.items[::10]
    few = _timed(house, some, 51)
    with _counted(house) as said:
        many = _timed(house, house.items, 52)
    assert house.agrees(52), "the stores do not agree"
    told = len(house.subs) * len(house.items)
    batches = len(house.subs) * math.ceil(len(house.items) / TELLING_AT_ONCE)
    note = (
        f"{len(house.subs)} sub-stores x {len(house.items):,} items, a job each: {told / many:,.0f} figures/s, "
        f"{said[0] / batches:.0f} statements for {TELLING_AT_ONCE} of them"
    )
    return Result(1e6 * many / told, 1e6 * few / (len(house.subs) * len(some)), "ms", note)


def _timed(house: Family, item_ids: Sequence[int], pieces: int) -> float:
    house.put(item_ids, pieces)
    began = time.perf_counter()
    house.tell_all()
    return time.perf_counter() - began


@contextmanager
def _counted(house: Family) -> Iterator[list[int]]:
    """How many statements are executed meanwhile, without those that only set the scope."""
    said = [0]

    def listen(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:
        said[0] += "set_config" not in statement

    with house.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", listen)


def _delays(bench: Bench) -> Result:
    """The 95th percentile from the commit of one change to a sub-store's open page, with real processes."""
    where = site(bench)
    house = family(bench, where.database)
    item, sub = house.items[len(house.items) // 2], house.subs[-1]
    house.put([item], 1)
    with where.database.app.app_context(), store_scope(sub.id):
        theirs = db.session.scalar(
            text("select id from items where sku = :sku"), {"sku": f"K-{len(house.items) // 2 + 1}"}
        )
    chance, put = random.Random(5), {}
    with tab(where, f"/{sub.slug}/inventory/{theirs}", where.cookie(sub.owner)) as page:
        page.wait_for_selector("#item-levels")
        page.evaluate(_WATCH)
        for pieces in range(1001, 1001 + bench.size(CHANGES, 3)):
            time.sleep(chance.uniform(*APART))
            house.put([item], pieces)
            put[pieces] = time.time() * 1000
            with where.database.app.app_context(), store_scope(house.main.id):  # as a press does
                nudge(house.main.id, "stock")
                start_stock_soon(house.place)
        page.wait_for_timeout(4_000)
        seen = {int(pieces): at for pieces, at in page.evaluate("window.seen").items() if pieces}
    delays = sorted((seen[pieces] - at) / 1000 for pieces, at in put.items() if pieces in seen)
    missed = len(put) - len(delays)
    p95 = delays[min(len(delays) - 1, int(len(put) * 0.95))] if not missed else math.inf
    middle = delays[len(delays) // 2] if delays else math.inf
    what = f"{len(put)} changes of an item that {len(house.subs)} sub-stores sell"
    note = f"{what}; median {middle:.2f} s, {missed} not seen"
    return Result(p95, LIMIT_SECONDS, "s", note)


MEASURES: Final = (
    Measure("k1 all stock to 12 sub-stores, by figure", Bar(1.3, at_most=True), _growth),
    Measure("k2 p95 from a change to a sub-store's page", Bar(1.0, at_most=True), _delays),
)
