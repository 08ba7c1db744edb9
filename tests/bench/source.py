"""(l) A shop of KiotViet: its first load against a bare paging loop, what a refresh costs, and a worker's memory.

The shop is the sandbox in a process of its own. What it sells and sold is made up by a seed. The loop pages as the
contract asks of a client, over as many connections as ours, which know beforehand where each page begins. What it
takes with one connection, going on by the rows that it received, is told beside it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, Final

import requests

from app.channels.services import NewChannel, connect_channel
from app.channels.setup import chosen_so_far
from app.connectors.http import AT_ONCE
from app.sync.refreshing import request_refresh
from app.sync.setting_up import finish
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Database, House, Seller
from tests.bench.memory import LIMIT_MB, peaks_while
from tests.bench.orders import EPOCH
from tests.bench.served import Served, Shop
from tests.sandbox.running import Running, running

PAGE: Final = 100
_SALES: Final = {"includePayment": "true", "lastModifiedFrom": "2000-01-01T00:00:00"}
_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "products": {"includeInventory": "true", "includeSoftDeletedAttribute": "false"},
    "orders": {"includeOrderDelivery": "true", **_SALES},
    "invoices": {"includeInvoiceDelivery": "true", **_SALES},
}
_serial = count(1)


@dataclass(frozen=True, slots=True)
class Source:
    """One shop of the sandbox, and the store that it is connected to; `first` is the job of its first load."""

    sandbox: Running
    key: str
    seller: Seller
    first: int

    def steer(self, method: str, path: str, told: Any = None) -> Any:
        """Call the control API."""
        answer = requests.request(
            method, f"{self.sandbox.root}/control/{path}", params={"key": self.key}, json=told, timeout=600
        )
        answer.raise_for_status()
        return json.loads(answer.content)

    def refresh(self) -> float:
        """Seconds of one refresh, from the press to its end."""
        with self.seller.app.app_context(), self.seller.scope():
            job = request_refresh(self.seller.channel_id, self.seller.store.owner.id).job_id
        return _seconds(self.seller, job)


def first_load(bench: Bench, delay: float) -> Result:
    """Rows a second from *Finish* to the end of the first load: products, orders and sales without one."""
    size = bench.size(50_000, 200)
    source = _connected(bench, size)
    if delay:
        source.steer("POST", "faults/slow", {"ms": round(delay * 1000)})
    ours = _seconds(source.seller, source.first)
    rows, bare = _bare(source, AT_ONCE)
    _rows, alone = _bare(source, 1)
    _all_stored(source, size)
    note = f"{rows:,} rows; ours {ours:.1f} s, over {AT_ONCE} bare connections {bare:.1f} s, over one {alone:.1f} s"
    return Result(rows / ours, rows / bare, "rows/s", note)


def refresh(bench: Bench) -> Result:
    """What the hundredth part that changed costs beyond a refresh that finds nothing, by a hundredth of everything."""
    size = bench.size(50_000, 200)
    source = _connected(bench, size)
    whole = _seconds(source.seller, source.first)
    idle = statistics.median(source.refresh() for _round in range(3))
    touched = sum(source.steer("POST", f"touch/{kind}", {"every": 100})["touched"] for kind in ("product", "order"))
    changed = source.refresh()
    note = f"first load {whole:.1f} s, nothing changed {idle:.2f} s, {touched:,} changed {changed:.2f} s"
    return Result(max(changed - idle, 0.0), whole / 100, "s", note)


def memory(bench: Bench) -> Result:
    """The highest resident size of a worker's child during the first load, in MB."""
    size = bench.size(50_000, 200)
    source = _connected(bench, size)
    peaks, alone = peaks_while(bench.house.main.settings, source.seller, lambda: source.first)
    _all_stored(source, size)
    return Result(max(peaks), LIMIT_MB, "MB", f"the worker itself {alone:.0f} MB, most of it the same pages")


