"""Icons: one sprite of our own, `static/icons.svg`, shown by reference so that a page carries no drawings."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app, g
from markupsafe import Markup

from app.web.statics import static_url


def init_app(app: Flask) -> None:
    """Give templates `icon`."""
    app.jinja_env.globals["icon"] = icon


def icon(name: str, css: str = "") -> Markup:
    """The drawing `name` of the sprite, hidden from screen readers because words stand beside it.

    LookupError names an icon that was never drawn.
    """
    drawn: dict[tuple[str, str], Markup] = vars(g._get_current_object()).setdefault("_icons", {})
    found = drawn.get((name, css))
    if found is None:
        found = drawn[name, css] = _drawn(name, css, static_url("icons.svg"), str(current_app.static_folder))
    return found


@lru_cache(maxsize=1024)
def _drawn(name: str, css: str, sprite: str, folder: str) -> Markup:
    """Remembered, because a page of fifty rows has a hundred and fifty of the same few."""
    if name not in _names(folder):
        raise LookupError(f"static/icons.svg has no icon {name!r}")
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>').format(css, sprite, name)


@lru_cache(maxsize=4)
def _names(folder: str) -> frozenset[str]:
    return frozenset(re.findall(r'<symbol id="([a-z-]+)"', (Path(folder) / "icons.svg").read_text("utf-8")))
