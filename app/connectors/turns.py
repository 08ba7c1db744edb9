"""Whose turn it is to compute: the threads of a job share one interpreter, which gives each as much as any other.

What reads answers would take the time of what stores them, and then stand still while PostgreSQL works. So answers are
read by one thread at a time, and whoever stores goes first: the others read on while it waits for the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, local
from typing import Final


class _Here(local):
    """What is known of each thread by itself."""

    goes_first = False


_here: Final = _Here()
_reading: Final = Lock()
_is_free: Final = Event()
_is_free.set()


@contextmanager
def reading() -> Iterator[Callable[[], object]]:
    """Make sense of an answer when nobody else does; call what it gives before each row, to let others go first."""
    with _reading:
        _is_free.wait()
        yield _is_free.wait


@contextmanager
def going_first() -> Iterator[None]:
    """Go before all who read. Nothing inside may wait for what they read."""
    _here.goes_first = True
    go_on()
    try:
        yield
    finally:
        rest()
        _here.goes_first = False


def rest() -> None:
    """Let the others read: this thread has nothing to compute for a while."""
    if _here.goes_first:
        _is_free.set()


def go_on() -> None:
    """Go first again."""
    if _here.goes_first:
        _is_free.clear()
