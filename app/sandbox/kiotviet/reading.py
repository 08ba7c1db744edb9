"""Reads the members of a body that was sent: clients send numbers as numbers or, in a form, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.sandbox.kiotviet.calling import Fields, Refused, truth

_MOST = Decimal(10) ** 15


def amount(fields: Fields, name: str) -> Decimal | None:
    """An amount of money or goods; None where it is missing."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite() or abs(found) > _MOST:
        raise malformed(name, value)
    return found


def plain(value: Decimal | None) -> int | float | None:
    """An amount as JSON has it: a whole number where it is one."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def number(fields: Fields, name: str) -> int | None:
    """A whole number; None where it is missing."""
    found = amount(fields, name)
    if found is None:
        return None
    if found != found.to_integral_value():
        raise malformed(name, fields[name])
    return int(found)


def text(fields: Fields, name: str) -> str | None:
    """A text; None where it is missing."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        raise malformed(name, value)
    return str(value)


def flag(fields: Fields, name: str) -> bool | None:
    """A truth value; None where it is missing."""
    value = fields.get(name)
    return None if value is None else truth(value)


def part(fields: Fields, name: str) -> Fields | None:
    """An object inside; None where it is missing."""
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise malformed(name, value)
    return value


def parts(fields: Fields, name: str) -> list[Fields] | None:
    """A list of objects inside; None where it is missing."""
    value = fields.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise malformed(name, value)
    return value


READERS: Mapping[str, Any] = {
    "amount": lambda fields, name: plain(amount(fields, name)),
    "number": number,
    "text": text,
    "flag": flag,
}


def members(fields: Fields, known: Mapping[str, str]) -> dict[str, Any]:
    """The members that are known, by their right names, of those that were sent; `known` says how each is read."""
    return {
        name: READERS[how](fields, name.lower()) for name, how in known.items() if fields.get(name.lower()) is not None
    }


def malformed(name: str, value: object) -> Refused:
    """The refusal of a value that cannot be read."""
    return Refused(f"{name}: {value}", code="SerializationException", status=400)
