"""The streams of open pages: each carries the names of what changed, never data, and the page fetches that itself.

One thread of each process listens to the queue server and fans out. A stream holds a thread of the web server and
one of the few connections that a browser allows, so streams are few: some for each process, three for each signed-in
browser over all processes. Whoever gets none polls. Nothing here is truth: a lost name is made good by the next poll.
"""

from __future__ import annotations

import json
import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.core.errors import backoff_seconds
from app.sync.nudge import ALL_TOPICS, topic
from app.sync.queue import connection

log = logging.getLogger(__name__)

MOST_STREAMS: Final = 32
"""Of one process: half of the threads that `app.serving` gives it, so that pages are always served."""
MOST_OF_ONE_BROWSER: Final = 3
"""Browsers open six connections to a site; the others are for pages."""
KEEP_ALIVE_SECONDS = 15.0
LIFETIME_SECONDS = 300.0
PACE_SECONDS = 1.0
"""Names that come faster than this are gathered, so that a fast job does not wear out its viewers."""
PLACE_WAIT_SECONDS = 2.0
"""How long a new page waits for the place of the page that was just left, which is noticed once a LOOK_SECONDS."""
LOOK_SECONDS = 0.5
RECONNECT_MS: Final = 2_000
STAY_AWAY_MS: Final = 3_600_000
_MOST_NAMES: Final = 200
_SILENCE_SECONDS: Final = 30.0
_LONGEST_PAUSE_SECONDS: Final = 10.0


