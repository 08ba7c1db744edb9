"""(d) Growth: the same orders, into stores that hold ever more and among ever more stores, take the same time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from app.onboarding.services import create_store
from tests.bench.filled import fill
from tests.bench.frame import Bar, Bench, Measure, Result
from tests.bench.house import Database
from tests.support.factories import SomeStore

Place = tuple[Database, SomeStore | None]
"""Where the orders go: a database, and a store of it that holds some already. None: a new store each time."""


def seconds_by_place(bench: Bench) -> dict[str, float]:
    """Median seconds that the whole road of the orders takes in each place; the places take turns."""
    return bench.once("growth", lambda: _measure(bench))


def _measure(bench: Bench) -> dict[str, float]:
    orders = bench.size(5_000, 150)
    places: dict[str, Place] = {
        "empty": (bench.house.database("empty"), None),
        "50k": _store_that_holds(bench, "holds_50k", bench.size(50_000, 500)),
        "500k": _store_that_holds(bench, "holds_500k", bench.size(500_000, 1_000)),
        "among": (_among(bench, bench.size(1_000, 5)), None),
    }
    taken: dict[str, list[float]] = {name: [] for name in places}
    for number in range(1, bench.rounds + 1):
        for name, place in places.items():
            taken[name].append(_whole_road(bench, place, orders, number))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _whole_road(bench: Bench, place: Place, orders: int, merchant: int) -> float:
    """Seconds from the first press to the last number written back, for this merchant's orders."""
    database, store = place
    seller = bench.house.seller(orders, on=database, store=store, merchant=merchant, paid_only=True)
    began = time.perf_counter()
    seller.run(seller.press_check())
    seller.run(seller.press_sync())
    seconds = time.perf_counter() - began
    booked = seller.one("select count(*) from invoices where channel_id = :id", id=seller.channel_id)
    assert booked == orders, f"{booked} of {orders} orders were booked"
    seller.shop.close()
    return seconds


def _store_that_holds(bench: Bench, name: str, orders: int) -> Place:
    database = bench.house.database(name)
    store = bench.house.store(database)
    with database.admin() as admin:
        fill(admin, {store.id: orders})
    return database, store


def _among(bench: Bench, stores: int) -> Database:
    """A database with so many other stores, each of which has a few orders."""
    database = bench.house.database("among_stores")
    owner = bench.house.store(database).owner
    made = []
    for number in range(stores):
        with database.app.app_context():
            made.append(create_store(owner.id, f"Neighbour {number}").store_id)
    with database.admin() as admin:
        fill(admin, dict.fromkeys(made, 20))
    return database


def grown(bench: Bench, place: str) -> Result:
    """Seconds in this place, against seconds in an empty store of an empty database."""
    seconds = seconds_by_place(bench)
    return Result(seconds[place], seconds["empty"], "s")


def _into(place: str) -> Callable[[Bench], Result]:
    return partial(grown, place=place)


MEASURES = (
    Measure("d1 5,000 orders into a store of 50,000", Bar(1.3, at_most=True), _into("50k")),
    Measure("d2 5,000 orders into a store of 500,000", Bar(1.3, at_most=True), _into("500k")),
    Measure("d3 5,000 orders among 1,000 stores", Bar(1.3, at_most=True), _into("among")),
)
