"""Whole pages take turns: a process draws a few at a time, and the others wait for their turn.

Threads of one process share one processor. Fifty pages that are drawn at once take as long as fifty that are drawn one
after the other, and then all come late; they hold fifty connections besides, of which each learns every statement anew.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE: Final = 3
"""So many pages of one process: while some wait for the database, another is drawn."""
PATIENCE_SECONDS: Final = 2.0
"""Who waited for so long goes on without a turn: somebody may be held up by something far away."""
_NO_PAGES: Final = ("/static/", "/healthz", "/readyz")


def init_app(app: Flask) -> None:
    """Let the pages of `app` take turns; parts that htmx asks for, event streams, files and what is sent do not."""
    app.wsgi_app = Turns(app.wsgi_app)  # type: ignore[method-assign]


class Turns:
    """A WSGI application around another. Who came first is first: a free turn is handed on, never left lying about."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._free = AT_ONCE
        self._waiting: deque[threading.Lock] = deque()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; a turn lasts until the answer is there, not until it was sent."""
        if not _is_page(environ):
            return self._inner(environ, start_response)
        has_turn = self._take()
        try:
            return self._inner(environ, start_response)
        finally:
            if has_turn:
                self._hand_on()

    def _take(self) -> bool:
        """Wait for a turn; False when it did not come."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=PATIENCE_SECONDS):
            return True
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # it came at the last moment

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def _is_page(environ: WSGIEnvironment) -> bool:
    path = environ.get("PATH_INFO", "")
    return (
        environ["REQUEST_METHOD"] == "GET"
        and "HTTP_HX_REQUEST" not in environ
        and not path.startswith(_NO_PAGES)
        and not path.endswith("/events")
    )
