"""Numbers as people type them, with the marks of their language: read in exactly that way, or refused.

"1.234" is a thousand and more to a Vietnamese and little more than one to an Englishman. So nothing is guessed at: what
the marks do not allow is an error, and so is what only somebody with the other habit would write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands before the decimals, and between thousands; `thousands` is "" where nothing may."""

    decimal: str
    thousands: str


PLAIN: Final = Marks(".", "")
"""As programs and files write numbers."""


def plain_number(text: str, marks: Marks) -> str:
    """The number with a point and without thousands: "1.234,5" of a Vietnamese -> "1234.5". ValueError otherwise."""
    found = _pattern(marks).fullmatch(text.strip().replace("\u2212", "-"))
    if found is None:
        raise ValueError(f"{text!r:.60} is not a number with {marks.decimal} and {marks.thousands}")
    whole = found["whole"].replace(marks.thousands, "") if marks.thousands else found["whole"]
    return found["sign"] + whole + (f".{found['part']}" if found["part"] else "")


def plain_amount(text: str, marks: Marks, digits: int) -> str:
    """An amount of a currency that has so many `digits`. ValueError also for what was meant as thousands: nobody
    types three decimals of ringgit, but "120.000" is what somebody from Ho Chi Minh City calls a hundred and twenty
    thousand."""
    plain = plain_number(text, marks)
    if is_rather_thousands(plain, digits):
        raise ValueError(f"{text!r:.60} has more decimals than anybody types")
    return plain


def plain_quantity(text: str, marks: Marks) -> str:
    """How many of something. ValueError also for "1.000" where the point is for decimals: it may be a thousand."""
    plain = plain_number(text, marks)
    part = plain.partition(".")[2]
    if len(part) == 3 and part.endswith("0") and marks is not PLAIN:
        raise ValueError(f"{text!r:.60} may be thousands")
    return plain


def is_rather_thousands(plain: str, digits: int) -> bool:
    """Whether an amount with a point has more decimals than its currency, which means that they are none."""
    return len(plain.partition(".")[2]) > max(digits, 2)


def plain_weight(text: str, marks: Marks) -> str:
    """Kilograms with a point, whichever mark their decimals have. ValueError for what is thousands in this language."""
    plain = text.strip().replace(",", ".")
    if marks.thousands and marks.thousands in text and _pattern(marks).fullmatch(text.strip()):
        raise ValueError(f"{text!r:.60} may be thousands")
    return plain


def typed_number(value: Decimal, marks: Marks) -> str:
    """The number as one would type it oneself: with all its decimals, and without thousands."""
    return f"{value:f}".replace(".", marks.decimal)


@cache
def _pattern(marks: Marks) -> re.Pattern[str]:
    apart = rf"|\d{{1,3}}(?:{re.escape(marks.thousands)}\d{{3}})+" if marks.thousands else ""
    return re.compile(rf"(?P<sign>-?)(?P<whole>\d+{apart})(?:{re.escape(marks.decimal)}(?P<part>\d+))?", re.ASCII)
