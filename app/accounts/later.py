"""Work that an answer must not wait for, because how long it takes would tell what was found."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from flask import Flask, current_app

log = logging.getLogger(__name__)

_THREAD: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="later")
"""One thread for each process, begun by the first work and so after any fork. What is asked for first is done first."""


def later(work: Callable[[], None]) -> None:
    """Run `work` soon, in an application context of its own. It may be lost with the process: asking again is safe."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    _THREAD.submit(_run, app, work)


def finish() -> None:
    """Wait until everything that was asked for so far is done: for a process that ends now."""
    _THREAD.submit(lambda: None).result()


def _run(app: Flask, work: Callable[[], None]) -> None:
    try:
        with app.app_context():
            work()
    except Exception:
        log.exception("Work for later failed, reference %s", secrets.token_hex(4))
