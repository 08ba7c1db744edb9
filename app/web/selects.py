"""A select among filters, drawn once for all who are offered the same: a list has half a dozen of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

_SELECT = Markup(
    '<label class="filter"><span class="visually-hidden">{label}</span>\n'
    '<select class="form-select" name="{name}" data-auto-submit aria-label="{label}">\n'
    '<option value="">{every}</option>\n{options}</select>\n</label>'
)
_OPTION = Markup('<option value="{}">{}</option>\n')
_CHOSEN = Markup('<option value="{}" selected>{}</option>\n')


def init_app(app: Flask) -> None:
    """Give templates `select_drawn`, which the macro `forms.filter_select` calls."""
    app.jinja_env.globals["select_drawn"] = select_drawn


def select_drawn(name: str, label: str, choices: Iterable[tuple[Any, Any]], current: Any, every: str) -> Markup:
    """The select `name` of (value, words); `current` is the chosen value, `every` the words of none.

    Everything is escaped before it is looked up, so that what is ready for HTML is never taken for what is not.
    """
    options = tuple([(escape(value), escape(words)) for value, words in choices])
    return _drawn(escape(name), escape(label), options, escape(current), escape(every))


@lru_cache(maxsize=1024)
def _drawn(
    name: Markup, label: Markup, choices: tuple[tuple[Markup, Markup], ...], current: Markup, every: Markup
) -> Markup:
    options = ((_CHOSEN if value == current else _OPTION).format(value, words) for value, words in choices)
    return _SELECT.format(name=name, label=label, every=every or label, options=Markup().join(options))
