"""The templates' `_`, because a page of fifty rows asks for hundreds of sentences."""

from __future__ import annotations

from flask import Flask
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext

from app.extensions import babel
from app.web.reader import Sentences, reader


def init_app(app: Flask) -> None:
    """Replace the `_` that Flask-Babel gave the templates, and where it looks up what Python says."""
    app.jinja_env.globals["_"] = translated
    babel.domain_instance = Sentences()  # type: ignore[no-untyped-call]


@pass_eval_context
def translated(template: EvalContext, sentence: str, **values: object) -> str:
    """The sentence in the reader's language with its %(values)s filled in, escaped where the template escapes.

    As in Jinja's own, a sentence is always a format, so that a percent sign is written twice.
    """
    if not values:
        words = reader().sentence(sentence)
        return words if template.autoescape else str(words)
    form = reader().format(sentence)
    return (form if template.autoescape else str(form)) % values
