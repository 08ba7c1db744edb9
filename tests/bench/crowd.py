"""(i) Two hundred signed-in people who click through the pages at once, on the machine that serves them.

Each person waits THINK seconds after a page came, as one who knows where to click does, then opens another. A page
asks for nothing more by itself before the person has left it. Files that a browser keeps are not asked for again, and
event streams are measured by (f). The people are one thread, which reads answers and does nothing else.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from sqlalchemy import select

from app.extensions import db
from app.invoices.models import Invoice
from app.orders.models import Order
from app.tenancy.scope import store_scope
from tests.bench.filled import fill
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import cheap_passwords
from tests.bench.site import Site, site
from tests.support.factories import Make, SomeStore

PEOPLE: Final = 200
STORES: Final = 20
ORDERS: Final = 2_000
SECONDS: Final = 60.0
THINK: Final = (1.0, 3.0)
LIMIT_MS: Final = 500.0
_SAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a browser: the cookie, and the addresses that they click on."""

    cookie: str
    pages: Sequence[str]


@dataclass(slots=True)
class Log:
    """What came of it: milliseconds of each page, and what went wrong."""

    pages: list[tuple[str, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def _people(bench: Bench, where: Site) -> list[Person]:
    """So many people in stores with orders, invoices and a few things that wait for them."""
    make, orders = Make(where.database.app), bench.size(ORDERS, 60)
    with cheap_passwords():
        stores = [make.store() for _ in range(bench.size(STORES, 2))]
    with psycopg.connect(where.database.settings.database_owner_url or "", autocommit=True) as owner:
        fill(owner, {store.id: orders for store in stores}, lines=orders, in_use=True)
    addresses = {store.id: _addresses(where, store) for store in stores}
    chosen = [stores[number % len(stores)] for number in range(bench.size(PEOPLE, 4))]
    return [Person(where.cookie(store.owner), addresses[store.id]) for store in chosen]


def _addresses(where: Site, store: SomeStore) -> list[str]:
    """The pages of the store in the proportion in which they are looked at."""
    with where.database.app.app_context(), store_scope(store.id):
        orders = db.session.execute(
            select(Order.id, Order.number, Order.channel_id).where(Order.store_id == store.id).limit(_SAMPLES)
        ).all()
        invoices = db.session.scalars(select(Invoice.id).where(Invoice.store_id == store.id).limit(_SAMPLES)).all()
    at = f"/{store.slug}"
    lists = ["/", "/orders", "/orders?state=held", "/invoices", "/channels/", "/failed", "/jobs"]
    return [
        *(at + path for path in lists * 4),
        *(f"{at}/orders?channel={order.channel_id}&state=ready" for order in orders[:2]),
        *(f"{at}/orders?q={order.number}" for order in orders[:4]),
        *(f"{at}/orders/{order.id}" for order in orders[:8]),
        *(f"{at}/invoices/{invoice}" for invoice in invoices[:8]),
    ]


async def _sit(where: Site, person: Person, log: Log, ends_at: float, chance: random.Random) -> None:
    """One person's clicks over one connection that is kept, as a browser keeps it."""
    await asyncio.sleep(chance.uniform(0, THINK[1]))
    wire = await asyncio.open_connection("127.0.0.1", where.port)
    try:
        while time.monotonic() < ends_at:
            page = chance.choice(person.pages)
            began = time.perf_counter()
            status = await _get(wire, page, person.cookie)
            log.pages.append((page, (time.perf_counter() - began) * 1000))
            if status != 200:
                log.errors.append(f"{status} {page}")
            await asyncio.sleep(chance.uniform(*THINK))
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        log.errors.append(f"{type(error).__name__}: {error}")
    finally:
        wire[1].close()


async def _get(wire: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, cookie: str) -> int:
    """The status of one page, read to its end."""
    reader, writer = wire
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length: ")[2].partition("\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(" ", 2)[1])


async def _all_sit(where: Site, people: Sequence[Person], seconds: float) -> Log:
    log, ends_at = Log(), time.monotonic() + seconds
    await asyncio.gather(
        *(_sit(where, person, log, ends_at, random.Random(number)) for number, person in enumerate(people))
    )
    return log


def _clicked(bench: Bench) -> dict[str, Any]:
    where = site(bench)
    people = _people(bench, where)
    asyncio.run(_all_sit(where, people, bench.size(10, 1)))  # templates are compiled and connections opened
    seconds = bench.size(int(SECONDS), 2)
    log = asyncio.run(_all_sit(where, people, seconds))
    taken = sorted(milliseconds for _page, milliseconds in log.pages)
    return {"log": log, "taken": taken, "rate": len(taken) / seconds}


def _percentile(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))]


def _latency(bench: Bench) -> Result:
    found = bench.once("crowd", lambda: _clicked(bench))
    taken, log = found["taken"], found["log"]
    note = (
        f"{len(taken):,} pages at {found['rate']:.0f} a second, {THINK[0]:g} to {THINK[1]:g} s of thinking, "
        f"median {_percentile(taken, 0.5):.0f} ms, p99 {_percentile(taken, 0.99):.0f} ms, "
        f"{len(log.errors)} errors {log.errors[:3] or ''}"
    )
    return Result(_percentile(taken, 0.95) if not log.errors else float("inf"), LIMIT_MS, "ms", note.strip())


MEASURES: Final = (Measure("i p95 of a page, 200 people clicking", Bar(1.0, at_most=True), _latency),)
