"""Parts of the frame, drawn once for all who are shown the same: most of a page's frame is that of the page before.

A part is kept by everything that it shows, so that nobody sees what was drawn for others. It may use nothing else:
what it names besides is refused when it is drawn first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from flask import Flask, current_app
from jinja2 import Environment, meta
from markupsafe import Markup

from app.web.reader import Reader, reader
from app.web.statics import static_url

_SAME_FOR_ALL: Final = frozenset({"_", "icon"})
"""These depend on the language and on the drawings alone, which are part of the key."""


def init_app(app: Flask) -> None:
    """Give templates `kept`."""
    app.jinja_env.globals["kept"] = kept


def kept(name: str, /, **shown: Any) -> Markup:
    """The template `name` with what is shown, which must be hashable and stay as it is."""
    return _drawn(current_app.jinja_env, name, reader(), static_url("icons.svg"), tuple(shown.items()))


@lru_cache(maxsize=512)
def _drawn(
    templates: Environment, name: str, _language: Reader, _drawings: str, shown: tuple[tuple[str, Any], ...]
) -> Markup:
    values = dict(shown)
    if unknown := _used(templates, name) - values.keys():
        raise LookupError(f"{name} would be kept without {', '.join(sorted(unknown))}")
    return Markup(templates.get_template(name).render(values))  # noqa: S704  # a template of ours escapes


@lru_cache(maxsize=64)
def _used(templates: Environment, name: str) -> frozenset[str]:
    """What the template names, but for what is the same for all."""
    source, _path, _is_current = templates.loader.get_source(templates, name)  # type: ignore[union-attr]
    bare = templates.overlay()
    bare.globals = {}  # or else they would pass for known
    return frozenset(meta.find_undeclared_variables(bare.parse(source)) - _SAME_FOR_ALL)
