"""A SiteGiant that is fast enough not to be the limit: `python -m tests.bench.channel`, a process of its own.

Every order is encoded before it is asked for; an answer is cut out of what is ready and waits as long as it was
told to. A shop is opened by its key. What was called is kept, so that a bare loop can call exactly the same.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.orders import orders
from tests.bench.wire import EncodedOrder, channel_list, encoded

_CHANNELS = channel_list()
_ROOT = "/api/v1/"


@dataclass
class Shop:
    """The orders behind one key, each answer's delay in seconds, and the calls so far."""

    delay: float
    by_id: dict[int, EncodedOrder]
    by_channel: dict[int, list[EncodedOrder]]
    numbers: dict[int, str] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    @classmethod
    def opened(cls, told: dict[str, Any]) -> Shop:
        """A shop of so many orders of one merchant."""
        made = [encoded(one) for one in orders(told["count"], told["merchant"], paid_only=told["paid_only"])]
        by_channel: dict[int, list[EncodedOrder]] = defaultdict(list)
        for one in sorted(made, key=lambda one: (one.created, one.id)):
            by_channel[one.channel_id].append(one)
        return cls(told["delay"], {one.id: one for one in made}, by_channel)

    def answer(self, method: str, route: str, query: dict[str, list[str]], body: bytes) -> bytes | None:
        """What the route carries, or None when there is no such route."""
        match method, route:
            case "GET", "channels":
                return _CHANNELS
            case "GET", "orders":
                return self._page(query)
            case "POST", "order/multipleOrder":
                return self._details(json.loads(body)["order_id"])
            case "PUT", "order/list":
                return self._write(json.loads(body))
        return None

    def _page(self, query: dict[str, list[str]]) -> bytes:
        since, until = (datetime.fromisoformat(query[name][0]).timestamp() for name in ("date_from", "date_to"))
        page, limit = int(query["page"][0]), int(query["limit"][0])
        rows = self.by_channel.get(int(query["channel_id"][0]), [])
        first = bisect.bisect_left(rows, since, key=lambda one: one.created)
        end = bisect.bisect_right(rows, until, key=lambda one: one.created)
        start = first + (page - 1) * limit
        listed = b",".join(one.row for one in itertools.islice(rows, start, min(start + limit, end)))
        return b'{"total":%d,"order_list":[%b]}' % (end - first, listed)

    def _details(self, order_ids: list[int]) -> bytes:
        found = (self.by_id[order_id] for order_id in order_ids if order_id in self.by_id)
        return b'{"order_list":[%b]}' % b",".join(one.with_number(self.numbers.get(one.id, "")) for one in found)

    def _write(self, rows: list[dict[str, Any]]) -> bytes:
        self.numbers.update((row["order_id"], row["invoice_no"]) for row in rows)
        results = (b'{"order_id":%d,"code":200,"message":"Success"}' % row["order_id"] for row in rows)
        return b'{"order_list":[%b]}' % b",".join(results)


class Channel:
    """All shops, and what serving them has cost."""

    def __init__(self) -> None:
        self.shops: dict[str, Shop] = {}
        self.answers = 0
        self.began = time.process_time()

    def control(self, route: str, query: dict[str, list[str]], body: bytes) -> bytes:
        """What the bench itself asks for: open or close a shop, its calls, the process's own rate."""
        key = query.get("key", [""])[0]
        match route:
            case "open":
                self.shops[key] = Shop.opened(json.loads(body))
                self.answers, self.began = 0, time.process_time()
            case "close":
                del self.shops[key]
            case "calls":
                shop = self.shops[key]
                calls, shop.calls = shop.calls, []
                return json.dumps(calls).encode()
            case "forget":
                self.shops[key].numbers.clear()
            case "pace":
                self.shops[key].delay = json.loads(body)
            case "rate":
                return json.dumps([self.answers, time.process_time() - self.began]).encode()
        return b"{}"


class Conversation(asyncio.Protocol):
    """One connection: requests one after the other, kept alive."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._received[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
            stop = end + 4 + int(headers.get("content-length", "0"))
            if len(self._received) < stop:
                return
            body, self._received = self._received[end + 4 : stop], self._received[stop:]
            method, target, _version = first.split(" ")
            self._answer(method, target, headers.get("access-token", ""), body)

    def _answer(self, method: str, target: str, key: str, body: bytes) -> None:
        url = urlsplit(target)
        query = parse_qs(url.query)
        if url.path.startswith("/control/"):
            self._send(self._channel.control(url.path.removeprefix("/control/"), query, body))
            return
        shop = self._channel.shops.get(key)
        if shop is None:
            self._send(b'{"code":403,"message":"no such shop"}')
            return
        self._channel.answers += 1
        shop.calls.append((method, target, body.decode()))
        answer = shop.answer(method, url.path.partition(_ROOT)[2], query, body)
        found = b'{"code":404,"message":"no such route"}' if answer is None else b'{"code":200,"response":%b}' % answer
        if shop.delay:
            asyncio.get_running_loop().call_later(shop.delay, self._send, found)
        else:
            self._send(found)

    def _send(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)


async def serve() -> None:
    """Listen on a free port of this machine, say which, and serve until killed."""
    channel = Channel()
    server = await asyncio.get_running_loop().create_server(lambda: Conversation(channel), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
