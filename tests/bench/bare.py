"""The limit of all that talks to a channel: plain `requests` that makes the same calls and parses the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import requests

from tests.bench.served import Call, Shop


def replay(shop: Shop, calls: Sequence[Call], connections: int) -> float:
    """Seconds that so many connections need to make these calls, in this order, and to parse each answer as JSON."""
    waiting: SimpleQueue[Call] = SimpleQueue()
    for call in calls:
        waiting.put(call)

    def work() -> None:
        with requests.Session() as session:
            session.headers["Access-Token"] = shop.key
            session.headers["Accept-Encoding"] = "gzip"
            while True:
                try:
                    call = waiting.get_nowait()
                except Empty:
                    return
                headers = {"Content-Type": "application/json"} if call.body else None
                body = call.body.encode() or None
                url = shop.served.url + call.target
                answer = session.request(call.method, url, data=body, headers=headers, timeout=60)
                json.loads(answer.content)

    with ThreadPoolExecutor(connections) as pool:
        began = time.perf_counter()
        for done in [pool.submit(work) for _connection in range(connections)]:
            done.result()
        return time.perf_counter() - began
