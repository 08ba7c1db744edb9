"""(a) Pulling and storing orders, against a bare loop that only fetches and parses the same answers."""

from __future__ import annotations

import time
from functools import partial

from app.connectors.http import AT_ONCE
from tests.bench.bare import replay
from tests.bench.frame import Bar, Bench, Measure, Result, middle


def pulling(bench: Bench, delay: float) -> Result:
    """Orders a second from the press of *Check for updates* to its end, by rounds with a store of their own each."""
    return middle([_round(bench, delay) for _round_number in range(bench.rounds)])


def _round(bench: Bench, delay: float) -> Result:
    seller = bench.house.seller(bench.orders, delay=delay)
    job = seller.press_check()
    seller.shop.calls()
    began = time.perf_counter()
    seller.run(job)
    ours = time.perf_counter() - began
    calls = seller.shop.calls()
    bare = replay(seller.shop, calls, AT_ONCE)
    stored = seller.one("select count(*) from orders")
    assert stored == bench.orders, f"{stored} of {bench.orders} orders were stored"
    seller.shop.close()
    note = f"{len(calls)} calls over {AT_ONCE} connections; ours {ours:.2f} s, bare {bare:.2f} s"
    return Result(bench.orders / ours, bench.orders / bare, "orders/s", note)


def channel_rate(bench: Bench) -> Result:
    """How many answers the channel's process gives for a second of its own computing: it must not be the limit."""
    seller = bench.house.seller(bench.orders)
    seller.run(seller.press_check())
    rate = seller.shop.served.rate()
    seller.shop.close()
    return Result(rate, 0.0, "answers/s", "per second of the channel process's own computing")


MEASURES = (
    Measure("a0 the channel's own rate", None, channel_rate),
    Measure("a1 pull and store, 50 ms an answer", Bar(0.9), partial(pulling, delay=0.05)),
    Measure("a2 pull and store, 0 ms an answer", Bar(0.25), partial(pulling, delay=0.0)),
)
