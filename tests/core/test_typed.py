"""A number means what its writer meant, or it is refused: it is never a thousand times too small or too large."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel import Locale, numbers
from hypothesis import given
from hypothesis import strategies as st

from app.core.typed import PLAIN, Marks, plain_amount, plain_number, plain_quantity, typed_number

POINT, COMMA = Marks(".", ","), Marks(",", ".")
LOCALES = {"en_MY": POINT, "ms": POINT, "zh": POINT, "vi": COMMA}


@pytest.mark.parametrize(
    ("text", "marks", "plain"),
    [
        ("1.234,5", COMMA, "1234.5"),
        ("1,234.5", POINT, "1234.5"),
        (" 1234,50 ", COMMA, "1234.50"),
        ("120.000", COMMA, "120000"),
        ("12.345.678", COMMA, "12345678"),
        ("\u22125", POINT, "-5"),
        ("16.90", PLAIN, "16.90"),
        ("007", POINT, "007"),
    ],
)
def test_a_number_is_read_with_its_own_marks(text: str, marks: Marks, plain: str) -> None:
    assert plain_number(text, marks) == plain


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("1,234.5", COMMA),
        ("1.234,5", POINT),
        ("16.90", COMMA),
        ("1,5", POINT),
        ("12,34", POINT),
        ("1,2345", POINT),
        ("1,23,456", POINT),
        ("1234,567", POINT),
        ("1,234", PLAIN),
        ("1 234", POINT),
        ("1_000", POINT),
        ("1e3", POINT),
        ("٣", POINT),
        ("", POINT),
        ("-", COMMA),
        ("NaN", POINT),
    ],
)
def test_what_the_marks_do_not_allow_is_refused(text: str, marks: Marks) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        plain_number(text, marks)


@pytest.mark.parametrize(
    ("text", "marks", "digits"),
    [("120.000", POINT, 0), ("120,000", COMMA, 0), ("1.234", POINT, 2), ("1,234", COMMA, 2)],
)
def test_an_amount_with_the_marks_of_the_other_habit_is_refused(text: str, marks: Marks, digits: int) -> None:
    with pytest.raises(ValueError, match="more decimals"):
        plain_amount(text, marks, digits)


@pytest.mark.parametrize(("text", "marks"), [("1.000", POINT), ("2,500", COMMA)])
def test_a_quantity_that_may_be_thousands_is_refused(text: str, marks: Marks) -> None:
    with pytest.raises(ValueError, match="may be thousands"):
        plain_quantity(text, marks)


@given(st.decimals(0, 10**9, places=2), st.sampled_from(sorted(LOCALES)), st.booleans())
def test_what_a_language_writes_it_reads_back(value: Decimal, name: str, apart: bool) -> None:
    marks = LOCALES[name]
    written = numbers.format_decimal(value, "#,##0.00", locale=name) if apart else typed_number(value, marks)
    assert Decimal(plain_amount(written, marks, 2)) == value


@given(st.integers(1_000, 10**9), st.sampled_from(sorted(LOCALES)), st.sampled_from(sorted(LOCALES)))
def test_nothing_is_read_a_thousand_times_too_small(value: int, writes: str, reads: str) -> None:
    written = numbers.format_decimal(value, locale=writes)
    try:
        read = Decimal(plain_amount(written, LOCALES[reads], 0))
    except ValueError:
        return
    assert read == value


@pytest.mark.parametrize("name", sorted(LOCALES))
def test_the_marks_are_those_of_the_language(name: str) -> None:
    symbols = Locale.parse(name).number_symbols["latn"]
    assert Marks(symbols["decimal"], symbols["group"]) == LOCALES[name]
