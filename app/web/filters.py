"""Numbers, money and times as the reader's language writes them; days are days of the store's own zone.

Everything here takes plain values and returns text (or one `<time>` element), so that templates hold no
arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers, units
from babel.core import get_global
from flask import Flask, g
from flask_babel import get_locale
from flask_babel import gettext as _
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from app.web.reader import MINUS, NO_BREAK_SPACE, reader

_JUST_NOW_S = 45


def init_app(app: Flask) -> None:
    """Make each function here a filter and a global of the templates."""
    names = (money, signed_money, number, quantity, percent, ago, moment, day, month_name, duration, known_id)
    for function in names:
        app.jinja_env.filters[function.__name__] = function
        app.jinja_env.globals[function.__name__] = function
    app.jinja_env.filters["datetime"] = moment
    app.jinja_env.globals.update(
        zone_name=zone_name,
        zone_place=zone_place,
        country_name=country_name,
        page_language=page_language,
        now=partial(datetime.now, UTC),
    )
    app.jinja_env.globals["ngettext"] = _grouping(cast(Callable[..., str], app.jinja_env.globals["ngettext"]))


def _grouping(ngettext: Callable[..., str]) -> Callable[..., str]:
    """The templates' `ngettext`, whose %(num)s is written as every other number: "8,400 orders"."""

    @pass_context
    def grouped(context: Context, singular: str, plural: str, count: int, **words: object) -> str:
        return ngettext(context, singular, plural, count, **{"num": number(count), **words})

    return grouped


def money(minor: int, currency: str) -> str:
    """`minor` units with their currency, never broken over two lines: 3990, MYR -> "RM 39.90"."""
    return reader().money(minor, currency)


def signed_money(minor: int, currency: str) -> str:
    """A difference: as `money`, with + or − before it; zero has neither."""
    sign = "+" if minor > 0 else MINUS if minor < 0 else ""
    return sign + money(abs(minor), currency)


def number(value: int | Decimal) -> str:
    """A count, grouped as the language groups: 12480 -> "12,480"."""
    return reader().number(value)


def quantity(value: int | Decimal) -> str:
    """How many of an item: up to four decimals, none when they are zero."""
    return _unbroken(numbers.format_decimal(value, format="#,##0.####", locale=locale()).replace("-", MINUS))


def percent(part: int | Decimal, whole: int | Decimal) -> str:
    """`part` of `whole` in full percent; 0 of 0 is 0 %, and only all of it is 100 %."""
    share = Decimal(part) / Decimal(whole) if whole else Decimal(0)
    if Decimal("0.99") < share < 1:
        share = Decimal("0.99")  # "100 %" means that nothing is missing
    return _unbroken(numbers.format_percent(share, format="#,##0%", locale=locale()))


def day(value: datetime | date) -> str:
    """A date; a moment is first taken to the store's time zone, which decides the day."""
    local = _local(value).date() if isinstance(value, datetime) else value
    return reader().day(local)


def month_name(value: date) -> str:
    """A month: "November 2026"."""
    return dates.format_skeleton("yMMMM", value, locale=locale())


def moment(value: datetime) -> str:
    """Date and time of day in the store's zone, to the minute."""
    return reader().moment(_local(value))


def ago(value: datetime, now: datetime | None = None) -> Markup:
    """A `<time>` element that says how long ago (or how soon), with the exact time as its title and in print."""
    seconds = (value - (now or datetime.now(UTC))).total_seconds()
    words = _("just now") if abs(seconds) < _JUST_NOW_S else _relative(seconds)
    return Markup('<time datetime="{}" title="{} {}">{}</time>').format(
        value.astimezone(UTC).isoformat(timespec="seconds"), moment(value), zone_name(value), words
    )


def duration(seconds: float) -> str:
    """A length of time in its two largest units: 200 -> "3 mins 20 secs"; below a second it is "under a second"."""
    if seconds < 1:
        return _unbroken(_("under a second"))
    rest = int(seconds)
    parts: list[str] = []
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(units.format_unit(count, f"duration-{unit}", "short", locale=locale()))
        elif parts:
            break
    return _unbroken(" ".join(parts[:2]))


def known_id(remote_id: str) -> str:
    """A channel's id of an order by which its people know it; "" for one that is an address there, as orders/17."""
    return "" if "/" in remote_id else remote_id


def zone() -> ZoneInfo:
    """The zone of the store of this page, else UTC."""
    store = g.get("store") if g else None
    return ZoneInfo(store.time_zone) if store is not None else ZoneInfo("UTC")


def zone_name(value: datetime | None = None) -> str:
    """The offset of the store's zone at `value` (now, if not given), such as GMT+8 or GMT+5:30."""
    offset = _local(value or datetime.now(UTC)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    sign = MINUS if offset < timedelta() else "+"
    return "GMT" + (f"{sign}{hours}" if offset else "") + (f":{minutes:02}" if minutes else "")


def zone_place(zone: str) -> str:
    """The city that a time zone is named after, in the page's language: Asia/Kuala_Lumpur -> "Kuala Lumpur"."""
    known = locale().time_zones.get(get_global("zone_aliases").get(zone, zone)) or {}
    return str(known.get("city") or zone.partition("/")[2].replace("_", " ") or zone)


def country_name(words: str) -> str:
    """A country as the page's language calls it, where a channel told its code: VN -> "Việt Nam"; else its words."""
    return str(locale().territories.get(words.strip().upper(), words)) if len(words.strip()) == 2 else words


def locale() -> Locale:
    """How this answer writes numbers and times: by its language; English as in Malaysia, with the day first."""
    return reader().locale


def page_language() -> str:
    """The language of this answer as HTML names it: en, or zh-Hans, because Chinese is drawn in two ways."""
    name = str(get_locale() or "en").replace("_", "-")
    return "zh-Hans" if name == "zh" else name


def _local(value: datetime) -> datetime:
    return value.astimezone(zone())


def _relative(seconds: float) -> str:
    return dates.format_timedelta(round(seconds), threshold=0.95, add_direction=True, locale=locale())


def _unbroken(text: str) -> str:
    return text.replace(" ", NO_BREAK_SPACE)
