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
_VALUE = Markup('value="{}">')
_VALUE_CHOSEN = Markup('value="{}" selected>')
_CHOSEN = Markup('<option value="{}" selected>{}</option>\n')


def init_app(app: Flask) -> None:
    """Give templates `select_drawn`, which the macro `forms.filter_select` calls, and `options_drawn`."""
    app.jinja_env.globals.update(select_drawn=select_drawn, options_drawn=options_drawn)


def select_drawn(name: str, label: str, choices: Iterable[tuple[Any, Any]], current: Any, every: str) -> Markup:
    """The select `name` of (value, words); `current` is the chosen value, `every` the words of none.

    Everything is escaped before it is looked up, so that what is ready for HTML is never taken for what is not.
    """
    options = tuple([(escape(value), escape(words)) for value, words in choices])
    return _drawn(escape(name), escape(label), options, escape(current), escape(every))


def options_drawn(choices: Iterable[Any], chosen: int | None) -> Markup:
    """The options of a select whose choices have an `id` and a `name`, with the chosen one; each row of a page that
    maps theirs to ours offers the same ones."""
    drawn = _options(tuple([(choice.id, escape(choice.name)) for choice in choices]))
    return drawn if chosen is None else drawn.replace(_VALUE.format(chosen), _VALUE_CHOSEN.format(chosen), 1)


@lru_cache(maxsize=128)
def _options(choices: tuple[tuple[int, Markup], ...]) -> Markup:
    return Markup().join(_OPTION.format(*choice) for choice in choices)


@lru_cache(maxsize=1024)
def _drawn(
    name: Markup, label: Markup, choices: tuple[tuple[Markup, Markup], ...], current: Markup, every: Markup
) -> Markup:
    options = ((_CHOSEN if value == current else _OPTION).format(value, words) for value, words in choices)
    return _SELECT.format(name=name, label=label, every=every or label, options=Markup().join(options))
