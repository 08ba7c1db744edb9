"""What a store may choose from: currencies, time zones, languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from babel import Locale
from flask_babel import get_locale

_CODES: Final = (
    "MYR SGD VND IDR THB PHP BND KHR LAK MMK CNY HKD TWD MOP JPY KRW INR BDT LKR PKR AED SAR AUD NZD USD EUR GBP CHF"
)
CURRENCY_CODES: Final = tuple(_CODES.split())
"""Where shops on our channels sell, and what they are paid in: the neighbours first."""

LANGUAGES: Final = (("en", "English"),)
"""Languages that Channelbook speaks, each by its own name."""

_REGIONS: Final = ("Asia", "Australia", "Pacific", "Indian", "Europe", "Africa", "America", "Atlantic")


def currency_choices() -> list[tuple[str, str]]:
    """(code, "code and name in the page's language") of each currency."""
    names = (get_locale() or Locale("en")).currencies
    return [(code, f"{code} – {names.get(code, code)}") for code in CURRENCY_CODES]


@lru_cache(maxsize=1)
def time_zone_choices() -> dict[str, list[tuple[str, str]]]:
    """Region → [(zone, its city)], for a select with groups."""
    zones = sorted(zone for zone in available_timezones() if zone.startswith(tuple(f"{name}/" for name in _REGIONS)))
    groups = {
        region: [(zone, zone.partition("/")[2].replace("_", " ")) for zone in zones if zone.startswith(f"{region}/")]
        for region in _REGIONS
    }
    return groups | {"UTC": [("UTC", "UTC")]}
