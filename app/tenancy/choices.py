"""What a store may choose from: currencies, time zones, languages."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from babel import Locale
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from app.web.filters import zone_place
from app.web.reader import Reader, reader

_CODES: Final = (
    "MYR SGD VND IDR THB PHP BND KHR LAK MMK CNY HKD TWD MOP JPY KRW INR BDT LKR PKR AED SAR AUD NZD USD EUR GBP CHF"
)
CURRENCY_CODES: Final = tuple(_CODES.split())
"""Where shops on our channels sell, and what they are paid in: the neighbours first."""

LANGUAGES: Final = (("en", "English"), ("vi", "Tiếng Việt"), ("ms", "Bahasa Melayu"), ("zh", "简体中文"))
"""Languages that Channelbook speaks, each by its own name."""

AT_HOME: Final = {"vi": ("VND", "Asia/Ho_Chi_Minh")}
ELSEWHERE: Final = ("MYR", "Asia/Kuala_Lumpur")
"""What a store begins with, by the language of whoever opens it: currency and time zone. Both can be changed."""

_REGIONS: Final = {
    "Asia": _l("Asia"),
    "Australia": _l("Australia"),
    "Pacific": _l("Pacific"),
    "Indian": _l("Indian Ocean"),
    "Europe": _l("Europe"),
    "Africa": _l("Africa"),
    "America": _l("America"),
    "Atlantic": _l("Atlantic"),
}
"""What zones are grouped by, in the order of how far away it is."""


def currency_choices() -> list[SelectChoice]:
    """Each currency by its code and its name in the page's language."""
    names = (get_locale() or Locale("en")).currencies
    return [SelectChoice(code, f"{code} – {names.get(code, code)}") for code in CURRENCY_CODES]


def time_zone_choices() -> list[SelectChoice]:
    """Each time zone by its city, grouped by region, as the page's language calls them."""
    return _zones(reader())


@cache
def _zones(_language: Reader) -> list[SelectChoice]:
    zones = sorted(available_timezones())
    return [
        SelectChoice(zone, zone_place(zone), optgroup=str(words))
        for region, words in _REGIONS.items()
        for zone in zones
        if zone.startswith(f"{region}/")
    ] + [SelectChoice("UTC", "UTC", optgroup="UTC")]


def language_choices() -> list[SelectChoice]:
    """Each language by its own name."""
    return [SelectChoice(code, name) for code, name in LANGUAGES]
