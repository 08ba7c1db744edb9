"""Reads single fields of a channel's JSON: several names for one thing, several shapes for one value.

Nothing is guessed. A field that must be there and is not, or that cannot be read, raises BadPayload with a
sentence that names it; the order it belongs to is then kept as unreadable and the others go on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _

from app.core.errors import BadPayload
from app.core.money import to_minor

Row = Mapping[str, Any]

ID_LENGTH = 64
NAME_LENGTH = 200
"""Longer names and numbers are a mistake over there: nobody could read them, and no index could hold them."""
PROSE_LENGTH = 10_000
"""The same for what people write in sentences."""
MOST_KEPT = 100_000
"""Characters of JSON that are kept of an order that cannot be read."""
_WHOLE = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
_QUANTITY = re.compile(r"\d{1,9}(\.\d{1,4}0{0,20})?", re.ASCII)  # As finely as it is stored.
_LONGEST_QUANTITY = 40
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_minor = lru_cache(maxsize=4096)(to_minor)  # An order has twenty amounts, and most of them are zero or a list price.


def has(row: Row, *names: str) -> bool:
    """Whether the row holds one of these fields at all, blank or not."""
    return not row.keys().isdisjoint(names)


def first(row: Row, *names: str) -> Any:
    """The first of these fields that holds something, else None."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def text(row: Row, *names: str) -> str:
    """The first of these fields as tidy text, control characters as spaces; '' when all are blank or hold no text."""
    for name in names:
        value = row.get(name)
        if type(value) is str:
            if value:
                return (value if value.isprintable() else _CONTROLS.sub(" ", value)).strip()
        elif value is not None:
            return str(value) if type(value) is int else ""
    return ""


def name(row: Row, *names: str, limit: int = NAME_LENGTH) -> str:
    """The same, for what is to be kept; BadPayload when it is longer than anything of its kind."""
    found = text(row, *names)
    if len(found) > limit:
        raise BadPayload(
            _("The field “%(field)s” is longer than %(limit)s characters.", field=names[0], limit=limit),
            detail=f"{len(found)} characters",
        )
    return found


def prose(row: Row, *names: str) -> str:
    """The same for what people write in sentences: it may be longer, and keeps its line breaks."""
    found, value = name(row, *names, limit=PROSE_LENGTH), first(row, *names)
    if not isinstance(value, str) or value.isprintable():
        return found
    return "\n".join(_CONTROLS.sub(" ", line) for line in value.splitlines()).strip()


def remote_id(row: Row, *names: str) -> str:
    """An id as text, '' when there is none. Too long for an id counts as none."""
    found = text(row, *names)
    return found if len(found) <= ID_LENGTH else ""


def money(row: Row, currency: str, *names: str) -> int:
    """An amount in minor units; 0 when the field is blank or absent, for the order's total shows what is missing."""
    value = first(row, *names)
    return 0 if value is None else _amount(value, currency, names[0])


def required_money(row: Row, currency: str, *names: str) -> int:
    """An amount that must be there."""
    value = first(row, *names)
    if value is None:
        raise missing(names[0])
    return _amount(value, currency, names[0])


def _amount(value: Any, currency: str, field: str) -> int:
    try:
        return _minor(value, currency) if type(value) is str else to_minor(value, currency)
    except ValueError as error:
        problem = str(error)
    raise BadPayload(_("We cannot read the amount in the field “%(field)s”.", field=field), detail=problem)


def quantity(row: Row, *names: str) -> Decimal:
    """A quantity, not negative; it must be there."""
    value = first(row, *names)
    if value is None:
        raise missing(names[0])
    told = str(value).strip()
    if isinstance(value, bool) or len(told) > _LONGEST_QUANTITY or (count := _count(told)) is None:
        raise unreadable(names[0])
    return count


@lru_cache(maxsize=1024)
def _count(told: str) -> Decimal | None:
    """Remembered, because most lines are of one, two or three pieces."""
    return Decimal(told) if _QUANTITY.fullmatch(told) else None


def whole(value: Any) -> int | None:
    """A code or count, which comes as a number or as text; None when it is neither, or beyond all counting."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**9 else None
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def flag(row: Row, name: str) -> bool | None:
    """A yes or no in any of its notations; None when it is absent or says neither."""
    told = str(row.get(name, "")).strip().casefold()
    if told in ("1", "true", "yes"):
        return True
    return False if told in ("0", "false", "no") else None


def kept(row: Row) -> Row:
    """What is kept of a payload that cannot be read: all of it, or its beginning when it is too large or too deep."""
    try:
        size = len(json.dumps(row))
    except (RecursionError, ValueError, TypeError):
        size = MOST_KEPT + 1
    if size <= MOST_KEPT:
        return row
    plain = {key: value for key, value in row.items() if isinstance(value, str | int | None)}
    return {key[:NAME_LENGTH]: str(value or "")[:NAME_LENGTH] for key, value in list(plain.items())[:100]}


def missing(field: str) -> BadPayload:
    """The field is not there."""
    return BadPayload(_("The field “%(field)s” is missing.", field=field))


def unreadable(field: str) -> BadPayload:
    """The field holds something that we cannot read."""
    return BadPayload(_("We cannot read the field “%(field)s”.", field=field))
