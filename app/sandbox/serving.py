"""Serves a sandbox over gunicorn: one process, many threads, quiet, and able to hang up on a caller."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

THREADS = 16
STOP_WITHIN = 1  # seconds that calls in flight get when the server is told to stop


class _Server(BaseApplication):  # type: ignore[misc, unused-ignore]
    """Gunicorn without a command line: data lives in the one worker, so there is never a second."""

    def __init__(self, load: Callable[[], Flask], host: str, port: int, announce: Callable[[int], None]) -> None:
        self._load_app = load
        self._bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._announce = announce
        super().__init__()  # type: ignore[no-untyped-call]

    def load_config(self) -> None:
        settings = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 30,
            "graceful_timeout": STOP_WITHIN,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": self._announce_first,
        }
        config: Any = self.cfg
        for name, value in settings.items():
            config.set(name, value)

    def load(self) -> Flask:
        return self._load_app()

    def _announce_first(self, worker: Any) -> None:
        if worker.age == 1:
            self._announce(worker.sockets[0].getsockname()[1])


def serve(load: Callable[[], Flask], *, kind: str, host: str, port: int, path: str) -> None:
    """Serve until SIGTERM or SIGINT; `load` makes the app inside the worker, port 0 takes any free one.

    Once it listens it prints `Sandbox: KIND URL`, which is what a supervisor waits for.
    """

    def announce(bound_port: int) -> None:
        sys.stdout.write(f"Sandbox: {kind} http://{host}:{bound_port}{path}\n")
        sys.stdout.flush()

    _Server(load, host, port, announce).run()  # type: ignore[no-untyped-call]


def hang_up(environ: Mapping[str, Any]) -> None:
    """Close the caller's connection; whatever is answered afterwards goes nowhere."""
    connection: socket.socket = environ["gunicorn.socket"]
    with suppress(OSError):  # the caller may have hung up first
        connection.shutdown(socket.SHUT_RDWR)


def wait_unless_gone(environ: Mapping[str, Any], seconds: float) -> bool:
    """Wait, but no longer than the caller does: a thread is not kept for somebody who has hung up. False then."""
    watched = select.poll()
    watched.register(environ["gunicorn.socket"], select.POLLIN)
    return not watched.poll(seconds * 1000)


def dripping(environ: Mapping[str, Any], body: bytes, seconds: float) -> Iterator[bytes]:
    """Give out the body byte by byte, so many seconds apart, for as long as somebody listens."""
    for place in range(len(body)):
        if place and not wait_unless_gone(environ, seconds):
            return
        yield body[place : place + 1]
