"""What a store may choose from: currencies, time zones, languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from babel import Locale
from flask_babel import get_locale
from wtforms.fields.choices import SelectChoice

_CODES: Final = (
    "MYR SGD VND IDR THB PHP BND KHR LAK MMK CNY HKD TWD MOP JPY KRW INR BDT LKR PKR AED SAR AUD NZD USD EUR GBP CHF"
)
CURRENCY_CODES: Final = tuple(_CODES.split())
"""Where shops on our channels sell, and what they are paid in: the neighbours first."""

LANGUAGES: Final = (("en", "English"), ("vi", "Tiếng Việt"), ("ms", "Bahasa Melayu"), ("zh", "简体中文"))
"""Languages that Channelbook speaks, each by its own name."""

_REGIONS: Final = ("Asia", "Australia", "Pacific", "Indian", "Europe", "Africa", "America", "Atlantic")


def currency_choices() -> list[SelectChoice]:
    """Each currency by its code and its name in the page's language."""
    names = (get_locale() or Locale("en")).currencies
    return [SelectChoice(code, f"{code} – {names.get(code, code)}") for code in CURRENCY_CODES]


@lru_cache(maxsize=1)
def time_zone_choices() -> list[SelectChoice]:
    """Each time zone by its city, grouped by region."""
    zones = sorted(available_timezones())
    return [
        SelectChoice(zone, zone.partition("/")[2].replace("_", " "), optgroup=region)
        for region in _REGIONS
        for zone in zones
        if zone.startswith(f"{region}/")
    ] + [SelectChoice("UTC", "UTC", optgroup="UTC")]


def language_choices() -> list[SelectChoice]:
    """Each language by its own name."""
    return [SelectChoice(code, name) for code, name in LANGUAGES]
