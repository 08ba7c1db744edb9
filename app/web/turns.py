"""Whole pages take turns: a process draws one at a time, and the others wait for their turn.

Threads of one process share one processor. Fifty pages that are drawn at once all come late, later even than if they
were drawn one after the other: the threads take the processor from each other in the middle of a page, and hold fifty
connections besides, of which each learns every statement anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LONG_SECONDS: Final = 0.25
"""Whoever takes longer goes on beside the next: it may be a large file, or be held up by something far away."""
_NO_PAGES: Final = ("/static/", "/healthz", "/readyz")


def init_app(app: Flask) -> None:
    """Let the pages of `app` take turns; parts that htmx asks for, event streams, files and what is sent do not."""
    app.wsgi_app = Turns(app.wsgi_app)  # type: ignore[method-assign]


class _Page:
    """One page in the line; whoever comes next looks at it alone."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()


class Turns:
    """A WSGI application around another, which is asked for one page at a time. Who came first is first."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._last = _Page()
        self._last.begun.set()
        self._last.ended.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; a turn lasts until the answer is there, not until it was sent."""
        if not _is_page(environ):
            return self._inner(environ, start_response)
        page = _Page()
        self._stand_in_line(page)
        try:
            return self._inner(environ, start_response)
        finally:
            page.ended.set()

    def _stand_in_line(self, page: _Page) -> None:
        """Wait until the one before had its turn, or took so long with it that it goes on beside this one."""
        with self._lock:
            before, self._last = self._last, page
        before.begun.wait()
        before.ended.wait(LONG_SECONDS)
        page.begun.set()


def _is_page(environ: WSGIEnvironment) -> bool:
    path = environ.get("PATH_INFO", "")
    return (
        environ["REQUEST_METHOD"] == "GET"
        and "HTTP_HX_REQUEST" not in environ
        and not path.startswith(_NO_PAGES)
        and not path.endswith("/events")
    )
