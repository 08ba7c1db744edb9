"""A list's filters: read from the URL into a dataclass, so that they survive a reload and a shared link."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from werkzeug.datastructures import MultiDict

from app.web.forms import clean_text

Filters = TypeVar("Filters")

_MAX_TEXT: Final = 200
_MAX_VALUES: Final = 50


def read_args(kind: type[Filters], args: MultiDict[str, str]) -> Filters:
    """Make the dataclass `kind` from query parameters of the same names as its fields.

    Fields are `str`, `int`, `bool`, `date`, a string enum, one of these `| None`, or `tuple[one of these, ...]`
    for a repeated parameter; each has a default. A value that cannot be read is left out: a link from long ago
    shows a longer list, never an error.
    """
    found: dict[str, Any] = {}
    for name, plain, many in _fields(cast(Any, kind)):
        values = [_read(plain, text) for text in args.getlist(name)[:_MAX_VALUES]]
        values = [value for value in values if value is not None]
        if values:
            found[name] = tuple(dict.fromkeys(values)) if many else values[0]
    return kind(**found)


def write_args(filters: Any) -> dict[str, Any]:
    """The query parameters that `read_args` makes the same dataclass of: text, or lists of text.

    What is left at its default is left out. Zero is not: a channel that cannot exist must not turn into all channels.
    """
    values = ((field.name, getattr(filters, field.name), field.default) for field in fields(filters))
    return {name: _written(value) for name, value, default in values if value != default}


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, type[Any], bool], ...]:
    """Name, type of one value, and whether there may be several, of each field: found out once."""
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is not a dataclass")
    hints = get_type_hints(kind)
    return tuple(
        (field.name, _plain(hints[field.name]), get_origin(hints[field.name]) is tuple) for field in fields(kind)
    )


def search_words(text: str) -> str:
    """What is looked for, as it may be compared; "" when it holds what nobody types."""
    try:
        return clean_text(text[:_MAX_TEXT]) or ""
    except ValueError:
        return ""


def _plain(hint: Any) -> type[Any]:
    """The type of one value: `X` for `X`, `X | None` and `tuple[X, ...]`."""
    if get_origin(hint) in {tuple, Union, types.UnionType}:
        return next(part for part in get_args(hint) if part not in {type(None), ...})  # type: ignore[no-any-return]
    return hint  # type: ignore[no-any-return]


def _written(value: Any) -> str | list[str]:
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return str(int(value)) if isinstance(value, bool) else str(value)


def _read(kind: type[Any], text: str) -> Any:
    """One value, or None when `text` cannot be read as `kind` or is empty."""
    try:
        text = clean_text(text[:_MAX_TEXT]) or ""
        if not text:
            return None
        if kind is bool:
            return {"1": True, "0": False}.get(text)
        if kind is date:
            return date.fromisoformat(text)
        if kind is int:
            return _whole(text)
        return kind(text) if issubclass(kind, Enum) else text
    except ValueError:
        return None


def _whole(text: str) -> int:
    value = int(text) if text.removeprefix("-").isascii() else 2**63
    if abs(value) >= 2**63:
        raise ValueError(text)
    return value
