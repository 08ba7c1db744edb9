"""Invoice numbers: how they look and how a block of them is laid out.

The counter itself is a locked row in the database; here is only what can be said without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

INVOICE_SERIES: Final = "invoice"
CREDIT_SERIES: Final = "credit_note"
OWN_ORDER_SERIES: Final = "own_order"
PACKAGE_SERIES: Final = "package"
MAX_PREFIX = 12
_PREFIX = re.compile(r"[A-Za-z0-9/_.-]*")


def check_prefix(prefix: str) -> None:
    """ValueError unless the prefix is at most 12 plain letters, digits, `-`, `/`, `_` or `.`; it may be empty.

    It is printed as it stands (no placeholders for dates) and is written into the channels' own fields, hence the
    plain alphabet.
    """
    if len(prefix) > MAX_PREFIX:
        raise ValueError(f"a prefix has at most {MAX_PREFIX} characters, this one has {len(prefix)}")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("a prefix consists of letters A-Z, digits and - / _ .")


def format_number(prefix: str, padding: int, number: int) -> str:
    """The number as printed: ("INV", 5, 22) is "INV00022"; a number longer than the padding is never cut."""
    if number < 0:
        raise ValueError(f"{number} is not an invoice number")
    return f"{prefix}{str(number).zfill(padding)}"


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """`count` consecutive numbers from `first` on, taken from the counter in one go for a page of invoices."""

    prefix: str
    padding: int
    first: int
    count: int

    def numbers(self) -> list[tuple[int, str]]:
        """Each number of the block with its printed form, in order and without a gap."""
        return [
            (number, format_number(self.prefix, self.padding, number))
            for number in range(self.first, self.first + self.count)
        ]
