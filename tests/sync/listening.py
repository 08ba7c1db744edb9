"""An open page as the stream sees it: a socket that reads names, on a real threaded server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from types import TracebackType

from flask import Flask
from redis import Redis
from werkzeug.serving import make_server

from tests.support.factories import SomePerson, signed_in
from tests.support.fixtures import new_client

PATIENCE = 10.0


@contextmanager
def served(app: Flask) -> Iterator[int]:
    """Serve the application on a free loopback port, a thread for each request; yields the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cookie_of(app: Flask, person: SomePerson) -> str:
    """The cookie of a browser that this person just signed in with."""
    cookie = signed_in(new_client(app), person).get_cookie("channelbook")
    assert cookie is not None
    return f"channelbook={cookie.value}"


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def until_somebody_listens(redis_url: str) -> None:
    """Wait until a process has subscribed: what is published before that is lost, as it may be."""
    with Redis.from_url(redis_url) as redis:
        eventually(lambda: bool(redis.pubsub_numpat()), "a subscription")


class Listener:
    """One open stream. `with Listener(…) as page: page.next_name()`."""

    def __init__(self, port: int, path: str, cookie: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._connection.request("GET", path, headers={"Cookie": cookie, "Accept": "text/event-stream"})
        self.answer: HTTPResponse = self._connection.getresponse()

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.answer.status

    def line(self) -> str | None:
        """The next line that is not empty; None when the stream has ended."""
        while raw := self.answer.readline():
            if text := raw.decode().strip():
                return text
        return None

    def next_name(self) -> str | None:
        """The name of the next event; None when the stream has ended."""
        while (line := self.line()) is not None:
            if line.startswith("event: "):
                return line.removeprefix("event: ")
        return None

    def rest(self) -> list[str]:
        """Everything that comes until the end."""
        return list(iter(self.line, None))

    def close(self) -> None:
        """Leave the page."""
        self.answer.close()
        self._connection.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
