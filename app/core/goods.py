"""What a person writes about an item, and how it is kept: kilograms as whole grams, options as names with values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

HEAVIEST_GRAMS: Final = 100_000_000
"""Of one item, which is a hundred tonnes."""
MOST_OPTIONS: Final = 10


def to_grams(kilograms: str) -> int:
    """Kilograms as typed, such as "0.25" or "1,5", in whole grams. ValueError when they are not exact, or too many."""
    plain = kilograms.strip().replace(",", ".")
    if not re.fullmatch(r"\d{1,7}(\.\d{1,9})?", plain, re.ASCII):
        raise ValueError(kilograms)
    grams = Decimal(plain) * 1000
    if grams != grams.to_integral_value() or grams > HEAVIEST_GRAMS:
        raise ValueError(kilograms)
    return int(grams)


def to_kilograms(grams: int) -> str:
    """The same back, without zeros at the end: 250 -> "0.25"."""
    return f"{(Decimal(grams) / 1000).normalize():f}"


def as_grams(kilograms: Decimal | None) -> int | None:
    """What a channel says that something weighs, in whole grams; None of what is none, or nothing, or too much."""
    grams = 0 if kilograms is None else int((kilograms * 1000).to_integral_value(ROUND_HALF_UP))
    return grams if 0 < grams <= HEAVIEST_GRAMS else None


def read_options(text: str) -> dict[str, str]:
    """Options as typed, "Size: M; Colour: Red", by name.

    ValueError when a part has no name or no value, when a name comes twice, and when there are too many.
    """
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, colon, value = (one.strip() for one in part.partition(":"))
        if not (name and colon and value) or name in found:
            raise ValueError(text)
        found[name] = value
    if len(found) > MOST_OPTIONS:
        raise ValueError(text)
    return found


def write_options(options: Mapping[str, str]) -> str:
    """The same back."""
    return "; ".join(f"{name}: {value}" for name, value in options.items())