class Stream:
    """One open page: the names that it was not told yet. A name that is there already is not added twice."""

    def __init__(self, store_id: int) -> None:
        self.id = uuid4().hex
        self.store_id = store_id
        self._names: dict[str, None] = {}
        self._changed = threading.Condition()

    def put(self, names: Iterable[str]) -> None:
        """Tell the page that these parts changed."""
        with self._changed:
            if len(self._names) < _MOST_NAMES:
                self._names.update(dict.fromkeys(names))
            self._changed.notify()

    def take(self, seconds: float) -> list[str]:
        """Wait up to `seconds` for names, and take them all."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._names), seconds)
            names = list(self._names)
            self._names.clear()
            return names


class Hub:
    """The streams of this process and the thread that feeds them, which starts with the first one, after the fork."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._streams: dict[bytes, set[Stream]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def open(self, store_id: int) -> Stream | None:
        """A stream of the store's nudges; None when this process has as many as it may."""
        stream = Stream(store_id)
        with self._lock:
            if sum(map(len, self._streams.values())) >= MOST_STREAMS:
                return None
            self._streams.setdefault(topic(store_id).encode(), set()).add(stream)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._listen_for_ever, name="nudges", daemon=True)
                self._thread.start()
        return stream

    def close(self, stream: Stream) -> None:
        """Forget the stream; twice does no harm."""
        key = topic(stream.store_id).encode()
        with self._lock:
            streams = self._streams.get(key, set())
            streams.discard(stream)
            if not streams:
                self._streams.pop(key, None)

    def stop(self) -> None:
        """End the thread and wait for it; the next stream starts another one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None
        self._stop.clear()

    @property
    def count(self) -> int:
        """How many streams this process serves."""
        with self._lock:
            return sum(map(len, self._streams.values()))

    def _listen_for_ever(self) -> None:
        """Listen, and after a loss listen again, with pauses that grow while the queue server stays away."""
        failures = 0
        while not self._stop.is_set():
            try:
                for message in self._messages():
                    failures = 0
                    self._fan_out(message)
            except (RedisError, OSError) as error:
                failures += 1
                log.info("no nudges for now: %s", type(error).__name__)
                self._stop.wait(backoff_seconds(failures, base=0.25, ceiling=_LONGEST_PAUSE_SECONDS))

    def _messages(self) -> Iterator[dict[str, Any]]:
        """What the queue server says, pings included; raises when it is silent, as a cut line is."""
        options = {"socket_connect_timeout": 2, "socket_timeout": 5, "retry": Retry(NoBackoff(), 0)}
        with Redis.from_url(self._redis_url, **options) as redis, redis.pubsub() as listener:
            listener.psubscribe(ALL_TOPICS)
            heard_at = asked_at = time.monotonic()
            while not self._stop.is_set():
                message = listener.get_message(timeout=LOOK_SECONDS)
                now = time.monotonic()
                if message is not None:
                    heard_at = now
                    yield message
                elif now - heard_at > _SILENCE_SECONDS:
                    raise OSError("the queue server is silent")
                elif now - max(heard_at, asked_at) > _SILENCE_SECONDS / 3:
                    asked_at = now
                    listener.ping()

    def _fan_out(self, message: dict[str, Any]) -> None:
        if message["type"] != "pmessage":
            return
        with self._lock:
            streams = list(self._streams.get(message["channel"], ()))
        if not streams:
            return
        with suppress(ValueError, TypeError):
            names = [name for name in json.loads(message["data"]) if isinstance(name, str) and name.isprintable()]
            for stream in streams:
                stream.put(names)


class Place:
    """One of the few streams of a signed-in browser, counted in the queue server for all processes together.

    A place that is not renewed runs out by itself, so that a killed process leaves none behind.
    """

    def __init__(self, redis_url: str, session_id: int, stream: Stream) -> None:
        self._redis = connection(redis_url)
        self._key = f"channelbook:streams:{session_id}"
        self._name = stream.id

    def take(self) -> bool:
        """Take a place, waiting a little for one that is being given back. False when there is none."""
        deadline = time.monotonic() + PLACE_WAIT_SECONDS
        while not self._try():
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_SECONDS / 2)
        return True

    def renew(self) -> None:
        """Keep the place for some time more; without a queue server there is nothing to keep."""
        with suppress(RedisError, OSError):
            self._redis.zadd(self._key, {self._name: self._until()})

    def give_back(self) -> None:
        """Let another page have it."""
        with suppress(RedisError, OSError):
            self._redis.zrem(self._key, self._name)

    def _try(self) -> bool:
        try:
            with self._redis.pipeline(transaction=True) as steps:
                steps.zremrangebyscore(self._key, "-inf", time.time())
                steps.zadd(self._key, {self._name: self._until()})
                steps.expire(self._key, int(LIFETIME_SECONDS) + 1)
                steps.zcard(self._key)
                taken = steps.execute()[-1]
        except (RedisError, OSError):
            return False
        if taken <= MOST_OF_ONE_BROWSER:
            return True
        self.give_back()
        return False

    @staticmethod
    def _until() -> float:
        return time.time() + 3 * KEEP_ALIVE_SECONDS


def events(stream: Stream, *, peer: socket.socket | None, renew: Callable[[], bool]) -> Iterator[bytes]:
    """The bytes of a stream: an event for each name, a comment now and then, an end after some minutes.

    `renew` is asked with each comment whether the viewer may still look; if not, the stream ends and asks the browser
    to stay away. `peer` is the browser's socket, if known: a page that was left is noticed there.
    """
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    ends_at = time.monotonic() + LIFETIME_SECONDS
    due_at = time.monotonic() + KEEP_ALIVE_SECONDS
    while (now := time.monotonic()) < ends_at and not _has_left(peer):
        if now >= due_at:
            if not renew():
                yield f"retry: {STAY_AWAY_MS}\n\n".encode()
                return
            due_at = now + KEEP_ALIVE_SECONDS
            yield b": k\n\n"
        names = stream.take(min(LOOK_SECONDS, due_at - now))
        if names:
            yield "".join(f"event: {name}\ndata:\n\n" for name in names).encode()
            time.sleep(PACE_SECONDS)


def _has_left(peer: socket.socket | None) -> bool:
    """Whether the browser has closed its side. Unread bytes, or a layer of TLS that cannot be looked under, stay."""
    if peer is None:
        return False
    try:
        waiting = select.poll()
        waiting.register(peer, select.POLLIN)
        return bool(waiting.poll(0)) and not peer.recv(1, socket.MSG_PEEK)
    except ValueError:
        return peer.fileno() < 0
    except OSError:
        return True
