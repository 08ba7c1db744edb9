"""Searching the help: every word must stand in the article, wherever it is; what stands in a title counts most.

The articles are few, so their words are kept in memory, once in each language, and simply looked through. Accents and
capitals do not matter: "hoa don" finds "Hóa đơn". Chinese has no spaces between words, so parts of words are found too.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from flask import current_app
from jinja2 import Environment
from markupsafe import Markup

from app.help.articles import ARTICLES, Article, draw, places_of
from app.web.reader import Reader, reader

_AROUND: Final = 70
"""How many letters of an article are shown on either side of what was found."""
_TITLE, _HEADING, _TEXT = 100, 20, 1


@dataclass(frozen=True, slots=True)
class _Words:
    """An article as it is looked through: its words, and the same folded letter by letter, so that places agree."""

    article: Article
    text: str
    folded: str
    title: str
    headings: str


@dataclass(frozen=True, slots=True)
class Found:
    """An article that was found. `excerpt` is of (text, whether it was looked for), around the first place."""

    article: Article
    excerpt: tuple[tuple[str, bool], ...]


def find(query: str) -> tuple[Found, ...]:
    """The articles with all words of `query`, the best first."""
    wanted = [fold(word) for word in query.split()]
    rated = []
    for place, words in enumerate(_library(current_app.jinja_env, reader())):
        if wanted and all(word in words.title or word in words.folded for word in wanted):
            rated.append(
                (-sum(_rating(words, word) for word in wanted), place, Found(words.article, _excerpt(words, wanted)))
            )
    return tuple(found for _rate, _place, found in sorted(rated, key=lambda one: one[:2]))


def fold(text: str) -> str:
    """The text without capitals and accents, each letter for one, so that places in it are places in the text."""
    return "".join(_letter(char) for char in text)


@cache
def _letter(char: str) -> str:
    if char in "đĐ":  # which Unicode takes for a letter of its own
        return "d"
    base = unicodedata.normalize("NFKD", char)[0].lower()
    return base if len(base) == 1 else char


def _rating(words: _Words, word: str) -> int:
    return (
        _TITLE * (word in words.title) + _HEADING * (word in words.headings) + _TEXT * min(words.folded.count(word), 10)
    )


def _excerpt(words: _Words, wanted: list[str]) -> tuple[tuple[str, bool], ...]:
    places = [place for word in wanted if (place := words.folded.find(word)) >= 0]
    first = min(places, default=0)
    start = max(0, words.text.rfind(" ", 0, max(0, first - _AROUND)) + 1)
    end = words.text.find(" ", first + _AROUND)
    end = min(len(words.text) if end < 0 else end, first + 2 * _AROUND)
    parts, at = [("… ", False)] if start else [], start
    for match in re.finditer("|".join(map(re.escape, wanted)), words.folded[:end]):
        if match.start() >= at:
            parts += [(words.text[at : match.start()], False), (words.text[match.start() : match.end()], True)]
            at = match.end()
    parts.append((words.text[at:end] + (" …" if end < len(words.text) else ""), False))
    return tuple(part for part in parts if part[0])


@cache
def _library(_templates: Environment, _language: Reader) -> tuple[_Words, ...]:
    """Every article in the language of this answer."""
    return tuple(_words_of(article) for article in ARTICLES.values())


def _words_of(article: Article) -> _Words:
    drawn = draw(article)
    text = " ".join(_plain(drawn).split())
    headings = " ".join(title for _place, title in places_of(drawn))
    return _Words(article, text, fold(text), fold(str(article.title)), fold(_plain(headings)))


def _plain(drawn: str) -> str:
    return Markup(re.sub(r"</(?:p|li|h2|dd|dt|td|th)>", " ", drawn)).striptags()  # noqa: S704  # a template of ours
