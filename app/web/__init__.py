"""The web room: what every page has in common. Domains use it; it knows none of them."""

from __future__ import annotations

from flask import Flask

from app.web import (
    badges,
    beside,
    compressed,
    errors,
    filters,
    icons,
    ids,
    imports,
    kept,
    links,
    nav,
    security,
    selects,
    statics,
    theme,
    turns,
    words,
)


def init_app(app: Flask) -> None:
    """Bind the web room to `app`: guard and headers first, so that nothing answers without them."""
    for part in (
        beside,
        ids,
        security,
        statics,
        compressed,
        errors,
        filters,
        icons,
        imports,
        links,
        badges,
        nav,
        kept,
        selects,
        theme,
        words,
        turns,
    ):
        part.init_app(app)
