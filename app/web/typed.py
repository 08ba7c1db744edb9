"""Numbers in forms: shown and read with the marks of the page's language."""

from __future__ import annotations

from decimal import Decimal

from app.core.money import from_minor, minor_digits
from app.core.typed import Marks, plain_amount, plain_quantity, plain_weight, typed_number
from app.web.reader import reader


def marks() -> Marks:
    """How the reader of this page writes numbers."""
    symbols = reader().locale.number_symbols["latn"]
    return Marks(symbols["decimal"], symbols["group"])


def typed_amount(minor: int, currency: str) -> str:
    """An amount as it stands in a field: 1690, MYR -> "16.90", and "16,90" on a Vietnamese page."""
    return typed_number(from_minor(minor, currency), marks())


def typed_quantity(value: Decimal) -> str:
    """How many, as it stands in a field."""
    return typed_number(value.normalize(), marks())


def amount_read(text: str, currency: str) -> str:
    """What was typed as an amount, as programs write it. ValueError when this language does not write it like that."""
    return plain_amount(text, marks(), minor_digits(currency))


def quantity_read(text: str) -> str:
    """What was typed as a quantity, as programs write it. ValueError as above."""
    return plain_quantity(text, marks())


def weight_read(text: str) -> str:
    """What was typed as kilograms, as programs write it. ValueError as above."""
    return plain_weight(text, marks())


def example_amount(currency: str) -> str:
    """An amount as this page wants it typed: "16.90", "16,90", or of a currency without decimals "16900"."""
    digits = minor_digits(currency)
    return typed_amount(1690 * 10 ** (digits - 2) if digits >= 2 else 16900, currency)


def as_typed(plain: str) -> str:
    """A number as this page wants it typed: "0.5" or "0,5"."""
    return typed_number(Decimal(plain), marks())
