"""The templates' `_`: looks each sentence up once for each language, because a page of fifty rows asks for hundreds."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale
from flask import Flask, g
from flask_babel import get_locale
from flask_babel import gettext as look_up
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup


def init_app(app: Flask) -> None:
    """Replace the `_` that Flask-Babel gave the templates."""
    app.jinja_env.globals["_"] = translated


@pass_eval_context
def translated(template: EvalContext, sentence: str, **values: object) -> str:
    """The sentence in the reader's language with its %(values)s filled in, escaped where the template escapes.

    As in Jinja's own, a sentence is always a format, so that a percent sign is written twice.
    """
    words = _words(_language(), sentence)
    return (words if template.autoescape else str(words)) % values


def _language() -> Locale | None:
    """What `get_locale` says, read from where Flask-Babel keeps it once it was asked: that is all this is about."""
    kept = getattr(g._get_current_object(), "_flask_babel", None) if g else None
    return getattr(kept, "babel_locale", None) or get_locale()


@lru_cache(maxsize=8192)
def _words(_language: Locale | None, sentence: str) -> Markup:
    """Sentences are those of the templates, so there are only so many."""
    return Markup(look_up(sentence))  # noqa: S704  # our own words
