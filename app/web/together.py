"""Live parts of pages, made once for all who ask for the same at the same moment.

When a job writes down how far it is, everybody who watches it asks for the same part at once. Each is looked at by
itself, whether they may see it; what they see is made for all of them together. Nobody is given what was read before
they asked: who comes while it is being made waits for the next making.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Final, ParamSpec

from flask import Response, g, request
from werkzeug.wrappers import Response as BaseResponse

from app.extensions import db
from app.web.reader import reader
from app.web.respond import wants_fragment

P = ParamSpec("P")
PATIENCE_SECONDS: Final = 5.0
"""Who waited for so long makes it alone."""


class Making:
    """What is made for several: `made` is None until it is `done`, and for ever when that failed."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.made: Any = None


class Together:
    """For each key what is being made now, and what will be made next for all who came meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[Hashable, Making] = {}
        self._next: dict[Hashable, Making] = {}

    def made(self, key: Hashable, make: Callable[[bool], Any]) -> Any:
        """What `make` gives, begun after this was called. It is told whether it had to wait. What it raises is for
        whoever makes it; the others then do it themselves."""
        with self._lock:
            before, mine = self._now.get(key), self._next.get(key)
            is_first = mine is None
            if mine is None:
                mine = self._next[key] = Making()
        if not is_first:
            mine.done.wait(PATIENCE_SECONDS)
            return make(True) if mine.made is None else mine.made
        if before is not None:
            before.done.wait(PATIENCE_SECONDS)
        with self._lock:
            self._now[key] = self._next.pop(key)
        try:
            mine.made = make(before is not None)
            return mine.made
        finally:
            with self._lock:
                if self._now.get(key) is mine:
                    del self._now[key]
            mine.done.set()


_parts: Final = Together()


def shared_part(view: Callable[P, BaseResponse]) -> Callable[P, BaseResponse]:
    """Let all members of a store who ask for the same part at once, in the same role and language, share one making.

    For parts that depend on nothing else but the store and the address, and that say 200 or raise.
    """

    @wraps(view)
    def share(*args: P.args, **kwargs: P.kwargs) -> BaseResponse:
        if not wants_fragment():
            return view(*args, **kwargs)

        def make(had_to_wait: bool) -> bytes:
            if had_to_wait:
                db.session.expire_all()  # the store's settings were read before the others came
            return view(*args, **kwargs).get_data()

        key = (g.membership.store_id, g.membership.role, reader().name, request.full_path)
        answer = Response(_parts.made(key, make))
        answer.vary.add("HX-Request")
        return answer

    return share
