"""Exact money: integers in a currency's minor unit, and the few sums that are easy to get wrong.

Every amount that is parsed, multiplied or divided in Channelbook goes through here, so a cent is lost or
rounded in one place or nowhere. Source of codes and digits: ISO 4217, list one.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from types import MappingProxyType

LIMIT = 10**13
"""Amounts of this many minor units or more are a misread field, not a price."""

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG "
    "YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS = MappingProxyType({code: digits for digits, codes in _CODES.items() for code in codes.split()})
_UNITS = {digits: Decimal(1).scaleb(-digits) for digits in range(5)}

_USUAL = {digits: re.compile(rf"\d{{1,9}}\.\d{{{digits}}}" if digits else r"\d{1,9}", re.ASCII) for digits in range(5)}
"""How nearly all amounts are written: with just their currency's decimals, and far below the limit."""
_PLAIN_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_EXACT = Context(prec=28, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_HALF_UP = Context(prec=28, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])


def minor_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for MYR, 0 for VND. ValueError for a code that ISO 4217 does not know."""
    try:
        return _DIGITS[currency]
    except KeyError:
        raise ValueError(f"unknown currency {currency!r}") from None


def to_minor(value: str | int | Decimal, currency: str) -> int:
    """The amount `value` (in whole units: ringgit, dong) as an exact integer of minor units.

    ValueError when it is no finite number, has more decimals than the currency (trailing zeros are fine) or is
    absurdly large. Floats and booleans are refused too: they mean that a payload was parsed inexactly. Strings
    hold plain digits with a point; thousands separators are refused because "1,234" is read differently by
    different shops.
    """
    digits = minor_digits(currency)
    if isinstance(value, str) and _USUAL[digits].fullmatch(value):
        return int(value.replace(".", ""))
    number = _as_decimal(value)
    if not number:
        return 0
    if number.copy_abs() >= LIMIT:
        raise ValueError(f"{value!r:.60} {currency} is out of range")
    try:
        minor = int(number.quantize(_UNITS[digits], context=_EXACT).scaleb(digits, context=_EXACT))
    except ArithmeticError:
        raise ValueError(f"{value!r:.60} is too precise for {currency}, which has {digits} decimals") from None
    if abs(minor) >= LIMIT:
        raise ValueError(f"{value!r:.60} {currency} is out of range")
    return minor


def from_minor(minor: int, currency: str) -> Decimal:
    """The integer amount as a Decimal with exactly the currency's number of decimals, for printing and for wires."""
    return Decimal(minor).scaleb(-minor_digits(currency), context=_EXACT)


def multiply(unit_price: int, quantity: Decimal) -> int:
    """Unit price times quantity in minor units, a half rounded away from zero, as tills do.

    ValueError when the quantity is not finite or so long that the product cannot be exact.
    """
    if not quantity.is_finite():
        raise ValueError(f"{quantity} is not a quantity")
    try:
        return int(_HALF_UP.quantize(_EXACT.multiply(Decimal(unit_price), quantity), _UNITS[0]))
    except ArithmeticError:
        raise ValueError(f"{unit_price} x {quantity!s:.60} cannot be worked out exactly") from None


def _as_decimal(value: str | int | Decimal) -> Decimal:
    """The value as a finite Decimal, or ValueError; `type() is int` because True is an int to isinstance."""
    number: Decimal | None = None
    if isinstance(value, Decimal):
        number = value
    elif type(value) is int or (isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value)):
        with suppress(InvalidOperation):
            number = Decimal(value)
    if number is None or not number.is_finite():
        raise ValueError(f"{value!r:.60} is not a number")
    return number
