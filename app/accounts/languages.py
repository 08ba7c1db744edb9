"""Which language an answer or a mail is written in.

A page speaks as its reader chose: signed in the choice belongs to the person, before that to the browser, as a cookie.
Who chose nothing reads the store's language, and outside a store what their browser asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Flask, g, has_request_context, request
from flask_babel import force_locale, get_locale

from app.accounts.sessions import Person
from app.tenancy.choices import LANGUAGES
from app.tenancy.scope import current_store

COOKIE: Final = "language"
CODES: Final = tuple(code for code, _name in LANGUAGES)


def init_app(app: Flask) -> None:
    """Give templates the languages by their own names, and the one of the page."""
    app.jinja_env.globals.update(languages=LANGUAGES, language=current_language)


def choose_locale() -> str:
    """The language of what is being said now; workers, who have neither reader nor store, speak the first one."""
    store = g.get("store")
    offered = (chosen_language(), store.language if store is not None else "", _asked_for())
    return next((code for code in offered if code in CODES), CODES[0])


def chosen_language() -> str:
    """What the reader chose; "" when they did not.

    It asks no database: who a page is for was found when it was opened, and where nobody asked, as on a page that does
    not exist, the browser remembers.
    """
    person = g.get("_login_user")  # where Flask-Login keeps who it has found
    if isinstance(person, Person) and person.language in CODES:
        return person.language or ""
    code = request.cookies.get(COOKIE, "") if has_request_context() else ""
    return code if code in CODES else ""


def current_language() -> str:
    """The language of this answer, as one of our codes."""
    return str(get_locale() or CODES[0])


@contextmanager
def speaking_to(chosen: str | None, otherwise: str) -> Iterator[None]:
    """Write a mail: in the language that its receiver chose, else in another one, which is their store's."""
    with force_locale(chosen if chosen in CODES else otherwise):
        yield


@contextmanager
def for_the_store() -> Iterator[None]:
    """Write what stays and is for everybody in the store's language, whoever caused it: documents, and names."""
    with force_locale(current_store().language):
        yield


def _asked_for() -> str | None:
    return request.accept_languages.best_match(CODES) if has_request_context() else None