def _connected(bench: Bench, size: int) -> Source:
    """A new shop of so many products and orders, connected and set up; its first load waits to be run."""
    sandbox = bench.once(
        "kiotviet", lambda: bench.house.keep(running("--products", "0", "--orders", "0", kind="kiotviet"))
    )
    key = f"bench{next(_serial)}"
    told = {"key": key, "client_id": key, "client_secret": "bench-secret", "rate_limit": 10_000_000}
    told |= {"products": size, "orders": size}
    requests.post(f"{sandbox.root}/control/shops", json=told, timeout=600).raise_for_status()
    seller, first = _set_up(bench.house, bench.house.main, f"{sandbox.url}/{key}", key)
    return Source(sandbox, key, seller, first)


def _set_up(house: House, database: Database, address: str, client_id: str) -> tuple[Seller, int]:
    """Connect it to a new store and press *Finish*, as a person does; the seller and the job of the first load."""
    store = house.store(database)
    config = {"retailer": address, "client_id": client_id, "client_secret": "bench-secret"}
    new = NewChannel("kiotviet", config, "Bench", start_on=EPOCH.date().replace(year=EPOCH.year - 1))
    seller = Seller(database.app, store, 0, Shop(Served(""), ""))
    with database.app.app_context(), seller.scope():
        channel_id = connect_channel(new)
        chosen = replace(chosen_so_far(channel_id, announces=False), weight_unit="g")
        started = finish(channel_id, chosen, store.owner.id).start
    assert started is not None
    return replace(seller, channel_id=channel_id), started.job_id


def _seconds(seller: Seller, job_id: int) -> float:
    began = time.perf_counter()
    seller.run(job_id)
    return time.perf_counter() - began


def _all_stored(source: Source, size: int) -> None:
    listings = source.seller.one("select count(*) from listings")
    seen = source.seller.one("select count(*) from seen_orders")
    stats = source.steer("GET", "stats")["records"]
    assert listings == stats["product"] >= size, f"{listings} of {stats['product']} products were stored"
    assert seen == stats["order"] + stats["invoice"], f"{seen} of {stats['order'] + stats['invoice']} sales were seen"


def _bare(source: Source, connections: int) -> tuple[int, float]:
    """How many rows there are, and the seconds that plain `requests` need for the pages and for parsing each answer."""
    read = _reader(source)

    def walk(pages: Iterable[tuple[str, int]]) -> int:
        with requests.Session() as session:
            return sum(len(read(session, path, offset).get("data", [])) for path, offset in pages)

    began = time.perf_counter()
    rows = 0
    with requests.Session() as session, ThreadPoolExecutor(connections) as pool:
        for path in _OPTIONS:
            if connections == 1:
                offset = 0
                while page := read(session, path, offset).get("data"):
                    offset += len(page)
                rows += offset
            else:
                total = read(session, path, 0)["total"]
                pages = [(path, offset) for offset in range(0, total, PAGE)]
                rows += sum(pool.map(walk, [pages[line::connections] for line in range(connections)]))
    return rows, time.perf_counter() - began


def _reader(source: Source) -> Callable[[requests.Session, str, int], dict[str, Any]]:
    """Reads one page with a token of its own."""
    url = source.sandbox.url
    form = {"client_id": source.key, "client_secret": "bench-secret", "scopes": "PublicApi.Access"}
    form |= {"grant_type": "client_credentials"}
    token = requests.post(f"{url}/connect/token", data=form, timeout=60).json()["access_token"]
    headers = {"Retailer": source.key, "Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}

    def read(session: requests.Session, path: str, offset: int) -> dict[str, Any]:
        asked = {"pageSize": str(PAGE), "currentItem": str(offset), "orderBy": "id", **_OPTIONS[path]}
        answer = session.get(f"{url}/{path}", params=asked, headers=headers, timeout=600)
        found: dict[str, Any] = json.loads(answer.content)
        return found

    return read


MEASURES = (
    Measure("l1 first load, 50 ms an answer", Bar(0.7), partial(first_load, delay=0.05)),
    Measure("l2 first load, 0 ms an answer", None, partial(first_load, delay=0.0)),
    Measure("l3 refresh, 1 % changed", Bar(1.5, at_most=True), refresh),
    Measure("l4 a worker's memory, first load", Bar(1.0, at_most=True), memory),
)
