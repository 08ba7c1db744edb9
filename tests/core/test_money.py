from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import LIMIT, from_minor, minor_digits, multiply, to_minor

CURRENCIES = st.sampled_from(["MYR", "SGD", "VND", "JPY", "KWD", "CLF"])
MINOR = st.integers(-LIMIT + 1, LIMIT - 1)


@pytest.mark.parametrize(("currency", "digits"), [("MYR", 2), ("VND", 0), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_each_currency_has_its_own_decimals(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "RM", "myr", "XXX", "₫", "MYRR"])
def test_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        minor_digits(currency)


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("21.00", "MYR", 2100),
        ("21.0000000000000000000000000000000000000", "MYR", 2100),
        ("-0.01", "MYR", -1),
        ("-0", "MYR", 0),
        ("+5", "MYR", 500),
        (".5", "MYR", 50),
        ("7.", "MYR", 700),
        (" 3 ", "MYR", 300),
        ("1e3", "MYR", 100_000),
        ("0e999999", "MYR", 0),
        (21, "MYR", 2100),
        (Decimal("21.5"), "MYR", 2150),
        (Decimal("1E+2"), "MYR", 10_000),
        ("350000", "VND", 350_000),
        ("350000.00", "VND", 350_000),
        ("0.005", "KWD", 5),
        ("99999999999.99", "MYR", LIMIT - 1),
    ],
)
def test_amounts_are_read_exactly(value: str | int | Decimal, currency: str, minor: int) -> None:
    assert to_minor(value, currency) == minor


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ".",
        "-",
        "RM21",
        "1,234.50",
        "1.234,50",
        "1_0",
        "0x10",
        "٣",
        "２１",
        "1 0",
        "NaN",
        "inf",
        "-Infinity",
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        "1e99999999999999999999999",
        "1e999999",
        "-1e13",
        "100000000000.00",
        10**11,
        10**4000,
        "9" * 6000,
        Decimal("1e-99999"),
    ],
)
def test_what_is_no_amount_is_refused(value: str | int | Decimal) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        to_minor(value, "MYR")


@pytest.mark.parametrize("value", ["1e999999", "-1e13", "1e999999999999999", "100000000000.00", "9" * 6000])
def test_absurd_amount_is_called_out_of_range(value: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        to_minor(value, "MYR")


@pytest.mark.parametrize("value", [1.5, 21.0, float("nan"), True, False, None, [], b"21"])
def test_floats_booleans_and_other_types_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        to_minor(value, "MYR")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "currency"),
    [("1.005", "MYR"), ("0.5", "VND"), ("0.0001", "KWD"), ("1.000000000000000000000000001", "MYR")],
)
def test_more_decimals_than_the_currency_has_are_refused(value: str, currency: str) -> None:
    with pytest.raises(ValueError, match="too precise"):
        to_minor(value, currency)


@given(MINOR, CURRENCIES)
def test_minor_units_survive_a_round_trip_through_printing(minor: int, currency: str) -> None:
    printed = from_minor(minor, currency)
    assert to_minor(printed, currency) == minor
    assert to_minor(f"{printed:f}", currency) == minor
    assert -int(printed.as_tuple().exponent) == minor_digits(currency)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=4), CURRENCIES)
def test_an_amount_is_read_exactly_or_not_at_all(value: Decimal, currency: str) -> None:
    exact = Fraction(value) * 10 ** minor_digits(currency)
    if exact.denominator == 1:
        assert to_minor(value, currency) == exact
    else:
        with pytest.raises(ValueError, match="too precise"):
            to_minor(value, currency)


def test_callers_decimal_settings_change_nothing() -> None:
    with localcontext() as context:
        context.prec = 3
        assert to_minor("12345678.91", "MYR") == 1_234_567_891
        assert from_minor(1_234_567_891, "MYR") == Decimal("12345678.91")
        assert multiply(1_234_567, Decimal("1.5")) == 1_851_851


@pytest.mark.parametrize(
    ("price", "quantity", "product"),
    [
        (333, "1.5", 500),
        (-333, "1.5", -500),
        (1, "0.5", 1),
        (1, "0.49", 0),
        (-1, "0.5", -1),
        (999, "0", 0),
        (10, "3", 30),
    ],
)
def test_price_times_quantity_rounds_a_half_away_from_zero(price: int, quantity: str, product: int) -> None:
    assert multiply(price, Decimal(quantity)) == product


@given(st.integers(-(10**9), 10**9), st.decimals(min_value=-10_000, max_value=10_000, places=5))
def test_price_times_quantity_is_within_half_a_unit(price: int, quantity: Decimal) -> None:
    product = multiply(price, quantity)
    assert abs(product - price * Fraction(quantity)) <= Fraction(1, 2)
    assert multiply(-price, quantity) == -product


@pytest.mark.parametrize("quantity", ["NaN", "sNaN", "Infinity", "1e999999", "1.00000000000000000000000000001"])
def test_price_times_what_is_no_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|exactly"):
        multiply(100, Decimal(quantity))
