"""What stands beside every page, whatever it is about: the numbers of the menu, and whether jobs run.

Each domain says how its own is found; one statement reads all of them, when the first is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

from flask import Flask, current_app, g
from sqlalchemy import ColumnElement, Select, select

from app.planning import read
from app.web.respond import wants_fragment

_KNOWN: Final = "channelbook.beside"
Value = TypeVar("Value")
Found = Callable[[], ColumnElement[Any]]


def init_app(app: Flask) -> None:
    """Let domains add what they know."""
    app.extensions[_KNOWN] = []


def beside(app: Flask, found: Callable[[], ColumnElement[Value]]) -> Callable[[], Value]:
    """What tells the value on the page that is being made; `found` makes the column, of the store's own scope."""
    known: list[Found] = app.extensions[_KNOWN]
    known.append(found)

    def told() -> Value:
        if "beside" not in g:
            g.beside = _read(tuple(current_app.extensions[_KNOWN]))
        value: Value = g.beside[found]
        return value

    return told


def along(found: Callable[[], ColumnElement[Value]]) -> Value:
    """What this page alone needs, read together with what stands beside it; beside a part of a page stands nothing."""
    if wants_fragment():
        return _read((found,))[found]  # type: ignore[no-any-return]
    g.beside = _read((*current_app.extensions[_KNOWN], found))
    value: Value = g.beside[found]
    return value


def _read(everything: tuple[Found, ...]) -> dict[Found, Any]:
    return dict(zip(everything, read(_statement(everything)).one(), strict=True))


@cache
def _statement(everything: tuple[Found, ...]) -> Select[Any]:
    return select(*(found().label(f"beside_{at}") for at, found in enumerate(everything)))
