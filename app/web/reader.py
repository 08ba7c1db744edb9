"""Who reads this answer: their language, found once for each answer, because every word of it asks.

What depends on the language alone is kept here for all answers: sentences, and the patterns of money and times.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

from babel import Locale, dates, numbers
from babel.support import NullTranslations
from flask import g
from flask_babel import Domain, get_locale
from flask_babel import gettext as look_up
from markupsafe import Markup

from app.core.money import from_minor, minor_digits
from app.web.catalogues import catalogue_of

NO_BREAK_SPACE: Final = "\u00a0"
MINUS: Final = "\u2212"
_ENGLISH: Final = Locale("en", "MY")
_SYMBOLS: Final = {"MYR": "RM"}  # what people write where the language's own table has only the code
_MOST_SENTENCES: Final = 8192
_KNOWN: Final = "_reader"


class Reader:
    """A language as its readers know it; `name` is "" where nobody reads.

    `locale` is how numbers and times are written: by the language, English as in Malaysia, with the day first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        chosen = Locale.parse(name) if name else _ENGLISH
        self.locale = _ENGLISH if chosen.language == "en" and not chosen.territory else chosen
        self._formats: dict[str, Markup] = {}
        self._sentences: dict[str, Markup] = {}
        self._moment = str(dates.get_datetime_format("medium", locale=self.locale))
        self.money = lru_cache(maxsize=8192)(self._money)
        self.number = lru_cache(maxsize=8192)(self._number)
        self.day = lru_cache(maxsize=2048)(self._day)
        self.clock = lru_cache(maxsize=1440)(self._clock)
        self._pattern = cache(self._pattern_of)

    def format(self, sentence: str) -> Markup:
        """The sentence in this language, which is the current one, with its %(values)s still to be filled in."""
        found = self._formats.get(sentence)
        if found is None:
            found = Markup(look_up(sentence))  # noqa: S704  # our own words
            _keep(self._formats, sentence, found)
        return found

    def sentence(self, sentence: str) -> Markup:
        """A sentence that has no values, ready to be shown."""
        found = self._sentences.get(sentence)
        if found is None:
            found = self.format(sentence) % {}
            _keep(self._sentences, sentence, found)
        return found

    def moment(self, local: datetime) -> str:
        """Date and time of day of a moment that was brought to the reader's zone."""
        return self._moment.replace("{0}", self.clock(local.hour, local.minute)).replace("{1}", self.day(local.date()))

    def _money(self, minor: int, currency: str) -> str:
        amount, pattern = from_minor(minor, currency), self._pattern(currency)
        text = numbers.format_currency(amount, currency, pattern, locale=self.locale, currency_digits=False)
        return text.replace("-", MINUS).replace(" ", NO_BREAK_SPACE)

    def _number(self, value: int | Decimal) -> str:
        text: str = numbers.format_decimal(value, locale=self.locale)
        return text.replace("-", MINUS).replace(" ", NO_BREAK_SPACE)

    def _day(self, value: date) -> str:
        return dates.format_date(value, "medium", locale=self.locale)

    def _clock(self, hour: int, minute: int) -> str:
        return dates.format_time(time(hour, minute), "short", locale=self.locale)

    def _pattern_of(self, currency: str) -> Any:
        """The language's pattern for money, with the decimals of our books and letters kept off the digits."""
        pattern: str = self.locale.currency_formats["standard"].pattern
        symbol = numbers.get_currency_symbol(currency, locale=self.locale)
        if symbol == currency:
            symbol = _SYMBOLS.get(currency, currency)
        if symbol[-1].isalpha():
            pattern = pattern.replace("¤#", f"¤{NO_BREAK_SPACE}#")
        digits = minor_digits(currency)
        return numbers.parse_pattern(
            pattern.replace("¤", f"'{symbol}'").replace(".00", f".{'0' * digits}" if digits else "")
        )


def reader() -> Reader:
    """Who reads the answer that is being made."""
    try:
        answer = vars(g._get_current_object())
    except RuntimeError:  # a worker words something outside of any answer
        return _of("")
    chosen = getattr(answer.get("_flask_babel"), "babel_locale", None) or get_locale()
    known = answer.get(_KNOWN)
    if known is None or known[0] is not chosen:  # it may be forced for a while, as it is for a mail
        known = answer[_KNOWN] = (chosen, _of(str(chosen or "")))
    found: Reader = known[1]
    return found


class Sentences(Domain):
    """The catalogues that Flask-Babel looks sentences up in, without finding out the language for each of them."""

    def get_translations(self) -> NullTranslations:
        """The catalogue of the reader's language."""
        return catalogue_of(reader().name)


@cache
def _of(name: str) -> Reader:
    return Reader(name)


def _keep(known: dict[str, Markup], sentence: str, words: Markup) -> None:
    """Sentences are those of the program, so there are only so many; should it ever be otherwise, they are let go."""
    if len(known) >= _MOST_SENTENCES:
        known.clear()
    known[sentence] = words
