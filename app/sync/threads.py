"""Threads for calls to a channel, beside the one that writes to the database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from flask import Flask, current_app


@contextmanager
def threads(number: int, name: str) -> Iterator[Executor]:
    """Threads that know the application, for sentences in the right language; waited for at the end."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    pool = ThreadPoolExecutor(number, name, initializer=lambda: app.app_context().push())
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
